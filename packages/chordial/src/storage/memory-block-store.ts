import type { CID } from 'multiformats/cid';
import { type Block, blockKey } from '../content/cid.ts';
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
import { Catalog, systemWallClock, type WallClock } from './catalog.ts';
import { type Claim, ClaimTable } from './claim-table.ts';
import { digestOfBlock, type ItemIndex } from './item-index.ts';
import { checkedKey, type KeyRange, type Page, pageLimit, segmentsFrom, segmentsOf } from './key-range.ts';

/** Blocks in memory, for tests and the simulator. */
export class MemoryBlockStore implements BlockStore {
  readonly quotaBytes: number;
  makeRoom: BlockStore['makeRoom'] = null;
  readonly #blocks = new Map<string, Block & { readonly added: number }>();
  readonly #claims: ClaimTable;
  readonly #index: ItemIndex | null;
  readonly #clock: WallClock;
  #bytes = 0;

  constructor(
    quotaBytes: number = Number.POSITIVE_INFINITY,
    claims: ClaimTable = new ClaimTable(new Catalog(':memory:')),
    index: ItemIndex | null = null,
    clock: WallClock = systemWallClock,
  ) {
    this.quotaBytes = quotaBytes;
    this.#claims = claims;
    this.#index = index;
    this.#clock = clock;
  }

  async has(cids: readonly CID[]): Promise<boolean[]> {
    return cids.map((cid) => this.#blocks.has(blockKey(cid)));
  }

  async get(cid: CID): Promise<Uint8Array | null> {
    return this.#blocks.get(blockKey(cid))?.bytes.slice() ?? null;
  }

  async size(cid: CID): Promise<number | null> {
    return this.#blocks.get(blockKey(cid))?.bytes.length ?? null;
  }

  put(blocks: readonly ClaimedBlock[]): Promise<void> {
    return puttingWithRoom(this, blocks, () => this.#putAll(blocks));
  }

  async #putAll(blocks: readonly ClaimedBlock[]): Promise<void> {
    const unique = [...uniqueBlocks(blocks)];
    const fresh = unique.filter(([key]) => !this.#blocks.has(key));
    const wanted = fresh.reduce((sum, [, block]) => sum + block.bytes.length, 0);
    if (this.#bytes + wanted > this.quotaBytes) throw quotaFull(wanted, this.#bytes, this.quotaBytes);
    const added = this.#clock.wallTime();
    for (const [key, { cid, bytes }] of fresh) {
      this.#blocks.set(key, { cid, bytes: bytes.slice(), added });
      this.#index?.addBlock(key, cid.toV1());
    }
    this.#bytes += wanted;
    for (const [key, { claims, bytes }] of unique) this.#claims.add(key, claims ?? [], undefined, bytes.length);
  }

  async claim(blocks: readonly NewClaims[]): Promise<(number | null)[]> {
    return blocks.map(({ cid, claims }) => {
      const key = blockKey(cid);
      const block = this.#blocks.get(key);
      if (block !== undefined) this.#claims.add(key, claims, undefined, block.bytes.length);
      return block?.bytes.length ?? null;
    });
  }

  claimsOf(cid: CID): readonly Claim[] {
    return this.#claims.of(blockKey(cid));
  }

  async delete(cids: readonly CID[]): Promise<number> {
    return this.#remove(cids.map(blockKey));
  }

  async deleteUnchanged(items: readonly LookedAtBlock[]): Promise<number> {
    const keyed = items.map(({ cid, digest }) => ({ key: blockKey(cid), digest }));
    const now = (key: string): string => digestOfBlock(key, this.#claims.digest(key)).toString('hex');
    const same = keyed.filter(({ key, digest }) => this.#blocks.has(key) && now(key) === digest);
    return this.#remove(same.map(({ key }) => key));
  }

  async collect(keys: readonly string[]): Promise<number> {
    return this.#remove(keys.filter((key) => !this.#claims.isClaimed(key)));
  }

  async unclaimed(cursor: string | null, addedBefore: number, limit: number): Promise<Page<string>> {
    const after = [...this.#blocks.keys()].sort().filter((key) => cursor === null || key > cursor);
    const page = after.slice(0, pageLimit(limit));
    const items = page.filter((key) => this.#blocks.get(key)!.added < addedBefore && !this.#claims.isClaimed(key));
    return { items, cursor: page.length < after.length ? (page.at(-1) ?? null) : null };
  }

  async keys(range: KeyRange, cursor: string | null, limit: number): Promise<Page<StoredBlock>> {
    const from = cursor === null ? null : checkedKey(cursor);
    const ordered = [...this.#blocks.keys()].sort();
    const segments = from === null ? segmentsOf(range) : segmentsFrom(range, from);
    const keys = segments.flatMap(({ after, upTo }, i) => {
      const start = i === 0 && from !== null ? from : after;
      return ordered.filter((key) => (start === null || key > start) && key <= upTo);
    });
    const page = keys.slice(0, pageLimit(limit));
    const items = page.map((key) => {
      const { cid, bytes } = this.#blocks.get(key)!;
      return { key, cid: cid.toV1(), size: bytes.length };
    });
    return { items, cursor: page.length < keys.length ? (page.at(-1) ?? null) : null };
  }

  count(): number {
    return this.#blocks.size;
  }

  bytes(): number {
    return this.#bytes;
  }

  roomFor(_publisher: string): number {
    const cached = this.makeRoom === null ? 0 : (this.#index?.cachedBlocks().bytes ?? 0);
    return Math.max(0, this.quotaBytes - this.#bytes + cached);
  }

  async close(): Promise<void> {}

  #remove(keys: readonly string[]): number {
    const before = this.#blocks.size;
    for (const key of keys) {
      this.#bytes -= this.#blocks.get(key)?.bytes.length ?? 0;
      if (!this.#blocks.delete(key)) continue;
      this.#claims.forget(key);
      this.#index?.removeBlock(key);
    }
    return before - this.#blocks.size;
  }
}
