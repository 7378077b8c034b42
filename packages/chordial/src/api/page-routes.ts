/** The web page: one document for all views, and its assets. */

import type { FastifyInstance } from 'fastify';
import { ChordialError } from '../errors.ts';
import { readPage, sendPageFile } from '../http/page-files.ts';

/** Nothing inline, no other origins, no framing. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "media-src 'self'",
  // The viewer of a PDF.
  "frame-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  // What takes the shares of other programs, where the page is installed as an app.
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const views = ['/', '/files', '/shares', '/transfers', '/people', '/ring', '/health', '/settings'] as const;

export function pageRoutes(app: FastifyInstance): void {
  const files = readPage();
  const options = { schema: { hide: true }, config: { isOpen: true } } as const;
  const document = files.get('index.html');
  for (const view of views) {
    app.get(view, options, async (request, reply) => {
      if (document === undefined) throw notBuilt();
      reply.header('Content-Security-Policy', contentSecurityPolicy).header('Referrer-Policy', 'no-referrer');
      return sendPageFile(request, reply, document);
    });
  }
  for (const [name, file] of files) {
    if (name !== 'index.html' && !name.startsWith('door/'))
      app.get(`/${name}`, options, async (request, reply) => sendPageFile(request, reply, file));
  }
}

function notBuilt(): ChordialError {
  return new ChordialError(
    'no-such-route',
    'The web page is not built in this copy of the sources. Run "npm run page" and start the peer again; everything else works without it.',
  );
}
