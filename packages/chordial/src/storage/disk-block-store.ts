/**
 * Blocks on disk. A small block is bytes, row and claims in one transaction of the catalogue (small-blocks.ts). A
 * larger one is a file, or an object in a store beside this peer (large-blocks.ts); order of a put: reserve space, write
 * and flush the file, flush its folder, commit the row; of a deletion: remove the row, then the file. So a row always means
 * a whole file, and a crash leaves at most files without rows, whole or partial, which are reconciled (reconcile.ts): files
 * by the next opening, objects while the peer runs, since listing them takes a while and the store may be away.
 */

import path from 'node:path';
import type { CID } from 'multiformats/cid';
import { blockKey } from '../content/cid.ts';
import type { LeafPool } from '../content/leaf-pool.ts';
import { Semaphore } from '../flow/semaphore.ts';
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
import { DiskRoom } from './disk-room.ts';
import { type FileRow, FileRows } from './file-rows.ts';
import type { ItemIndex } from './item-index.ts';
import type { KeyRange, Page } from './key-range.ts';
import { type BlockFile, blockFileName, type LargeBlocks } from './large-blocks.ts';
import { type Reconciled, reconcile, rowsAtOpening } from './reconcile.ts';
import { maxSmallBytes } from './small-blocks.ts';
import type { StorageShares } from './storage-shares.ts';

/** Enough for the flushes of several blocks to share disk work; the thread pool runs no more anyway. */
const maxConcurrentWrites = 16;
const cleanSetting = 'blocks.clean';

export interface DiskBlockStoreOptions {
  /** Path inside the data folder. */
  readonly folder: string;
  readonly catalog: Catalog;
  /** On the same catalogue; created unless given. */
  readonly claims?: ClaimTable;
  /** On the same catalogue, updated with the blocks. */
  readonly index?: ItemIndex;
  readonly quotaBytes: number;
  /** Limits per publisher; without it only the quota applies. */
  readonly shares?: StorageShares;
  readonly writeFlushed?: WriteFlushed;
  /** Larger blocks become files; default `maxSmallBytes`, changed by tests. */
  readonly smallBytes?: number;
  /** Default: files in the folder. */
  readonly large?: LargeBlocks;
  /** Leaves it to `reconcile` to make them agree with the catalogue; default false. */
  readonly reconcilesLater?: boolean;
}

interface Opened {
  readonly files: LargeBlocks;
  readonly room: DiskRoom;
  readonly table: BlockTable;
  readonly claims: ClaimTable;
  readonly isClean: boolean;
  readonly reconciled: Reconciled | null;
}

export class DiskBlockStore implements BlockStore {
  quotaBytes: number;
  makeRoom: BlockStore['makeRoom'] = null;
  readonly isRemote: boolean;
  /** What was reconciled after a crash, or null after a clean close. */
  readonly reconciled: Reconciled | null;
  readonly #files: LargeBlocks;
  /** Of the data folder. */
  readonly #room: DiskRoom;
  readonly #table: BlockTable;
  readonly #claims: ClaimTable;
  readonly #catalog: Catalog;
  readonly #index: ItemIndex | null;
  readonly #smallBytes: number;
  readonly #shares: StorageShares | null;
  readonly #semaphore = new Semaphore(maxConcurrentWrites);
  /** Puts and deletions in flight by key: never two per key, or a deletion could remove the file of a later put. */
  readonly #arriving = new Map<string, Promise<void>>();
  readonly #leaving = new Map<string, Promise<void>>();
  #count: number;
  #bytes: number;
  /** Bytes promised to puts in flight; #bytes + #reservedBytes never exceeds the quota. */
  #reservedBytes = 0;
  /** False once a failure may have left a file without a row: it is then reconciled as after a crash. */
  #settledOnDisk: boolean;

  private constructor(options: DiskBlockStoreOptions, { files, room, table, claims, isClean, reconciled }: Opened) {
    this.quotaBytes = options.quotaBytes;
    this.reconciled = reconciled;
    this.isRemote = options.large !== undefined;
    this.#catalog = options.catalog;
    this.#index = options.index ?? null;
    this.#smallBytes = options.smallBytes ?? maxSmallBytes;
    this.#shares = options.shares ?? null;
    this.#files = files;
    this.#room = room;
    this.#settledOnDisk = isClean || reconciled !== null;
    this.#table = table;
    this.#claims = claims;
    const totals = table.totals();
    this.#count = totals.count;
    this.#bytes = totals.bytes;
  }

