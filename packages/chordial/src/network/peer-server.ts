/** The accepting side: accepts connections, allows nothing before HELLO, and passes requests to the handlers. */

import {
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { type Address, formatAddress } from './addresses.ts';
import { bulkProtocol } from './bulk-connection.ts';
import { hostOfSocket, type TlsCredentials } from './certificate.ts';
import {
  connectionWindowBytes,
  farewellMilliseconds,
  handshakeMilliseconds,
  http2Settings,
  maxHeaderPairs,
  maxOutstandingPings,
  maxSessionMemoryMebibytes,
  streamResets,
  sweepMilliseconds,
  ticketSeconds,
} from './connection-limits.ts';
import type { RefusalCounters } from './counters.ts';
import { IncomingBulk } from './incoming-bulk.ts';
import { type IncomingContext, IncomingControl } from './incoming-control.ts';
import { type Guest, Guests, type Stranger, Strangers } from './incoming-room.ts';

export class PeerServer {
  readonly #context: IncomingContext;
  readonly #counters: RefusalCounters;
  readonly #server: Http2SecureServer;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #bulks = new Set<IncomingBulk>();
  readonly #strangers = new Strangers();
  readonly #guests: Guests;
  /** By the other end's address, which TLS does not change. */
  readonly #strangerAt = new Map<string, Stranger>();
  readonly #sweepers: readonly NodeJS.Timeout[];

  constructor(credentials: TlsCredentials, context: IncomingContext) {
    this.#context = context;
    this.#counters = context.counters;
    this.#guests = new Guests((host) => context.handlers.isNeighbour?.(host) ?? false);
    this.#sweepers = [
      setInterval(() => this.#strangers.sweep(), strangerSweepMilliseconds).unref(),
      setInterval(() => this.#guests.sweep(), sweepMilliseconds).unref(),
    ];
    this.#server = createSecureServer({
      ...credentials,
      ...streamResets,
      requestCert: true,
      // Peers' certificates are self-signed; identity follows from the key and is checked where needed.
      rejectUnauthorized: false,
      ca: [],
      minVersion: 'TLSv1.3',
      ALPNCallback: ({ protocols }) => [bulkProtocol, 'h2'].find((protocol) => protocols.includes(protocol)),
      allowHTTP1: false,
      handshakeTimeout: handshakeMilliseconds,
      sessionTimeout: ticketSeconds,
      settings: http2Settings,
      maxSessionMemory: maxSessionMemoryMebibytes,
      maxHeaderListPairs: maxHeaderPairs,
      maxOutstandingPings: maxOutstandingPings,
      unknownProtocolTimeout: handshakeMilliseconds,
    });
    // Node's types know the events of TLS and TCP servers only by half.
    const tcp = this.#server as unknown as Server;
    tcp.prependListener('connection', (socket: Socket) => this.#connected(socket));
    this.#server.on('tlsClientError', () => this.#counters.count('tls-failed'));
    this.#server.on('unknownProtocol', (socket: Socket) => {
      this.#counters.count('tls-failed');
      socket.destroy();
    });
    // HTTP/2 takes every connection for its own.
    const [takeHttp2] = tcp.listeners('secureConnection');
    tcp.removeAllListeners('secureConnection');
    tcp.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === bulkProtocol) this.#openedBulk(socket);
      else takeHttp2?.call(tcp, socket);
    });
    this.#server.on('session', (session) => this.#opened(session));
    this.#server.on('stream', (stream, headers) => {
      connectionOf.get(stream.session as ServerHttp2Session)?.take(stream as ServerHttp2Stream, headers);
    });
  }

  /** Resolves with the real port. Rejects with `port-in-use` or `bad-address`. */
  listen(address: Address): Promise<Address> {
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) => reject(listenError(address, error));
      this.#server.once('error', failed);
      this.#server.listen({ host: address.host, port: address.port, exclusive: true }, () => {
        this.#server.off('error', failed);
        // Accepting can fail when file descriptors run out; the connection is lost, the peer continues.
        this.#server.on('error', () => this.#counters.count('too-many-connections'));
        const bound = this.#server.address();
        const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
        resolve({ host: address.host, port });
      });
    });
  }

  /** Closes the connections of a host. */
  expel(host: HostId): void {
    this.#guests.expel(host);
  }

  async close(): Promise<void> {
    for (const sweeper of this.#sweepers) clearInterval(sweeper);
    if (!this.#server.listening && this.#sockets.size === 0) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    for (const bulk of this.#bulks) bulk.close();
    const destroyAll = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, farewellMilliseconds);
    // Unidentified connections get no farewell.
    if (this.#sessions.size + this.#bulks.size === 0) for (const socket of this.#sockets) socket.destroy();
    await closed;
    clearTimeout(destroyAll);
  }

  #connected(socket: Socket): void {
    const stranger: Stranger = {
      get isCostly() {
        return socket.bytesWritten > alertBytes;
      },
      close: () => {
        this.#counters.count('too-many-connections');
        socket.destroy();
      },
    };
    const remoteAddress = socket.remoteAddress ?? '';
    if (!this.#strangers.enter(stranger, remoteAddress)) {
      stranger.close();
      return;
    }
    const from = otherEnd(socket);
    this.#strangerAt.set(from, stranger);
    this.#sockets.add(socket);
    this.#context.traffic.watch(socket);
    socket.setNoDelay(true);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#strangerAt.get(from) !== stranger) return;
      this.#strangerAt.delete(from);
      this.#strangers.leave(stranger, remoteAddress);
    });
  }

  #opened(session: ServerHttp2Session): void {
    const socket = session.socket as TLSSocket;
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
    session.on('error', () => this.#counters.count('broken-session'));
    const host = hostOfSocket(socket);
    if (host === null) {
      this.#counters.count('no-certificate');
      session.destroy();
      return;
    }
    session.setLocalWindowSize(connectionWindowBytes);
    const greeted = (connection: IncomingControl) => this.#admit(connection, socket);
    connectionOf.set(session, new IncomingControl(this.#context, { session, socket, host }, greeted));
  }

  #openedBulk(socket: TLSSocket): void {
    const host = hostOfSocket(socket);
    if (host === null) {
      this.#counters.count('no-certificate');
      socket.destroy();
      return;
    }
    const bulk = new IncomingBulk(this.#context, socket, host, (connection) => this.#admit(connection, socket));
    this.#bulks.add(bulk);
    socket.once('close', () => this.#bulks.delete(bulk));
  }

  /** Promotes a stranger to a member. False when there is no room for another member. */
  #admit(connection: Guest, socket: TLSSocket): boolean {
    const from = otherEnd(socket);
    const stranger = this.#strangerAt.get(from);
    this.#strangerAt.delete(from);
    if (stranger !== undefined) this.#strangers.greeted(stranger, socket.remoteAddress ?? '');
    if (!this.#guests.enter(connection)) {
      this.#counters.count('too-many-connections');
      return false;
    }
    socket.once('close', () => this.#guests.leave(connection));
    return true;
  }
}

/** Our answer to a ClientHello is longer, an alert is shorter. */
const alertBytes = 100;
/** How often strangers are checked for their time limit. */
const strangerSweepMilliseconds = 250;

const connectionOf = new WeakMap<ServerHttp2Session, IncomingControl>();

function otherEnd({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function listenError(address: Address, error: NodeJS.ErrnoException): ChordialError {
  const where = formatAddress(address);
  const options = { cause: error };
  if (error.code === 'EADDRINUSE') {
    const message = `${where} is taken by another program. Stop that one, or choose another port with --listen HOST:PORT (port 0 takes any free one).`;
    return new ChordialError('port-in-use', message, options);
  }
  const reason = error.code === 'EACCES' ? 'this user may not open that port' : error.message;
  const message = `Cannot listen on ${where}: ${reason}. Give --listen an address of this machine (0.0.0.0 for all) and a port from 1024 on.`;
  return new ChordialError('bad-address', message, options);
}
