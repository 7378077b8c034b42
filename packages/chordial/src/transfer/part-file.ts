/**
 * The part file in which a get grows, beside its target, renamed when complete. Both are reached through an open folder
 * handle, so that links swapped in on the path have no effect. Content from an earlier attempt is never trusted: a
 * block counts only when its bytes match its CID.
 */
import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, rename, rm, statfs, unlink } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { CID } from 'multiformats/cid';
import { type FileAttributes, modeOf } from '../content/attributes.ts';
import { verifyBlock } from '../content/cid.ts';
import { isPageAligned, type LeafPool } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import { openPastTheCache } from '../storage/durable-file.ts';
import type { FolderHandle } from '../storage/folder-handle.ts';
import { alreadyExists, whatIsAt } from './existing-target.ts';
import { type FileMark, isMarked, markOf } from './file-mark.ts';
import { fileError, leavesOf } from './local-file.ts';

/**
 * Files from this size on use direct I/O: they are flushed before the rename anyway, and copying into the page cache
 * took a third of the CPU time of a get (measured). Smaller ones are likely read next, from the cache.
 */
const minBytesPastTheCache = 64 * 1024 * 1024;
/** A part file written by another command within this time is waited for; an older one is abandoned. */
const leftBehindMilliseconds = 10_000;
const lookAgainMilliseconds = 200;
/** How often free space is checked while a file grows. */
const bytesBetweenLooks = 256 * 1024 * 1024;
/** How often it is checked for small files written to one folder. */
const smallBytesBetweenLooks = 16 * 1024 * 1024;
/** A get leaves 5 % of the disk free, at most this much. */
const maxKeptFreeBytes = 1024 * 1024 * 1024;
const keptFreeShare = 0.05;
const opening = constants.O_RDWR;

/** Bytes of small files that may still be written to a folder before free space is checked again. */
const bytesLeftIn = new WeakMap<FolderHandle, number>();

/** Part files being written by this process: two gets into one file would corrupt each other. */
const inUse = new Set<string>();

/**
 * Name of the part file of a target, deterministic so that a later attempt resumes it. Short for every name and
 * distinct from all other files.
 */
export function partName(base: string): string {
  return `.${hash('sha256', base, 'hex').slice(0, 32)}.part`;
}

interface Opened {
  readonly folder: FolderHandle;
  readonly base: string;
  readonly file: FileHandle;
  readonly mark: FileMark;
  readonly bytesBefore: number;
  /** The same file for direct I/O; null where unsupported. */
  readonly pages: FileHandle | null;
}

export class PartFile {
  /** For messages. */
  readonly path: string;
  readonly #opened: Opened;
  #pages: FileHandle | null;
  #bytesUntilLook = 0;
  /** Where the furthest byte written by this process ends. */
  #end = 0;

  private constructor(opened: Opened) {
    this.path = `${opened.folder.path}/${partName(opened.base)}`;
    this.#opened = opened;
    this.#pages = opened.pages;
  }

