/** Removals that can be undone for a while. */
import type { FastifyInstance } from 'fastify';
import { checkName } from '../content/name.ts';
import type { ApiContext } from './context.ts';
import { maxListBytes, serve } from './serve.ts';

export function removalRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  serve(app, 'GET /api/v1/removals', async () => ({ removals: peer().removals.list() }));

  serve(
    app,
    'POST /api/v1/removals',
    async ({ body: { names, milliseconds } }, reply) =>
      reply.code(201).send(await peer().removals.begin(names.map(checkName), milliseconds)),
    { bodyLimit: maxListBytes },
  );

  serve(app, 'DELETE /api/v1/removals/{id}', async ({ params: { id } }, reply) => {
    peer().removals.undo(id);
    return reply.code(204).send();
  });
}
