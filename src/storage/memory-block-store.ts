import type { CID } from 'multiformats/cid';
import { type Block, blockKey } from '../content/cid.ts';
import { type BlockStore, quotaFull, type StoredBlock, uniqueBlocks } from './block-store.ts';
import { checkedKey, type KeyRange, type Page, pageLimit, segmentsFrom, segmentsOf } from './key-range.ts';

/** Blocks in memory, gone with the process: for tests and the simulator. */
export class MemoryBlockStore implements BlockStore {
  readonly quotaBytes: number;
  readonly #blocks = new Map<string, Block>();
  #bytes = 0;

  constructor(quotaBytes: number = Number.POSITIVE_INFINITY) {
    this.quotaBytes = quotaBytes;
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

  async put(blocks: readonly Block[]): Promise<void> {
    const fresh = [...uniqueBlocks(blocks)].filter(([key]) => !this.#blocks.has(key));
    const wanted = fresh.reduce((sum, [, block]) => sum + block.bytes.length, 0);
    if (this.#bytes + wanted > this.quotaBytes) throw quotaFull(wanted, this.#bytes, this.quotaBytes);
    for (const [key, { cid, bytes }] of fresh) this.#blocks.set(key, { cid, bytes: bytes.slice() });
    this.#bytes += wanted;
  }

  async delete(cids: readonly CID[]): Promise<number> {
    const before = this.#blocks.size;
    for (const key of cids.map(blockKey)) {
      this.#bytes -= this.#blocks.get(key)?.bytes.length ?? 0;
      this.#blocks.delete(key);
    }
    return before - this.#blocks.size;
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

  async close(): Promise<void> {}
}
