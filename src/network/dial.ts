/** One connection to one address: TCP, TLS with both certificates, HTTP/2, HELLO. */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Contact, HostId } from '../ring/pointer.ts';
import { type Address, formatAddress, withoutMapping } from './addresses.ts';
import { type TlsCredentials, tlsCredentials } from './certificate.ts';
import { decodeHelloAnswer, encodeHelloAsk, type HelloAnswer, type Papers } from './hello.ts';
import {
  connectionWindowBytes,
  connectMilliseconds,
  handshakeMilliseconds,
  maximumOutstandingPings,
  maximumSessionMemoryMebibytes,
  settings,
} from './http2-limits.ts';
import type { Identity } from './identity.ts';
import { hostOfSocket } from './peer-certificate.ts';
import type { SessionTickets } from './session-tickets.ts';
import { askSmall, ConnectionLost } from './small-exchange.ts';
import { TransportError } from './transport.ts';
import { decodeBody, encodeBody } from './wire-body.ts';

export interface Caller {
  readonly host: HostId;
  readonly credentials: TlsCredentials;
  readonly network: string | null;
  /** What proves that this host is a member, now. */
  papers(): Papers;
  readonly zone: string | null;
  /** Our own addresses, as far as the one at this address may use them. */
  contactFor(remoteAddress: string, localAddress: string): Contact;
  /** From which local address to dial; the system's choice unless given (tests). */
  readonly dialFrom?: string;
}

export interface Connection {
  readonly session: ClientHttp2Session;
  readonly socket: TLSSocket;
  /** Who TLS proved it to be, with the addresses it named. */
  readonly contact: Contact;
  readonly hello: HelloAnswer;
}

/**
 * `expected` null accepts anyone. With a ticket of the one expected the handshake is shorter; with one that was of no use
 * the next is whole again. Rejects with a TransportError: `unreachable` when no connection came about,
 * `timeout` when it stood still, `refused` when the other side is not the one meant or will not have us.
 */
export async function dial(
  caller: Caller,
  address: Address,
  expected: HostId | null,
  connectWithin: number,
  tickets: SessionTickets | null = null,
): Promise<Connection> {
  const ticket = (expected === null ? null : tickets?.of(expected)) ?? null;
  try {
    return await dialWith(caller, address, expected, connectWithin, { tickets, ticket });
  } catch (error) {
    if (expected !== null && ticket !== null) tickets?.forget(expected);
    throw error;
  }
}

/** Who answers at an address, by TLS alone; null when it shows no certificate of a peer. Rejects as `dial` does. */
export async function hostAt(address: Address, identity: Identity): Promise<HostId | null> {
  const socket = await openSocket({ credentials: tlsCredentials(identity) }, address, connectMilliseconds, null);
  try {
    return hostOfSocket(socket);
  } finally {
    socket.destroy();
  }
}

interface Resumption {
  readonly tickets: SessionTickets | null;
  /** One that the expected host gave us. */
  readonly ticket: Buffer | null;
}

async function dialWith(
  caller: Caller,
  address: Address,
  expected: HostId | null,
  connectWithin: number,
  { tickets, ticket }: Resumption,
): Promise<Connection> {
  const socket = await openSocket(caller, address, connectWithin, ticket);
  const session = connectHttp2('https://chordial', {
    createConnection: () => socket,
    settings,
    maxSessionMemory: maximumSessionMemoryMebibytes,
    maxOutstandingPings: maximumOutstandingPings,
  });
  let reason = 'the connection closed';
  session.on('error', (error) => {
    reason = error.message;
  });
  const timer = setTimeout(() => session.destroy(), handshakeMilliseconds);
  try {
    const host = ticket !== null && socket.isSessionReused() ? expected : hostOfSocket(socket);
    if (host === null) throw notChordial(address, 'it shows no certificate of a peer');
    if (expected !== null && host !== expected) {
      // The one meant is not there: taken for its answer, that of another would keep it among the living for ever.
      throw new TransportError(
        'unreachable',
        `At ${formatAddress(address)} answers ${host}, not ${expected}.`,
        'wrong-peer',
      );
    }
    tickets?.collect(socket, host);
    session.once('connect', () => session.setLocalWindowSize(connectionWindowBytes));
    const hello = await greet(caller, session, socket);
    if (hello.contact.host !== host) {
      throw new TransportError('refused', `${host} claims to be ${hello.contact.host}.`, 'wrong-peer');
    }
    return { session, socket, contact: hello.contact, hello };
  } catch (error) {
    session.destroy();
    if (error instanceof TransportError) throw error;
    if (error instanceof ConnectionLost) {
      throw new TransportError('timeout', `${formatAddress(address)} did not answer HELLO: ${reason}.`);
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function greet(caller: Caller, session: ClientHttp2Session, socket: TLSSocket): Promise<HelloAnswer> {
  const { network, zone } = caller;
  const contact = caller.contactFor(
    withoutMapping(socket.remoteAddress ?? ''),
    withoutMapping(socket.localAddress ?? ''),
  );
  const body = encodeBody(encodeHelloAsk({ network, contact, zone, ...caller.papers() }));
  return decodeHelloAnswer(decodeBody(await askSmall(session, '/hello', body)));
}

function openSocket(
  caller: Pick<Caller, 'credentials' | 'dialFrom'>,
  address: Address,
  connectWithin: number,
  ticket: Buffer | null,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: address.host,
      port: address.port,
      ...(caller.dialFrom === undefined ? {} : { localAddress: caller.dialFrom }),
      secureContext: caller.credentials.secureContext,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
      ...(ticket === null ? {} : { session: ticket }),
    });
    socket.setNoDelay(true);
    const where = formatAddress(address);
    const fail = (error: TransportError) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    let connected = false;
    const silent = () => fail(new TransportError('timeout', `${where} did not take the connection in time.`));
    let timer = setTimeout(silent, connectWithin);
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
      clearTimeout(timer);
      socket.removeAllListeners('close');
      if (socket.alpnProtocol !== 'h2') return fail(notChordial(address, 'it does not speak HTTP/2'));
      resolve(socket);
    });
  });
}

/** OpenSSL's own words for bytes that are no TLS record name its source files. */
function handshakeFault(error: Error): string {
  const speaksTls = !('code' in error) || error.code !== 'ERR_SSL_WRONG_VERSION_NUMBER';
  return speaksTls ? error.message : 'what it answers is not TLS';
}

function notChordial(address: Address, reason: string): TransportError {
  return new TransportError('refused', `${formatAddress(address)} is no Chordial peer: ${reason}.`);
}
