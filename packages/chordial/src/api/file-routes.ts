/** Files by name: read, describe, list, remove. Puts are in upload-routes.ts, since their body is not JSON. */
import type { FastifyInstance } from 'fastify';
import { maxQuery, nameParameter, pathQuery, publisherQuery } from '../client/operations.ts';
import { fields } from '../client/schema.ts';
import { checkName } from '../content/name.ts';
import type { FileReference } from '../transfer/files.ts';
import { currentOf, evaluateConditions, isConditional } from './conditions.ts';
import { findContent } from './content-reference.ts';
import { sendContent } from './content-response.ts';
import type { ApiContext } from './context.ts';
import { pageAfter, serve } from './serve.ts';

interface NameRoute {
  Params: { name: string };
  Querystring: { publisher?: string; path?: string; most?: number };
}

export function fileRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const read = {
    summary: 'The bytes of a file, or the listing of a folder as JSON',
    params: nameParameter,
    querystring: fields({
      publisher: publisherQuery,
      path: pathQuery,
      most: maxQuery,
    }),
    produces: ['application/octet-stream', 'application/json'],
    isContent: true,
  };
  app.route<NameRoute>({
    method: ['GET', 'HEAD'],
    url: '/api/v1/files/:name',
    schema: read,
    handler: async (request, reply) => {
      const { files } = peer();
      const { path, most } = request.query;
      const wanted = await findContent(files, referenceOf(request), path, { reply, pins: request.method === 'GET' });
      return sendContent(files, { ...wanted, most: most ?? null }, request, reply);
    },
  });

  serve(app, 'GET /api/v1/files/{name}/stat', async (request) => peer().files.stat(referenceOf(request)));

  serve(app, 'GET /api/v1/files', async ({ query: { all, cursor, limit } }) =>
    peer().files.list({ all, cursor: pageAfter(cursor), limit }),
  );

  serve(
    app,
    'DELETE /api/v1/files/{name}',
    async (request, reply) => {
      const running = peer();
      const { files } = running;
      const { id } = running.status('none');
      const name = checkName(request.params.name);
      if (isConditional(request)) evaluateConditions(request, await currentOf(files, { name, publisher: id }, id));
      await files.remove(name);
      return reply.code(204).send();
    },
    { config: { handlesConditions: true } },
  );
}

function referenceOf(request: { params: { name: string }; query: { publisher?: string } }): FileReference {
  const { publisher } = request.query;
  return { name: checkName(request.params.name), ...(publisher === undefined ? {} : { publisher }) };
}
