/**
 * Blocks as files, `blocks/<first two digits of the key>/<CIDv1>`, each written under its final name. A crash can leave a
 * partial file, but only without a row in the catalogue: a file without a row counts only after its hash is checked (reconcile.ts).
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import type { CID } from 'multiformats/cid';
import { type LeafPool, leafBytes, unpooledBuffer } from '../content/leaf-pool.ts';
import { DiskRoom } from './disk-room.ts';
import { flushFile, flushFolder, makeFolderDurably, SharedFlush, writeFlushed } from './durable-file.ts';
import { errnoOf, withDiskFull } from './system-error.ts';

export interface BlockFile {
  readonly key: string;
  readonly cid: CID;
}

/** Writes and flushes a file; injected so that tests can fill the disk or fail the write. */
export type WriteFlushed = (file: string, bytes: Uint8Array) => Promise<void>;

/** As many as libuv's thread pool reads at a time. */
const shelvesReadAhead = 4;
const shelves = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

export class BlockFiles {
  readonly #blocks: string;
  readonly #write: WriteFlushed;
  readonly #flushes: ReadonlyMap<string, SharedFlush>;
  /** Free space of the disk that holds them. */
  readonly room: DiskRoom;

  /** @param hasRoom called with whether the disk has plenty of free space */
  constructor(folder: string, write: WriteFlushed = writeFlushed, hasRoom?: (isPlenty: boolean) => void) {
    this.#blocks = path.join(folder, 'blocks');
    this.#write = write;
    this.room = new DiskRoom(this.#blocks, hasRoom);
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
      await this.room.during(bytes.length, () => this.#write(this.#path(file), bytes));
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

  async removeStray(shelf: string, name: string): Promise<void> {
    await fs.rm(path.join(this.#blocks, shelf, name), { recursive: true, force: true });
  }

  /** Size of the file on disk, without reading it; null when what has its name is no file. */
  async sizeOnDisk(file: BlockFile): Promise<number | null> {
    const status = await fs.lstat(this.#path(file));
    return status.isFile() ? status.size : null;
  }

  /** Every name under `blocks/`, shelf by shelf, with read-ahead. */
  async *list(): AsyncGenerator<{ readonly shelf: string; readonly names: ReadonlySet<string> }, void, undefined> {
    const namesOf = (shelf: string) => {
      const names = fs.readdir(path.join(this.#blocks, shelf));
      // Reported where it is awaited, if the walk gets that far.
      names.catch(() => undefined);
      return { shelf, names };
    };
    const ahead = shelves.slice(0, shelvesReadAhead).map(namesOf);
    for (let next = ahead.length; ahead.length > 0; next++) {
      const { shelf, names } = ahead.shift()!;
      const later = shelves[next];
      if (later !== undefined) ahead.push(namesOf(later));
      yield { shelf, names: new Set(await names) };
    }
  }

  async #flushShelf({ key }: BlockFile): Promise<void> {
    await this.#flushes.get(key.slice(0, 2))?.flush();
  }

  #path({ key, cid }: BlockFile): string {
    return path.join(this.#blocks, key.slice(0, 2), blockFileName(cid));
  }
}

/** The name is the CID, so that a lost catalogue can be rebuilt from the files. */
export function blockFileName(cid: CID): string {
  return cid.toV1().toString();
}
