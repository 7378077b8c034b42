/** What a hidden host does when a relay calls it: it dials the one who asks, or opens its end of a tunnel, and answers there. */
import { constants } from 'node:http2';
import { BlockList, isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Address, isLoopback, isPublic, parseAddress } from './addresses.ts';
import { hostOfSocket } from './certificate.ts';
import { connectMilliseconds } from './connection-limits.ts';
import { type Caller, openSocket } from './dial.ts';
import type { RelayLink } from './hidden.ts';
import type { PeerServer } from './peer-server.ts';
import { type Back, backProtocol, type Call, tokenText } from './relay-messages.ts';
import { connectThrough } from './through-relay.ts';
import { TransportError } from './transport.ts';

export interface CallPorts {
  readonly caller: Pick<Caller, 'credentials' | 'dialFrom'>;
  readonly server: PeerServer;
  /** A socket that this host dialled. */
  opened(socket: TLSSocket): void;
  /** This host ends. */
  readonly signal: AbortSignal;
}

/** False for a call that led to no one who asked: that one tries other ways. */
export async function answerCall({ token, back }: Call, link: RelayLink, ports: CallPorts): Promise<boolean> {
  const { relay, pooled } = link;
  try {
    if (back === null) {
      const tunnel = await connectThrough(pooled, tokenText(token), ports.signal);
      if (pooled.isClosed()) tunnel.close(constants.NGHTTP2_CANCEL);
      else ports.server.acceptThrough(tunnel, relay);
      return true;
    }
    const address = addressOf(back, link);
    if (address === null) return false;
    const socket = await openSocket(
      ports.caller,
      { address, connectWithin: connectMilliseconds, signal: ports.signal },
      backProtocol(token),
      null,
    );
    ports.opened(socket);
    const host = hostOfSocket(socket);
    if (host === back.from) ports.server.acceptDialled({ socket, host }, relay, back.purpose);
    else socket.destroy();
    return host === back.from;
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return false;
  }
}

/** Dialled, it leads to this machine. */
const unspecified = new BlockList();
unspecified.addSubnet('0.0.0.0', 8, 'ipv4');
unspecified.addAddress('::', 'ipv6');

/**
 * A relay is not let into this machine or its networks: what is not public is dialled only where the relay is not either, and
 * loopback only where it is there too.
 */
export function addressOf({ at }: Pick<Back, 'at'>, { dialled }: Pick<RelayLink, 'dialled'>): Address | null {
  const relay = parseAddress(dialled);
  if (at === null) return relay;
  const address = parseAddress(at);
  if (unspecified.check(address.host, isIPv6(address.host) ? 'ipv6' : 'ipv4')) return null;
  if (isLoopback(address.host) && !isLoopback(relay.host)) return null;
  return isPublic(address.host) || !isPublic(relay.host) ? address : null;
}
