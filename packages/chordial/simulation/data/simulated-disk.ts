/**
 * The disk of a simulated host: its blocks and its catalogue. It outlives the processes that use it, except for their
 * unflushed writes; it may fill up, fail writes, and misread.
 *
 * Each process has its own mount, since promises of an ended process still settle and must not reach the disk.
 */
import type { StatementSync } from 'node:sqlite';
import type { Milliseconds, Random } from '@chordial/ring';
import { Process, type VirtualTime } from '@chordial/ring/testing';
import type { CID } from 'multiformats/cid';
import { blockKey } from '../../src/content/cid.ts';
import { ChordialError } from '../../src/errors.ts';
import {
  type BlockStore,
  type ClaimedBlock,
  type LookedAtBlock,
  type NewClaims,
  puttingWithRoom,
  quotaFull,
  uniqueBlocks,
} from '../../src/storage/block-store.ts';
import { Catalog } from '../../src/storage/catalog.ts';
import type { ClaimTable } from '../../src/storage/claim-table.ts';
import { indexedTables } from '../../src/storage/indexed-tables.ts';
import { type ItemIndex, type ItemSet, setNumbered } from '../../src/storage/item-index.ts';
import type { KeyRange } from '../../src/storage/key-range.ts';
import { MemoryBlockStore } from '../../src/storage/memory-block-store.ts';
import { OwnBatchTable } from '../../src/storage/own-batch-table.ts';
import { PointerTable } from '../../src/storage/pointer-table.ts';
import { RecordTable } from '../../src/storage/record-table.ts';
import { ShareTable } from '../../src/storage/share-table.ts';

/** Longest flush; a crash loses writes not yet flushed. */
const longestFlushMilliseconds: Milliseconds = 25;

const maxRotten = 500;

export interface DiskTrouble {
  /** Probability that a write fails. */
  failingWrites: number;
  /** Probability that a block is read with a bit flipped. */
  wrongReads: number;
  /** It accepts no more bytes. */
  isFull: boolean;
}

export interface Mounted {
  readonly blocks: BlockStore;
  readonly catalog: Catalog;
  readonly records: RecordTable;
  readonly claims: ClaimTable;
  readonly pointers: PointerTable;
  readonly index: ItemIndex;
  readonly shares: ShareTable;
  readonly ownBatches: OwnBatchTable;
}

export class SimulatedDisk {
  readonly catalog: Catalog;
  readonly claims: ClaimTable;
  readonly index: ItemIndex;
  readonly blocks: MemoryBlockStore;
  readonly trouble: DiskTrouble = { failingWrites: 0, wrongReads: 0, isFull: false };
  /** Keys of blocks with a permanently flipped bit. */
  readonly rotten = new Set<string>();
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #findItem: StatementSync;
  readonly #findRecord: StatementSync;
  readonly #allItems: StatementSync;

  /** @param copies the network's r. */
  constructor(time: VirtualTime, random: Random, quotaBytes: number, copies: number) {
    this.#time = time;
    const clock = time.clock(new Process());
    this.catalog = new Catalog(':memory:', clock);
    this.#random = random;
    const { claims, index } = indexedTables(
      catalogOf(this.catalog, async () => {}),
      copies,
    );
    this.claims = claims;
    this.index = index;
    const { database } = this.catalog;
    this.#findItem = database.prepare('SELECT 1 FROM items WHERE copies BETWEEN 1 AND 8 AND key = ?');
    this.#findRecord = database.prepare('SELECT sequence FROM records WHERE key = ? AND publisher = ?');
    this.#allItems = database.prepare('SELECT copies, key, digest FROM items');
    this.blocks = new MemoryBlockStore(quotaBytes, claims, index, clock);
  }

