/** One connection to one address: TCP, TLS with both certificates, HTTP/2 or bulk framing, HELLO. */

import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Contact, HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { type Address, formatAddress, withoutMapping } from './addresses.ts';
import { isMemberName } from './admission.ts';
import type { LinkBandwidth } from './bandwidth.ts';
import { BulkConnection, bulkProtocol } from './bulk-connection.ts';
import { ByteRoom } from './byte-room.ts';
import { hostOfSocket, type TlsCredentials, tlsCredentials } from './certificate.ts';
import {
  connectMilliseconds,
  controlSizes,
  handshakeMilliseconds,
  incomingSilenceMilliseconds,
  maxOutstandingPings,
  maxSessionMemoryMebibytes,
  relaySizes,
  smallBodyRoom,
} from './connection-limits.ts';
import { decodeGenesis, networkId } from './genesis.ts';
import { decodeHelloAnswer, encodeHelloAsk, type HelloAnswer, type Papers } from './hello.ts';
import type { Identity } from './identity.ts';
import type { Members } from './members.ts';
import { relayProtocol } from './relay-messages.ts';
import type { SessionTickets } from './session-tickets.ts';
import { askSmall, ConnectionLost } from './small-exchange.ts';
import { TransportError } from './transport.ts';
import { decodeBody, encodeBody } from './wire-body.ts';

export const controlProtocol = 'h2';

export interface Caller {
  readonly host: HostId;
  readonly credentials: TlsCredentials;
  readonly network: string | null;
  /** The current proof of this host's membership. */
  papers(): Papers;
  /** Called with the unverified links that a peer sends to prove that this host was removed. */
  refused?(proof: readonly Uint8Array[]): void;
  /** Our own addresses, as far as the host at this address can use them. */
  contactFor(remoteAddress: string, localAddress: string): Contact;
  /** Local address for dialling; the system's choice unless given (tests). */
  readonly dialFrom?: string;
}

export interface BulkCaller extends Caller {
  /** Limits on bulk bytes from and to a host at an address, to which this one opened the connection. */
  bandwidthTo(address: string, host: HostId): LinkBandwidth;
}

export interface Connection {
  readonly socket: TLSSocket;
  /** Identity proved by TLS, with the addresses it gave. */
  readonly contact: Contact;
  readonly hello: HelloAnswer;
  /** Through a relay, by its call or its tunnel: the bytes of the socket are counted elsewhere. */
  readonly isThrough: boolean;
  /** At once, with everything in progress. */
  end(): void;
}

/** For small questions. */
export interface ControlConnection extends Connection {
  readonly session: ClientHttp2Session;
}

/** For streams. */
export interface DialledBulk extends Connection {
  readonly bulk: BulkConnection;
}

/** What is dialled. */
export interface Target {
  readonly address: Address;
  /** null accepts anyone. */
  readonly expected: HostId | null;
  readonly connectWithin: number;
  /** With a ticket of the expected host the handshake is shorter. */
  readonly tickets: SessionTickets | null;
  /** No longer wanted. */
  readonly signal?: AbortSignal;
  /** In place of a TCP connection to the address, which is that of a relay. */
  readonly open?: () => Promise<TLSSocket>;
}

/**
 * A useless ticket is dropped. Rejects with a TransportError: `unreachable` when there was no connection, `timeout` when it stalled,
 * `refused` when the other side is another host or refuses.
 */
export async function dial(caller: Caller, target: Target, protocol = controlProtocol): Promise<ControlConnection> {
  return withTicket(target, async (ticket) => {
    const socket = await (target.open?.() ?? openSocket(caller, target, protocol, ticket));
    const { settings, windowBytes } = protocol === relayProtocol ? relaySizes : controlSizes;
    const session = connectHttp2('https://chordial', {
      createConnection: () => socket,
      settings,
      maxSessionMemory: maxSessionMemoryMebibytes,
      maxOutstandingPings: maxOutstandingPings,
    });
    session.on('error', () => undefined);
    session.once('connect', () => session.destroyed || session.setLocalWindowSize(windowBytes));
    const end = (): void => session.destroy();
    const shown = await greet(caller, target, {
      socket,
      ticket,
      end,
      ask: (body) => askSmall(session, '/hello', body),
    });
    return { ...shown, session };
  });
}

