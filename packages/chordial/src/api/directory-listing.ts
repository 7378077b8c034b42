/** Folder listings as JSON, written while the folder is walked. */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FileAttributes } from '../content/attributes.ts';
import { ChordialError } from '../errors.ts';
import type { DirectoryEntry, FileEntry, Files } from '../transfer/files.ts';
import { readAttributeList } from '../transfer/folder-attributes.ts';
import type { Wanted } from './content-reference.ts';

export async function sendListing(
  files: Files,
  { entry, filename }: Wanted,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  reply.type('application/json; charset=utf-8');
  if (request.method === 'HEAD') return reply.send();
  const given = new AbortController();
  reply.raw.once('close', () => given.abort());
  const attributes = await attributesOf(files, entry, given.signal);
  const entries = files.walk(entry.cid, given.signal)[Symbol.asyncIterator]();
  const first = await entries.next();
  return reply.send(
    Readable.from(listing({ ...entry, name: filename }, attributes, first, entries), { objectMode: false }),
  );
}

async function* listing(
  folder: FileEntry,
  attributes: ReadonlyMap<string, FileAttributes>,
  first: IteratorResult<DirectoryEntry>,
  entries: AsyncIterator<DirectoryEntry>,
): AsyncGenerator<string> {
  const head = JSON.stringify({ name: folder.name, cid: folder.cid, type: 'directory', size: folder.size });
  yield `${head.slice(0, -1)},"entries":[`;
  let separator = '\n';
  try {
    for (let next = first; next.done !== true; next = await entries.next()) {
      const { path, cid, size, type } = next.value;
      yield `${separator}${JSON.stringify({ path, cid, size, type, ...attributes.get(path) })}`;
      separator = ',\n';
    }
  } finally {
    await entries.return?.();
  }
  yield ']}\n';
}

/** By path; empty when unreadable, since the files are usable without them. */
async function attributesOf(
  files: Files,
  { attributes }: FileEntry,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, FileAttributes>> {
  if (typeof attributes !== 'string') return new Map();
  try {
    return await readAttributeList(files.read(attributes, undefined, signal));
  } catch (error) {
    if (error instanceof ChordialError) return new Map();
    throw error;
  }
}
