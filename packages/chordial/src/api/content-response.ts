/** A file or folder as an HTTP response: ETag, conditions, range, streamed bytes. */

import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ChordialError } from '../errors.ts';
import { type FileEntry, type Files, fileAttributesOf, type ReadRange } from '../transfer/files.ts';
import { pieceBytes } from '../transfer/read-memory.ts';
import { etagOf, evaluateConditions, lastModifiedOf } from './conditions.ts';
import type { Wanted } from './content-reference.ts';
import { sendListing } from './directory-listing.ts';

/** What to send, limited to `most` bytes. */
export interface WantedContent extends Wanted {
  readonly most?: number | null;
}

export async function sendContent(
  files: Files,
  wanted: WantedContent,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { entry } = wanted;
  const modified = lastModifiedOf(entry);
  if (modified !== null) reply.header('Last-Modified', modified);
  if (!reply.hasHeader('Cache-Control')) reply.header('Cache-Control', 'private, no-cache');
  reply.header('ETag', etagOf(entry)).header('X-Content-Type-Options', 'nosniff');
  reply.header('X-Chordial-Cid', entry.cid).header('X-Chordial-Type', entry.type);
  reply.header('X-Chordial-Others', String(entry.others));
  const isTooMuch = typeof wanted.most === 'number' && (entry.type === 'directory' || entry.size > wanted.most);
  // The Content-Length of a folder would be that of its listing.
  if (entry.type === 'directory' || isTooMuch) reply.header('X-Chordial-Size', String(entry.size));
  if (entry.publisher !== null) reply.header('X-Chordial-Publisher', entry.publisher);
  const attributes = fileAttributesOf(entry);
  if (attributes.modified !== null) reply.header('X-Chordial-Modified', String(attributes.modified));
  if (attributes.executable) reply.header('X-Chordial-Executable', 'true');
  // Percent-encoded: headers are Latin-1.
  if (entry.name !== null) reply.header('X-Chordial-Name', encodeURIComponent(entry.name));
  if (entry.publisherName !== null) reply.header('X-Chordial-Publisher-Name', encodeURIComponent(entry.publisherName));
  if (evaluateConditions(request, entry) === 'unchanged') return reply.code(304).send();
  if (isTooMuch) return reply.code(204).send();
  if (entry.type === 'directory') return sendListing(files, wanted, request, reply);
  return sendFile(files, wanted, request, reply);
}

async function sendFile(
  files: Files,
  { entry, filename }: Wanted,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  reply.header('Accept-Ranges', 'bytes').header('Content-Disposition', disposition(filename));
  // Never a type that a browser executes: the bytes are untrusted and would run with the rights of this origin.
  reply.type('application/octet-stream').header('Content-Security-Policy', "sandbox; default-src 'none'");
  const range = rangeOf(request, reply, entry);
  if (range !== null) reply.code(206).header('Content-Range', `bytes ${range.start}-${range.end - 1}/${entry.size}`);
  const { start, end } = range ?? { start: 0, end: entry.size };
  reply.header('Content-Length', String(end - start));
  if (request.method === 'HEAD') return reply.send();
  return reply.send(await stream(files, entry.cid, { start, end, size: entry.size }, reply));
}

function rangeOf(request: FastifyRequest, reply: FastifyReply, entry: FileEntry): ByteRange | null {
  // RFC 9110, section 14.2: ranges apply to GET only.
  if (request.method !== 'GET') return null;
  // A different ETag in If-Range: the client holds part of other bytes and needs the whole.
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== etagOf(entry)) return null;
  try {
    return parseRange(request.headers.range, entry.size);
  } catch (error) {
    reply.header('Content-Range', `bytes */${entry.size}`).removeHeader('Content-Disposition');
    throw error;
  }
}

/** Waits for the first bytes, so that content without a live holder is answered with a problem and not with a broken body. */
async function stream(files: Files, cid: string, range: ReadRange, reply: FastifyReply): Promise<Readable> {
  const given = new AbortController();
  reply.raw.once('close', () => given.abort());
  const bytes = files.read(cid, range, given.signal)[Symbol.asyncIterator]();
  const first = await bytes.next();
  return Readable.from(rest(first, bytes), { objectMode: false, highWaterMark: pieceBytes });
}

async function* rest(first: IteratorResult<Uint8Array>, bytes: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await bytes.next()) yield next.value;
  } finally {
    await bytes.return?.();
  }
}

/** RFC 6266: an ASCII form for old programs beside the real name. Neither can break out of the header. */
export function disposition(filename: string): string {
  const plain = filename.normalize('NFKD').replace(/[^\x20-\x7e]|["\\/%]/g, '_');
  const exact = encodeURIComponent(filename).replace(
    /['()*!]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}

/** The Range header (RFC 9110, section 14), single ranges only. */
export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * Positions of any length: beyond the safe integers they are past the end of every file. Null when the whole is to be
 * sent: no header, another unit, several ranges (which a server may ignore) or an invalid header. Throws
 * `range-not-satisfiable` when it begins past the end.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | null {
  const parts = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '');
  if (parts === null) return null;
  const [, first = '', last = ''] = parts;
  if (first === '' && last === '') return null;
  if (first === '') return suffix(Number(last), size);
  const start = Number(first);
  if (last !== '' && Number(last) < start) return null;
  if (start >= size) throw notSatisfiable(header, size);
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) };
}

/** The last `length` bytes. */
function suffix(length: number, size: number): ByteRange | null {
  // Satisfiable, but Content-Range cannot express an empty range.
  if (length > 0 && size === 0) return null;
  if (length === 0) throw notSatisfiable(`bytes=-${length}`, size);
  return { start: Math.max(0, size - length), end: size };
}

function notSatisfiable(header: string | undefined, size: number): ChordialError {
  return new ChordialError(
    'range-not-satisfiable',
    `The range ${JSON.stringify(header ?? '')} lies outside of the ${size} bytes there are. Ask for a part of 0-${Math.max(0, size - 1)}.`,
  );
}
