/**
 * The door: a second listener, for people who are no members. Its own server and origin: what strangers put here can
 * never call the API, and nothing of the API is reached through it.
 */
import type { Http2ServerRequest } from 'node:http2';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ChordialError } from '../errors.ts';
import { listenFailure, refuseNonsense, validation } from '../http/http-server.ts';
import { asChordialError } from '../http/problem.ts';
import { answerExpectations } from '../http/request-body.ts';
import { readTlsPair, type TlsPlaces, TlsWatch } from '../http/tls-files.ts';
import { type Address, formatAddress, interfaceAddresses, isLoopback, isUnspecified } from '../network/addresses.ts';
import type { OwnDoor } from '../peer/doors.ts';
import type { Peer, PeerEvent } from '../peer/peer.ts';
import { nothingHere, sendFailure, setHeaders } from './answers.ts';
import { Failures } from './failures.ts';
import { bodyMilliseconds, maxBodyBytes, minBytesPerPace, paceMilliseconds } from './limits.ts';
import { createListener } from './listener.ts';
import type { DoorContext, DoorService } from './service.ts';
import { checkToken } from './token-check.ts';
import { Connections, Requests, visitorOf } from './visitors.ts';

export interface DoorOptions {
  readonly listen: Address;
  readonly services: readonly DoorService[];
  /** Files in PEM. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** The public URL, where it is another than that of the listener. */
  readonly url?: string;
  /** Null while the peer is starting: the port is bound first. */
  readonly peer: () => Peer | null;
  readonly tell?: (event: PeerEvent) => void;
  /** Receives bugs met while answering. */
  readonly onBug?: (error: Error) => void;
}

export interface RunningDoor {
  readonly shown: () => OwnDoor;
  close(): Promise<void>;
}

const closeMilliseconds = 2_000;
/** A name has at most 255 bytes, each three characters when percent-encoded, and paths of folders several names. */
const maxParameterCharacters = 4096;