  /** As one process sees it. */
  mount(process: Process): Mounted {
    const flush = () => this.#flush(process);
    const catalog = catalogOf(this.catalog, flush);
    const { claims, index } = this;
    const records = new RecordTable(catalog, index);
    const pointers = new PointerTable(catalog);
    const blocks = new MountedBlocks(this, this.#random, process, flush);
    const shares = new ShareTable(catalog, index);
    const ownBatches = new OwnBatchTable(catalog);
    return { blocks, catalog, records, claims, pointers, index, shares, ownBatches };
  }

  /** Corrupts each block with this probability; resolves with their number. Empty blocks have no bits to flip. */
  async rot(probability: number): Promise<number> {
    const { items } = await this.blocks.keys('all', null, maxRotten);
    const chosen = items.filter(({ size }) => size > 0 && this.#random.next() < probability);
    for (const { key } of chosen) this.rotten.add(key);
    return chosen.length;
  }

  /** Whether the block with this key is here and intact. */
  holds(key: string): boolean {
    return this.#findItem.get(Buffer.from(key, 'hex')) !== undefined && !this.rotten.has(key);
  }

  /** Sequence of a publisher's record under this key, or null. */
  findRecord(key: string, publisher: string): number | null {
    return (this.#findRecord.get(Buffer.from(key, 'hex'), publisher)?.['sequence'] as number | undefined) ?? null;
  }

  /** All that the index knows. */
  items(): readonly { readonly set: ItemSet; readonly key: string; readonly digest: string }[] {
    return this.#allItems.all().map(({ copies, key, digest }) => ({
      set: setNumbered(copies),
      key: Buffer.from(key as Uint8Array).toString('hex'),
      digest: Buffer.from(digest as Uint8Array).toString('hex'),
    }));
  }

  close(): void {
    this.catalog.close();
  }

  /** Resolves when the writes would survive a crash; never if the process ends first. Sometimes rejects. */
  #flush(process: Process): Promise<void> {
    const fails = this.#random.next() < this.trouble.failingWrites;
    const took = this.#random.next() * longestFlushMilliseconds;
    return new Promise((resolve, reject) => {
      this.#time.after(took, () => {
        process.run(() => (fails ? reject(new Error('EIO: the simulated disk failed a write')) : resolve()));
      });
    });
  }
}

/** The same catalogue, but its writes happen at the end of a flush, whole or not at all. */
function catalogOf(catalog: Catalog, flush: () => Promise<void>): Catalog {
  const write = async <T>(change: () => T): Promise<T> => {
    await flush();
    catalog.database.exec('SAVEPOINT simulated');
    try {
      const value = change();
      catalog.database.exec('RELEASE simulated');
      return value;
    } catch (error) {
      catalog.database.exec('ROLLBACK TO simulated; RELEASE simulated');
      throw error;
    }
  };
  // Everything readable here is durable.
  const durable = async (): Promise<void> => {};
  const setting = catalog.setting.bind(catalog);
  const putSetting = catalog.putSetting.bind(catalog);
  const methods = { write, durable, setting, putSetting };
  // All mounts write here without notifying each other, so reads must not be cached.
  let changes = 0;
  return Object.create(catalog, {
    ...Object.fromEntries(Object.entries(methods).map(([name, value]) => [name, { value }])),
    changes: { get: () => ++changes },
  }) as Catalog;
}

function sumOf(numbers: Iterable<number>): number {
  return [...numbers].reduce((sum, number) => sum + number, 0);
}

class MountedBlocks implements BlockStore {
  makeRoom: BlockStore['makeRoom'] = null;
  readonly #disk: SimulatedDisk;
  readonly #random: Random;
  readonly #process: Process;
  readonly #flush: () => Promise<void>;
  /** Bytes of the blocks that puts in progress will add, by key. */
  readonly #promised = new Map<string, number>();

  constructor(disk: SimulatedDisk, random: Random, process: Process, flush: () => Promise<void>) {
    this.#disk = disk;
    this.#random = random;
    this.#process = process;
    this.#flush = flush;
  }

