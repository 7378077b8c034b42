/**
 * Files that are either there whole and for good, or not at all: written beside, flushed to the disk, renamed, and the
 * folder flushed so that the new name lasts too.
 */
import fs from 'node:fs/promises';
import path from 'node:path';

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

/** Writes a file and waits until its bytes are on the disk. An existing one is truncated: call it for temporary names. */
export async function writeFlushed(file: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const handle = await fs.open(file, 'w', mode);
  try {
    await handle.writeFile(bytes);
    await handle.datasync();
  } finally {
    await handle.close();
  }
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

/**
 * Flushes of one folder or file, shared: a flush that has not begun serves everyone who asks before it does; one under
 * way serves nobody else, for it may have passed the bytes in question. So at most two of them wait or run.
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
