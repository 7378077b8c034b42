/** The catalogue's table of blocks. A row means that the bytes are whole and durable, as a file or in the catalogue. */
import type { StatementSync } from 'node:sqlite';
import { CID } from 'multiformats/cid';
import type { StoredBlock } from './block-store.ts';
import type { Catalog } from './catalog.ts';
import type { Claim, ClaimTable } from './claim-table.ts';
import { digestOfBlock, type ItemIndex } from './item-index.ts';
import { checkedKey, type KeyRange, type Page, pageLimit, segmentsFrom, segmentsOf } from './key-range.ts';
import { SmallBlocks } from './small-blocks.ts';

/** A row of the table. */
export interface CataloguedBlock extends StoredBlock {
  /** Id among the small blocks; null when the bytes are a file. */
  readonly small: number | null;
}

/** Which of the given blocks to remove: all, unclaimed ones, or those whose items still have these digests, by key. */
export type Removable = 'all' | 'unclaimed' | ReadonlyMap<string, string>;

export class BlockTable {
  readonly small: SmallBlocks;
  readonly #catalog: Catalog;
  readonly #claims: ClaimTable;
  readonly #index: ItemIndex | null;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #find: StatementSync;
  readonly #page: StatementSync;
  readonly #unclaimed: StatementSync;

  /** @param index updated with the table, if given */
  constructor(catalog: Catalog, claims: ClaimTable, index: ItemIndex | null = null) {
    const { database } = catalog;
    this.small = new SmallBlocks(catalog);
    this.#catalog = catalog;
    this.#claims = claims;
    this.#index = index;
    this.#insert = database.prepare('INSERT INTO blocks (key, cid, size, added, small) VALUES (?, ?, ?, ?, ?)');
    this.#remove = database.prepare('DELETE FROM blocks WHERE key = ? RETURNING small');
    this.#find = database.prepare('SELECT key, cid, size, small FROM blocks WHERE key = ?');
    this.#page = database.prepare(
      'SELECT key, cid, size, small FROM blocks WHERE key > ? AND key <= ? ORDER BY key LIMIT ?',
    );
    this.#unclaimed = database.prepare('SELECT key, added FROM blocks WHERE key > ? ORDER BY key LIMIT ?');
  }

  find(key: string): CataloguedBlock | null {
    const row = this.#find.get(Buffer.from(key, 'hex'));
    return row === undefined ? null : cataloguedBlock(row);
  }

  /** Makes the block and its claims durable together, and its bytes when given; otherwise they are already a file. */
  async add(
    { key, cid, size }: StoredBlock,
    claims: readonly Claim[] = [],
    bytes: Uint8Array | null = null,
  ): Promise<void> {
    await this.#catalog.write(() => {
      if (this.find(key) !== null) {
        this.#claims.add(key, claims);
        return;
      }
      const small = bytes === null ? null : this.small.add(bytes);
      this.#insert.run(Buffer.from(key, 'hex'), cid.bytes, size, this.#catalog.wallTime(), small);
      // Claims first: the index item depends on them and is written once.
      this.#claims.addToNew(key, claims, this.#catalog.wallTime(), size);
      this.#index?.addNewBlock(key, cid);
    });
  }

  /** Adds claims to blocks that are present; entry i says whether block i was. */
  claim(blocks: readonly { readonly key: string; readonly claims: readonly Claim[] }[]): Promise<boolean[]> {
    return this.#catalog.write(() =>
      blocks.map(({ key, claims }) => {
        const isThere = this.find(key) !== null;
        if (isThere) this.#claims.add(key, claims);
        return isThere;
      }),
    );
  }

  /** Removes rows and their claims. Resolves with the removed keys. */
  remove(keys: readonly string[], which: Removable = 'all'): Promise<readonly string[]> {
    return this.#catalog.write(() =>
      keys.filter((key) => {
        if (!this.#isRemovable(key, which)) return false;
        this.#claims.forget(key);
        this.#index?.removeBlock(key);
        const gone = this.#remove.get(Buffer.from(key, 'hex'));
        if (typeof gone?.['small'] === 'number') this.small.remove(gone['small']);
        return gone !== undefined;
      }),
    );
  }

  #isRemovable(key: string, which: Removable): boolean {
    if (which === 'all') return true;
    if (which === 'unclaimed') return !this.#claims.isClaimed(key);
    return digestOfBlock(key, this.#claims.digest(key)).toString('hex') === which.get(key);
  }

  /** Of at most `limit` rows after the cursor, those unclaimed and added before. */
  unclaimed(cursor: string | null, addedBefore: number, limit: number): Page<string> {
    const rows = this.#unclaimed.all(Buffer.from(cursor ?? '', 'hex'), pageLimit(limit)).map((row) => ({
      key: Buffer.from(row['key'] as Uint8Array).toString('hex'),
      added: Number(row['added']),
    }));
    const items = rows.filter(({ key, added }) => added < addedBefore && !this.#claims.isClaimed(key));
    const isLast = rows.length < pageLimit(limit);
    return { items: items.map(({ key }) => key), cursor: isLast ? null : (rows.at(-1)?.key ?? null) };
  }

  page(range: KeyRange, cursor: string | null, limit: number): Page<CataloguedBlock> {
    const most = pageLimit(limit);
    const from = cursor === null ? null : checkedKey(cursor);
    const items: CataloguedBlock[] = [];
    for (const { after, upTo } of from === null ? segmentsOf(range) : segmentsFrom(range, from)) {
      const start =
        items.length === 0 && from !== null && (after === null || from > after) && from <= upTo ? from : after;
      // The empty blob sorts before every key.
      const rows = this.#page.all(Buffer.from(start ?? '', 'hex'), Buffer.from(upTo, 'hex'), most + 1 - items.length);
      items.push(...rows.map(cataloguedBlock));
      if (items.length > most) return { items: items.slice(0, most), cursor: items[most - 1]?.key ?? null };
    }
    return { items, cursor: null };
  }

  totals(): { readonly count: number; readonly bytes: number } {
    const row = this.#catalog.database.prepare('SELECT count(*) AS count, total(size) AS bytes FROM blocks').get();
    return { count: Number(row?.['count']), bytes: Number(row?.['bytes']) };
  }
}

function cataloguedBlock(row: Record<string, unknown>): CataloguedBlock {
  return {
    key: Buffer.from(row['key'] as Uint8Array).toString('hex'),
    cid: CID.decode(row['cid'] as Uint8Array),
    size: Number(row['size']),
    small: row['small'] === null ? null : Number(row['small']),
  };
}
