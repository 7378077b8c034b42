/** The plain status page: what this peer is, whom it sees, what it publishes, what happened last. */
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { ApiContext } from './context.ts';
import { renderPage, renderWaiting, style } from './page.ts';
import { pageScript } from './page-script.ts';

const styleHash = createHash('sha256').update(style).digest('base64');

/** Nothing inline but the one style whose hash stands here, nothing from elsewhere, and no frame around it. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'sha256-${styleHash}'`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const shownFiles = 50;
const shownEvents = 12;

export function pageRoutes(app: FastifyInstance, { peer, isReady, address, events }: ApiContext): void {
  app.get('/', { schema: { hide: true } }, async (_request, reply) => {
    reply.type('text/html; charset=utf-8').header('Cache-Control', 'no-store');
    reply.header('Content-Security-Policy', contentSecurityPolicy).header('X-Content-Type-Options', 'nosniff');
    reply.header('Referrer-Policy', 'no-referrer');
    const recent = events.last(shownEvents).map(({ event }) => event);
    if (!isReady()) return renderWaiting(recent);
    const running = peer();
    return renderPage({
      status: { ...running.status(), api: address() },
      peers: running.peers(),
      files: await running.files.list({ all: false, cursor: null, limit: shownFiles }),
      events: recent.toReversed(),
    });
  });

  app.get('/page.js', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').header('X-Content-Type-Options', 'nosniff').send(pageScript),
  );
}
