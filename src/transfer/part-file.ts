/**
 * The file beside the target that a get writes into: `PATH.part`, renamed when it is whole. What is in it from an
 * earlier attempt is never trusted: a block counts only when its bytes hash to its CID.
 */
import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { CID } from 'multiformats/cid';
import { verifyBlock } from '../content/cid.ts';
import { isPageAligned } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import { openPastTheCache } from '../storage/durable-file.ts';
import { fileError } from './local-file.ts';

export const partSuffix = '.part';
/**
 * Files from this size on go past the cache of the system: they have to be on the disk anyway before they are there,
 * and copying them into the cache first took a third of the CPU time of a get (measured). A smaller one is likely looked at
 * next, from the cache.
 */
const leastBytesPastTheCache = 64 * 1024 * 1024;

/** Part files being written by this process: two gets into one file would spoil each other's work. */
const inUse = new Set<string>();

/**
 * Where a file of a folder grows. Not at `NAME.part`: the folder may hold a file of that name too, or NAME may be as
 * long as names can be. The same for the same name, so that a later attempt goes on with it.
 */
export function partInFolder(target: string): string {
  const digest = hash('sha256', basename(target), 'hex').slice(0, 32);
  return join(dirname(target), `.${digest}${partSuffix}`);
}

export class PartFile {
  readonly path: string;
  readonly #target: string;
  readonly #file: FileHandle;
  readonly #bytesBefore: number;
  /** The same file, for whole pages; null where that cannot be had. */
  #pages: FileHandle | null;

  private constructor(target: string, path: string, file: FileHandle, bytesBefore: number, pages: FileHandle | null) {
    this.#target = target;
    this.path = path;
    this.#file = file;
    this.#bytesBefore = bytesBefore;
    this.#pages = pages;
  }

  /**
   * Opens or makes it; never through a link. Throws `unwritable-file`, or `already-exists` while another get writes it.
   * @param size bytes that it will have.
   */
  static async open(target: string, size: number, path: string = target + partSuffix): Promise<PartFile> {
    if (inUse.has(path))
      throw new ChordialError('already-exists', `Another get is writing ${path}. Wait for it, or name another target.`);
    inUse.add(path);
    try {
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const file = await open(path, flags, 0o666);
      const status = await file.stat();
      if (status.isFile()) {
        const pages = size < leastBytesPastTheCache ? null : await openPastTheCache(file);
        return new PartFile(target, path, file, status.size, pages);
      }
      await file.close();
      throw new ChordialError('unwritable-file', `${path} is not a regular file. Move it away or name another target.`);
    } catch (cause) {
      inUse.delete(path);
      throw fileError('unwritable-file', path, cause);
    }
  }

  /** Whether the block is there already, from an earlier attempt. */
  async holds(cid: CID, offset: number, length: number): Promise<boolean> {
    if (offset + length > this.#bytesBefore) return false;
    const bytes = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await this.#file.read(bytes, 0, length, offset);
    return bytesRead === length && verifyBlock(cid, bytes);
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    try {
      let written =
        this.#pages !== null && isPageAligned(bytes) ? await this.#writePages(this.#pages, bytes, offset) : 0;
      while (written < bytes.length) {
        written += (await this.#file.write(bytes, written, bytes.length - written, offset + written)).bytesWritten;
      }
    } catch (cause) {
      throw fileError('unwritable-file', this.path, cause);
    }
  }

  /** How many of the bytes were written: none when the file system cannot do it, for this file. */
  async #writePages(pages: FileHandle, bytes: Uint8Array, offset: number): Promise<number> {
    try {
      return (await pages.write(bytes, 0, bytes.length, offset)).bytesWritten;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EINVAL') throw cause;
      this.#pages = null;
      await pages.close();
      return 0;
    }
  }

  /** Cut to its size, flushed and moved to the target. Without `force` something that came there meanwhile stays: `already-exists`. */
  async finish(size: number, force: boolean): Promise<void> {
    try {
      await this.#file.truncate(size);
      await this.#file.sync();
      if (force) await rename(this.path, this.#target);
      else await this.#moveToFreePlace();
      await syncFolder(dirname(this.#target));
    } catch (cause) {
      throw fileError('unwritable-file', this.#target, cause);
    }
  }

  /** Keeps what is there for a later attempt, unless that is nothing. */
  async close(): Promise<void> {
    try {
      await this.#pages?.close();
      const { size } = await this.#file.stat();
      await this.#file.close();
      if (size === 0 && this.#bytesBefore === 0) await rm(this.path, { force: true });
    } finally {
      inUse.delete(this.path);
    }
  }

  async #moveToFreePlace(): Promise<void> {
    try {
      await link(this.path, this.#target);
      await rm(this.path);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'EEXIST') throw alreadyExists(this.#target);
      // File systems without hard links: nothing can keep two writers apart there but looking.
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw cause;
      if (await exists(this.#target)) throw alreadyExists(this.#target);
      await rename(this.path, this.#target);
    }
  }
}

export function alreadyExists(path: string): ChordialError {
  return new ChordialError(
    'already-exists',
    `${path} is there already and holds something else; it was kept. Use --force to replace it or -o to name another place.`,
  );
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw cause;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
