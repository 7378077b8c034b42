import type { StatementSync } from 'node:sqlite';
import { CID } from 'multiformats/cid';
import type { StoredBlock } from './block-store.ts';
import type { Catalog } from './catalog.ts';
import { checkedKey, type KeyRange, type Page, pageLimit, segmentsFrom, segmentsOf } from './key-range.ts';

/** The catalogue's table of blocks: a row says that the block's file is whole and durable. */
export class BlockTable {
  readonly #catalog: Catalog;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #find: StatementSync;
  readonly #page: StatementSync;

  constructor(catalog: Catalog) {
    const { database } = catalog;
    this.#catalog = catalog;
    this.#insert = database.prepare('INSERT OR IGNORE INTO blocks (key, cid, size, added) VALUES (?, ?, ?, ?)');
    this.#remove = database.prepare('DELETE FROM blocks WHERE key = ?');
    this.#find = database.prepare('SELECT key, cid, size FROM blocks WHERE key = ?');
    this.#page = database.prepare('SELECT key, cid, size FROM blocks WHERE key > ? AND key <= ? ORDER BY key LIMIT ?');
  }

  find(key: string): StoredBlock | null {
    const row = this.#find.get(Buffer.from(key, 'hex'));
    return row === undefined ? null : storedBlock(row);
  }

  async add({ key, cid, size }: StoredBlock): Promise<void> {
    await this.#catalog.write(() => this.#insert.run(Buffer.from(key, 'hex'), cid.bytes, size, Date.now()));
  }

  async remove(keys: readonly string[]): Promise<void> {
    await this.#catalog.write(() => {
      for (const key of keys) this.#remove.run(Buffer.from(key, 'hex'));
    });
  }

  page(range: KeyRange, cursor: string | null, limit: number): Page<StoredBlock> {
    const most = pageLimit(limit);
    const from = cursor === null ? null : checkedKey(cursor);
    const items: StoredBlock[] = [];
    for (const { after, upTo } of from === null ? segmentsOf(range) : segmentsFrom(range, from)) {
      const start =
        items.length === 0 && from !== null && (after === null || from > after) && from <= upTo ? from : after;
      // The empty blob is less than every key.
      const rows = this.#page.all(Buffer.from(start ?? '', 'hex'), Buffer.from(upTo, 'hex'), most + 1 - items.length);
      items.push(...rows.map(storedBlock));
      if (items.length > most) return { items: items.slice(0, most), cursor: items[most - 1]?.key ?? null };
    }
    return { items, cursor: null };
  }

  totals(): { readonly count: number; readonly bytes: number } {
    const row = this.#catalog.database.prepare('SELECT count(*) AS count, total(size) AS bytes FROM blocks').get();
    return { count: Number(row?.['count']), bytes: Number(row?.['bytes']) };
  }
}

function storedBlock(row: Record<string, unknown>): StoredBlock {
  return {
    key: Buffer.from(row['key'] as Uint8Array).toString('hex'),
    cid: CID.decode(row['cid'] as Uint8Array),
    size: Number(row['size']),
  };
}
