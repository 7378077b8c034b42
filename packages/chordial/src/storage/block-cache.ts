/**
 * Large blocks that lie elsewhere, with those used last kept as files `cache/<first two digits of the key>/<CIDv1>`, up to so
 * many bytes. Files are not flushed, and hashed when they are read: what a crash or the disk left of them is fetched again.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { type BlockHashing, verifyBlockBy } from '../content/block-hashing.ts';
import { blockKey, cidIn } from '../content/cid.ts';
import { type LeafPool, leafBytes, unpooledBuffer } from '../content/leaf-pool.ts';
import { type BlockFile, blockFileName, type LargeBlocks, type Shelf, shelves } from './large-blocks.ts';
import { errnoOf } from './system-error.ts';

export interface BlockCacheOptions {
  /** What the cache is of. */
  readonly blocks: LargeBlocks;
  readonly folder: string;
  readonly maxBytes: number;
  readonly hashing: BlockHashing;
  /** Free bytes on the disk that the cache leaves to others. */
  readonly keptFreeBytes?: number;
}

const defaultKeptFreeBytes = 512 * 1024 * 1024;
/** Writes between two looks at the free space of the disk. */
const writesPerLook = 16;

interface Cached extends BlockFile {
  readonly size: number;
}

export class BlockCache implements LargeBlocks {
  readonly #blocks: LargeBlocks;
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #keptFreeBytes: number;
  readonly #hashing: BlockHashing;
  /** By name, the one used longest ago first. */
  readonly #cached = new Map<string, Cached>();
  #bytes = 0;
  /** Names being written. */
  readonly #writing = new Set<string>();
  #writesUntilLook = 0;
  #isDiskFull = false;
  #hits = 0;
  #misses = 0;

  constructor({ blocks, folder, maxBytes, hashing, keptFreeBytes = defaultKeptFreeBytes }: BlockCacheOptions) {
    this.#blocks = blocks;
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#keptFreeBytes = keptFreeBytes;
    this.#hashing = hashing;
  }

  get isSettled(): boolean {
    return this.#blocks.isSettled;
  }

