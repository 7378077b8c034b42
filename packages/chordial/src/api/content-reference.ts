/** Parses what a request for content refers to: a name or CID, and with `?path=` an entry of that folder. */
import type { FastifyReply } from 'fastify';
import { ChordialError } from '../errors.ts';
import type { TreeEntry, Trees } from '../folders/folder-trees.ts';
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
  { reply, own, ...options }: { readonly reply: FastifyReply; readonly pins?: boolean; readonly own?: OwnTrees },
): Promise<Wanted> {
  const { whole, file } = await current(files, reference, { path, own, ...options });
  if (file?.cid != null) {
    const { cid, size, name, modified, executable } = file;
    const attributes = { modified, executable };
    return { entry: { ...whole, cid, size, type: 'file', sha256: null, attributes }, filename: name };
  }
  const given = new AbortController();
  reply.raw.once('close', () => given.abort());
  const entry = path === undefined ? whole : await entryAt(files, whole, path, given.signal);
  const last = path?.split('/').findLast((part) => part !== '');
  return { entry, filename: last ?? whole.name ?? whole.cid };
}

/** Own folders that change in place, and the id of this peer. */
export interface OwnTrees {
  readonly trees: Pick<Trees, 'state' | 'published' | 'entry'>;
  readonly id: () => string;
}

/** Own changes are seen here at once, whether or not they are in the network yet. */
async function current(
  files: Files,
  reference: FileReference,
  {
    path,
    own,
    ...options
  }: { readonly path: string | undefined; readonly pins?: boolean; readonly own: OwnTrees | undefined },
): Promise<{ readonly whole: FileEntry; readonly file: TreeEntry | null }> {
  const whole = await files.resolve(reference, options);
  const { name, publisher, type } = whole;
  if (own === undefined || name === null || type === 'file' || publisher !== own.id()) return { whole, file: null };
  if (own.trees.state(name)?.isChanging !== true) return { whole, file: null };
  const below = path?.split('/').filter((part) => part !== '') ?? [];
  const file = below.length === 0 ? null : await own.trees.entry({ folder: name, path: below });
  if (file?.type === 'file') return { whole, file };
  try {
    // A listing is of one root.
    await own.trees.published(name);
  } catch (error) {
    // Others cannot be told now; it is tried again. Here is what they have.
    if (!(error instanceof ChordialError)) throw error;
  }
  return { whole: await files.resolve(reference, options), file: null };
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
