/**
 * Recreates a folder: never outside its target, never through a link, each file by the rules of a single file. A new
 * folder is built beside its target and renamed when complete; an existing one is merged into.
 */
import { lstat, mkdir, rename } from 'node:fs/promises';
import type { FileAttributes } from '../content/attributes.ts';
import { whyNotAName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { forEachConcurrently } from '../flow/for-each.ts';
import { Semaphore } from '../flow/semaphore.ts';
import type { FolderHandle } from '../storage/folder-handle.ts';
import { alreadyExists, whatIsAt } from './existing-target.ts';
import { isMarked, markOf } from './file-mark.ts';
import type { DirectoryEntry } from './files.ts';
import { fileError } from './local-file.ts';
import { partName } from './part-file.ts';

/** Total size of files fetched concurrently: many small ones, or a large one alone. */
const maxFileBytesAtOnce = 32 * 1024 * 1024;
const maxFilesAtOnce = 64;
/** Minimum accounted per file. */
const minBytesOfOne = maxFileBytesAtOnce / maxFilesAtOnce;

export type ListedEntry = DirectoryEntry & Partial<FileAttributes>;

export interface FolderSource {
  /** Total size of its files as announced; null when unknown. */
  readonly size: number | null;
  /** Each folder before its contents. */
  readonly entries: AsyncIterable<ListedEntry>;
  /** Writes one file; true when it was already there. */
  readonly fetch: (entry: ListedEntry, folder: FolderHandle, base: string) => Promise<boolean>;
}

/** True when every file and folder was already there. */
export async function getFolder(source: FolderSource, above: FolderHandle, base: string): Promise<boolean> {
  const there = await whatIsAt(above, base);
  const place = `${above.path}/${base}`;
  if (there === 'file' || there === 'something else') throw alreadyExists(place);
  const name = there === 'folder' ? base : partName(base);
  if (there === 'nothing') await makeFolder(above, name);
  let changed = there === 'nothing';
  await using root = await openFolder(above, name);
  if (there === 'nothing' && !isOwn(root)) throw alreadyExists(`${above.path}/${name}`);
  const budget = new Semaphore(maxFileBytesAtOnce);
  let bytes = 0;
  const files = async function* (): AsyncGenerator<ListedEntry, void, undefined> {
    for await (const entry of source.entries) {
      checkPath(entry.path);
      if (entry.type === 'directory') {
        if (await within(root, entry.path, makeFolder)) changed = true;
        continue;
      }
      bytes += entry.size;
      if (source.size !== null && bytes > source.size) throw badSize(place, source.size, bytes);
      yield entry;
    }
  };
  const fetchOne = async (entry: ListedEntry): Promise<void> => {
    const held = Math.max(minBytesOfOne, Math.min(entry.size, maxFileBytesAtOnce));
    const fetch = (): Promise<boolean> => within(root, entry.path, (folder, file) => source.fetch(entry, folder, file));
    if (!(await budget.pass(fetch, held))) changed = true;
  };
  await forEachConcurrently(files(), maxFilesAtOnce, fetchOne);
  if (source.size !== null && bytes !== source.size) throw badSize(place, source.size, bytes);
  if (there === 'nothing') await giveName(above, name, base, root);
  return !changed;
}

/** Runs an operation with the folder of an entry, reached without links. */
async function within<Result>(
  root: FolderHandle,
  path: string,
  run: (folder: FolderHandle, base: string) => Promise<Result>,
): Promise<Result> {
  const parts = path.split('/');
  await using opened = new AsyncDisposableStack();
  let folder = root;
  for (const part of parts.slice(0, -1)) folder = opened.use(await openOrMake(folder, part));
  return await run(folder, parts.at(-1)!);
}

/** The listing is untrusted: paths must not escape the target. */
function checkPath(path: string): void {
  const reason = path
    .split('/')
    .map(whyNotAName)
    .find((one) => one !== null);
  if (reason === undefined) return;
  throw new ChordialError(
    'outside-target',
    `The folder holds an entry ${JSON.stringify(path)} that is refused: ${reason}. Nothing was written for it; fetch single entries by CID.`,
  );
}

/** Creates the folder unless it exists; true when created. */
async function makeFolder(above: FolderHandle, name: string): Promise<boolean> {
  try {
    await mkdir(above.at(name));
    above.checkIsThere();
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
      throw fileError('unwritable-file', `${above.path}/${name}`, cause);
  }
  if ((await lstat(above.at(name))).isDirectory()) return false;
  throw throughLink(`${above.path}/${name}`);
}

async function openOrMake(above: FolderHandle, name: string): Promise<FolderHandle> {
  try {
    return await above.folder(name);
  } catch {
    await makeFolder(above, name);
    return openFolder(above, name);
  }
}

async function openFolder(above: FolderHandle, name: string): Promise<FolderHandle> {
  const path = `${above.path}/${name}`;
  try {
    return await above.folder(name);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw code === 'ENOTDIR' || code === 'ELOOP' ? throughLink(path) : fileError('unwritable-file', path, cause);
  }
}

/** Another user may have created the folder to read or change what is written. */
function isOwn({ status }: FolderHandle): boolean {
  const own = process.geteuid?.();
  return own === undefined || status.uid === BigInt(own);
}

async function giveName(above: FolderHandle, name: string, base: string, root: FolderHandle): Promise<void> {
  const place = `${above.path}/${base}`;
  try {
    // A rename would replace an empty folder created meanwhile, which loses nothing.
    await rename(above.at(name), above.at(base));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // Another command that fetched the same content has renamed it.
    if (code === 'ENOENT' && isMarked(await above.lstat(base), markOf(root.status))) return;
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') throw alreadyExists(place);
    throw fileError('unwritable-file', place, cause);
  }
}

function throughLink(path: string): ChordialError {
  return new ChordialError(
    'outside-target',
    `${path} is a link or a file where a folder is to be written; nothing is written through it. Move it away, or write elsewhere with -o.`,
  );
}

function badSize(place: string, announced: number, found: number): ChordialError {
  return new ChordialError(
    'bad-content',
    `The folder for ${place} is announced with ${announced} bytes, and its files have ${found}${found > announced ? ' or more' : ''}. It was published like this; try another publisher.`,
  );
}
