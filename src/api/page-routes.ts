/** The web page: one document for all views, and its assets. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ChordialError } from '../errors.ts';
import { evaluateConditions } from './conditions.ts';
import { type PageFile, readPage } from './page-files.ts';

/** Nothing inline, no other origins, no framing. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const views = ['/', '/files', '/shares', '/transfers', '/ring', '/stats'] as const;

export function pageRoutes(app: FastifyInstance): void {
  const files = readPage();
  const options = { schema: { hide: true }, config: { isOpen: true } } as const;
  const document = files.get('index.html');
  for (const view of views) {
    app.get(view, options, async (request, reply) => {
      if (document === undefined) throw notBuilt();
      reply.header('Content-Security-Policy', contentSecurityPolicy).header('Referrer-Policy', 'no-referrer');
      return sendFile(request, reply, document);
    });
  }
  for (const [name, file] of files) {
    if (name !== 'index.html') app.get(`/${name}`, options, async (request, reply) => sendFile(request, reply, file));
  }
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply {
  const { type, bytes, compressed, tag, isForever } = file;
  reply.header('ETag', `"${tag}"`).header('Vary', 'Accept-Encoding').header('X-Content-Type-Options', 'nosniff');
  reply.header('Cache-Control', isForever ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (evaluateConditions(request, { cid: tag, time: null }) === 'unchanged') return reply.code(304).send();
  // Browsers offer brotli without TLS on loopback only.
  const takesBrotli = /\bbr\b/.test(request.headers['accept-encoding']?.toString() ?? '');
  if (takesBrotli) reply.header('Content-Encoding', 'br');
  return reply.type(type).send(takesBrotli ? compressed : bytes);
}

function notBuilt(): ChordialError {
  return new ChordialError(
    'no-such-route',
    'The web page is not built in this copy of the sources. Run "npm run page" and start the peer again; everything else works without it.',
  );
}