/** Like `dial`. `spoke` is called when bytes arrive. */
export async function dialBulk(
  caller: BulkCaller,
  target: Target & { readonly expected: HostId },
  spoke: () => void,
): Promise<DialledBulk> {
  return withTicket(target, async (ticket) => {
    const socket = await (target.open?.() ?? openSocket(caller, target, bulkProtocol, ticket));
    const bulk = new BulkConnection(socket, {
      // Only for our requests.
      room: new ByteRoom(smallBodyRoom).share(),
      answerer: null,
      spoke,
      ended: () => undefined,
      silence: incomingSilenceMilliseconds,
      bandwidth: caller.bandwidthTo(socket.remoteAddress ?? '', target.expected),
    });
    const end = (): void => bulk.destroy();
    const shown = await greet(caller, target, { socket, ticket, end, ask: (body) => bulk.greet(body) });
    return { ...shown, bulk };
  });
}

async function withTicket<Dialled>(
  { expected, tickets }: Target,
  run: (ticket: Buffer | null) => Promise<Dialled>,
): Promise<Dialled> {
  const ticket = (expected === null ? null : tickets?.of(expected)) ?? null;
  try {
    return await run(ticket);
  } catch (error) {
    if (expected !== null && ticket !== null) tickets?.forget(expected);
    throw error;
  }
}

/** The host at an address, by TLS alone; null without a peer's certificate. Rejects like `dial`. */
export async function hostAt(
  address: Address,
  identity: Identity,
  connectWithin = connectMilliseconds,
): Promise<HostId | null> {
  const target = { address, connectWithin };
  const socket = await openSocket({ credentials: tlsCredentials(identity) }, target, controlProtocol, null);
  try {
    return hostOfSocket(socket);
  } finally {
    socket.destroy();
  }
}

interface Introduction {
  readonly socket: TLSSocket;
  readonly ticket: Buffer | null;
  /** Sends HELLO. */
  ask(body: Uint8Array): Promise<Uint8Array>;
  end(): void;
}

