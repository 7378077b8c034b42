/** Content by address, regardless of publisher and name. */

import type { FastifyInstance } from 'fastify';
import { cidParameter, maxQuery, nameParameter, openQuery, pathQuery } from '../client/operations.ts';
import { fields } from '../client/schema.ts';
import { parseCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { begunStream, disposition } from '../http/file-bytes.ts';
import { findContent } from './content-reference.ts';
import { sendContent } from './content-response.ts';
import type { ApiContext } from './context.ts';
import { countMilliseconds } from './file-routes.ts';
import { passphraseOf, readsPassphrase } from './passphrase.ts';
import { serve } from './serve.ts';

interface ContentRoute {
  Params: { cid: string };
  Querystring: { path?: string; filename?: string; most?: number; open?: boolean };
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
    querystring: fields({
      path: pathQuery,
      filename: filenameQuery,
      most: maxQuery,
      open: openQuery,
    }),
    reads: readsPassphrase,
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
      const { path, filename, most, open: isOpened = false } = request.query;
      const passphrase = passphraseOf(request);
      const reference = { cid, isOpened, ...(passphrase === undefined ? {} : { passphrase }) };
      const found = await findContent(files, reference, path, { reply });
      const wanted = { ...found, filename: filename ?? found.filename, most: most ?? null, passphrase };
      return sendContent(files, wanted, request, reply);
    },
  });

  const exported = {
    summary: 'All blocks of a file or folder as a CARv1, depth first, each once',
    params: cidParameter,
    produces: ['application/vnd.ipld.car'],
    isContent: true,
  };
  app.get<ContentRoute>(
    '/api/v1/content/:cid/car',
    { schema: exported, exposeHeadRoute: false },
    async (request, reply) => {
      const cid = parseCid(request.params.cid).toString();
      const given = new AbortController();
      reply.raw.once('close', () => given.abort());
      const car = await peer().files.openCar(cid, { path: [], scope: 'all' }, given.signal);
      reply.type('application/vnd.ipld.car; version=1; order=dfs; dups=n').header('X-Content-Type-Options', 'nosniff');
      reply.header('Content-Disposition', disposition(`${cid}.car`));
      return reply.send(await begunStream(car.read()));
    },
  );

  serve(app, 'GET /api/v1/content/{cid}/stat', async ({ params }) =>
    peer().files.stat({ cid: parseCid(params.cid).toString() }),
  );

  serve(app, 'POST /api/v1/content/copies', async ({ body }) => ({
    copies: await peer().files.copiesOf(
      body.cids.map((cid) => parseCid(cid).toString()),
      countMilliseconds,
    ),
  }));

  serve(app, 'POST /api/v1/content/{cid}/put', async ({ params, body }, reply) => {
    const running = peer();
    const { files } = running;
    const cid = parseCid(params.cid).toString();
    const name = checkName(body.name);
    const own = await files.resolve({ name, publisher: running.status('none').id }).catch(nullIfNotFound);
    if (own !== null && own.cid !== cid) {
      const message = `This peer has put something else as ${JSON.stringify(name)}. Rename or remove that first.`;
      throw new ChordialError('already-exists', message);
    }
    await files.checkFits(name, (await files.stat({ cid })).size);
    const given = new AbortController();
    reply.raw.once('close', () => given.abort());
    const { signal } = given;
    const car = await files.openCar(cid, { path: [], scope: 'all' }, signal);
    return reply.code(201).send(await files.putCar(name, car.read(), { sealed: null, keepsOther: true, signal }));
  });
}

function nullIfNotFound(error: unknown): null {
  if (error instanceof ChordialError && error.code === 'not-found') return null;
  throw error;
}

/** `/download/NAME`: a plain link to a file published by this peer. */
interface DownloadRoute {
  Params: { name: string };
}

export function downloadRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const schema = {
    summary: 'A file that this peer publishes',
    params: nameParameter,
    produces: ['application/octet-stream', 'application/json'],
    isContent: true,
  };
  app.route<DownloadRoute>({
    method: ['GET', 'HEAD'],
    url: '/download/:name',
    schema,
    handler: async (request, reply) => {
      const running = peer();
      const { files } = running;
      const { id } = running.status('none');
      const name = checkName(request.params.name);
      const entry = await files.resolve({ name, publisher: id });
      if (entry.publisher !== id) {
        throw new ChordialError(
          'not-found',
          `This peer publishes no ${JSON.stringify(name)}. Others may: ask for /api/v1/files/${encodeURIComponent(name)}.`,
        );
      }
      return sendContent(files, { entry, filename: name }, request, reply);
    },
  });
}
