/** Parses what a request for content refers to: a name or CID, and with `?path=` an entry of that folder. */
import type { FastifyReply } from 'fastify';
import { ChordialError } from '../errors.ts';
import type { FileEntry, FileReference, Files } from '../transfer/files.ts';

export interface Wanted {
  readonly entry: FileEntry;
  /** The file name under which a browser saves it. */
  readonly filename: string;
}

/** Throws `not-found`. */
export async function findContent(
  files: Files,
  reference: FileReference,
  path: string | undefined,
  { reply, ...options }: { readonly reply: FastifyReply; readonly pins?: boolean },
): Promise<Wanted> {
  const whole = await files.resolve(reference, options);
  const given = new AbortController();
  reply.raw.once('close', () => given.abort());
  const entry = path === undefined ? whole : await entryAt(files, whole, path, given.signal);
  const last = path?.split('/').findLast((part) => part !== '');
  return { entry, filename: last ?? whole.name ?? whole.cid };
}

/** The entry at `path` below the folder, as if it had been requested directly. Throws `not-found`. */
async function entryAt(files: Files, folder: FileEntry, path: string, signal: AbortSignal): Promise<FileEntry> {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.length === 0) return folder;
  const found = folder.type === 'directory' ? await files.entryAt(folder.cid, parts, signal) : null;
  if (found !== null) return { ...folder, cid: found.cid, size: found.size, type: found.type, sha256: null };
  const kind = folder.type === 'directory' ? 'folder' : 'file';
  throw new ChordialError(
    'not-found',
    `The ${kind} ${folder.name ?? folder.cid} holds no ${JSON.stringify(path.slice(0, 300))}. Ask without ?path= to see what there is.`,
  );
}
