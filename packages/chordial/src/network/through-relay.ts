/**
 * Reaching a hidden host: a relay tells it to dial this host, or, where it cannot or this host is hidden too, carries a tunnel
 * to it. Inside is the ordinary mutual TLS in both cases, so a relay can read and change nothing.
 */
import { type ClientHttp2Stream, constants } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Contact, HostId } from '@chordial/ring';
import { inTurn, staggered } from '../flow/staggered.ts';
import { encodeAs } from '../wire/schema.ts';
import { type Address, formatAddress } from './addresses.ts';
import type { BackConnections } from './back-connections.ts';
import { bulkProtocol } from './bulk-connection.ts';
import { handshakeMilliseconds } from './connection-limits.ts';
import type { PooledRelay, Through } from './connection-pool.ts';
import { controlProtocol } from './dial.ts';
import { backAsk, backPath } from './relay-messages.ts';
import type { Relays } from './relays.ts';
import { askSmall, ConnectionLost } from './small-exchange.ts';
import { systemClock } from './system-clock.ts';
import { TransportError } from './transport.ts';
import { encodeBody } from './wire-body.ts';

/** A tunnel is begun when no reverse connection has come after this. */
const backMilliseconds = 1000;

export interface ThroughPorts {
  readonly self: HostId;
  readonly backs: BackConnections;
  /** This host as a relay. */
  readonly relays: Relays;
  /** Where others dial this host; null when they cannot. */
  backPort(): number | null;
  connect(relay: Contact): Promise<PooledRelay>;
  /** TLS as a client, over a tunnel. */
  secure(tunnel: Duplex, how: Securing): Promise<TLSSocket>;
}

export interface Securing {
  readonly protocol: string;
  /** Of the relay. */
  readonly address: Address;
  readonly signal: AbortSignal;
}

/** A socket whose other end is proved by TLS, but not yet to be `to`. Rejects with a TransportError, never with `refused`. */
export async function openThrough(ports: ThroughPorts, through: Through, signal: AbortSignal): Promise<TLSSocket> {
  const { relay, at, to, purpose } = through;
  try {
    if (relay === ports.self) {
      const { token, socket } = ports.backs.expect(to, endingSoon(signal));
      ports.relays.backToSelf(ports.self, to, purpose, token);
      return await socket;
    }
    const pooled = await ports.connect({ host: relay, addresses: [formatAddress(at)] });
    const tunnel = (ending: AbortSignal) => openTunnel(ports, pooled, through, ending);
    const port = ports.backPort();
    if (port === null) return await tunnel(signal);
    const back = (ending: AbortSignal) => askBack(ports, pooled, { through, port }, ending);
    return await staggered(inTurn([back, tunnel]), {
      clock: systemClock,
      delay: backMilliseconds,
      discard: (late) => late.destroy(),
      signal,
    });
  } catch (error) {
    if (error instanceof ConnectionLost) throw new TransportError('timeout', `${relay} was lost as a relay.`);
    // What a relay refuses says nothing of the host behind it.
    if (error instanceof TransportError && error.failure === 'refused')
      throw new TransportError('unreachable', `${to} is not reached through ${relay}: ${error.message}`);
    throw error;
  }
}

async function askBack(
  { backs }: ThroughPorts,
  { connection }: PooledRelay,
  { through: { to, purpose }, port }: { readonly through: Through; readonly port: number },
  signal: AbortSignal,
): Promise<TLSSocket> {
  const ending = endingSoon(signal);
  const { token, socket } = backs.expect(to, ending);
  const ask = encodeBody(encodeAs(backAsk, { to, port, purpose, token }));
  try {
    await askSmall(connection.session, backPath, ask, ending);
    return await socket;
  } catch (error) {
    // It may have come although the relay did not say so.
    socket.then((late) => late.destroy()).catch(() => undefined);
    throw error;
  }
}

/** A relay may leave a question unanswered, and a hidden host a call. */
function endingSoon(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(handshakeMilliseconds)]);
}

async function openTunnel(
  { secure }: ThroughPorts,
  pooled: PooledRelay,
  { at: address, to, purpose }: Through,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const tunnel = await connectThrough(pooled, to, signal);
  try {
    const protocol = purpose === 'bulk' ? bulkProtocol : controlProtocol;
    const socket = await secure(tunnel, { protocol, address, signal });
    socket.once('close', () => tunnel.close(constants.NGHTTP2_CANCEL));
    return socket;
  } catch (error) {
    tunnel.close(constants.NGHTTP2_CANCEL);
    throw error;
  }
}

/** A tunnel to the host, or its other end to a token. Rejects with a TransportError. */
export function connectThrough(
  pooled: PooledRelay,
  authority: string,
  signal: AbortSignal,
): Promise<ClientHttp2Stream> {
  return new Promise((resolve, reject) => {
    const { session } = pooled.connection;
    if (session.closed || session.destroyed || signal.aborted)
      return reject(new TransportError('timeout', 'The connection to the relay is closing.'));
    const stream = session.request({ ':method': 'CONNECT', ':authority': authority }, { endStream: false });
    pooled.inUse += 1;
    const fail = (error: TransportError): void => {
      stream.close(constants.NGHTTP2_CANCEL);
      reject(error);
    };
    const late = (): void => fail(new TransportError('timeout', 'The tunnel did not open in time.'));
    const timer = setTimeout(late, handshakeMilliseconds);
    signal.addEventListener('abort', late, { once: true });
    stream.on('error', () => undefined);
    stream.once('close', () => {
      pooled.inUse -= 1;
      pooled.lastUsed = performance.now();
      clearTimeout(timer);
      signal.removeEventListener('abort', late);
      reject(new TransportError('timeout', 'The relay closed the tunnel.'));
    });
    stream.once('response', (headers) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', late);
      if (headers[':status'] === constants.HTTP_STATUS_OK) resolve(stream);
      else fail(new TransportError('unreachable', 'The relay does not lead there.'));
    });
  });
}
