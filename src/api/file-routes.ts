/** Files by name: read, describe, list, remove. Puts are in upload-routes.ts, since their body is not JSON. */
import type { FastifyInstance } from 'fastify';
import { checkName } from '../content/name.ts';
import type { FileReference } from '../transfer/files.ts';
import { currentOf, evaluateConditions, isConditional } from './conditions.ts';
import { findContent } from './content-reference.ts';
import { sendContent } from './content-response.ts';
import type { ApiContext } from './context.ts';
import * as schemas from './schemas.ts';

interface NameRoute {
  Params: { name: string };
  Querystring: { publisher?: string; path?: string; most?: number };
}

interface ListRoute {
  Querystring: { all: boolean; cursor?: string; limit: number };
}

const pageLength = 100;
const maxPageLength = 1000;

export function fileRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const read = {
    summary: 'The bytes of a file, or the listing of a folder as JSON',
    params: schemas.nameParameter,
    querystring: schemas.query({
      publisher: schemas.publisherQuery,
      path: schemas.pathQuery,
      most: schemas.maxQuery,
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

  const stat = {
    summary: 'Size, blocks, live copies and holders of a file',
    params: schemas.nameParameter,
    querystring: schemas.query({ publisher: schemas.publisherQuery }),
    response: { 200: schemas.fileStat },
  };
  app.get<NameRoute>('/api/v1/files/:name/stat', { schema: stat }, async (request) =>
    peer().files.stat(referenceOf(request)),
  );

  const list = {
    summary: 'Files that this peer publishes, or everybody with all=true, page by page',
    querystring: schemas.query({
      all: { type: 'boolean', default: false },
      cursor: schemas.cursorQuery,
      limit: { type: 'integer', minimum: 1, maximum: maxPageLength, default: pageLength },
    }),
    response: { 200: schemas.filePage },
  };
  app.get<ListRoute>('/api/v1/files', { schema: list }, async ({ query: { all, cursor, limit } }) =>
    peer().files.list({ all, cursor: schemas.pageAfter(cursor), limit }),
  );

  const remove = {
    summary: 'Ends the entry that this peer has published',
    params: schemas.nameParameter,
    reads: { 'If-Match': 'ETags: removes only what is one of them' },
  };
  const config = { handlesConditions: true };
  app.delete<NameRoute>('/api/v1/files/:name', { schema: remove, config }, async (request, reply) => {
    const { files, status } = pick(peer());
    const name = checkName(request.params.name);
    if (isConditional(request))
      evaluateConditions(request, await currentOf(files, { name, publisher: status.id }, status.id));
    await files.remove(name);
    return reply.code(204).send();
  });
}

function pick(peer: ReturnType<ApiContext['peer']>) {
  return { files: peer.files, status: peer.status('none') };
}

function referenceOf(request: { params: NameRoute['Params']; query: NameRoute['Querystring'] }): FileReference {
  const { publisher } = request.query;
  return { name: checkName(request.params.name), ...(publisher === undefined ? {} : { publisher }) };
}
