/** The limits on what this peer moves. */
import type { FastifyInstance } from 'fastify';
import type { ApiContext } from './context.ts';
import { serve } from './serve.ts';

export function limitRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  serve(app, 'GET /api/v1/limits', async () => peer().limits.status());

  serve(app, 'PUT /api/v1/limits', async ({ body: { limit, milliseconds } }) =>
    peer().limits.set({ limit, ...(milliseconds === undefined ? {} : { milliseconds }) }),
  );
}
