/**
 * Atomic, durable files: written to a temporary name, flushed, renamed, and the folder flushed so that the new name is
 * durable too.
 */
import files, { constants } from 'node:fs';
import fs, { type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { isPageAligned } from '../content/leaf-pool.ts';
import { errnoOf } from './system-error.ts';

/** Replaces the file. `mode` is for files that hold a secret or must be readable by others. */
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
 * Writes and flushes a file. An existing one is truncated: call it for temporary names.
 *
 * Page-aligned bytes are written with direct I/O where possible. They must reach the disk before it resolves anyway,
 * and copying them into the page cache took a quarter of the CPU time of a put (measured) and evicted pages that other
 * programs use.
 */
export async function writeFlushed(file: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  if (pastTheCache !== null && isPageAligned(bytes)) {
    try {
      await writeAndFlush(file, bytes, overwriting | pastTheCache, mode);
      return;
    } catch (error) {
      // Not every file system supports it; and one that accepted a part may refuse the rest.
      if (errnoOf(error) !== 'EINVAL') throw error;
    }
  }
  await writeAndFlush(file, bytes, overwriting, mode);
}

const overwriting = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
/** Linux only; elsewhere the constant is undefined. */
const pastTheCache: number | null = (constants.O_DIRECT as number | undefined) ?? null;

/**
 * Reopens the file for direct I/O, for page-aligned bytes at page-aligned offsets. Null where unsupported; writes may
 * still fail with EINVAL.
 */
export async function openPastTheCache(file: FileHandle): Promise<FileHandle | null> {
  if (pastTheCache === null) return null;
  try {
    // By descriptor: the name may refer to another file by now.
    return await fs.open(`/proc/self/fd/${file.fd}`, constants.O_WRONLY | pastTheCache);
  } catch {
    // Unsupported here; fall back to the page cache.
    return null;
  }
}

/** Each wait for the pool of threads costs more than a short call: what is quick at this point is called at once. */
async function writeAndFlush(file: string, bytes: Uint8Array, flags: number, mode: number): Promise<void> {
  const opened = await promisify(files.open)(file, flags, mode);
  try {
    for (let written = 0; written < bytes.length; )
      written += (await promisify(files.write)(opened, bytes, written)).bytesWritten;
    await promisify(files.fdatasync)(opened);
  } finally {
    files.closeSync(opened);
  }
}

/**
 * Creates a folder and its missing parents, each durably. An existing one is unchanged. Does not use mkdir's
 * `recursive`: where the system refuses folders, as in /proc, Node 24 retries without end.
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

/** Makes the names in a folder durable. Something was created or renamed in it just now, so opening it does not wait. */
export async function flushFolder(folder: string): Promise<void> {
  const opened = files.openSync(folder, 'r');
  try {
    await promisify(files.fsync)(opened);
  } finally {
    files.closeSync(opened);
  }
}

/** The same, synchronously. */
export function flushFolderAtOnce(folder: string): void {
  const opened = files.openSync(folder, 'r');
  try {
    files.fsyncSync(opened);
  } finally {
    files.closeSync(opened);
  }
}

/** Waits until the bytes of a file that is there are on the disk. */
export async function flushFile(file: string): Promise<void> {
  const opened = await promisify(files.open)(file, 'r');
  try {
    await promisify(files.fdatasync)(opened);
  } finally {
    files.closeSync(opened);
  }
}

/**
 * Shared flushes of one folder or file: a flush that has not begun serves every caller until it begins; one in progress
 * serves no new caller, since it may have passed their bytes. So at most two are queued or running.
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
    // The running flush reports its failure to its own callers.
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
