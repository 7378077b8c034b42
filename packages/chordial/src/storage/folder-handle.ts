/**
 * An open folder: operations affect that very folder, wherever its path leads by then. Folders on the path are opened
 * one below the other without following links.
 *
 * On Linux the folder is reached through `/proc/self/fd`. Elsewhere it is reached by path, and device and inode of
 * every folder on the path are compared afterwards: a link swapped in meanwhile is detected unless it came and went
 * twice.
 */

import { isUtf8 } from 'node:buffer';
import { type BigIntStats, constants, type Dirent, existsSync, lstatSync } from 'node:fs';
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { flushFolder, SharedFlush } from './durable-file.ts';
import { smallBytes, UnfitFileError } from './small-file.ts';

const isReachedByDescriptor = process.platform === 'linux' && existsSync('/proc/self/fd');
/** Linux O_PATH, so that folders on the path need not be readable. Node has no constant for it. */
const placeOnly = 0o10000000;
const folderFlags =
  constants.O_DIRECTORY | constants.O_NOFOLLOW | (isReachedByDescriptor ? placeOnly : constants.O_RDONLY);

export interface Listing {
  readonly entries: readonly Dirent[];
  /** Names that are not UTF-8, with the invalid bytes as `\xNN`; no text can name these files. */
  readonly misnamed: readonly string[];
}

export class FolderHandle {
  /** As requested. */
  readonly path: string;
  /** As of opening. */
  readonly status: BigIntStats;
  readonly #handle: FileHandle;
  readonly #above: FolderHandle | null;
  /** A handle of a place alone cannot be flushed. */
  readonly #names = new SharedFlush(() => flushFolder(this.at()));

  private constructor(place: string, handle: FileHandle, status: BigIntStats, above: FolderHandle | null) {
    this.path = place;
    this.status = status;
    this.#handle = handle;
    this.#above = above;
  }

  /**
   * Throws system errors; ENOTDIR also for a link in place of a folder.
   * @param absolute without `.` and `..`
   */
  static async open(absolute: string): Promise<FolderHandle> {
    const { root } = path.parse(absolute);
    let here = await FolderHandle.#opened(root, root, null);
    for (const part of absolute.slice(root.length).split(path.sep)) {
      if (part === '') continue;
      const next = here.folder(part);
      const above = here;
      try {
        here = await next;
      } finally {
        await above.close();
      }
    }
    return here;
  }

  static async #opened(place: string, at: string, above: FolderHandle | null): Promise<FolderHandle> {
    const handle = await open(at, folderFlags);
    try {
      return new FolderHandle(place, handle, await handle.stat({ bigint: true }), above);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * Path for system calls of an entry of this folder, or of the folder itself.
   * @param name without slashes
   */
  at(name = '.'): string {
    return isReachedByDescriptor ? `/proc/self/fd/${this.#handle.fd}/${name}` : path.join(this.path, name);
  }

  /** Opens a subfolder; links are refused. */
  async folder(name: string): Promise<FolderHandle> {
    const below = await FolderHandle.#opened(path.join(this.path, name), this.at(name), this);
    try {
      this.checkIsThere();
      return below;
    } catch (error) {
      await below.close();
      throw error;
    }
  }

  /**
   * Opens a file in it; links are refused, and pipes or devices do not block.
   * @param flags read-only by default
   */
  async file(name: string, flags: number = constants.O_RDONLY, mode?: number): Promise<FileHandle> {
    const file = await open(this.at(name), flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, mode);
    try {
      this.checkIsThere();
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Null for anything but a regular file of at most that many bytes. */
  async smallFile(name: string, maxBytes: number): Promise<Buffer | null> {
    const file = await this.file(name);
    try {
      return await smallBytes(file, maxBytes);
    } catch (error) {
      if (error instanceof UnfitFileError) return null;
      throw error;
    } finally {
      await file.close();
    }
  }

  async list(): Promise<Listing> {
    const listing = await listFolder(this.at());
    this.checkIsThere();
    return listing;
  }

  lstat(name: string): Promise<BigIntStats> {
    return lstat(this.at(name), { bigint: true });
  }

  lstatSync(name: string): BigIntStats {
    return lstatSync(this.at(name), { bigint: true });
  }

  /** Where paths are used: checks that this folder and its parents are still in place. Throws with code ENOTDIR. */
  checkIsThere(): void {
    if (isReachedByDescriptor) return;
    for (let one: FolderHandle | null = this; one !== null; one = one.#above) {
      const { dev, ino } = lstatSync(one.path, { bigint: true });
      if (dev !== one.status.dev || ino !== one.status.ino)
        throw Object.assign(new Error(`${one.path} is another folder now`), { code: 'ENOTDIR' });
    }
  }

  /** Resolves when what is in it now has its names on the disk. */
  flush(): Promise<void> {
    return this.#names.flush();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Entries of a folder, with names as text. Throws system errors. */
export async function listFolder(place: string): Promise<Listing> {
  const entries: Dirent[] = [];
  const misnamed: string[] = [];
  // Read as bytes: as text, names in other encodings would be garbled.
  for (const entry of await readdir(place, { withFileTypes: true, encoding: 'buffer' })) {
    const bytes = entry.name as unknown as Buffer;
    if (isUtf8(bytes)) entries.push(Object.assign(entry, { name: bytes.toString() }) as unknown as Dirent);
    else misnamed.push(escapedName(bytes));
  }
  return { entries, misnamed };
}

/** A name on disk as text for people: bytes that are not UTF-8 and control characters as `\xNN`. */
export function escapedName(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find((some) => at + some <= bytes.length && isUtf8(bytes.subarray(at, at + some)));
    if (length === undefined) text += `\\x${bytes[at]!.toString(16).padStart(2, '0')}`;
    else text += Buffer.from(bytes.subarray(at, at + length)).toString();
    at += length ?? 1;
  }
  return text.replace(/\p{Cc}/gu, (control) => `\\x${control.codePointAt(0)!.toString(16).padStart(2, '0')}`);
}
