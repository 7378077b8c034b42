/** This peer's key of age: its public part for everybody, the key itself for the very user of the peer. */
import type { FastifyInstance } from 'fastify';
import type { ApiContext } from './context.ts';
import { checkIsOfSameUser } from './local-key.ts';
import { serve } from './serve.ts';

export function keyRoutes(app: FastifyInstance, context: ApiContext): void {
  const { peer } = context;
  serve(app, 'GET /api/v1/key', async () => ({ recipient: await peer().keys.recipient() }));

  serve(app, 'POST /api/v1/key/export', async (request) => {
    checkIsOfSameUser(request, request.body.key, context);
    return { text: await peer().keys.text() };
  });

  serve(app, 'POST /api/v1/key/import', async (request) => {
    checkIsOfSameUser(request, request.body.key, context);
    return { recipient: await peer().keys.add(request.body.text) };
  });
}
