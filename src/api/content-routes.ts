/** Content by address, regardless of publisher and name. */
import type { FastifyInstance } from 'fastify';
import { cidParameter, maxQuery, pathQuery } from '../client/operations.ts';
import { fields } from '../client/schema.ts';
import { parseCid } from '../content/cid.ts';
import { findContent } from './content-reference.ts';
import { sendContent } from './content-response.ts';
import type { ApiContext } from './context.ts';
import { serve } from './serve.ts';

interface ContentRoute {
  Params: { cid: string };
  Querystring: { path?: string; filename?: string; most?: number };
}

/** The file name under which a browser saves it: a CID has none. */
const filenameQuery = {
  type: 'string',
  minLength: 1,
  maxLength: 1024,
  description: 'Name under which a browser saves the file',
} as const;

export function contentRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const read = {
    summary: 'The bytes of a file by CID, or the listing of a folder as JSON',
    params: cidParameter,
    querystring: fields({ path: pathQuery, filename: filenameQuery, most: maxQuery }),
    produces: ['application/octet-stream', 'application/json'],
    isContent: true,
  };
  app.route<ContentRoute>({
    method: ['GET', 'HEAD'],
    url: '/api/v1/content/:cid',
    schema: read,
    handler: async (request, reply) => {
      const { files } = peer();
      const cid = parseCid(request.params.cid).toString();
      // A CID is immutable; but a shared cache must not serve it without the token.
      reply.header('Cache-Control', 'private, max-age=31536000, immutable');
      const { path, filename, most } = request.query;
      const found = await findContent(files, { cid }, path, { reply });
      const wanted = { ...found, filename: filename ?? found.filename, most: most ?? null };
      return sendContent(files, wanted, request, reply);
    },
  });

  serve(app, 'GET /api/v1/content/{cid}/stat', async ({ params }) =>
    peer().files.stat({ cid: parseCid(params.cid).toString() }),
  );
}
