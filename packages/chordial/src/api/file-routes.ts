/** Files by name: read, describe, list, remove. Puts are in upload-routes.ts, since their body is not JSON. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { maxCopiesCounted, maxQuery, nameParameter, pathQuery, publisherQuery } from '../client/operations.ts';
import { fields } from '../client/schema.ts';
import { kindOfFile } from '../content/file-kinds.ts';
import { checkName } from '../content/name.ts';
import { currentOf, evaluateConditions, isConditional } from '../http/conditions.ts';
import type { Peer } from '../peer/peer.ts';
import type { AlsoPut, FileReference } from '../transfer/files.ts';
import type { ListingWish } from '../transfer/listing-order.ts';
import { rawEntry } from '../transfer/seals.ts';
import { findContent } from './content-reference.ts';
import { sendContent } from './content-response.ts';
import type { ApiContext } from './context.ts';
import { listedPeers, listingWish } from './listing-query.ts';
import { passphraseOf, readsPassphrase } from './passphrase.ts';
import { pageAfter, serve } from './serve.ts';

const sortedCursor = 'sorted:';
export const countMilliseconds = 1000;

interface NameRoute {
  Params: { name: string };
  Querystring: { publisher?: string; path?: string; most?: number; raw?: boolean };
}

export function fileRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const read = {
    summary: 'The bytes of a file, or the listing of a folder as JSON',
    params: nameParameter,
    querystring: fields({
      publisher: publisherQuery,
      path: pathQuery,
      most: maxQuery,
      raw: { type: 'boolean', description: 'A sealed file as it is stored, without opening it' },
    }),
    reads: readsPassphrase,
    produces: ['application/octet-stream', 'application/json'],
    isContent: true,
  };
  app.route<NameRoute>({
    method: ['GET', 'HEAD'],
    url: '/api/v1/files/:name',
    schema: read,
    handler: async (request, reply) => {
      const running = peer();
      const { files, trees } = running;
      const { path, most, raw } = request.query;
      const passphrase = passphraseOf(request);
      const { entry, filename } = await findContent(files, referenceOf(request), path, {
        reply,
        pins: request.method === 'GET',
        own: { trees, id: () => running.status('none').id },
      });
      const wanted =
        raw === true ? { entry: rawEntry(entry), filename: entry.sealed?.name ?? filename } : { entry, filename };
      return sendContent(files, { ...wanted, most: most ?? null, passphrase }, request, reply);
    },
  });

  serve(app, 'GET /api/v1/files/{name}/stat', async (request) => peer().files.stat(referenceOf(request)));

  serve(app, 'GET /api/v1/files', async ({ query }) => {
    const { all, limit, copies } = query;
    const running = peer();
    const wish = listingWish(query);
    const from = sortedFrom(query);
    const page =
      wish === null && from === null
        ? { ...(await running.files.list({ all, cursor: pageAfter(query.cursor), limit })), total: null, counts: null }
        : await sortedPage(running, { all, skip: from ?? 0, limit }, wish ?? {});
    const counted = copies ? await copiesOn(running, page.files) : [];
    const files = page.files.map((file, place) => {
      const kind = kindOfFile(file.name ?? '', file.type);
      return { also: [] as readonly AlsoPut[], ...file, copies: counted[place] ?? null, kind };
    });
    return { ...page, files };
  });

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

async function sortedPage(peer: Peer, page: { all: boolean; skip: number; limit: number }, wish: ListingWish) {
  const { files, total, counts } = await peer.files.sorted(page, wish, listedPeers(peer));
  const next = page.skip + files.length;
  return { files, cursor: files.length > 0 && next < total ? `${sortedCursor}${next}` : null, total, counts };
}

/** Where the page of a sorted list begins; null where the cursor is of another list. */
function sortedFrom({ cursor, skip }: { readonly cursor?: string; readonly skip?: number }): number | null {
  const place = cursor?.startsWith(sortedCursor) ? Number(cursor.slice(sortedCursor.length)) : Number.NaN;
  return Number.isSafeInteger(place) && place >= 0 ? place : (skip ?? null);
}

function copiesOn({ files }: Peer, page: readonly { readonly cid: string }[]): Promise<readonly (number | null)[]> {
  const cids = page.slice(0, maxCopiesCounted).map(({ cid }) => cid);
  return files.copiesOf(cids, countMilliseconds);
}

function referenceOf(
  request: Pick<FastifyRequest, 'headers'> & { params: { name: string }; query: { publisher?: string } },
): FileReference {
  const { publisher } = request.query;
  const passphrase = passphraseOf(request);
  return {
    name: checkName(request.params.name),
    ...(publisher === undefined ? {} : { publisher }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}
