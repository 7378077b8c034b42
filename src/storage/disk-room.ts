/**
 * Room on the disk of the data folder, looked at before blocks are written. They leave some of it free for the
 * catalogue, whose log grows to 4 MiB between two checkpoints: on a disk without any room a peer could not even start
 * again.
 */
import fs from 'node:fs/promises';
import { ChordialError } from '../errors.ts';

const keptFreeBytes = 6 * 1024 * 1024;
/** What the disk said is believed so long, while there is plenty: asking for each small block would cost more than writing it. */
const believedMilliseconds = 100;
const plentyBytes = 256 * 1024 * 1024;

export class DiskRoom {
  readonly #folder: string;
  /** Of writes under way, which the disk may not count yet. */
  #arrivingBytes = 0;
  #plenty: { readonly until: number; bytes: number } | null = null;

  constructor(folder: string) {
    this.#folder = folder;
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
    if (this.#plenty !== null && this.#plenty.until > performance.now() && this.#plenty.bytes > plentyBytes) {
      this.#plenty.bytes -= bytes;
      return;
    }
    const { bavail, bsize } = await fs.statfs(this.#folder);
    const free = bavail * bsize;
    this.#plenty = { until: performance.now() + believedMilliseconds, bytes: free - this.#arrivingBytes };
    if (free >= this.#arrivingBytes + keptFreeBytes) return;
    throw new ChordialError(
      'disk-full',
      `The disk that holds ${this.#folder} has ${free} bytes left, of which ${keptFreeBytes} are kept for the catalogue: the block was not stored. Free some space.`,
    );
  }
}