  get quotaBytes(): number {
    return this.#disk.blocks.quotaBytes;
  }

  async has(cids: readonly CID[]): Promise<boolean[]> {
    return (await this.#inner()).has(cids);
  }

  async get(cid: CID): Promise<Uint8Array | null> {
    const bytes = await (await this.#inner()).get(cid);
    if (bytes === null || bytes.length === 0) return bytes;
    const { rotten, trouble } = this.#disk;
    if (!rotten.has(blockKey(cid)) && this.#random.next() >= trouble.wrongReads) return bytes;
    const wrong = Uint8Array.from(bytes);
    wrong[0] = (wrong[0] ?? 0) ^ 1;
    return wrong;
  }

  async size(cid: CID): Promise<number | null> {
    return (await this.#inner()).size(cid);
  }

  put(blocks: readonly ClaimedBlock[]): Promise<void> {
    return puttingWithRoom(this, blocks, () => this.#putAll(blocks));
  }

  /** One block at a time, so that a crash leaves some of them. */
  async #putAll(blocks: readonly ClaimedBlock[]): Promise<void> {
    const unique = [...uniqueBlocks(blocks)];
    const there = await this.#disk.blocks.has(unique.map(([, { cid }]) => cid));
    const fresh = unique.filter(([key], index) => !there[index] && !this.#promised.has(key));
    const wanted = sumOf(fresh.map(([, { bytes }]) => bytes.length));
    const used = this.bytes() + sumOf(this.#promised.values());
    if (used + wanted > this.quotaBytes) throw quotaFull(wanted, used, this.quotaBytes);
    for (const [key, { bytes }] of fresh) this.#promised.set(key, bytes.length);
    try {
      for (const [, block] of unique) await this.#putOne(block);
    } finally {
      for (const [key] of fresh) this.#promised.delete(key);
    }
  }

  async #putOne(block: ClaimedBlock): Promise<void> {
    const { blocks, trouble, rotten } = this.#disk;
    await this.#flush();
    const isThere = (await blocks.size(block.cid)) !== null;
    if (trouble.isFull && !isThere) throw new ChordialError('disk-full', 'The simulated disk is full.');
    await blocks.put([block]);
    this.#promised.delete(blockKey(block.cid));
    if (!isThere) rotten.delete(blockKey(block.cid));
  }

  async claim(blocks: readonly NewClaims[]): Promise<(number | null)[]> {
    await this.#flush();
    return this.#disk.blocks.claim(blocks);
  }

  claimsOf(cid: CID) {
    return this.#disk.claims.of(blockKey(cid));
  }

  async delete(cids: readonly CID[]): Promise<number> {
    await this.#flush();
    for (const cid of cids) this.#disk.rotten.delete(blockKey(cid));
    return this.#disk.blocks.delete(cids);
  }

  async deleteUnchanged(items: readonly LookedAtBlock[]): Promise<number> {
    await this.#flush();
    return this.#disk.blocks.deleteUnchanged(items);
  }

  async collect(keys: readonly string[]): Promise<number> {
    await this.#flush();
    return this.#disk.blocks.collect(keys);
  }

  async unclaimed(cursor: string | null, addedBefore: number, limit: number) {
    return (await this.#inner()).unclaimed(cursor, addedBefore, limit);
  }

  async keys(range: KeyRange, cursor: string | null, limit: number) {
    return (await this.#inner()).keys(range, cursor, limit);
  }

  count(): number {
    return this.#disk.blocks.count();
  }

  bytes(): number {
    return this.#disk.blocks.bytes();
  }

  roomFor(publisher: string): number {
    return this.#disk.blocks.roomFor(publisher);
  }

  async close(): Promise<void> {}

  /** Reads take no time, but an ended or frozen process reads nothing. */
  #inner(): Promise<MemoryBlockStore> {
    return new Promise((resolve) => this.#process.run(() => resolve(this.#disk.blocks)));
  }
}
