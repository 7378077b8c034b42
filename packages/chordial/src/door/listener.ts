/** The socket of the door: HTTP/1.1, and with TLS HTTP/2 too on the same port, each within its limits. */
import { createServer, type Server } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { TlsPair } from '../http/tls-files.ts';
import {
  connectionWindowBytes,
  handshakeMilliseconds,
  headersMilliseconds,
  idleMilliseconds,
  maxHeaderBytes,
  maxHeaderPairs,
  maxResetsAtOnce,
  maxResetsPerSecond,
  maxSessionMegabytes,
  maxStreams,
  streamWindowBytes,
} from './limits.ts';

type Handler = Parameters<typeof createServer>[1];

export interface Listener {
  /** Of HTTP/1.1 by its type; Fastify and the services use what both have in common. */
  readonly server: Server;
  /** For connections from now on. */
  use(pair: TlsPair): void;
}

const checkMilliseconds = 5_000;
const maxOutstandingPings = 4;

export function createListener(tls: TlsPair | null, handler: NonNullable<Handler>): Listener {
  const times = { headersTimeout: headersMilliseconds, connectionsCheckingInterval: checkMilliseconds };
  if (tls === null) {
    // A whole upload may take hours: its body is bounded by silence, other bodies by their route.
    const server = createServer({ ...times, requestTimeout: 0, maxHeaderSize: maxHeaderBytes }, handler);
    server.maxHeadersCount = maxHeaderPairs;
    server.setTimeout(idleMilliseconds);
    return { server, use: () => {} };
  }
  const server = createSecureServer({
    ...times,
    allowHTTP1: true,
    cert: tls.certificate,
    key: tls.key,
    minVersion: 'TLSv1.2',
    handshakeTimeout: handshakeMilliseconds,
    unknownProtocolTimeout: handshakeMilliseconds,
    maxSessionMemory: maxSessionMegabytes,
    maxHeaderListPairs: maxHeaderPairs,
    maxOutstandingPings,
    streamResetBurst: maxResetsAtOnce,
    streamResetRate: maxResetsPerSecond,
    settings: {
      maxConcurrentStreams: maxStreams,
      maxHeaderListSize: maxHeaderBytes,
      initialWindowSize: streamWindowBytes,
      enablePush: false,
    },
  });
  // Of its HTTP/1.1 connections; the types know of these only at a server for it alone.
  Object.assign(server, {
    headersTimeout: headersMilliseconds,
    requestTimeout: 0,
    maxHeaderSize: maxHeaderBytes,
    maxHeadersCount: maxHeaderPairs,
  });
  server.on('request', handler as never);
  server.setTimeout(idleMilliseconds);
  server.on('session', (session) => session.setLocalWindowSize(connectionWindowBytes));
  // Clients that speak nonsense are closed; Node does it, and tells it here.
  server.on('sessionError', () => {});
  return {
    server: server as unknown as Server,
    use: ({ certificate, key }) => server.setSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' }),
  };
}
