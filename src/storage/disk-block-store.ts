/**
 * Blocks on disk, for good. A small one is bytes, row and claims in one transaction of the catalogue (small-blocks.ts), so
 * that there is nothing between whole and absent. Of a larger one, a file, the order of a put is: room reserved, file written and flushed, renamed, its folder
 * flushed, row committed; of a deletion: row gone, then file gone. So at every instant a row means a whole file, and a
 * crash leaves at most files without rows, which the next opening settles (reconcile.ts).
 */
import type { CID } from 'multiformats/cid';
import { blockKey } from '../content/cid.ts';
import type { LeafPool } from '../content/leaf-pool.ts';
import { BlockFiles, type WriteFlushed } from './block-files.ts';
import {
  type BlockStore,
  type ClaimedBlock,
  type LookedAtBlock,
  type NewClaims,
  puttingWithRoom,
  quotaFull,
  type StoredBlock,
  uniqueBlocks,
} from './block-store.ts';
import { BlockTable, type CataloguedBlock, type Removable } from './block-table.ts';
import type { Catalog } from './catalog.ts';
import { type Claim, ClaimTable } from './claim-table.ts';
import { FileRows } from './file-rows.ts';
import type { ItemIndex } from './item-index.ts';
import type { KeyRange, Page } from './key-range.ts';
import { type Reconciled, reconcile } from './reconcile.ts';
import { Semaphore } from './semaphore.ts';
import { maxSmallBytes } from './small-blocks.ts';
import type { StorageShares } from './storage-shares.ts';

/** Enough for the flushes of several blocks to share the disk's work; the pool of threads does not run more anyway. */
const maxConcurrentWrites = 16;
const cleanSetting = 'blocks.clean';

export interface DiskBlockStoreOptions {
  /** Of the data folder. */
  readonly folder: string;
  readonly catalog: Catalog;
  /** On the same catalogue; one of its own unless handed in. */
  readonly claims?: ClaimTable;
  /** On the same catalogue, kept with the blocks. */
  readonly index?: ItemIndex;
  readonly quotaBytes: number;
  /** Whose bytes may lie here; without it the quota is anybody's. */
  readonly shares?: StorageShares;
  readonly writeFlushed?: WriteFlushed;
  /** Larger blocks become files; for tests, by default `maxSmallBytes`. */
  readonly smallBytes?: number;
}

export class DiskBlockStore implements BlockStore {
  readonly quotaBytes: number;
  makeRoom: BlockStore['makeRoom'] = null;
  /** What the last crash left, or null after a clean close. */
  readonly reconciled: Reconciled | null;
  readonly #files: BlockFiles;
  readonly #table: BlockTable;
  readonly #claims: ClaimTable;
  readonly #catalog: Catalog;
  readonly #index: ItemIndex | null;
  readonly #smallBytes: number;
  readonly #shares: StorageShares | null;
  readonly #semaphore = new Semaphore(maxConcurrentWrites);
  /** Puts and deletions under way by key: never two on one key, or a deletion could take the file of a later put. */
  readonly #arriving = new Map<string, Promise<void>>();
  readonly #leaving = new Map<string, Promise<void>>();
  #count: number;
  #bytes: number;
  /** Bytes promised to puts under way; #bytes + #reservedBytes never exceeds the quota. */
  #reservedBytes = 0;
  /** False once a failure may have left a file without a row: then the next opening looks, as after a crash. */
  #settledOnDisk = true;

  private constructor(
    options: DiskBlockStoreOptions,
    files: BlockFiles,
    table: BlockTable,
    claims: ClaimTable,
    reconciled: Reconciled | null,
  ) {
    this.quotaBytes = options.quotaBytes;
    this.reconciled = reconciled;
    this.#catalog = options.catalog;
    this.#index = options.index ?? null;
    this.#smallBytes = options.smallBytes ?? maxSmallBytes;
    this.#shares = options.shares ?? null;
    this.#files = files;
    this.#table = table;
    this.#claims = claims;
    const totals = table.totals();
    this.#count = totals.count;
    this.#bytes = totals.bytes;
  }

  /** The catalogue stays the caller's, to be closed after the store. */
  static async open(options: DiskBlockStoreOptions): Promise<DiskBlockStore> {
    const { folder, writeFlushed, catalog } = options;
    const files = new BlockFiles(folder, writeFlushed, (isPlenty) => catalog.hasRoom(isPlenty));
    const claims = options.claims ?? new ClaimTable(options.catalog);
    const table = new BlockTable(options.catalog, claims, options.index ?? null);
    await files.prepare();
    const clean = options.catalog.setting(cleanSetting) === true;
    const reconciled = clean ? null : await reconcile(files, table, new FileRows(options.catalog), options.quotaBytes);
    await options.catalog.setSetting(cleanSetting, false);
    return new DiskBlockStore(options, files, table, claims, reconciled);
  }

