/** The peer itself: its place on the ring, storage, lookups, joining and leaving. */

import type { FastifyInstance } from 'fastify';
import { ChordialError } from '../errors.ts';
import { parseAddress } from '../network/addresses.ts';
import type { ShownFingers } from '../peer/peer.ts';
import type { ApiContext } from './context.ts';
import { pageAfter, serve } from './serve.ts';

export function nodeRoutes(app: FastifyInstance, { peer, address, afterLeave }: ApiContext): void {
  // The peer knows the configured API address; only the socket knows the real port.
  const status = (fingers: ShownFingers) => ({ ...peer().status(fingers), api: address() });

  serve(app, 'GET /api/v1/node', async ({ query }) => status(query.fingers));

  serve(app, 'GET /api/v1/health', async () => peer().health());

  serve(app, 'GET /api/v1/history', async ({ query: { of, span } }) => peer().history.shown(of, span));

  serve(app, 'GET /api/v1/storage', async ({ query: { role, cursor } }) => peer().storage(role, pageAfter(cursor)));

  serve(app, 'GET /api/v1/lookup/{wanted}', async ({ params }) => peer().lookup(params.wanted));

  serve(app, 'POST /api/v1/node/join', async ({ body }) => {
    parseAddress(body.address);
    await peer().join(body.address);
    return status('all');
  });

  serve(app, 'POST /api/v1/node/leave', async ({ body }, reply) => {
    await peer().leave(body?.force ?? false);
    reply.raw.once('finish', afterLeave);
    return reply.code(204).send();
  });
}

/** Liveness and readiness probes: is it serving, is it a member. */
export function healthRoutes(app: FastifyInstance, { isReady }: ApiContext): void {
  // Probes of an orchestrator carry no token, and learn only yes or no.
  const config = { isOpen: true };

  serve(
    app,
    'GET /healthz',
    async () => ({
      status: 'serving',
    }),
    { config },
  );

  serve(
    app,
    'GET /readyz',
    async () => {
      if (isReady()) return { status: 'member' };
      throw new ChordialError(
        'not-a-member',
        'The peer is serving but not a member of a ring (yet). Ask again in a moment.',
      );
    },
    { config },
  );
}
