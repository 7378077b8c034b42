/** The bytes of a file as a response: whole or one range, streamed with backpressure. */

import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ChordialError } from '../errors.ts';
import type { FileEntry, Files, ReadRange } from '../transfer/files.ts';
import { pieceBytes } from '../transfer/read-memory.ts';
import { etagOf } from './conditions.ts';

/** What is sent: the tag of a range condition is made of the CID. */
export type SentFile = Pick<FileEntry, 'cid' | 'size'>;

/** The caller sets type, disposition, tag and policy. Throws `range-not-satisfiable`. */
export async function sendBytes(
  files: Pick<Files, 'read'>,
  entry: SentFile,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  reply.header('Accept-Ranges', 'bytes');
  const range = rangeOf(request, reply, entry);
  if (range !== null) reply.code(206).header('Content-Range', `bytes ${range.start}-${range.end - 1}/${entry.size}`);
  const { start, end } = range ?? { start: 0, end: entry.size };
  reply.header('Content-Length', String(end - start));
  if (request.method === 'HEAD') return reply.send();
  return reply.send(await stream(files, entry.cid, { start, end, size: entry.size }, reply));
}

function rangeOf(request: FastifyRequest, reply: FastifyReply, entry: SentFile): ByteRange | null {
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

async function stream(
  files: Pick<Files, 'read'>,
  cid: string,
  range: ReadRange,
  reply: FastifyReply,
): Promise<Readable> {
  const given = new AbortController();
  reply.raw.once('close', () => given.abort());
  return begunStream(files.read(cid, range, given.signal));
}

/** Waits for the first bytes, so that content without a live holder is answered with a problem and not with a broken body. */
export async function begunStream(source: AsyncIterable<Uint8Array>): Promise<Readable> {
  const bytes = source[Symbol.asyncIterator]();
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
export function disposition(filename: string, kind: 'attachment' | 'inline' = 'attachment'): string {
  const plain = filename.normalize('NFKD').replace(/[^\x20-\x7e]|["\\/%]/g, '_');
  const exact = encodeURIComponent(filename).replace(
    /['()*!]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"; filename*=UTF-8''${exact}`;
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
  // Each white space can be matched in one way: else a header full of it takes seconds.
  const parts = /^bytes=\s*(?:(\d+)\s*)?-\s*(?:(\d+)\s*)?$/i.exec(header ?? '');
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
