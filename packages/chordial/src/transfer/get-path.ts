/** Fetches a file named by a user to a local path. */

import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve as resolvePath } from 'node:path';
import type { FileAttributes } from '../content/attributes.ts';
import type { FileContent, LeafReference } from '../content/file-reader.ts';
import { openContent } from '../content/reader.ts';
import { ChordialError } from '../errors.ts';
import { forEachConcurrently } from '../flow/for-each.ts';
import { said } from '../sentences.ts';
import { FolderHandle } from '../storage/folder-handle.ts';
import { fetchBlocks } from './content-fetcher.ts';
import { isThereAlready } from './existing-target.ts';
import type { FilePorts } from './file-ports.ts';
import { type FileEntry, type FileReference, fileAttributesOf, type GetPathOptions } from './files.ts';
import { formatBytes } from './format-bytes.ts';
import { getSealed } from './get-sealed.ts';
import { fileError } from './local-file.ts';
import { PartFile } from './part-file.ts';
import { checkSize, leafBytesOf, readingOf } from './read-file.ts';
import { maxLeavesInFlight } from './read-memory.ts';
import { resolve } from './resolve.ts';
import { rawEntry } from './seals.ts';

/** `unchanged` means that the target already held it. */
export async function getPath(
  allPorts: FilePorts,
  reference: FileReference,
  path: string,
  options: GetPathOptions,
): Promise<FileEntry & { readonly unchanged: boolean }> {
  const target = resolvePath(path);
  const { entry, cid } = await resolve(allPorts, reference, {
    pins: true,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (entry.type === 'directory') {
    throw new ChordialError(
      'bad-request',
      `${entry.name ?? entry.cid} is a folder. "chordial get" writes folders itself; name a file in it.`,
    );
  }
  const ports = readingOf(allPorts, cid);
  await options.resolved?.(entry);
  const force = options.force ?? false;
  await using folder = await folderOf(target, options.mark !== undefined);
  const base = basename(target);
  if (entry.sealed) {
    const { passphrase } = reference;
    const unchanged = await getSealed(ports, { entry, cid, folder, base, passphrase }, options);
    if (!unchanged) notifyReceived(ports, rawEntry(entry));
    return { ...entry, unchanged };
  }
  if (await isThereAlready(folder, base, { cid, size: entry.size, sha256: entry.sha256 }, force))
    return { ...entry, unchanged: true };
  const content = await openContent(cid, fetchBlocks(ports.fetcher, options.signal));
  if (content.type === 'directory')
    throw new ChordialError('bad-content', `${cid} is said to be a file and is a folder.`);
  checkSize(entry, content.size);
  const mark = options.mark === undefined ? {} : { mark: options.mark };
  const part = await PartFile.open(folder, base, { size: content.size, ...mark });
  await getFile(ports, content, part, {
    force,
    attributes: fileAttributesOf(entry),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    bytesInPlace: counter(entry, options),
  });
  notifyReceived(ports, entry);
  return { ...entry, unchanged: false };
}

function notifyReceived({ notify }: FilePorts, { name, cid, size }: FileEntry): void {
  const what = name === null ? cid : JSON.stringify(name);
  const text = `Received file ${what}: ${formatBytes(size)}, verified.`;
  notify({ kind: 'received', ...said('received', { name, cid, size }, text) });
}

/** @param isReal the path had no links; if it has now, a folder was replaced */
async function folderOf(target: string, isReal: boolean): Promise<FolderHandle> {
  const folder = dirname(target);
  try {
    return await FolderHandle.open(isReal ? folder : await realpath(folder));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw fileError('unwritable-file', folder, cause);
    throw new ChordialError(
      'unwritable-file',
      `The folder ${folder} is not there. Make it, or name another place with -o.`,
    );
  }
}

function counter(entry: FileEntry, { progress }: GetPathOptions): (bytes: number) => void {
  let bytesDone = 0;
  return (bytes) => {
    bytesDone += bytes;
    progress?.({ bytesDone, bytesTotal: entry.size });
  };
}

export interface GetOptions {
  readonly force: boolean;
  readonly attributes: FileAttributes;
  readonly signal?: AbortSignal;
  /** Called with the size of each block in place. */
  readonly bytesInPlace?: (bytes: number) => void;
}

/**
 * Writes the content into the part file and renames it; blocks already correct there are not fetched again. Closes the
 * part file.
 */
export async function getFile(
  ports: FilePorts,
  content: FileContent,
  part: PartFile,
  options: GetOptions,
): Promise<void> {
  try {
    await forEachConcurrently(content.leaves(), maxLeavesInFlight, (leaf) => place(ports, part, leaf, options));
    await part.finish(content.size, options);
  } finally {
    await part.close();
  }
}

async function place(ports: FilePorts, part: PartFile, leaf: LeafReference, options: GetOptions): Promise<void> {
  if (options.signal?.aborted)
    throw new ChordialError('interrupted', 'The get was interrupted. Start it again to resume.');
  if (leaf.inline !== null) await part.write(leaf.inline, leaf.offset);
  else if (!(await part.holds(leaf.cid, leaf.offset, leaf.length))) {
    const bytes = await leafBytesOf(ports, leaf, options.signal);
    await part.write(bytes, leaf.offset);
    ports.fetcher.release(bytes);
  }
  options.bytesInPlace?.(leaf.length);
}
