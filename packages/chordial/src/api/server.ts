/** The HTTP API of a peer: one Fastify server, on loopback by default. */

import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import packageJson from '../../package.json' with { type: 'json' };
import { ChordialError } from '../errors.ts';
import { refuseConditionsElsewhere } from '../http/conditions.ts';
import { listenFailure, refuseNonsense, validation } from '../http/http-server.ts';
import { errorHandler, routeMissing } from '../http/problem.ts';
import { answerExpectations, checkBodyHeaders } from '../http/request-body.ts';
import { type Resumable, resumableRoutes } from '../http/resumable-routes.ts';
import type { TlsPair } from '../http/tls-files.ts';
import { type Address, formatAddress, isUnspecified } from '../network/addresses.ts';
import type { Peer, PeerEvent } from '../peer/peer.ts';
import type { Upload } from '../transfer/uploads.ts';
import { checkAccess, isFromThisMachine } from './access.ts';
import { codeRoutes } from './code-routes.ts';
import { contentRoutes, downloadRoutes } from './content-routes.ts';
import type { ApiContext } from './context.ts';
import { EventLog } from './event-log.ts';
import { eventRoutes } from './event-routes.ts';
import { fileRoutes } from './file-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { limitRoutes } from './limit-routes.ts';
import { linkRoutes } from './link-routes.ts';
import { memberRoutes } from './member-routes.ts';
import { metricsRoutes } from './metrics-routes.ts';
import { healthRoutes, nodeRoutes } from './node-routes.ts';
import { collectOpenApi, type OpenApiDocument } from './open-api.ts';
import { pageRoutes } from './page-routes.ts';
import { sealedOf } from './passphrase.ts';
import { peerRoutes, ringRoutes } from './peer-routes.ts';
import { previewRoutes } from './preview-routes.ts';
import { removalRoutes } from './removal-routes.ts';
import { searchRoutes } from './search-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { createProofKey, Sessions } from './sessions.ts';
import { shareRoutes } from './share-routes.ts';
import { tokenRoutes } from './token-routes.ts';
import { transferRoutes } from './transfer-routes.ts';
import { treeRoutes, treeWriteRoutes } from './tree-routes.ts';
import { uploadRoutes } from './upload-routes.ts';
import { zipRoutes } from './zip-routes.ts';

export interface ApiOptions {
  readonly listen: Address;
  /** Null while the peer is starting: the port is bound first, since a conflict must not disturb a ring. */
  readonly peer: () => Peer | null;
  readonly token: string;
  /** A secret that only programs of the peer's own user can read; without it the peer accesses no file by path. */
  readonly localKey?: string;
  /** `https://files.example.org` of a reverse proxy; its callers count as remote. */
  readonly origin?: string;
  /** Certificates and key in PEM, for TLS without a proxy. */
  readonly tls?: TlsPair;
  /** Called after the peer has left for good and its caller was answered. */
  readonly afterLeave?: () => void;
  /** Receives bugs met while answering. */
  readonly onBug?: (error: Error) => void;
  /** Receives every response, for logs. */
  readonly onAnswer?: (answer: PeerEvent) => void;
}

export interface RunningApi {
  /** HOST:PORT as bound, the port the real one. */
  readonly address: string;
  /** Where programs on this machine reach it. */
  readonly url: string;
  /** Hexadecimal; stored in notes for commands of this user. */
  readonly proofKey: string;
  /** A link to the page, valid once within ten minutes. */
  pageLink(): string;
  readonly events: EventLog;
  close(): Promise<void>;
}

/** JSON bodies are addresses, paths and flags. */
const maxJsonBytes = 64 * 1024;
/** A name has at most 255 bytes, each three characters when percent-encoded; a CID at most 1024. */
const maxParameterCharacters = 1024;
/** Idle limit of a connection; a large put may replicate for minutes after its last byte arrived. */
const idleTimeoutMilliseconds = 30 * 60 * 1000;

const closeMilliseconds = 2_000;

/** Throws `port-in-use`, or `bad-address` when this machine has no such address. */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { listen, tls } = options;
  let bound = listen;
  const context = contextOf(options, () => bound);
  const app = build(context, tls ?? null, options.onBug ?? (() => {}));
  if (options.onAnswer !== undefined) tellAnswers(app, options.onAnswer);
  try {
    await app.listen({ host: listen.host, port: listen.port });
  } catch (error) {
    await app.close();
    throw listenFailure(error as NodeJS.ErrnoException, listen, { what: 'The API', flag: '--api' });
  }
  bound = { host: listen.host, port: (app.server.address() as AddressInfo).port };
  const near = isUnspecified(bound.host) ? { ...bound, host: '127.0.0.1' } : bound;
  const url = `${tls === undefined ? 'http' : 'https'}://${formatAddress(near)}`;
  return {
    address: formatAddress(bound),
    url,
    proofKey: context.proofKey,
    pageLink: () => `${url}/#t=${context.access().sessions.issue().token}`,
    events: context.events,
    close: async () => {
      context.events.close();
      // Responses in progress are finished; a download that takes longer is cut off.
      const patience = setTimeout(() => app.server.closeAllConnections(), closeMilliseconds);
      await app.close();
      clearTimeout(patience);
    },
  };
}

/** The document of a peer of this version, for code generation. */
export async function describeApi(): Promise<OpenApiDocument> {
  const listen = { host: '127.0.0.1', port: 0 };
  const context = contextOf({ listen, peer: () => null, token: 'of-no-one' }, () => listen);
  const app = build(context, null, () => {});
  const headers = { host: '127.0.0.1', authorization: 'Bearer of-no-one' };
  const answer = await app.inject({ url: '/openapi.json', headers });
  await app.close();
  return answer.json<OpenApiDocument>();
}