  /**
   * Opens the part file of an earlier attempt, or creates it. Throws `unwritable-file`, `disk-full`, or
   * `already-exists` while another get of this process writes it.
   * @param size expected size; mark: identity of the intended file, which is then not created
   */
  static open(
    folder: FolderHandle,
    base: string,
    { size, mark = null }: { readonly size: number; readonly mark?: FileMark | null },
  ): Promise<PartFile> {
    return PartFile.#claim(folder, base, async (name) => {
      const file = await folder.file(name, mark === null ? opening | constants.O_CREAT : opening, 0o666);
      try {
        const status = await file.stat({ bigint: true });
        const isMeant = mark === null || (isMarked(status, mark) && status.nlink === 1n && isOwn(status.uid));
        if (!status.isFile() || !isMeant)
          throw new ChordialError(
            'unwritable-file',
            `${folder.path}/${name} is not the file in which ${base} was to grow. Start the get again.`,
          );
        const pages = size < minBytesPastTheCache ? null : await openPastTheCache(file);
        const part = new PartFile({
          folder,
          base,
          file,
          mark: markOf(status),
          bytesBefore: Number(status.size),
          pages,
        });
        await part.#checkRoom(Math.max(0, size - Number(status.blocks) * 512));
        return part;
      } catch (error) {
        const left = await file.stat({ bigint: true });
        await file.close();
        if (mark === null && left.size === 0n) await removeMarked(folder, name, markOf(left));
        throw error;
      }
    });
  }

  /**
   * Creates a new one. Waits for another command that writes the same; removes an abandoned one. Throws like `open`.
   * @param size bytes that this process will write
   */
  static create(
    folder: FolderHandle,
    base: string,
    { size, signal }: { readonly size: number; readonly signal?: AbortSignal },
  ): Promise<PartFile> {
    return PartFile.#claim(folder, base, async (name) => {
      for (;;) {
        try {
          const file = await folder.file(name, opening | constants.O_CREAT | constants.O_EXCL, 0o666);
          const mark = markOf(await file.stat({ bigint: true }));
          const part = new PartFile({ folder, base, file, mark, bytesBefore: 0, pages: null });
          try {
            if (!isLookedFor(folder, size)) await part.#checkRoom(size);
            return part;
          } catch (error) {
            await part.drop();
            throw error;
          }
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
          await removeLeftBehind(folder, name, signal);
        }
      }
    });
  }

  static async #claim(
    folder: FolderHandle,
    base: string,
    make: (name: string) => Promise<PartFile>,
  ): Promise<PartFile> {
    const name = partName(base);
    const key = `${folder.status.dev} ${folder.status.ino} ${name}`;
    const path = `${folder.path}/${base}`;
    if (inUse.has(key))
      throw new ChordialError('already-exists', `Another get is writing ${path}. Wait for it, or name another target.`);
    inUse.add(key);
    try {
      return await make(name);
    } catch (cause) {
      inUse.delete(key);
      throw fileError('unwritable-file', path, cause);
    }
  }

  get mark(): FileMark {
    return this.#opened.mark;
  }

  /** Its size when it was opened. */
  get bytesBefore(): number {
    return this.#opened.bytesBefore;
  }

  /** What an earlier attempt left, in leaves of the pool. */
  before(pool: LeafPool): AsyncGenerator<Uint8Array, void, undefined> {
    return leavesOf(this.#opened.file, this.path, pool);
  }

  /** Whether the block is already there from an earlier attempt. */
  async holds(cid: CID, offset: number, length: number): Promise<boolean> {
    const { bytesBefore, file } = this.#opened;
    if (offset + length > bytesBefore) return false;
    const bytes = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await file.read(bytes, 0, length, offset);
    return bytesRead === length && verifyBlock(cid, bytes);
  }

  /** Zeros are left as a hole where the file had nothing. */
  async write(bytes: Uint8Array, offset: number): Promise<void> {
    const { bytesBefore, file } = this.#opened;
    if (offset >= bytesBefore && isZeros(bytes)) return;
    try {
      this.#bytesUntilLook -= bytes.length;
      if (this.#bytesUntilLook < 0) await this.#checkRoom(bytes.length);
      let written =
        this.#pages !== null && isPageAligned(bytes) ? await this.#writePages(this.#pages, bytes, offset) : 0;
      while (written < bytes.length)
        written += (await file.write(bytes, written, bytes.length - written, offset + written)).bytesWritten;
      this.#end = Math.max(this.#end, offset + written);
    } catch (cause) {
      throw fileError('unwritable-file', this.path, cause);
    }
  }

  /** Bytes written: none when the file system refuses direct I/O for this file. */
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

  /**
   * Truncates it to its size, sets attributes, flushes and renames. Without `force` an existing target stays:
   * `already-exists`.
   */
  async finish(
    size: number,
    { force, attributes }: { readonly force: boolean; readonly attributes: FileAttributes },
  ): Promise<void> {
    const { folder, base, file, mark, bytesBefore } = this.#opened;
    const name = partName(base);
    try {
      if (this.#end !== size || bytesBefore > 0) await file.truncate(size);
      if (attributes.executable) await file.chmod(modeOf((await file.stat()).mode, true));
      if (attributes.modified !== null) await file.utimes(new Date(), attributes.modified / 1000);
      await file.sync();
      if (!isMarked(await folder.lstat(name), mark))
        throw new ChordialError('unwritable-file', `Another program took ${this.path} away. Run the command again.`);
      folder.checkIsThere();
      if (force) await rename(folder.at(name), folder.at(base));
      else await this.#moveToFreePlace(name);
      await folder.flush();
    } catch (cause) {
      throw fileError('unwritable-file', `${folder.path}/${base}`, cause);
    }
  }

  /** All of it as it will be, in leaves of the pool. */
  async *whole(size: number, pool: LeafPool): AsyncGenerator<Uint8Array, void, undefined> {
    await this.#opened.file.truncate(size);
    yield* leavesOf(this.#opened.file, this.path, pool);
  }

  /** Resolves when what was written before survives a power failure. */
  async flush(): Promise<void> {
    await this.#opened.file.datasync();
  }

  /** Keeps the bytes for a later attempt, unless there are none. */
  async close(): Promise<void> {
    const { folder, base, file } = this.#opened;
    try {
      await this.#pages?.close();
      const isEmpty = this.#end === 0 && (await file.stat()).size === 0;
      await file.close();
      if (isEmpty) await this.#removeName();
    } finally {
      inUse.delete(`${folder.status.dev} ${folder.status.ino} ${partName(base)}`);
    }
  }

  /** Closes an empty one that another process will write; `dropIfEmpty` removes it if that did not happen. */
  async keepEmpty(): Promise<void> {
    const { file, folder, base } = this.#opened;
    await file.close();
    inUse.delete(`${folder.status.dev} ${folder.status.ino} ${partName(base)}`);
  }

  async dropIfEmpty(): Promise<void> {
    const { folder, base } = this.#opened;
    const status = await folder.lstat(partName(base)).catch(() => null);
    if (status?.size === 0n) await this.#removeName();
  }

  /** Closes and removes it. */
  async drop(): Promise<void> {
    try {
      await this.#removeName();
    } finally {
      await this.close();
    }
  }

  async #removeName(): Promise<void> {
    const { folder, base, mark } = this.#opened;
    await removeMarked(folder, partName(base), mark);
  }

  /** Throws `disk-full` when so many bytes would leave less than a twentieth of the disk free. */
  async #checkRoom(bytes: number): Promise<void> {
    const { folder } = this.#opened;
    this.#bytesUntilLook = bytesBetweenLooks;
    const { blocks, bavail, bsize } = await statfs(folder.at());
    const kept = Math.min(blocks * bsize * keptFreeShare, maxKeptFreeBytes);
    if (blocks === 0 || bytes === 0 || bytes + kept <= bavail * bsize) return;
    throw new ChordialError(
      'disk-full',
      `${folder.path} has ${bavail * bsize} bytes left on its disk, and ${bytes} are to come; ${Math.round(kept)} are left free. Free some or choose another place with -o.`,
    );
  }

  async #moveToFreePlace(name: string): Promise<void> {
    const { folder, base } = this.#opened;
    const path = `${folder.path}/${base}`;
    try {
      await link(folder.at(name), folder.at(base));
      await unlink(folder.at(name));
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'EEXIST') throw alreadyExists(path);
      // File systems without hard links: only checking keeps two writers apart.
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw cause;
      if ((await whatIsAt(folder, base)) !== 'nothing') throw alreadyExists(path);
      await rename(folder.at(name), folder.at(base));
    }
  }
}