/** The other end's identity, then HELLO. Closes the connection when it rejects. */
async function greet(
  caller: Caller,
  { address, expected, tickets, open }: Target,
  { socket, ticket, ask, end }: Introduction,
): Promise<Connection> {
  let reason = 'the connection closed';
  socket.on('error', (error) => {
    reason = error.message;
  });
  const timer = setTimeout(end, handshakeMilliseconds);
  try {
    const host = ticket !== null && socket.isSessionReused() ? expected : hostOfSocket(socket);
    if (host === null) throw notChordial(address, 'it shows no certificate of a peer');
    if (expected !== null && host !== expected) {
      // The intended host is not there: accepting this answer as its own would keep it alive for ever.
      throw new TransportError(
        'unreachable',
        `At ${formatAddress(address)} answers ${host}, not ${expected}.`,
        'wrong-peer',
      );
    }
    tickets?.collect(socket, host);
    const hello = decodeHelloAnswer(decodeBody(await ask(helloOf(caller, socket))));
    if (hello.contact.host !== host) {
      throw new TransportError('refused', `${host} claims to be ${hello.contact.host}.`, 'wrong-peer');
    }
    return { socket, contact: hello.contact, hello, isThrough: open !== undefined, end };
  } catch (error) {
    end();
    if (error instanceof TransportError) {
      if (error.proof.length > 0) caller.refused?.(error.proof);
      throw error;
    }
    if (error instanceof ConnectionLost) {
      throw new TransportError('timeout', `${formatAddress(address)} did not answer HELLO: ${reason}.`);
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function helloOf(caller: Caller, socket: TLSSocket): Uint8Array {
  const { network } = caller;
  const contact = caller.contactFor(
    withoutMapping(socket.remoteAddress ?? ''),
    withoutMapping(socket.localAddress ?? ''),
  );
  return encodeBody(encodeHelloAsk({ network, contact, ...caller.papers() }));
}

/** A TCP connection with TLS; through a tunnel with `over`. Rejects like `dial`. */
export function openSocket(
  caller: Pick<Caller, 'credentials' | 'dialFrom'>,
  target: Pick<Target, 'address' | 'connectWithin' | 'signal'> & { readonly over?: Duplex },
  protocol: string,
  ticket: Buffer | null,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const { address, connectWithin, signal, over } = target;
    const where = formatAddress(address);
    if (signal?.aborted) return reject(notWanted(where));
    const socket = connectTls({
      ...(over === undefined ? { host: address.host, port: address.port } : { socket: over as Socket }),
      ...(caller.dialFrom === undefined ? {} : { localAddress: caller.dialFrom }),
      secureContext: caller.credentials.secureContext,
      rejectUnauthorized: false,
      ALPNProtocols: [protocol],
      ...(ticket === null ? {} : { session: ticket }),
    });
    if (over === undefined) socket.setNoDelay(true);
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    };
    const fail = (error: TransportError) => {
      settle();
      socket.destroy();
      reject(error);
    };
    const stop = (): void => fail(notWanted(where));
    signal?.addEventListener('abort', stop);
    let connected = over !== undefined;
    const silent = () => fail(new TransportError('timeout', `${where} did not take the connection in time.`));
    let timer = setTimeout(silent, connected ? handshakeMilliseconds : connectWithin);
    socket.once('connect', () => {
      connected = true;
      clearTimeout(timer);
      timer = setTimeout(silent, handshakeMilliseconds);
    });
    socket.once('error', (error) => {
      fail(
        connected
          ? notChordial(address, handshakeFault(error))
          : new TransportError('unreachable', `${where} cannot be reached: ${error.message}.`),
      );
    });
    socket.once('close', () => fail(notChordial(address, 'it closed the connection')));
    socket.once('secureConnect', () => {
      settle();
      socket.removeAllListeners('close');
      if (socket.alpnProtocol !== protocol) return fail(notChordial(address, `it does not speak ${protocol}`));
      resolve(socket);
    });
  });
}

function notWanted(where: string): TransportError {
  return new TransportError('aborted', `${where} is no longer dialled.`);
}

/** OpenSSL's messages for bytes that are not TLS name its source files. */
function handshakeFault(error: Error): string {
  const speaksTls = !('code' in error) || error.code !== 'ERR_SSL_WRONG_VERSION_NUMBER';
  return speaksTls ? error.message : 'what it answers is not TLS';
}

function notChordial(address: Address, reason: string): TransportError {
  return new TransportError('refused', `${formatAddress(address)} is no Chordial peer: ${reason}.`);
}

/**
 * Throws a TransportError `refused`: `bad-request` for an invalid genesis, `other-network`, or an admission code when
 * membership is not proved.
 */
export function checkAnswer({ hello, contact }: Connection, members: Members): void {
  const network = networkOf(hello.genesis, contact.host);
  if (network !== members.network) {
    const message = `${contact.host} belongs to network ${network}, this peer to ${members.network}.`;
    throw new TransportError('refused', message, 'other-network');
  }
  members.check(contact.host, hello.shown);
  if (hello.name !== null && isMemberName(hello.name)) members.call(contact.host, hello.name);
}

function networkOf(genesis: Uint8Array, host: HostId): string {
  try {
    return networkId(decodeGenesis(genesis));
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
    throw new TransportError('refused', `${host} names no network: ${error.message}`, 'bad-request');
  }
}