function tellAnswers(app: FastifyInstance, tell: (answer: PeerEvent) => void): void {
  app.addHook('onResponse', async ({ method, url }, { statusCode, elapsedTime }) => {
    const milliseconds = Math.round(elapsedTime);
    const text = `${method} ${url.slice(0, 300)} → ${statusCode} after ${milliseconds} ms`;
    tell({ time: new Date().toISOString(), kind: 'request', text, detail: { status: statusCode, milliseconds } });
  });
}

function contextOf(options: ApiOptions, bound: () => Address): ApiContext {
  const { token, origin = null } = options;
  const sessions = new Sessions({ token, port: () => bound().port });
  return {
    access: () => ({ bound: bound(), token, sessions, origin }),
    checkIsHere: (request, what) => {
      if (isFromThisMachine(request.raw, origin)) return;
      throw new ChordialError(
        'forbidden-origin',
        `${what} are for programs on the peer's own machine, since they name its paths. Stream the bytes with PUT or GET /api/v1/files/NAME.`,
      );
    },
    proofKey: createProofKey(),
    peer: () => {
      const peer = options.peer();
      if (peer !== null) return peer;
      throw new ChordialError(
        'not-a-member',
        'The peer is still starting. Ask again in a moment, or wait for /readyz.',
      );
    },
    isStarted: () => options.peer() !== null,
    isReady: () => options.peer()?.status('none').state === 'member',
    localKey: options.localKey ?? null,
    address: () => formatAddress(bound()),
    events: new EventLog(),
    afterLeave: options.afterLeave ?? (() => {}),
  };
}

function build(context: ApiContext, tls: TlsPair | null, onBug: (error: Error) => void): FastifyInstance {
  const inText = (text: string) => (context.isStarted() ? context.peer().inText(text) : text);
  const onError = errorHandler(onBug, inText);
  const app = Fastify({
    ...(tls === null ? {} : { https: { cert: tls.certificate, key: tls.key } }),
    bodyLimit: maxJsonBytes,
    connectionTimeout: idleTimeoutMilliseconds,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: maxParameterCharacters },
    ...validation,
    frameworkErrors: (error, request, reply) => {
      void onError(error, request, reply);
    },
    clientErrorHandler: refuseNonsense,
  });
  app.setErrorHandler(onError);
  app.setNotFoundHandler(routeMissing(collectMethods(app)));
  app.addHook('onRequest', async (request, reply) => {
    checkAccess(request.raw, context.access(), request.routeOptions.config.isOpen === true);
    checkBodyHeaders(request, reply);
  });
  keepPrivate(app);
  answerExpectations(app);
  refuseConditionsElsewhere(app);
  const openApi = collectOpenApi(app, packageJson.version);
  for (const routes of groups) routes(app, context);
  app.register(async (scope) => uploadRoutes(scope, context));
  app.register(async (scope) => treeWriteRoutes(scope, context));
  app.register(async (scope) => resumableRoutes(scope, ownUploads(context)));
  app.get('/openapi.json', { schema: { hide: true } }, async () => openApi());
  return app;
}

/** Uploads of the page. */
function ownUploads({ peer }: ApiContext): Resumable {
  return {
    url: '/api/v1/uploads',
    uploads: () => peer().uploads,
    create: (request, { name, size, sealed, to }) => {
      const wished = sealedOf(request, { sealed: sealed === undefined ? undefined : sealed !== 'false', to });
      return peer().uploads.create(name, size, { wish: wished.sealed });
    },
    get: (_request, id) => ownUpload(peer(), id),
    append: (_request, id, { offset, body, signal }) => {
      ownUpload(peer(), id);
      return peer().uploads.append(id, offset, body, { signal });
    },
    remove: (_request, id) => {
      ownUpload(peer(), id);
      return peer().uploads.remove(id);
    },
  };
}

/** Those of strangers are not for programs of the user. Throws `not-found`. */
function ownUpload({ uploads }: Peer, id: string): Upload {
  const upload = uploads.get(id);
  if (upload.box === null) return upload;
  throw new ChordialError('not-found', `There is no upload ${JSON.stringify(id)} of this peer's own.`);
}

/** Routes that set no cache policy, which a shared cache might otherwise store. */
function keepPrivate(app: FastifyInstance): void {
  app.addHook('onSend', async (_request, reply, body) => {
    if (!reply.hasHeader('Cache-Control')) reply.header('Cache-Control', 'private, no-cache');
    return body;
  });
}

const groups = [
  fileRoutes,
  contentRoutes,
  previewRoutes,
  downloadRoutes,
  transferRoutes,
  treeRoutes,
  removalRoutes,
  zipRoutes,
  nodeRoutes,
  keyRoutes,
  limitRoutes,
  peerRoutes,
  memberRoutes,
  linkRoutes,
  codeRoutes,
  ringRoutes,
  searchRoutes,
  shareRoutes,
  tokenRoutes,
  eventRoutes,
  healthRoutes,
  sessionRoutes,
  metricsRoutes,
  pageRoutes,
] as const;

/** Must be called before the routes are declared. */
export function collectMethods(app: FastifyInstance): (path: string) => readonly string[] {
  const routes: { readonly url: string; readonly path: RegExp; readonly methods: Set<string> }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const known = routes.find((route) => route.url === url);
    const methods = known?.methods ?? new Set();
    for (const one of Array.isArray(method) ? method : [method]) methods.add(one);
    if (known === undefined) routes.push({ url, path: pattern(url), methods });
  });
  return (path) => {
    const found = routes.filter((route) => route.path.test(path)).flatMap((route) => [...route.methods]);
    return [...new Set(found)].sort();
  };
}

/** `/api/v1/files/:name` → one path segment in place of the name. */
function pattern(url: string): RegExp {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[^\w-]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}$`);
}