/** Removes a file of this name if it is the intended one. */
export async function removeMarked(folder: FolderHandle, name: string, mark: FileMark): Promise<void> {
  const status = await folder.lstat(name).catch(() => null);
  if (status?.isFile() && isMarked(status, mark)) await rm(folder.at(name), { force: true });
}

async function removeLeftBehind(folder: FolderHandle, name: string, signal?: AbortSignal): Promise<void> {
  const status = await folder.lstat(name).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (status === null) return;
  if (!status.isFile())
    throw new ChordialError(
      'already-exists',
      `${folder.path}/${name} is in the way and is no file that a get left behind. Remove it, or write elsewhere with -o.`,
    );
  if (Date.now() - Number(status.mtimeMs) > leftBehindMilliseconds) await removeMarked(folder, name, markOf(status));
  else await wait(lookAgainMilliseconds, undefined, signal === undefined ? {} : { signal });
}

/** Whether a small file before this one has checked the free space for it. */
function isLookedFor(folder: FolderHandle, bytes: number): boolean {
  const left = (bytesLeftIn.get(folder) ?? 0) - bytes;
  bytesLeftIn.set(folder, left < 0 ? smallBytesBetweenLooks - bytes : left);
  return left >= 0;
}

/** A file of another user must not be written by this peer. */
function isOwn(uid: bigint): boolean {
  const own = process.geteuid?.();
  return own === undefined || uid === BigInt(own);
}

const zeros = Buffer.alloc(64 * 1024);

function isZeros(bytes: Uint8Array): boolean {
  for (let from = 0; from < bytes.length; from += zeros.length) {
    const piece = bytes.subarray(from, from + zeros.length);
    if (Buffer.compare(piece, zeros.subarray(0, piece.length)) !== 0) return false;
  }
  return true;
}
