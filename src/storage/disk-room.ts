/**
 * Room on the disk of the data folder, looked at before blocks are written. They leave some of it free for the
 * catalogue, whose log grows to 4 MiB between two checkpoints where there is not plenty: on a disk without any room a peer could not even start
 * again.
 */
import fs from 'node:fs/promises';
import { ChordialError } from '../errors.ts';
import { SharedFlush } from './durable-file.ts';

const keptFreeBytes = 6 * 1024 * 1024;
/** What the disk said is believed so long, while there is plenty: asking for each small block would cost more than writing it. */
const believedMilliseconds = 100;
const plentyBytes = 256 * 1024 * 1024;

export class DiskRoom {
  readonly #folder: string;
  readonly #told: (isPlenty: boolean) => void;
  /** Of writes under way, which the disk may not count yet. */
  #arrivingBytes = 0;
  /** As the disk said, less what was written since while there was plenty. */
  #freeBytes = 0;
  #believedUntil = 0;
  /** Those who ask at the same time are answered together. */
  readonly #look = new SharedFlush(() => this.#ask());

  /** @param told at each look whether there is plenty. */
  constructor(folder: string, told: (isPlenty: boolean) => void = () => undefined) {
    this.#folder = folder;
    this.#told = told;
  }

  /** Runs the write of so many bytes when there is room for them. Throws `disk-full` otherwise. */
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