  async has(cids: readonly CID[]): Promise<boolean[]> {
    return cids.map((cid) => this.#table.find(blockKey(cid)) !== null);
  }

  async get(cid: CID, pool?: LeafPool): Promise<Uint8Array | null> {
    const block = this.#table.find(blockKey(cid));
    if (block === null) return null;
    const bytes = await this.#read(block, pool);
    if (bytes === null) await this.#forgetIfLost(block.key);
    return bytes;
  }

  async size(cid: CID): Promise<number | null> {
    return this.#table.find(blockKey(cid))?.size ?? null;
  }

  put(blocks: readonly ClaimedBlock[]): Promise<void> {
    return puttingWithRoom(this, blocks, () => this.#putAll(blocks));
  }

  async #putAll(blocks: readonly ClaimedBlock[]): Promise<void> {
    let unique = uniqueBlocks(blocks);
    // Claims of blocks that were there already may meet their collection: those are then put once more.
    while (unique.size > 0) {
      const written = await this.#putOnce(unique);
      // What others put and claimed may have been seen before it was on the disk.
      if (written < unique.size) await this.#catalog.durable();
      unique = await this.#claimHeld(unique);
    }
  }

  async claim(blocks: readonly NewClaims[]): Promise<(number | null)[]> {
    const keyed = blocks.map(({ cid, claims }) => ({ key: blockKey(cid), claims }));
    const sizes = keyed.map(({ key }) => this.#table.find(key)?.size ?? null);
    // Mostly nothing is there: then no one waits for a commit of nothing.
    if (keyed.every(({ claims }, index) => sizes[index] === null || claims.length === 0)) {
      if (sizes.some((size) => size !== null)) await this.#catalog.durable();
      return sizes;
    }
    const claimed = await this.#table.claim(keyed);
    return sizes.map((size, index) => (claimed[index] ? size : null));
  }

  claimsOf(cid: CID): readonly Claim[] {
    return this.#claims.of(blockKey(cid));
  }

  /** Writes those that are not there, with their claims; resolves with how many. */
  async #putOnce(unique: ReadonlyMap<string, ClaimedBlock>): Promise<number> {
    await this.#settled([...unique.keys()], [this.#leaving]);
    // No await from here until all is reserved and entered.
    const fresh = [...unique].filter(([key]) => !this.#arriving.has(key) && this.#table.find(key) === null);
    const wanted = fresh.reduce((sum, [, block]) => sum + block.bytes.length, 0);
    const used = this.#usedBytes();
    if (used + wanted > this.quotaBytes) throw quotaFull(wanted, used, this.quotaBytes);
    this.#reservedBytes += wanted;
    for (const [key, block] of fresh) this.#arriving.set(key, this.#store(key, block));
    await allSettled([...unique.keys()].map((key) => this.#arriving.get(key)));
    return fresh.length;
  }

  /** Adds the claims to the blocks; those that went away meanwhile are returned. */
  async #claimHeld(unique: ReadonlyMap<string, ClaimedBlock>): Promise<ReadonlyMap<string, ClaimedBlock>> {
    const wanted = [...unique].flatMap(([key, block]) => {
      const claims = (block.claims ?? []).filter((claim) => !this.#claims.has(key, claim));
      return claims.length === 0 ? [] : [{ key, block, claims }];
    });
    if (wanted.length === 0) return new Map();
    const claimed = await this.#table.claim(wanted);
    return new Map(wanted.filter((_, index) => !claimed[index]).map(({ key, block }) => [key, block]));
  }

  async delete(cids: readonly CID[]): Promise<number> {
    const keys = [...new Set(cids.map(blockKey))];
    await this.#settled(keys, [this.#leaving, this.#arriving]);
    const there = keys.map((key) => this.#table.find(key)).filter((block) => block !== null);
    return there.length === 0 ? 0 : this.#takeAway(there, 'all');
  }

  async deleteUnchanged(items: readonly LookedAtBlock[]): Promise<number> {
    const digests = new Map(items.map(({ cid, digest }) => [blockKey(cid), digest]));
    await this.#settled([...digests.keys()], [this.#leaving, this.#arriving]);
    const there = [...digests.keys()].map((key) => this.#table.find(key)).filter((block) => block !== null);
    return there.length === 0 ? 0 : this.#takeAway(there, digests);
  }

  async collect(keys: readonly string[]): Promise<number> {
    await this.#settled(keys, [this.#leaving, this.#arriving]);
    const there = keys.map((key) => this.#table.find(key)).filter((block) => block !== null);
    return there.length === 0 ? 0 : this.#takeAway(there, 'unclaimed');
  }

  async unclaimed(cursor: string | null, addedBefore: number, limit: number): Promise<Page<string>> {
    return this.#table.unclaimed(cursor, addedBefore, limit);
  }

  async keys(range: KeyRange, cursor: string | null, limit: number): Promise<Page<StoredBlock>> {
    return this.#table.page(range, cursor, limit);
  }

  count(): number {
    return this.#count;
  }

  bytes(): number {
    return this.#bytes;
  }

  roomFor(publisher: string): number {
    // Cache goes when it is asked to.
    const cached = this.makeRoom === null ? 0 : (this.#index?.cachedBlocks().bytes ?? 0);
    const free = Math.max(0, this.quotaBytes - this.#usedBytes() + cached);
    return this.#shares === null ? free : this.#shares.roomOf(publisher, free);
  }

  /** By blocks that are here or arriving, and by rows of the catalogue. */
  #usedBytes(): number {
    return this.#bytes + this.#reservedBytes + (this.#shares?.rowBytes ?? 0);
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#arriving.values(), ...this.#leaving.values()]);
    await this.#catalog.setSetting(cleanSetting, this.#settledOnDisk);
  }

  async #read(block: CataloguedBlock, pool?: LeafPool): Promise<Uint8Array | null> {
    return block.small === null ? this.#files.read(block, block.size, pool) : this.#table.small.bytesOf(block.small);
  }

  /** A row whose file the disk has lost would keep repair from bringing the block back. */
  async #forgetIfLost(key: string): Promise<void> {
    await this.#settled([key], [this.#leaving, this.#arriving]);
    const block = this.#table.find(key);
    if (block === null) return;
    const forgetting = this.#read(block).then(async (bytes) => {
      if (bytes === null) await this.#remove([block], 'all');
    });
    this.#leaving.set(
      key,
      forgetting.finally(() => this.#leaving.delete(key)),
    );
    await this.#leaving.get(key);
  }

  async #store(key: string, { cid, bytes, claims }: ClaimedBlock): Promise<void> {
    const block: StoredBlock = { key, cid: cid.toV1(), size: bytes.length };
    try {
      if (block.size <= this.#smallBytes) {
        await this.#files.room.during(block.size, () => this.#table.add(block, claims, bytes));
      } else {
        await this.#semaphore.pass(() => this.#files.write(block, bytes));
        await this.#commitRow(block, claims ?? []);
      }
      this.#count += 1;
      this.#bytes += block.size;
    } catch (error) {
      this.#settledOnDisk = false;
      throw error;
    } finally {
      this.#reservedBytes -= block.size;
      this.#arriving.delete(key);
    }
  }

  async #commitRow(block: StoredBlock, claims: readonly Claim[]): Promise<void> {
    try {
      await this.#table.add(block, claims);
    } catch (error) {
      await this.#files.remove(block);
      throw error;
    }
  }

  async #takeAway(blocks: readonly CataloguedBlock[], which: Removable): Promise<number> {
    const removal = this.#remove(blocks, which);
    const left = removal.then(() => undefined);
    for (const { key } of blocks) this.#leaving.set(key, left);
    // One that waits for it by key is not told of its failure.
    left.catch(() => undefined);
    const count = await removal;
    await this.#giveBackPages();
    return count;
  }

  /** Resolves with how many went. */
  async #remove(blocks: readonly CataloguedBlock[], which: Removable): Promise<number> {
    try {
      const keys = blocks.map((block) => block.key);
      const gone = new Set(await this.#table.remove(keys, which));
      for (const block of blocks) {
        if (!gone.has(block.key)) continue;
        if (block.small === null) await this.#semaphore.pass(() => this.#files.remove(block));
        // Only now: until the file is gone its room is not free.
        this.#count -= 1;
        this.#bytes -= block.size;
      }
      return gone.size;
    } catch (error) {
      this.#settledOnDisk = false;
      throw error;
    } finally {
      for (const { key } of blocks) this.#leaving.delete(key);
    }
  }

  /** A little at a time: what others write goes between. */
  async #giveBackPages(): Promise<void> {
    const { small } = this.#table;
    for (let left = small.pagesToGiveBack; left > 0; ) {
      await this.#catalog.write(() => small.giveBackPages());
      const before = left;
      left = small.pagesToGiveBack;
      // A catalogue that gives nothing back was not made for it: its free pages serve what comes next.
      if (left >= before) return;
    }
  }

  /** Returns in a moment when nothing in `under way` concerns these keys. */
  async #settled(keys: readonly string[], underWay: readonly ReadonlyMap<string, Promise<void>>[]): Promise<void> {
    for (;;) {
      const busy = keys.flatMap((key) =>
        underWay.map((map) => map.get(key)).filter((promise) => promise !== undefined),
      );
      if (busy.length === 0) return;
      // Their failures are told to those who asked for them.
      await Promise.allSettled(busy);
    }
  }
}

/** Waits for all, then throws the first failure: nothing goes on behind the caller's back. */
async function allSettled(promises: readonly (Promise<void> | undefined)[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) if (result.status === 'rejected') throw result.reason;
}