  /** The caller owns the catalogue and closes it after the store. */
  static async open(options: DiskBlockStoreOptions): Promise<DiskBlockStore> {
    const { folder, writeFlushed, catalog, large } = options;
    const blocks = path.join(folder, 'blocks');
    const room = new DiskRoom(large === undefined ? blocks : folder, (isPlenty) => catalog.hasRoom(isPlenty));
    const files = large ?? new BlockFiles(blocks, room, writeFlushed);
    const claims = options.claims ?? new ClaimTable(options.catalog);
    const table = new BlockTable(options.catalog, claims, options.index ?? null);
    await files.prepare();
    const isClean = catalog.setting(cleanSetting) === true;
    const isAgreed = isClean || options.reconcilesLater === true;
    const rows = rowsAtOpening(table, new FileRows(catalog), options.quotaBytes);
    const reconciled = isAgreed ? null : await reconcile(files, rows);
    await catalog.setSetting(cleanSetting, false);
    return new DiskBlockStore(options, { files, room, table, claims, isClean, reconciled });
  }

  /** Whether nothing may be left that no row names, as after a crash. */
  get isSettled(): boolean {
    return this.#settledOnDisk && this.#files.isSettled;
  }

  /** The same as after a crash, while blocks come and go. */
  async reconcile(): Promise<Reconciled> {
    this.#settledOnDisk = true;
    try {
      const fileRows = new FileRows(this.#catalog);
      return await reconcile(this.#files, {
        ofShelf: (shelf) => fileRows.ofShelf(shelf),
        adopt: (block, makeDurable) => this.#adopt(block, makeDurable),
        drop: (row, isLost) => this.#dropLost(row, isLost),
        removing: (file, remove) => this.#removeStray(file, remove),
      });
    } catch (error) {
      this.#settledOnDisk = false;
      throw error;
    }
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
    // A claim on a block already present may race with its collection: such blocks are put again.
    while (unique.size > 0) {
      const written = await this.#putOnce(unique);
      // Blocks and claims of other callers may be visible before they are durable.
      if (written < unique.size) await this.#catalog.durable();
      unique = await this.#claimHeld(unique);
    }
  }