  /** Of the cache. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Reads since the start. */
  get reads(): { readonly hits: number; readonly misses: number } {
    return { hits: this.#hits, misses: this.#misses };
  }

  async prepare(): Promise<void> {
    await this.#blocks.prepare();
    const found: (Cached & { readonly usedAt: number })[] = [];
    for (const shelf of shelves) {
      const folder = path.join(this.#folder, shelf);
      await fs.mkdir(folder, { recursive: true, mode: 0o700 });
      for (const name of await fs.readdir(folder)) {
        const status = await fs.lstat(path.join(folder, name));
        const cid = cidIn(name);
        if (cid === null || blockFileName(cid) !== name || !status.isFile())
          await fs.rm(path.join(folder, name), { recursive: true, force: true });
        else found.push({ key: blockKey(cid), cid, size: status.size, usedAt: status.mtimeMs });
      }
    }
    found.sort((a, b) => a.usedAt - b.usedAt);
    for (const { key, cid, size } of found) this.#enter({ key, cid, size });
    await this.#evict();
  }

  async write(file: BlockFile, bytes: Uint8Array): Promise<void> {
    await this.#blocks.write(file, bytes);
    await this.#keep(file, bytes);
  }

  makeDurable(file: BlockFile): Promise<void> {
    return this.#blocks.makeDurable(file);
  }

  async read(file: BlockFile, size: number, pool?: LeafPool): Promise<Uint8Array | null> {
    const cached = await this.#readCached(file, size, pool);
    if (cached !== null) {
      this.#hits += 1;
      return cached;
    }
    this.#misses += 1;
    const bytes = await this.#blocks.read(file, size, pool);
    if (bytes !== null) await this.#keep(file, bytes);
    return bytes;
  }

  async remove(file: BlockFile): Promise<void> {
    await this.#drop(blockFileName(file.cid));
    await this.#blocks.remove(file);
  }

  removeStray(shelf: string, name: string, isWhole: boolean): Promise<boolean> {
    return this.#blocks.removeStray(shelf, name, isWhole);
  }

  sizeOf(file: BlockFile): Promise<number | null> {
    return this.#blocks.sizeOf(file);
  }

  isWhole(file: BlockFile, size: number): Promise<boolean> {
    return this.#blocks.isWhole(file, size);
  }

  list(): AsyncIterable<Shelf> {
    return this.#blocks.list();
  }

  async #readCached(file: BlockFile, size: number, pool?: LeafPool): Promise<Uint8Array | null> {
    const name = blockFileName(file.cid);
    const cached = this.#cached.get(name);
    if (cached === undefined) return null;
    if (cached.size === size) {
      const bytes = pool !== undefined && size === leafBytes ? pool.take() : unpooledBuffer(size);
      if ((await this.#fill(cached, bytes)) && (await verifyBlockBy(this.#hashing, file.cid, bytes))) {
        if (this.#cached.delete(name)) this.#cached.set(name, cached);
        return bytes;
      }
      pool?.giveBack(bytes);
    }
    await this.#drop(name);
    return null;
  }

  /** False when the file cannot be read whole: the block itself is elsewhere. */
  async #fill(cached: Cached, bytes: Uint8Array): Promise<boolean> {
    try {
      const handle = await fs.open(this.#path(cached), 'r');
      try {
        let filled = 0;
        while (filled < bytes.length) {
          const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, filled);
          if (bytesRead === 0) return false;
          filled += bytesRead;
        }
        return true;
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (errnoOf(error) === null) throw error;
      return false;
    }
  }

  /** Never fails: a cache that cannot be written is smaller. */
  async #keep(file: BlockFile, bytes: Uint8Array): Promise<void> {
    const name = blockFileName(file.cid);
    if (bytes.length > this.#maxBytes || this.#cached.has(name) || this.#writing.has(name)) return;
    this.#writing.add(name);
    try {
      if (await this.#isDiskTight()) return;
      const temporary = `${this.#path(file)}.new`;
      await fs.writeFile(temporary, bytes, { mode: 0o600 });
      await fs.rename(temporary, this.#path(file));
      this.#enter({ ...file, size: bytes.length });
      await this.#evict();
    } catch (error) {
      if (errnoOf(error) === null) throw error;
      await fs.rm(`${this.#path(file)}.new`, { force: true }).catch(() => undefined);
    } finally {
      this.#writing.delete(name);
    }
  }

  /** Gives back a part of the cache then. */
  async #isDiskTight(): Promise<boolean> {
    if (this.#writesUntilLook > 0) {
      this.#writesUntilLook -= 1;
      return this.#isDiskFull;
    }
    this.#writesUntilLook = writesPerLook;
    const { bavail, bsize } = await fs.statfs(this.#folder);
    this.#isDiskFull = bavail * bsize < this.#keptFreeBytes;
    if (this.#isDiskFull) await this.#evict(Math.max(0, this.#bytes - this.#keptFreeBytes));
    return this.#isDiskFull;
  }

  #enter({ key, cid, size }: Cached): void {
    this.#cached.set(blockFileName(cid), { key, cid, size });
    this.#bytes += size;
  }

  async #evict(maxBytes = this.#maxBytes): Promise<void> {
    for (const name of this.#cached.keys()) {
      if (this.#bytes <= maxBytes) return;
      await this.#drop(name);
    }
  }

  async #drop(name: string): Promise<void> {
    const cached = this.#cached.get(name);
    if (cached === undefined) return;
    this.#cached.delete(name);
    this.#bytes -= cached.size;
    try {
      await fs.rm(this.#path(cached), { force: true });
    } catch (error) {
      if (errnoOf(error) === null) throw error;
    }
  }

  #path({ key, cid }: BlockFile): string {
    return path.join(this.#folder, key.slice(0, 2), blockFileName(cid));
  }
}
