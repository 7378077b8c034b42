/** The HTTP API of a peer: one Fastify server, on loopback by default. */

import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import type { ValidatorFactory } from '@fastify/ajv-compiler';
import type { FastifySchemaCompiler, FastifyServerOptions } from 'fastify';
import Fastify, { type FastifyInstance } from 'fastify';
import packageJson from '../../package.json' with { type: 'json' };
import { ChordialError } from '../errors.ts';
import { type Address, formatAddress, isUnspecified } from '../network/addresses.ts';
import type { Peer, PeerEvent } from '../peer/peer.ts';
import { checkAccess, isFromThisMachine } from './access.ts';
import { refuseConditionsElsewhere } from './conditions.ts';
import { contentRoutes, downloadRoutes } from './content-routes.ts';
import type { ApiContext } from './context.ts';
import { EventLog } from './event-log.ts';
import { eventRoutes } from './event-routes.ts';
import { fileRoutes } from './file-routes.ts';
import { memberRoutes } from './member-routes.ts';
import { metricsRoutes } from './metrics-routes.ts';
import { healthRoutes, nodeRoutes } from './node-routes.ts';
import { collectOpenApi, type OpenApiDocument } from './open-api.ts';
import { pageRoutes } from './page-routes.ts';
import { peerRoutes, ringRoutes } from './peer-routes.ts';
import { errorHandler, problemOf, problemType, routeMissing } from './problem.ts';
import { answerExpectations, checkBodyHeaders } from './request-body.ts';
import { resumableRoutes } from './resumable-routes.ts';
import { searchRoutes } from './search-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { createProofKey, Sessions } from './sessions.ts';
import { shareRoutes } from './share-routes.ts';
import { transferRoutes } from './transfer-routes.ts';
import { uploadRoutes } from './upload-routes.ts';

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
  readonly tls?: ApiTls;
  /** Called after the peer has left for good and its caller was answered. */
  readonly afterLeave?: () => void;
  /** Receives bugs met while answering. */
  readonly onBug?: (error: Error) => void;
  /** Receives every response, for logs. */
  readonly onAnswer?: (answer: PeerEvent) => void;
}

export interface ApiTls {
  readonly certificate: string;
  readonly key: string;
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
    throw listenFailure(error as NodeJS.ErrnoException, listen);
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

function build(context: ApiContext, tls: ApiTls | null, onBug: (error: Error) => void): FastifyInstance {
  const inText = (text: string) => (context.isStarted() ? context.peer().inText(text) : text);
  const onError = errorHandler(onBug, inText);
  const app = Fastify({
    ...(tls === null ? {} : { https: { cert: tls.certificate, key: tls.key } }),
    bodyLimit: maxJsonBytes,
    connectionTimeout: idleTimeoutMilliseconds,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: maxParameterCharacters },
    // Unknown fields are errors, not dropped.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: false } },
    schemaController: { compilersFactory: { buildValidator: lazyValidators, buildSerializer: () => plainJson } },
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
  app.register(async (scope) => resumableRoutes(scope, context));
  app.get('/openapi.json', { schema: { hide: true } }, async () => openApi());
  return app;
}

/** Routes that set no cache policy, which a shared cache might otherwise store. */
function keepPrivate(app: FastifyInstance): void {
  app.addHook('onSend', async (_request, reply, body) => {
    if (!reply.hasHeader('Cache-Control')) reply.header('Cache-Control', 'private, no-cache');
    return body;
  });
}

const plainJson = () => (answer: unknown) => JSON.stringify(answer);

const groups = [
  fileRoutes,
  contentRoutes,
  downloadRoutes,
  transferRoutes,
  nodeRoutes,
  peerRoutes,
  memberRoutes,
  ringRoutes,
  searchRoutes,
  shareRoutes,
  eventRoutes,
  healthRoutes,
  sessionRoutes,
  metricsRoutes,
  pageRoutes,
] as const;

/** Malformed HTTP never reaches a route. */
function refuseNonsense(this: FastifyInstance, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(new ChordialError('bad-request', `This is not a request in HTTP/1.1 (${error.message}).`));
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function listenFailure(error: NodeJS.ErrnoException, listen: Address): ChordialError {
  const place = formatAddress(listen);
  if (error.code === 'EADDRINUSE') {
    return new ChordialError(
      'port-in-use',
      `The API cannot listen at ${place}: another program has this port. Stop that one, or choose another with --api HOST:PORT (port 0 takes any free one).`,
      { cause: error },
    );
  }
  if (error.code === 'EACCES') {
    return new ChordialError(
      'port-in-use',
      `The API may not listen at ${place}: ports below 1024 need privileges. Choose another with --api HOST:PORT.`,
      { cause: error },
    );
  }
  return new ChordialError(
    'bad-address',
    `The API cannot listen at ${place} (${error.message}). Give an address of this machine with --api HOST:PORT.`,
    { cause: error },
  );
}

type Compile = FastifySchemaCompiler<unknown>;
type Validate = ReturnType<Compile>;
type BuildCompiler = (externalSchemas: unknown, options: FastifyServerOptions['ajv']) => Compile;

const require = createRequire(import.meta.url);

/**
 * Compiles the schema of a route on its first request, and loads the compiler with the first of all: together a quarter
 * of a peer's start time, and most routes of most peers are never called.
 */
const lazyBuild: BuildCompiler = (externalSchemas, options) => {
  let compile: Compile | null = null;
  return (route) => {
    let compiled: Validate | null = null;
    const validate: Validate = (data: unknown) => {
      compile ??= (require('@fastify/ajv-compiler') as () => BuildCompiler)()(externalSchemas, options);
      compiled ??= compile(route);
      const isValid = compiled(data);
      // Fastify reads the errors from the function it was given.
      validate.errors = compiled.errors ?? null;
      return isValid;
    };
    return validate;
  };
};

/** Fastify's type; the compiler's types name its own options, which are passed through. */
export const lazyValidators = lazyBuild as unknown as ValidatorFactory;

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
