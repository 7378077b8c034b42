/** The whole ring as known to this peer, for display. */
import type { FastifyInstance } from 'fastify';
import type { ApiContext } from './context.ts';
import { serve } from './serve.ts';

export function ringRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  serve(app, 'GET /api/v1/ring', async () => ({ members: peer().ring() }));

  serve(app, 'GET /api/v1/ring/digest', async () => peer().ringDigest());
}
