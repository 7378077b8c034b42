/** Failures as application/problem+json (RFC 9457), from Chordial, Fastify or Node. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { ChordialError, type ErrorCode, errorKinds } from '../errors.ts';

export interface Problem {
  /** A reference to the page of all errors; relative, since a peer has no home on the web. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
}

export const problemType = 'application/problem+json';

/** `ambiguous-name` and `publisher-changed` also have `choices`. */
export function problemOf(error: ChordialError): Problem {
  const { status, title } = errorKinds[error.code];
  return {
    type: `urn:chordial:error:${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    ...error.details,
  };
}

export function sendProblem(
  reply: FastifyReply,
  error: ChordialError,
  inText = (text: string): string => text,
): FastifyReply {
  const found = problemOf(error);
  const problem = { ...found, detail: inText(found.detail) };
  if (error.code === 'token-required' && !reply.hasHeader('WWW-Authenticate')) {
    reply.header('WWW-Authenticate', 'Bearer realm="chordial"');
  }
  // As bytes: Fastify would add a charset to text, which this type does not have.
  return reply
    .code(problem.status)
    .type(problemType)
    .send(Buffer.from(JSON.stringify(problem)));
}

/**
 * For Fastify's setErrorHandler. `tell` receives bugs, since the caller cannot fix them; `inText` puts names of peers
 * into messages.
 */
export function errorHandler(tell: (error: Error) => void, inText: (text: string) => string) {
  return (error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const known = asChordialError(error, request);
    if (known.code === 'internal') tell(error);
    return sendProblem(reply, known, inText);
  };
}

/** For Fastify's setNotFoundHandler; `methods` gives the methods that the path allows. */
export const routeMissing =
  (methods: (path: string) => readonly string[]) =>
  (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = request.url.split('?', 1)[0] ?? '';
    const place = `${request.method} ${path}`;
    const allowed = methods(path);
    if (allowed.length > 0) {
      const detail = `There is no ${place.slice(0, 300)}; this route has ${allowed.join(', ')}.`;
      return sendProblem(reply.header('Allow', allowed.join(', ')), new ChordialError('method-not-allowed', detail));
    }
    const message = `There is no ${place.slice(0, 300)}. The routes are listed at /openapi.json.`;
    return sendProblem(reply, new ChordialError('no-such-route', message));
  };

/** Of Chordial, Fastify or Node. */
export function asChordialError(error: FastifyError | Error, request: FastifyRequest): ChordialError {
  if (error instanceof ChordialError) return error;
  const status = 'statusCode' in error ? error.statusCode : undefined;
  if (status === 413) {
    return new ChordialError('too-large', `${error.message}. Send less at once.`, { cause: error });
  }
  if (status === 415) {
    const type = JSON.stringify((request.headers['content-type'] ?? '').slice(0, 100));
    const message = `${request.method} ${request.url.split('?', 1)[0]} takes no body of the type ${type}. Send application/json.`;
    return new ChordialError('unsupported-type', message, { cause: error });
  }
  if (status !== undefined && status >= 400 && status < 500) {
    const place = `${request.method} ${request.url.split('?', 1)[0]}`.slice(0, 300);
    const message = `${place} was called wrongly: ${error.message}. See /openapi.json for its parameters.`;
    return new ChordialError('bad-request', message, { cause: error });
  }
  const message = `The peer met a bug (${error.message}). Report it with the lines that the peer printed.`;
  return new ChordialError('internal', message, { cause: error });
}