/** Throws `port-in-use`, `bad-address`, or `bad-configuration` for a bad certificate or key. */
export async function startDoor(options: DoorOptions): Promise<RunningDoor> {
  const { listen, tell = () => {} } = options;
  const places = placesOf(options);
  const pair = places === null ? null : await readTlsPair(places);
  const connections = new Connections();
  const requests = new Requests();
  let bound = listen;
  let fault: string | null = null;
  const isSecure = (): boolean => pair !== null || options.url?.startsWith('https:') === true;
  const baseUrl = (): string =>
    options.url ?? `${pair === null ? 'http' : 'https'}://${formatAddress(reachedAt(bound))}`;
  const failures = new Failures();
  const peer = () => started(options.peer());
  const checked: DoorContext['checkToken'] = (request, use) => checkToken(request, use, peer().tokens, failures);
  const context: DoorContext = { peer, baseUrl, isSecure, failures, checkToken: checked };
  const { app, use } = build(pair, options, requests);
  app.server.on('connection', (socket) => connections.enter(socket));
  try {
    for (const { routes } of options.services) await app.register(async (scope) => routes(scope, context));
    await app.listen({ host: listen.host, port: listen.port });
  } catch (error) {
    await app.close();
    if (error instanceof ChordialError || (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw listenFailure(error as NodeJS.ErrnoException, listen, { what: 'The door', flag: '--door' });
  }
  bound = { host: listen.host, port: (app.server.address() as AddressInfo).port };
  const say = (kind: string, text: string) => tell({ time: new Date().toISOString(), kind, text });
  const watch =
    places === null || pair === null
      ? null
      : new TlsWatch(places, pair, {
          changed: (renewed) => {
            use(renewed);
            say('door', 'The door uses its new certificate for connections from now on');
          },
          fault: (found) => {
            fault = found;
            if (found !== null) say('door-fault', `${found} The door keeps the one before.`);
            else say('door', 'The certificate and key of the door can be used again');
          },
        });
  return {
    shown: () => ({
      address: formatAddress(bound),
      url: baseUrl(),
      services: options.services.map(({ name }) => name),
      tls: watch === null ? null : { ...watch.shown, fault },
      requests: requests.size,
      connections: connections.size,
    }),
    close: async () => {
      watch?.close();
      // Responses in progress are finished; a download that takes longer is cut off.
      const patience = setTimeout(() => connections.closeAll(), closeMilliseconds);
      await app.close();
      clearTimeout(patience);
    },
  };
}

function placesOf({ tls }: DoorOptions): TlsPlaces | null {
  return tls === undefined ? null : { ...tls, what: 'the door', flags: '--tls-cert and --tls-key' };
}

function started(peer: Peer | null): Peer {
  if (peer !== null) return peer;
  throw new ChordialError('not-a-member', 'This door is still starting. Try again in a moment.');
}

/** Where others reach what is bound to all addresses: at the first one beyond loopback. */
function reachedAt(bound: Address): Address {
  if (!isUnspecified(bound.host)) return bound;
  const host = interfaceAddresses().find((address) => !isLoopback(address) && !address.startsWith('fe80:'));
  return { ...bound, host: host ?? '127.0.0.1' };
}

function build(
  pair: Parameters<typeof createListener>[0],
  { url, onBug = () => {} }: DoorOptions,
  requests: Requests,
): { readonly app: FastifyInstance; readonly use: ReturnType<typeof createListener>['use'] } {
  let use: ReturnType<typeof createListener>['use'] = () => {};
  const onError = (error: FastifyError | Error, request: FastifyRequest, reply: Parameters<typeof sendFailure>[1]) => {
    const known = asChordialError(error, request);
    if (known.code === 'internal') onBug(error);
    return sendFailure(request, reply, known.code === 'internal' ? ownFault(known) : known);
  };
  const app = Fastify({
    serverFactory: (handler) => {
      const listener = createListener(pair, handler);
      use = listener.use;
      return listener.server;
    },
    bodyLimit: maxBodyBytes,
    routerOptions: { maxParamLength: maxParameterCharacters },
    ...validation,
    // Paths that are no URL, or too long.
    frameworkErrors: (_error, request, reply) => {
      void sendFailure(request, reply, nothingHere());
    },
    clientErrorHandler: refuseNonsense,
  });
  app.setErrorHandler(onError);
  app.setNotFoundHandler((request, reply) => sendFailure(request, reply, nothingHere()));
  app.addHook('onRequest', async (request, reply) => {
    setHeaders(reply);
    // Without a proxy it is said by a visitor, who could be another at each request.
    if (url === undefined) delete request.raw.headers['x-forwarded-for'];
    reply.raw.once('close', requests.enter(visitorOf(request.raw)));
    checkOneHost(request.raw);
    checkSender(request, url);
    if (request.routeOptions.config.streamsBody !== true) endSlowBody(request);
    endDripping(request, reply);
  });
  answerExpectations(app);
  return { app, use: (renewed) => use(renewed) };
}

/** What strangers learn of a bug. */
function ownFault(cause: ChordialError): ChordialError {
  return new ChordialError('internal', 'This door met a fault of its own. The one who runs it finds it in the log.', {
    cause,
  });
}

/** Proxies and servers could each take another of them for the one that counts. */
function checkOneHost({ rawHeaders, httpVersionMajor }: FastifyRequest['raw']): void {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && /^(?:host|:authority)$/i.test(name));
  if (hosts.length > 1 && httpVersionMajor === 1)
    throw new ChordialError('bad-request', 'The request names more than one host.');
}

/** Other sites may link here and nothing else: what changes something comes from a page of this door, or a program. */
function checkSender({ method, headers, host }: FastifyRequest, url: string | undefined): void {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return;
  const { origin, 'sec-fetch-site': site } = headers;
  // The scheme is not compared: behind a proxy it is another than here, and on the LAN another than there.
  const isOfHost = origin !== undefined && URL.parse(origin)?.host === host.replace(/:(?:80|443)$/, '');
  const isOwn = origin === undefined || site === 'same-origin' || isOfHost || origin === url;
  if (isOwn && site !== 'cross-site' && site !== 'same-site') return;
  throw new ChordialError('forbidden-origin', 'This request comes from a page of another site, which may not send it.');
}

/** A body that drips holds its connection no longer than this. */
function endSlowBody(request: FastifyRequest): void {
  const { raw } = request;
  if (hasCome(raw)) return;
  const timer = setTimeout(() => {
    if (!hasCome(raw)) raw.socket.destroy();
  }, bodyMilliseconds);
  raw.once('end', () => clearTimeout(timer));
  raw.once('close', () => clearTimeout(timer));
}

/**
 * Who sends an upload or takes a download a few bytes at a time keeps the place of others: the connection must move so
 * much in each minute in which its client is waited for.
 */
function endDripping({ raw }: FastifyRequest, { raw: answer }: FastifyReply): void {
  let before = movedOn(raw);
  const timer = setInterval(() => {
    const now = movedOn(raw);
    const isWaitedFor = !hasCome(raw) || answer.writableLength > 0;
    if (isWaitedFor && now - before < minBytesPerPace) raw.socket.destroy();
    before = now;
  }, paceMilliseconds);
  answer.once('close', () => clearInterval(timer));
}

/** Whether all of a request is there; of one by HTTP/2 without a body Node says so only once it was read. */
function hasCome(raw: FastifyRequest['raw']): boolean {
  const { stream } = raw as unknown as Partial<Http2ServerRequest>;
  return raw.complete || stream?.endAfterHeaders === true;
}

function movedOn({ socket }: FastifyRequest['raw']): number {
  return socket.bytesRead + socket.bytesWritten;
}
