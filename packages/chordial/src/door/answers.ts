/** Answers of the door that belong to no service: what is not there, what is refused, and the headers of all. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ChordialError } from '../errors.ts';
import { sendProblem } from '../http/problem.ts';
import { pagePolicy, sentencePage } from './frame.ts';
import { retryAfterSeconds } from './limits.ts';

const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': pagePolicy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Robots-Tag': 'noindex',
} as const;

export function setHeaders(reply: FastifyReply): void {
  reply.headers(headers);
}

const nothing = 'There is nothing here: it was taken back, has expired, or never was.';

/** The one answer for all that is not there: it does not tell what was. */
export function nothingHere(): ChordialError {
  return new ChordialError('not-found', nothing);
}

/** A page for browsers, a problem for programs. Whatever was set for the answer that failed is replaced. */
export function sendFailure(request: FastifyRequest, reply: FastifyReply, error: ChordialError): FastifyReply {
  for (const name of ['content-disposition', 'content-length', 'etag', 'last-modified', 'accept-ranges'])
    reply.removeHeader(name);
  setHeaders(reply);
  const isMissing = error.status === 404 || error.status === 405;
  const told = isMissing ? nothingHere() : error;
  // Browsers and drives ask for a password; programs send a Bearer token unasked.
  const asks = told.code === 'token-required' && !reply.hasHeader('WWW-Authenticate');
  if (asks) reply.header('WWW-Authenticate', 'Basic realm="chordial", charset="UTF-8"');
  if (told.code === 'too-many-requests') reply.header('Retry-After', String(retryAfterSeconds));
  if (!isForPerson(request)) return sendProblem(reply, told);
  return reply.code(told.status).type('text/html; charset=utf-8').send(sentencePage(told.message));
}

/** Whether a person reads the answer: browsers say that they take HTML, programs do not. */
export function isForPerson({ headers }: FastifyRequest): boolean {
  return /\btext\/html\b/i.test(headers.accept ?? '');
}
