/** The accepting side: accepts connections, allows nothing before HELLO, and passes requests to the handlers. */

import {
  createSecureServer,
  type Http2SecureServer,
  type Http2Stream,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { type Address, formatAddress, withoutMapping } from './addresses.ts';
import type { BackConnections } from './back-connections.ts';
import { bulkProtocol } from './bulk-connection.ts';
import { hostOfSocket, type TlsCredentials } from './certificate.ts';
import {
  controlSizes,
  farewellMilliseconds,
  type Http2Sizes,
  handshakeMilliseconds,
  maxHeaderPairs,
  maxOutstandingPings,
  maxSessionMemoryMebibytes,
  relaySizes,
  streamResets,
  sweepMilliseconds,
  ticketSeconds,
} from './connection-limits.ts';
import type { RefusalCounters } from './counters.ts';
import { controlProtocol } from './dial.ts';
import { IncomingBulk } from './incoming-bulk.ts';
import { type IncomingContext, IncomingControl } from './incoming-control.ts';
import { type Guest, Guests, type Stranger, Strangers } from './incoming-room.ts';
import { type BackAsk, relayProtocol, tokenOfProtocol } from './relay-messages.ts';

/** What runs over HTTP/2 in the same way on every connection. */
const http2Options: ServerOptions = {
  ...streamResets,
  maxSessionMemory: maxSessionMemoryMebibytes,
  maxHeaderListPairs: maxHeaderPairs,
  maxOutstandingPings: maxOutstandingPings,
  unknownProtocolTimeout: handshakeMilliseconds,
};

export interface PeerServerContext extends IncomingContext {
  readonly credentials: TlsCredentials;
  /** Connections that other hosts dial for this one to ask on. */
  readonly backs: BackConnections;
}

export class PeerServer {
  readonly #context: PeerServerContext;
  readonly #counters: RefusalCounters;
  readonly #server: Http2SecureServer;
  readonly #sockets = new Set<Duplex>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #bulks = new Set<IncomingBulk>();
  readonly #strangers = new Strangers();
  readonly #guests: Guests;
  /** By the other end's address, which TLS does not change. */
  readonly #strangerAt = new Map<string, Stranger>();
  /** Those that were not accepted at the listening port, by socket. */
  readonly #through = new WeakMap<TLSSocket, Entered>();
  readonly #sweepers: readonly NodeJS.Timeout[];
  #isClosed = false;

  constructor(context: PeerServerContext) {
    this.#context = context;
    this.#counters = context.counters;
    this.#guests = new Guests((host) => context.handlers.isNeighbour?.(host) ?? false);
    this.#sweepers = [
      setInterval(() => this.#strangers.sweep(), strangerSweepMilliseconds).unref(),
      setInterval(() => this.#guests.sweep(), sweepMilliseconds).unref(),
    ];
    const { key, cert } = context.credentials;
    this.#server = createSecureServer({
      key,
      cert,
      ...http2Options,
      settings: controlSizes.settings,
      requestCert: true,
      // Peers' certificates are self-signed; identity follows from the key and is checked where needed.
      rejectUnauthorized: false,
      ca: [],
      minVersion: 'TLSv1.3',
      ALPNCallback: ({ protocols }) =>
        [bulkProtocol, controlProtocol, relayProtocol].find((protocol) => protocols.includes(protocol)) ??
        context.backs.choose(protocols),
      allowHTTP1: false,
      handshakeTimeout: handshakeMilliseconds,
      sessionTimeout: ticketSeconds,
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
      const protocol = socket.alpnProtocol || '';
      if (protocol === bulkProtocol) this.#openedBulk(proved(socket));
      else if (protocol === relayProtocol) this.#serveHttp2(proved(socket), relaySizes);
      else if (tokenOfProtocol(protocol) !== null) this.#dialledBack(socket);
      else takeHttp2?.call(tcp, socket);
    });
    this.#server.on('session', (session) => this.#opened(session, proved(session.socket as TLSSocket)));
    this.#server.on('stream', takeStream);
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

  /** A host that asks through a tunnel of this relay: TLS begins now. */
  acceptThrough(tunnel: Duplex, relay: HostId): void {
    const entered = this.#enter(tunnel, relay);
    if (entered === null) return;
    const socket = new TLSSocket(tunnel as Socket, {
      isServer: true,
      secureContext: this.#context.credentials.secureContext,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: [bulkProtocol, controlProtocol],
    });
    const timer = setTimeout(() => socket.destroy(), handshakeMilliseconds);
    socket.on('error', () => this.#counters.count('tls-failed'));
    socket.once('close', () => {
      clearTimeout(timer);
      tunnel.destroy();
    });
    tunnel.once('close', () => socket.destroy());
    socket.once('secure', () => {
      clearTimeout(timer);
      // Only a TLS server sets it; HTTP/2 waits for it.
      (socket as { secureConnecting?: boolean }).secureConnecting = false;
      this.#serve(proved(socket), entered, socket.alpnProtocol === bulkProtocol ? 'bulk' : 'control');
    });
  }

  /** A connection to a host that this one has dialled because a relay called it to; the other one asks on it. */
  acceptDialled(dialled: Proved, relay: HostId, purpose: BackAsk['purpose']): void {
    const entered = this.#enter(dialled.socket, relay);
    if (entered === null) return;
    dialled.socket.on('error', () => this.#counters.count('broken-session'));
    this.#serve(dialled, entered, purpose);
  }

  /** Closes the connections of a host. */
  expel(host: HostId): void {
    this.#guests.expel(host);
  }

  /** Closes those that end at one of these addresses of this machine, with everything in progress. */
  dropAt(isGone: (localAddress: string) => boolean): void {
    for (const socket of this.#sockets)
      if ('localAddress' in socket && isGone(withoutMapping(String(socket.localAddress)))) socket.destroy();
  }

  async close(): Promise<void> {
    for (const sweeper of this.#sweepers) clearInterval(sweeper);
    this.#isClosed = true;
    if (!this.#server.listening && this.#sockets.size === 0) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // The server knows only those that it accepted.
    const gone = [...this.#sockets].map((socket) => new Promise<void>((resolve) => socket.once('close', resolve)));
    for (const session of this.#sessions) session.close();
    for (const bulk of this.#bulks) bulk.close();
    const destroyAll = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, farewellMilliseconds);
    // Unidentified connections get no farewell.
    if (this.#sessions.size + this.#bulks.size === 0) for (const socket of this.#sockets) socket.destroy();
    await Promise.all([closed, ...gone]);
    clearTimeout(destroyAll);
  }

  #serve({ socket, host }: Proved, entered: Entered, purpose: BackAsk['purpose']): void {
    this.#through.set(socket, entered);
    if (purpose === 'bulk') this.#openedBulk({ socket, host });
    else this.#serveHttp2({ socket, host }, controlSizes);
  }

  #serveHttp2({ socket, host }: Proved, { settings, windowBytes }: Http2Sizes): void {
    const session = performServerHandshake(socket, { ...http2Options, settings });
    session.on('stream', takeStream);
    this.#opened(session, { socket, host }, windowBytes);
  }

  /** Counts as a stranger at its relay until it has said HELLO. */
  #enter(through: Duplex, relay: HostId): Entered | null {
    const stranger: Stranger = { isCostly: true, close: () => through.destroy() };
    if (this.#isClosed || through.destroyed || !this.#strangers.enter(stranger, relay)) {
      this.#counters.count('too-many-connections');
      through.destroy();
      return null;
    }
    const entered: Entered = { stranger, from: relay, isWaiting: true };
    this.#sockets.add(through);
    through.once('close', () => {
      this.#sockets.delete(through);
      if (entered.isWaiting) this.#strangers.leave(stranger, relay);
    });
    return entered;
  }

  /** This host asks on it, so it has no place among those of which it answers questions. */
  #dialledBack(socket: TLSSocket): void {
    if (!this.#context.backs.take(socket)) {
      this.#counters.count('wrong-peer');
      socket.destroy();
      return;
    }
    this.#greeted(socket);
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

  #opened(session: ServerHttp2Session, { socket, host }: Proved, windowBytes = controlSizes.windowBytes): void {
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
    session.on('error', () => this.#counters.count('broken-session'));
    if (host === null) {
      this.#counters.count('no-certificate');
      session.destroy();
      return;
    }
    session.setLocalWindowSize(windowBytes);
    const greeted = (connection: IncomingControl) => this.#admit(connection, socket);
    connectionOf.set(session, new IncomingControl(this.#context, { session, socket, host }, greeted));
  }

  #openedBulk({ socket, host }: Proved): void {
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
    this.#greeted(socket);
    if (!this.#guests.enter(connection)) {
      this.#counters.count('too-many-connections');
      return false;
    }
    socket.once('close', () => this.#guests.leave(connection));
    return true;
  }

  #greeted(socket: TLSSocket): void {
    const entered = this.#through.get(socket);
    if (entered !== undefined) {
      if (entered.isWaiting) this.#strangers.greeted(entered.stranger, entered.from);
      entered.isWaiting = false;
      return;
    }
    const from = otherEnd(socket);
    const stranger = this.#strangerAt.get(from);
    this.#strangerAt.delete(from);
    if (stranger !== undefined) this.#strangers.greeted(stranger, socket.remoteAddress ?? '');
  }
}

/** Our answer to a ClientHello is longer, an alert is shorter. */
const alertBytes = 100;
/** How often strangers are checked for their time limit. */
const strangerSweepMilliseconds = 250;

/** A socket and the host whose key TLS has proved at its other end; null without a certificate. */
export interface Proved {
  readonly socket: TLSSocket;
  readonly host: HostId | null;
}

function proved(socket: TLSSocket): Proved {
  return { socket, host: hostOfSocket(socket) };
}

interface Entered {
  readonly stranger: Stranger;
  readonly from: HostId;
  isWaiting: boolean;
}

const connectionOf = new WeakMap<ServerHttp2Session, IncomingControl>();

function takeStream(stream: Http2Stream, headers: IncomingHttpHeaders): void {
  connectionOf.get(stream.session as ServerHttp2Session)?.take(stream as ServerHttp2Stream, headers);
}

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
