/**
 * What is put of a local folder: its files and folders, without hidden entries, links and special files. Read through
 * folder handles, so that a link swapped in is not followed. What cannot be put is reported and skipped.
 */
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { FileAttributes } from '../content/attributes.ts';
import { maxFolderDepth } from '../content/walk.ts';
import { ChordialError } from '../errors.ts';
import { isDataFolder } from '../storage/data-folder.ts';
import { escapedName, FolderHandle, type Listing } from '../storage/folder-handle.ts';
import { attributesOf, checkUnchanged, fileError, piecesOf } from './local-file.ts';

export interface FolderItem extends FileAttributes {
  /** Relative to the folder, separated by "/". */
  readonly path: string;
  readonly type: 'file' | 'directory';
  /** Of a file: to be read to its end, once. Throws an error accepted by `isLeftOut` when the file cannot be put after all. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface LocalItem extends FolderItem {
  /** Of a file, when it was opened. */
  readonly size: number;
}

export interface LeftOut {
  /** For display: bytes that are not UTF-8 are escaped. */
  readonly path: string;
  readonly reason: string;
  /** Never put under any option; otherwise the caller expected the file to be put. */
  readonly isNever: boolean;
}

/** Whether only one file failed and the rest of its folder can be put. */
export function isLeftOut(error: unknown): boolean {
  return error instanceof ChordialError && (error.code === 'changed-while-read' || error.code === 'unreadable-file');
}

/**
 * Each folder before its contents, by name. Throws `unreadable-file` when the folder itself cannot be read.
 * @param root absolute and without links
 */
export async function* localFolder(
  root: string,
  leftOut: (one: LeftOut) => void,
): AsyncGenerator<LocalItem, void, undefined> {
  let folder: FolderHandle;
  try {
    folder = await FolderHandle.open(root);
  } catch (cause) {
    throw fileError('unreadable-file', root, cause);
  }
  await using held = folder;
  yield* itemsIn(held, '', 0, leftOut);
}

async function* itemsIn(
  folder: FolderHandle,
  above: string,
  depth: number,
  leftOut: (one: LeftOut) => void,
): AsyncGenerator<LocalItem, void, undefined> {
  const lose = (name: string, reason: string, isNever = false): void =>
    leftOut({ path: above + escapedName(Buffer.from(name)), reason, isNever });
  let listing: Listing;
  try {
    listing = await folder.list();
  } catch (cause) {
    if (depth === 0) throw fileError('unreadable-file', folder.path, cause);
    return leftOut({
      path: above.slice(0, -1),
      reason: fileError('unreadable-file', folder.path, cause).message,
      isNever: false,
    });
  }
  for (const name of listing.misnamed.filter((one) => !one.startsWith('.')))
    leftOut({ path: above + name, reason: 'its name is not UTF-8', isNever: false });
  const visible = listing.entries.filter(({ name }) => !name.startsWith('.'));
  // Deterministic order.
  for (const entry of visible.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = entry;
    const path = above + name;
    if (entry.isFile()) {
      const opened = await opening(folder, name).catch((error: unknown) => void lose(name, messageOf(error)));
      if (opened === undefined || opened === null) continue;
      const { file, status } = opened;
      try {
        yield {
          path,
          type: 'file',
          size: Number(status.size),
          ...attributesOf(status),
          bytes: bytesOf(opened, folder, name, lose),
        };
      } finally {
        await file.close();
      }
    } else if (entry.isDirectory()) {
      if (depth >= maxFolderDepth) {
        lose(name, `it lies more than ${maxFolderDepth} folders deep`);
        continue;
      }
      let below: FolderHandle;
      try {
        below = await folder.folder(name);
      } catch (cause) {
        lose(name, messageOf(fileError('unreadable-file', `${folder.path}/${name}`, cause)));
        continue;
      }
      await using held = below;
      if (await isDataFolder(held.at())) {
        lose(name, 'it is the data folder of a peer, which holds its private key', true);
        continue;
      }
      yield { path, type: 'directory', size: 0, modified: null, executable: false, bytes: nothing() };
      yield* itemsIn(held, `${path}/`, depth + 1, leftOut);
    }
  }
}

interface Opened {
  readonly file: FileHandle;
  readonly status: BigIntStats;
}

/** Null when it is no longer a file. */
async function opening(folder: FolderHandle, name: string): Promise<Opened | null> {
  try {
    const file = await folder.file(name);
    const status = await file.stat({ bigint: true });
    if (status.isFile()) return { file, status };
    await file.close();
    return null;
  } catch (cause) {
    throw fileError('unreadable-file', `${folder.path}/${name}`, cause);
  }
}

async function* bytesOf(
  { file, status }: Opened,
  folder: FolderHandle,
  name: string,
  lose: (name: string, reason: string) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const path = `${folder.path}/${name}`;
  try {
    yield* piecesOf(file, path, () => checkUnchanged(file, path, status, () => folder.lstat(name)));
  } catch (error) {
    if (isLeftOut(error)) lose(name, messageOf(error));
    throw error;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

function messageOf(error: unknown): string {
  return (error as Error).message;
}
