/**
 * What the page shows of a content before it is fetched: told by its first bytes, never by its name, and sent as a type
 * that no browser runs.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { cidParameter, openQuery } from '../client/operations.ts';
import { fields } from '../client/schema.ts';
import { parseCid } from '../content/cid.ts';
import { type ContentKind, shownTypes } from '../content/content-kind.ts';
import { kindOfFile } from '../content/file-kinds.ts';
import { ChordialError } from '../errors.ts';
import { etagOf, evaluateConditions } from '../http/conditions.ts';
import { ContentKinds, hasTooManyPixels } from '../http/content-kinds.ts';
import { disposition, sendBytes } from '../http/file-bytes.ts';
import { FolderListings } from '../http/folder-listing.ts';
import type { FileEntry, Files, ReadRange } from '../transfer/files.ts';
import { checkIsOpen } from '../transfer/seals.ts';
import { findContent } from './content-reference.ts';
import type { ApiContext } from './context.ts';
import { serve } from './serve.ts';

/** Of a text shown in the page; as much is read to see what a content is. */
export const previewTextBytes = 256 * 1024;

/** A browser that opens them by themselves runs nothing of them, and lets them ask for nothing. */
const policy = "default-src 'none'; sandbox";

type NoPreview = 'empty' | 'sealed' | 'too-many-pixels' | 'unknown-kind' | 'folder';

interface BytesRoute {
  Params: { cid: string };
  Querystring: { filename?: string; open?: boolean };
}

/** Either what is shown, or why nothing is. */
type Seen =
  | { readonly entry: FileEntry; readonly kind: ContentKind; readonly why: null }
  | { readonly entry: FileEntry; readonly kind: null; readonly why: NoPreview };

export function previewRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const kinds = new ContentKinds();
  const listings = new FolderListings();

  const see = async (asked: string, open: boolean, reply: FastifyReply): Promise<Seen> => {
    const { files } = peer();
    const cid = parseCid(asked).toString();
    const { entry } = await findContent(files, { cid, isOpened: open }, undefined, { reply });
    return seen(files, entry, kinds, reply);
  };

  serve(app, 'GET /api/v1/previews/{cid}', async ({ params, query }, reply) => {
    const { entry, kind, why } = await see(params.cid, query.open === true, reply);
    const pixels = kind?.shown === 'image' ? kind.pixels : null;
    const text = kind?.shown === 'text' ? kind.text : null;
    reply.header('Cache-Control', 'no-store');
    return {
      cid: entry.cid,
      type: entry.type,
      size: entry.size,
      shown: kind?.shown ?? null,
      why,
      contentType: kind === null || kind.shown === 'text' ? null : kind.type,
      width: pixels?.width ?? null,
      height: pixels?.height ?? null,
      text,
      isCut: text !== null && entry.size > previewTextBytes,
    };
  });

  app.route<BytesRoute>({
    method: ['GET', 'HEAD'],
    url: '/api/v1/previews/:cid/bytes',
    schema: {
      summary: 'The bytes of an image, of audio, video or PDF with the type that they have; of nothing else',
      params: cidParameter,
      querystring: fields({
        filename: { type: 'string', minLength: 1, maxLength: 1024, description: 'Under which a browser saves it' },
        open: openQuery,
      }),
      produces: shownTypes,
      isContent: true,
    },
    handler: async (request, reply) => {
      const { filename, open = false } = request.query;
      const found = await see(request.params.cid, open, reply);
      return sendPreview(peer().files, { ...found, filename: filename ?? found.entry.cid }, request, reply);
    },
  });

  serve(app, 'GET /api/v1/content/{cid}/entries', async ({ params, query }, reply) => {
    const given = new AbortController();
    reply.raw.once('close', () => given.abort());
    const cid = parseCid(params.cid).toString();
    const found = await listings.page(peer().files, cid, query.page, given.signal);
    return {
      ...found,
      entries: found.entries.map((one) => ({ ...one, kind: kindOfFile(one.name, one.type ?? 'file') })),
    };
  });
}

async function seen(files: Files, entry: FileEntry, kinds: ContentKinds, reply: FastifyReply): Promise<Seen> {
  const { cid, size, sealed } = entry;
  const nothing = (why: NoPreview): Seen => ({ entry, kind: null, why });
  if (entry.type === 'directory') return nothing('folder');
  if (sealed && !sealed.isOpen) return nothing('sealed');
  if (size === 0) return nothing('empty');
  const given = new AbortController();
  reply.raw.once('close', () => given.abort());
  const read = (range: ReadRange) => files.readEntry(entry, { range, signal: given.signal });
  const kind = await kinds.of({ key: sealed ? `${cid} open` : cid, size, most: previewTextBytes, read });
  if (kind === null) return nothing('unknown-kind');
  if (kind.shown === 'image' && kind.pixels === null) return nothing('unknown-kind');
  if (hasTooManyPixels(kind)) return nothing('too-many-pixels');
  return { entry, kind, why: null };
}

async function sendPreview(
  files: Files,
  { entry, kind, filename }: Seen & { readonly filename: string },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  checkIsOpen(entry);
  if (kind === null || kind.shown === 'text') {
    throw new ChordialError(
      'not-found',
      `Of ${entry.cid} no bytes are shown: it is no image, audio, video or PDF. Its bytes are at /api/v1/content/${entry.cid}.`,
    );
  }
  // What is sealed is not kept in the clear by a browser.
  reply.header('Cache-Control', entry.sealed ? 'no-store' : 'private, max-age=31536000, immutable');
  reply.header('ETag', etagOf(entry)).header('X-Content-Type-Options', 'nosniff');
  reply.header('Content-Security-Policy', policy).header('Cross-Origin-Resource-Policy', 'same-origin');
  if (evaluateConditions(request, entry) === 'unchanged') return reply.code(304).send();
  // Elements show it all the same; opened by itself it is saved. A PDF is shown by a viewer in a frame of the page.
  const isFramed = kind.shown === 'pdf' && request.headers['sec-fetch-dest'] === 'iframe';
  reply.header('Content-Disposition', disposition(filename, isFramed ? 'inline' : 'attachment')).type(kind.type);
  const content: Pick<Files, 'read'> = {
    read: (_, range, signal) => files.readEntry(entry, { ...(range && { range }), ...(signal && { signal }) }),
  };
  return sendBytes(content, entry, request, reply);
}
