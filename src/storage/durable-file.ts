/**
 * Files that are either there whole and for good, or not at all: written beside, flushed to the disk, renamed, and the
 * folder flushed so that the new name lasts too.
 */
import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import fs, { type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { isPageAligned } from '../content/leaf-pool.ts';
import { errnoOf } from './system-error.ts';

/** Replaces the file. `mode` is for a file that holds a secret or should be read by others. */
export async function writeFileDurably(file: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const temporary = `${file}.${process.pid}.new`;
  try {
    await writeFlushed(temporary, bytes, mode);
    await fs.rename(temporary, file);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
  await flushFolder(path.dirname(file));
}

/**
 * Writes a file and waits until its bytes are on the disk. An existing one is truncated: call it for temporary names.
 *
 * Page-aligned bytes go past the cache of the system where that is possible. They have to be on the disk anyway before it
 * resolves, and copying them into the cache first took a quarter of the CPU time of a put (measured); besides, copies
 * kept for others do not push out of the cache what the programs of this machine read.
 */
export async function writeFlushed(file: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  if (pastTheCache !== null && isPageAligned(bytes)) {
    try {
      await writeAndFlush(file, bytes, overwriting | pastTheCache, mode);
      return;
    } catch (error) {
      // Not every file system can; and one that took a part of the bytes may refuse what is left.
      if (errnoOf(error) !== 'EINVAL') throw error;
    }
  }
  await writeAndFlush(file, bytes, overwriting, mode);
}

const overwriting = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
/** Linux has it; elsewhere the constant is not there. */
const pastTheCache: number | null = (constants.O_DIRECT as number | undefined) ?? null;

/**
 * The same file once more, for page-aligned bytes at offsets of whole pages, which go past the cache of the system. null where
 * there is no such way. Writing may still be refused with EINVAL.
 */
export async function openPastTheCache(file: FileHandle): Promise<FileHandle | null> {
  if (pastTheCache === null) return null;
  try {
    // By its descriptor: what has its name now may be another file.
    return await fs.open(`/proc/self/fd/${file.fd}`, constants.O_WRONLY | pastTheCache);
  } catch {
    // No such file system, or none that can; the ordinary way is open.
    return null;
  }
}

async function writeAndFlush(file: string, bytes: Uint8Array, flags: number, mode: number): Promise<void> {
  const handle = await fs.open(file, flags, mode);
  try {
    await handle.writeFile(bytes);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a folder and those above it that are not there, each with its name on the disk. One that is there stays as it is.
 * Not mkdir's `recursive`: where the system makes no folders, as in /proc, Node 24 tries it for ever.
 */
export async function makeFolderDurably(folder: string, mode = 0o700): Promise<void> {
  const above = path.dirname(folder);
  const make = () => fs.mkdir(folder, { mode });
  try {
    await make().catch(async (error: unknown) => {
      if (errnoOf(error) !== 'ENOENT' || above === folder) throw error;
      await makeFolderDurably(above, mode);
      await make();
    });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST' && (await fs.stat(folder)).isDirectory()) return;
    throw error;
  }
  await flushFolder(above);
}

/** Waits until the names in a folder are on the disk. */
export async function flushFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The same, and the process waits. */
export function flushFolderAtOnce(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * Flushes of one folder or file, shared: a flush that has not begun serves everyone who asks before it does; one under
 * way serves no one else, for it may have passed the bytes in question. So at most two of them wait or run.
 */
export class SharedFlush {
  readonly #flush: () => Promise<void>;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(flush: () => Promise<void>) {
    this.#flush = flush;
  }

  flush(): Promise<void> {
    if (this.#next !== null) return this.#next;
    if (this.#running === null) return this.#start();
    // The flush under way reports its own failure to those who wait for it.
    const begin = () => this.#start();
    this.#next = this.#running.then(begin, begin);
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = null;
    const running = this.#flush().finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }
}
