/**
 * Recreating a folder: never outside its target, never through a link. Where nothing is there it grows in `PATH.part`
 * and is renamed when whole; into a folder that is there it is merged, under the same rule for each file as alone.
 */
import { constants } from 'node:fs';
import { lstat, mkdir, open, rename } from 'node:fs/promises';
import { dirname, join, relative, resolve as resolvePath, sep } from 'node:path';
import { parseCid } from '../content/cid.ts';
import { openContent } from '../content/reader.ts';
import { ChordialError } from '../errors.ts';
import { forEachAtOnce } from '../replication/block-stream.ts';
import { ByteBudget } from '../replication/byte-budget.ts';
import { whatIsAt } from './existing-target.ts';
import { fetchBlocks } from './fetch-blocks.ts';
import type { FilePorts } from './file-ports.ts';
import type { DirectoryEntry } from './files.ts';
import { type GetOptions, getFile, isThereAlready } from './get-file.ts';
import { fileError } from './local-file.ts';
import { alreadyExists, partInFolder, partSuffix } from './part-file.ts';
import { walkFolder } from './read-file.ts';

/** Bytes of files being fetched side by side: many small ones at once, large ones alone. */
const maximumFileBytesAtOnce = 32 * 1024 * 1024;

/** True when every file and folder was there already. */
export async function getFolder(ports: FilePorts, cid: string, target: string, options: GetOptions): Promise<boolean> {
  const there = await whatIsAt(target);
  if (there === 'file' || there === 'something else') throw alreadyExists(target);
  const base = there === 'folder' ? target : target + partSuffix;
  if (there === 'nothing') await makeFolder(base);
  const budget = new ByteBudget(maximumFileBytesAtOnce);
  let changed = there === 'nothing';
  await forEachAtOnce(
    entriesInOrder(ports, cid, base, options, () => {
      changed = true;
    }),
    async (entry) => {
      const held = Math.min(entry.size, maximumFileBytesAtOnce);
      await budget.take(held);
      try {
        if (!(await placeFile(ports, entry, inside(base, entry.path), options))) changed = true;
      } finally {
        budget.give(held);
      }
    },
  );
  if (there === 'nothing') await moveFolder(base, target);
  return !changed;
}

/** The files of the folder; the folders on the way are made before what is in them comes. */
async function* entriesInOrder(
  ports: FilePorts,
  cid: string,
  base: string,
  options: GetOptions,
  made: () => void,
): AsyncGenerator<DirectoryEntry, void, undefined> {
  for await (const entry of walkFolder(ports, cid, options.signal)) {
    if (entry.type === 'file') yield entry;
    else if (await makeFolder(inside(base, entry.path))) made();
  }
}

/** True when it was there already. */
async function placeFile(ports: FilePorts, entry: DirectoryEntry, path: string, options: GetOptions): Promise<boolean> {
  await refuseLinks(dirname(path));
  const cid = parseCid(entry.cid);
  if (await isThereAlready(path, cid, entry.size, null, options.force ?? false)) {
    options.bytesInPlace?.(entry.size);
    return true;
  }
  const content = await openContent(cid, fetchBlocks(ports.fetcher, options.signal));
  if (content.type !== 'file')
    throw new ChordialError('bad-content', `${entry.path} is said to be a file and is a folder.`);
  await getFile(ports, content, path, { ...options, part: partInFolder(path) });
  return false;
}

/** The place of an entry; the reader of folders has refused names such as `..`, and this holds even if it had not. */
function inside(base: string, path: string): string {
  const place = resolvePath(base, path);
  const way = relative(base, place);
  if (way === '' || way === '..' || way.startsWith(`..${sep}`) || resolvePath(way) === way) {
    throw new ChordialError(
      'outside-target',
      `The folder has an entry ${JSON.stringify(path)} that leads outside of it. Nothing was written there.`,
    );
  }
  return join(base, way);
}

/** Makes the folder unless it is there; true when it was made. A link in its place is refused. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw fileError('unwritable-file', path, cause);
  }
  await refuseLinks(path);
  return false;
}

async function refuseLinks(folder: string): Promise<void> {
  try {
    if ((await lstat(folder)).isDirectory()) return;
  } catch (cause) {
    throw fileError('unwritable-file', folder, cause);
  }
  throw new ChordialError(
    'outside-target',
    `${folder} is a link or a file where a folder is to be written; nothing is written through it. Move it away.`,
  );
}

async function moveFolder(base: string, target: string): Promise<void> {
  try {
    await rename(base, target);
    const above = await open(dirname(target), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await above.sync();
    } finally {
      await above.close();
    }
  } catch (cause) {
    throw fileError('unwritable-file', target, cause);
  }
}
