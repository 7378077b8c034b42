/**
 * Blocks as files, `blocks/<first two digits of the key>/<CIDv1>`, each written under its final name. A crash can leave a
 * partial file, but only without a row in the catalogue: a file without a row counts only after its hash is checked (reconcile.ts).
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { verifyBlock } from '../content/cid.ts';
import { type LeafPool, leafBytes, unpooledBuffer } from '../content/leaf-pool.ts';
import type { DiskRoom } from './disk-room.ts';
import { flushFile, flushFolder, makeFolderDurably, SharedFlush, writeFlushed } from './durable-file.ts';
import { type BlockFile, blockFileName, eachShelf, type LargeBlocks, type Shelf, shelves } from './large-blocks.ts';
import { errnoOf, withDiskFull } from './system-error.ts';

/** Writes and flushes a file; injected so that tests can fill the disk or fail the write. */
export type WriteFlushed = (file: string, bytes: Uint8Array) => Promise<void>;

/** As many as libuv's thread pool reads at a time. */
const shelvesReadAhead = 4;

export class BlockFiles implements LargeBlocks {
  /** A file without a row is one of a failed write, which the store knows of. */
  readonly isSettled = true;
  readonly #blocks: string;
  readonly #write: WriteFlushed;
  readonly #flushes: ReadonlyMap<string, SharedFlush>;
  readonly #room: DiskRoom;

  /** @param room of the disk that holds them */
  constructor(folder: string, room: DiskRoom, write: WriteFlushed = writeFlushed) {
    this.#blocks = folder;
    this.#write = write;
    this.#room = room;
    this.#flushes = new Map(
      shelves.map((shelf) => [shelf, new SharedFlush(() => flushFolder(path.join(this.#blocks, shelf)))]),
    );
  }

  /** Creates the folders durably. */
  async prepare(): Promise<void> {
    await makeFolderDurably(this.#blocks);
    const there = new Set(await fs.readdir(this.#blocks));
    const missing = shelves.filter((shelf) => !there.has(shelf));
    if (missing.length === 0) return;
    for (const shelf of missing) await fs.mkdir(path.join(this.#blocks, shelf), { mode: 0o700 });
    await flushFolder(this.#blocks);
  }

  /** Resolves when the file would survive a power failure. Leaves nothing behind when it throws, 'disk-full' included. */
  async write(file: BlockFile, bytes: Uint8Array): Promise<void> {
    try {
      await this.#room.during(bytes.length, () => this.#write(this.#path(file), bytes));
    } catch (error) {
      await this.remove(file);
      throw withDiskFull(error, this.#blocks);
    }
    await this.#flushShelf(file);
  }

  /** The same of one that is there whole. */
  async makeDurable(file: BlockFile): Promise<void> {
    await flushFile(this.#path(file));
    await this.#flushShelf(file);
  }

  /** The bytes, or null when the file is missing or shorter than `size` bytes: the disk has lost it. */
  async read(file: BlockFile, size: number, pool?: LeafPool): Promise<Uint8Array | null> {
    let handle: fs.FileHandle | null = null;
    const bytes = pool !== undefined && size === leafBytes ? pool.take() : unpooledBuffer(size);
    try {
      handle = await fs.open(this.#path(file), 'r');
      let filled = 0;
      while (filled < size) {
        const { bytesRead } = await handle.read(bytes, filled, size - filled);
        if (bytesRead === 0) return null;
        filled += bytesRead;
      }
      return bytes;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw error;
    } finally {
      await handle?.close();
    }
  }

  async remove(file: BlockFile): Promise<void> {
    await fs.rm(this.#path(file), { force: true });
  }

  async removeStray(shelf: string, name: string): Promise<boolean> {
    await fs.rm(path.join(this.#blocks, shelf, name), { recursive: true, force: true });
    return true;
  }

  async sizeOf(file: BlockFile): Promise<number | null> {
    try {
      const status = await fs.lstat(this.#path(file));
      return status.isFile() ? status.size : null;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  async isWhole(file: BlockFile, size: number): Promise<boolean> {
    const bytes = await this.read(file, size);
    return bytes !== null && verifyBlock(file.cid, bytes);
  }

  list(): AsyncIterable<Shelf> {
    return eachShelf((shelf) => fs.readdir(path.join(this.#blocks, shelf)), shelvesReadAhead);
  }

  async #flushShelf({ key }: BlockFile): Promise<void> {
    await this.#flushes.get(key.slice(0, 2))?.flush();
  }

  #path({ key, cid }: BlockFile): string {
    return path.join(this.#blocks, key.slice(0, 2), blockFileName(cid));
  }
}
