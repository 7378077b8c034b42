/**
 * Free space on the disk of the data folder, checked before blocks are written. Some is reserved for the catalogue,
 * whose log grows to 4 MiB between checkpoints when space is short: with a full disk a peer could not even start again.
 */
import fs from 'node:fs/promises';
import { ChordialError } from '../errors.ts';
import { SharedFlush } from './durable-file.ts';

const keptFreeBytes = 6 * 1024 * 1024;
/** How long a reading is valid while there is plenty: statfs for each small block would cost more than the write. */
const believedMilliseconds = 100;
const plentyBytes = 256 * 1024 * 1024;

export class DiskRoom {
  readonly #folder: string;
  readonly #told: (isPlenty: boolean) => void;
  /** Bytes of writes in flight, which the disk may not count yet. */
  #arrivingBytes = 0;
  /** Last reading less what was written since, while there was plenty. */
  #freeBytes = 0;
  #believedUntil = 0;
  /** Concurrent callers share one reading. */
  readonly #look = new SharedFlush(() => this.#ask());

  /** @param told called at each reading with whether there is plenty */
  constructor(folder: string, told: (isPlenty: boolean) => void = () => undefined) {
    this.#folder = folder;
    this.#told = told;
  }

  /** Runs a write of so many bytes when there is space for it. Throws `disk-full` otherwise. */
  async during<T>(bytes: number, write: () => Promise<T>): Promise<T> {
    this.#arrivingBytes += bytes;
    try {
      await this.#check(bytes);
      return await write();
    } finally {
      this.#arrivingBytes -= bytes;
    }
  }

  async #check(bytes: number): Promise<void> {
    if (!this.#isPlenty()) await this.#look.flush();
    if (this.#isPlenty()) {
      this.#freeBytes -= bytes;
      return;
    }
    if (this.#freeBytes >= this.#arrivingBytes + keptFreeBytes) return;
    throw new ChordialError(
      'disk-full',
      `The disk that holds ${this.#folder} has ${this.#freeBytes} bytes left, of which ${keptFreeBytes} are kept for the catalogue: the block was not stored. Free some space.`,
    );
  }

  #isPlenty(): boolean {
    return this.#believedUntil > performance.now() && this.#freeBytes > plentyBytes;
  }

  async #ask(): Promise<void> {
    const { bavail, bsize } = await fs.statfs(this.#folder);
    this.#freeBytes = bavail * bsize;
    this.#believedUntil = performance.now() + believedMilliseconds;
    this.#told(this.#freeBytes > plentyBytes);
  }
}
