/** The settings of this peer, and the limits on what it moves. */
import type { FastifyInstance } from 'fastify';
import { settingName, settings } from '../peer/settings.ts';
import type { ApiContext } from './context.ts';
import { checkMayNamePaths } from './local-key.ts';
import { serve } from './serve.ts';

export function limitRoutes(app: FastifyInstance, context: ApiContext): void {
  const { peer } = context;
  serve(app, 'GET /api/v1/limits', async () => peer().limits.status());

  serve(app, 'GET /api/v1/settings', async () => peer().settings.list());

  serve(app, 'PATCH /api/v1/settings', async (request) => {
    const { settings: changes, key } = request.body;
    const names = settings.filter(({ kind }) => kind === 'path').map((one) => settingName(one.key));
    if (names.some((name) => typeof changes[name] === 'string')) checkMayNamePaths(request, key, context);
    return peer().settings.change(changes);
  });

  serve(app, 'PUT /api/v1/limits', async ({ body: { limit, milliseconds } }) =>
    peer().limits.set({ limit, ...(milliseconds === undefined ? {} : { milliseconds }) }),
  );
}