  async claim(blocks: readonly NewClaims[]): Promise<(number | null)[]> {
    const keyed = blocks.map(({ cid, claims }) => ({ key: blockKey(cid), claims }));
    const sizes = keyed.map(({ key }) => this.#table.find(key)?.size ?? null);
    // Usually nothing is present: then no commit is needed.
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

  /** Writes the absent blocks with their claims; resolves with their number. */
  #putOnce(unique: ReadonlyMap<string, ClaimedBlock>): Promise<number> {
    return this.#whenSettled([...unique.keys()], [this.#leaving], () => this.#enter(unique));
  }

  async #enter(unique: ReadonlyMap<string, ClaimedBlock>): Promise<number> {
    // No await until everything is reserved and registered.
    const fresh = [...unique].filter(([key]) => !this.#arriving.has(key) && this.#table.find(key) === null);
    const wanted = fresh.reduce((sum, [, block]) => sum + block.bytes.length, 0);
    const used = this.#usedBytes();
    if (used + wanted > this.quotaBytes) throw quotaFull(wanted, used, this.quotaBytes);
    this.#reservedBytes += wanted;
    for (const [key, block] of fresh) this.#arriving.set(key, this.#store(key, block));
    await allSettled([...unique.keys()].map((key) => this.#arriving.get(key)));
    return fresh.length;
  }

  /** Adds claims to the blocks; returns those deleted in between. */
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
    return this.#deleteThere([...new Set(cids.map(blockKey))], 'all');
  }

  async deleteUnchanged(items: readonly LookedAtBlock[]): Promise<number> {
    const digests = new Map(items.map(({ cid, digest }) => [blockKey(cid), digest]));
    return this.#deleteThere([...digests.keys()], digests);
  }

  async collect(keys: readonly string[]): Promise<number> {
    return this.#deleteThere(keys, 'unclaimed');
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
    // Cache counts as free: it is evicted on demand.
    const cached = this.makeRoom === null ? 0 : (this.#index?.cachedBlocks().bytes ?? 0);
    const free = Math.max(0, this.quotaBytes - this.#usedBytes() + cached);
    return this.#shares === null ? free : this.#shares.roomOf(publisher, free);
  }

  /** Bytes of blocks present or arriving, and of catalogue rows. */
  #usedBytes(): number {
    return this.#bytes + this.#reservedBytes + (this.#shares?.rowBytes ?? 0);
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#arriving.values(), ...this.#leaving.values()]);
    await this.#catalog.setSetting(cleanSetting, this.isSettled);
  }

  async #read(block: CataloguedBlock, pool?: LeafPool): Promise<Uint8Array | null> {
    return block.small === null ? this.#files.read(block, block.size, pool) : this.#table.small.bytesOf(block.small);
  }

  /** A row whose file the disk has lost would keep repair from restoring the block. */
  async #forgetIfLost(key: string): Promise<void> {
    await this.#alone(key, async () => {
      const block = this.#table.find(key);
      if (block !== null && (await this.#read(block)) === null) await this.#remove([block], 'all');
    });
  }

  async #dropLost({ key }: FileRow, isLost: () => Promise<boolean>): Promise<boolean> {
    let dropped = 0;
    await this.#alone(key, async () => {
      const block = this.#table.find(key);
      if (block !== null && block.small === null && (await isLost())) dropped = await this.#remove([block], 'all');
    });
    return dropped > 0;
  }

  async #adopt(block: StoredBlock, makeDurable: () => Promise<void>): Promise<boolean> {
    let isAdopted = false;
    await this.#alone(block.key, async () => {
      if (this.#table.find(block.key) !== null || this.#usedBytes() + block.size > this.quotaBytes) return;
      this.#reservedBytes += block.size;
      try {
        await makeDurable();
        await this.#table.add(block);
        this.#count += 1;
        this.#bytes += block.size;
        isAdopted = true;
      } finally {
        this.#reservedBytes -= block.size;
      }
    });
    return isAdopted;
  }

  async #removeStray({ key, cid }: BlockFile, remove: () => Promise<boolean>): Promise<boolean> {
    let isRemoved = false;
    await this.#alone(key, async () => {
      const row = this.#table.find(key);
      if (row !== null && row.small === null && blockFileName(row.cid) === blockFileName(cid)) return;
      isRemoved = await remove();
    });
    return isRemoved;
  }

  /** Runs it while nothing else comes or goes under the key. */
  #alone(key: string, act: () => Promise<void>): Promise<void> {
    return this.#whenSettled([key], [this.#leaving, this.#arriving], () => {
      const done = act().finally(() => this.#leaving.delete(key));
      this.#leaving.set(key, done);
      return done;
    });
  }

  async #store(key: string, { cid, bytes, claims }: ClaimedBlock): Promise<void> {
    const block: StoredBlock = { key, cid: cid.toV1(), size: bytes.length };
    try {
      if (block.size <= this.#smallBytes) {
        await this.#room.during(block.size, () => this.#table.add(block, claims, bytes));
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

  #deleteThere(keys: readonly string[], which: Removable): Promise<number> {
    return this.#whenSettled(keys, [this.#leaving, this.#arriving], () => {
      const there = keys.map((key) => this.#table.find(key)).filter((block) => block !== null);
      return there.length === 0 ? 0 : this.#takeAway(there, which);
    });
  }

  async #takeAway(blocks: readonly CataloguedBlock[], which: Removable): Promise<number> {
    const removal = this.#remove(blocks, which);
    const left = removal.then(() => undefined);
    for (const { key } of blocks) this.#leaving.set(key, left);
    // Waiters by key do not receive its failure.
    left.catch(() => undefined);
    const count = await removal;
    await this.#giveBackPages();
    return count;
  }

  /** Resolves with the number removed. */
  async #remove(blocks: readonly CataloguedBlock[], which: Removable): Promise<number> {
    try {
      const keys = blocks.map((block) => block.key);
      const gone = new Set(await this.#table.remove(keys, which));
      for (const block of blocks) {
        if (!gone.has(block.key)) continue;
        if (block.small === null) await this.#semaphore.pass(() => this.#files.remove(block));
        // Only now: until the file is deleted its space is not free.
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

  /** In small steps, so that other writes run in between. */
  async #giveBackPages(): Promise<void> {
    const { small } = this.#table;
    for (let left = small.pagesToGiveBack; left > 0; ) {
      await this.#catalog.write(() => small.giveBackPages());
      const before = left;
      left = small.pagesToGiveBack;
      // A catalogue created without auto_vacuum returns nothing: its free pages are reused.
      if (left >= before) return;
    }
  }

  /** Runs `act` when nothing in the maps concerns these keys: what it begins is entered there before anyone else looks. */
  async #whenSettled<T>(
    keys: readonly string[],
    inProgress: readonly ReadonlyMap<string, Promise<void>>[],
    act: () => T | Promise<T>,
  ): Promise<T> {
    for (;;) {
      const busy = keys.flatMap((key) =>
        inProgress.map((map) => map.get(key)).filter((promise) => promise !== undefined),
      );
      if (busy.length === 0) return act();
      // Their failures are told to those who asked for them.
      await Promise.allSettled(busy);
    }
  }
}

/** Waits for all, then throws the first failure: nothing continues unobserved. */
async function allSettled(promises: readonly (Promise<void> | undefined)[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) if (result.status === 'rejected') throw result.reason;
}
