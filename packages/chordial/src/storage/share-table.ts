/**
 * Batches of shares on disk: headers, and the leaves of those cells that belong here. Their meaning, and which header
 * prevails, is up to src/records. A leaf carries the proof that it belongs to its batch, so that it can be served and
 * repaired alone.
 */
import { hash } from 'node:crypto';
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';
import type { ItemIndex } from './item-index.ts';
import { pageLimit } from './key-range.ts';
import { PublisherCounts } from './publisher-counts.ts';
import { bytesOfLeaf, leavesPerBatch } from './schema.ts';

/** A stored header. */
export interface BatchRow {
  readonly publisher: string;
  readonly number: number;
  /** A higher one replaces a lower. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly expiry: number;
  readonly entries: number;
  readonly ended: boolean;
  readonly bytes: Uint8Array;
}

export interface LeafRow {
  /** Index in its batch. */
  readonly position: number;
  /** Record keys of its first and last entry, 64 hexadecimal digits. */
  readonly first: string;
  readonly last: string;
  readonly bytes: Uint8Array;
  /** Merkle proof. */
  readonly path: Uint8Array;
}

/** A leaf with the current header of its batch. */
export interface HeldLeaf {
  /** Row of the leaf; the cursor of a walk. */
  readonly leaf: number;
  readonly position: number;
  /** The first 16 hexadecimal digits of its first record key. */
  readonly first: string;
  readonly bytes: Uint8Array;
  readonly path: Uint8Array;
  readonly header: Uint8Array;
}

export interface PublisherTotals {
  readonly batches: number;
  /** Of whole batches, according to their headers, wherever their leaves are. */
  readonly entries: number;
}

const keyHeadDigits = 16;
const cellDigits = 3;
const columns = 'leaf, position, first, bytes, path, header';

export class ShareTable {
  readonly #catalog: Catalog;
  readonly #index: ItemIndex;
  readonly #counts: PublisherCounts;
  #changes = 0;
  readonly #putBatch: StatementSync;
  readonly #findBatch: StatementSync;
  readonly #putLeaf: StatementSync;
  readonly #rowsAtKey: StatementSync;
  readonly #publishersAtKey: StatementSync;
  readonly #byRow: StatementSync;
  readonly #walk: StatementSync;
  readonly #ofBatch: StatementSync;
  readonly #countOf: StatementSync;
  readonly #removeLeaf: StatementSync;
  readonly #removeBatch: StatementSync;
  readonly #over: StatementSync;
  readonly #ofPublisher: StatementSync;
  readonly #totals: StatementSync;
  readonly #ends: StatementSync;
  readonly #bytes: StatementSync;

  constructor(catalog: Catalog, index: ItemIndex) {
    this.#catalog = catalog;
    this.#index = index;
    this.#counts = new PublisherCounts(catalog);
    const prepare = (sql: string) => catalog.database.prepare(sql);
    this.#putBatch =
      prepare(`INSERT INTO share_batches (publisher, number, version, expiry, entries, ended, header) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET version = excluded.version, expiry = excluded.expiry, ended = excluded.ended, header = excluded.header
      WHERE iif(share_batches.version <= ?8 OR excluded.version > ?8, excluded.version > share_batches.version, TRUE)`);
    this.#findBatch = prepare('SELECT * FROM share_batches WHERE publisher = ? AND number = ?');
    this.#putLeaf = prepare(
      'INSERT OR IGNORE INTO share_leaves (leaf, first, last, bytes, path) VALUES (?, ?, ?, ?, ?)',
    );
    const held = `SELECT ${columns} FROM share_leaves JOIN share_batches USING (batch)`;
    this.#rowsAtKey = prepare('SELECT leaf FROM share_leaves WHERE first BETWEEN ? AND ? AND last >= ?');
    this.#rowsAtKey.setReturnArrays(true);
    this.#publishersAtKey = prepare(`SELECT leaf, publisher FROM share_leaves JOIN share_batches USING (batch)
      WHERE first BETWEEN ? AND ? AND last >= ? AND ended = 0 AND expiry > ? ORDER BY leaf LIMIT ?`);
    this.#byRow = prepare(`${held} WHERE leaf = ? AND ended = 0 AND expiry > ?`);
    this.#walk = prepare(`${held} WHERE leaf > ? AND ended = 0 AND expiry > ? ORDER BY leaf LIMIT ?`);
    this.#ofBatch = prepare('SELECT leaf, position, first FROM share_leaves WHERE leaf BETWEEN ? AND ? LIMIT ?');
    this.#countOf = prepare('SELECT count(*) AS count FROM share_leaves WHERE leaf BETWEEN ? AND ?');
    this.#removeLeaf = prepare('DELETE FROM share_leaves WHERE leaf = ?');
    this.#removeBatch = prepare('DELETE FROM share_batches WHERE batch = ?');
    this.#over = prepare(`SELECT batch, publisher, number, expiry FROM share_batches
      WHERE expiry <= ?1 OR (ended = 1 AND EXISTS (SELECT 1 FROM share_leaves
      WHERE leaf BETWEEN share_batches.batch * ${leavesPerBatch} AND share_batches.batch * ${leavesPerBatch} + ${leavesPerBatch - 1})) LIMIT 1`);
    this.#ofPublisher = prepare('SELECT batch, publisher, number FROM share_batches WHERE publisher = ? LIMIT 1');
    this.#totals = prepare(
      'SELECT count(*) AS batches, total(entries) AS entries FROM share_batches WHERE publisher = ? AND ended = 0 AND expiry > ?',
    );
    this.#ends = prepare('SELECT count(*) AS ends FROM share_batches WHERE publisher = ? AND ended = 1 AND expiry > ?');
    this.#bytes = prepare(
      'SELECT (SELECT total(length(bytes) + length(path)) FROM share_leaves) + (SELECT total(length(header)) FROM share_batches) AS bytes',
    );
  }

  /** Increases with every insertion or removal. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * Stores the header, if newer, and leaves of its batch. Durable when it resolves with the number of new leaves.
   * @param latest a header with a later version is from the future, and loses to any that is not
   */
  put(batch: BatchRow, leaves: readonly LeafRow[], latest: number = Number.MAX_SAFE_INTEGER): Promise<number> {
    return this.#catalog.write(() => {
      this.#changes += 1;
      const { publisher, number, version, expiry, entries, ended, bytes } = batch;
      this.#putBatch.run(publisher, number, version, expiry, entries, ended ? 1 : 0, bytes, latest);
      const [first] = rowsOf(this.#findBatch.get(publisher, number));
      const added = leaves.filter((leaf) => this.#addLeaf(batch, first, leaf));
      this.#counts.came(publisher, { rows: added.reduce((sum, leaf) => sum + bytesOfLeaf(leaf), 0) });
      return added.length;
    });
  }

  /** Stores a newer header of a batch that is present; false when it is absent or the header is not newer. */
  async renew(batch: BatchRow, latest: number = Number.MAX_SAFE_INTEGER): Promise<boolean> {
    const known = this.header(batch.publisher, batch.number);
    if (known === null || known.version === batch.version) return false;
    await this.put(batch, [], latest);
    return this.header(batch.publisher, batch.number)?.version === batch.version;
  }

  header(publisher: string, number: number): BatchRow | null {
    const row = this.#findBatch.get(publisher, number);
    return row === undefined ? null : batchRow(row);
  }

  /** Number of leaves of the batch held here. */
  leavesOf(publisher: string, number: number): number {
    const row = this.#findBatch.get(publisher, number);
    return row === undefined ? 0 : Number(this.#countOf.get(...rowsOf(row))?.['count']);
  }

  /** Current leaves of all batches that may have entries at a key, after the row `after`. */
  atKey(key: string, now: number, after: number, limit: number): readonly HeldLeaf[] {
    const [cell, head] = [headOf(key.slice(0, cellDigits).padEnd(keyHeadDigits, '0')), headOf(key)];
    // From the index alone and sorted here: SQLite would copy every leaf into a temporary table, even for one row.
    const rows = (this.#rowsAtKey.all(cell, head, head) as unknown as [number][]).map(([row]) => row);
    const found: HeldLeaf[] = [];
    for (const row of rows.filter((one) => one > after).sort((a, b) => a - b)) {
      const leaf = this.byRow(row, now);
      if (leaf !== null && found.push(leaf) === pageLimit(limit)) break;
    }
    return found;
  }

  /** Publishers of current leaves that may have entries at a key. */
  publishersAtKey(key: string, now: number, limit: number): readonly { leaf: number; publisher: string }[] {
    const [cell, head] = [headOf(key.slice(0, cellDigits).padEnd(keyHeadDigits, '0')), headOf(key)];
    const rows = this.#publishersAtKey.all(cell, head, head, now, limit);
    return rows.map(({ leaf, publisher }) => ({ leaf: Number(leaf), publisher: String(publisher) }));
  }

  /** The leaf of an index item, or null when it is gone or its batch has ended. */
  byRow(row: number, now: number): HeldLeaf | null {
    const found = this.#byRow.get(row, now);
    return found === undefined ? null : heldLeaf(found);
  }

  /** All current leaves in insertion order, after the row `after`. */
  walk(now: number, after: number, limit: number): readonly HeldLeaf[] {
    return this.#walk.all(after, now, pageLimit(limit)).map(heldLeaf);
  }

  totalsOf(publisher: string, now: number): PublisherTotals {
    const row = this.#totals.get(publisher, now);
    return { batches: Number(row?.['batches']), entries: Number(row?.['entries']) };
  }

  /** Number of remembered ended batches of the publisher. */
  endsOf(publisher: string, now: number): number {
    return Number(this.#ends.get(publisher, now)?.['ends']);
  }

  /** Bytes of all leaves and headers; scans the tables. */
  bytes(): number {
    return Number(this.#bytes.get()?.['bytes']);
  }

  /** Removes the leaves of these rows. */
  removeLeaves(rows: readonly number[]): Promise<void> {
    return this.#catalog.write(() => {
      this.#changes += 1;
      for (const row of rows) {
        const found = this.#catalog.database
          .prepare(
            'SELECT publisher, number, position, first FROM share_leaves JOIN share_batches USING (batch) WHERE leaf = ?',
          )
          .get(row);
        if (found === undefined) continue;
        this.#removeLeaf.run(row);
        const batch = { publisher: String(found['publisher']), number: Number(found['number']) };
        this.#index.removeLeaf(itemKeyOfLeaf(batch, Number(found['position']), hexOf(found['first'])));
      }
    });
  }

  /**
   * Removes at most `limit` leaves of ended or expired batches, and expired headers; resolves with the removed leaves,
   * null when none is left.
   */
  removeOver(now: number, limit: number): Promise<number | null> {
    return this.#catalog.write(() => {
      const over = this.#over.get(now);
      return over === undefined ? null : this.#removeSome(over, limit, Number(over['expiry']) <= now);
    });
  }

  /** Removes at most `limit` leaves of the publisher, and headers without leaves; resolves like `removeOver`. */
  removeOf(publisher: string, limit: number): Promise<number | null> {
    return this.#catalog.write(() => {
      const batch = this.#ofPublisher.get(publisher);
      return batch === undefined ? null : this.#removeSome(batch, limit, true);
    });
  }

  #removeSome(row: Record<string, unknown>, limit: number, withHeader: boolean): number {
    this.#changes += 1;
    const batch = { publisher: String(row['publisher']), number: Number(row['number']) };
    const leaves = this.#ofBatch.all(...rowsOf(row), pageLimit(limit));
    for (const { leaf, position, first } of leaves) {
      this.#removeLeaf.run(Number(leaf));
      this.#index.removeLeaf(itemKeyOfLeaf(batch, Number(position), hexOf(first)));
    }
    if (leaves.length < pageLimit(limit) && withHeader) this.#removeBatch.run(Number(row['batch']));
    return leaves.length;
  }

  #addLeaf(batch: BatchRow, firstRow: number, { position, first, last, bytes, path }: LeafRow): boolean {
    const row = firstRow + position;
    if (this.#putLeaf.run(row, headOf(first), headOf(last), bytes, path).changes === 0) return false;
    this.#index.putLeaf(itemKeyOfLeaf(batch, position, first), hash('sha256', bytes, 'buffer'), row);
    return true;
  }
}

/** The first and last row number for leaves of a batch. */
function rowsOf(batch: Record<string, unknown> | undefined): [number, number] {
  const first = Number(batch?.['batch']) * leavesPerBatch;
  return [first, first + leavesPerBatch - 1];
}

/** The first key of the leaf's cell, then 16 bytes that distinguish leaves. */
export function itemKeyOfLeaf(
  batch: Pick<BatchRow, 'publisher' | 'number'>,
  position: number,
  firstKey: string,
): string {
  const identity = hash('sha256', `leaf\0${batch.publisher}\0${batch.number}\0${position}`, 'hex');
  return firstKey.slice(0, cellDigits).padEnd(64, '0') + identity.slice(0, 32);
}

function headOf(key: string): Uint8Array {
  return Buffer.from(key.slice(0, keyHeadDigits), 'hex');
}

function hexOf(bytes: unknown): string {
  return Buffer.from(bytes as Uint8Array).toString('hex');
}

function batchRow(row: Record<string, unknown>): BatchRow {
  return {
    publisher: String(row['publisher']),
    number: Number(row['number']),
    version: Number(row['version']),
    expiry: Number(row['expiry']),
    entries: Number(row['entries']),
    ended: row['ended'] === 1,
    bytes: row['header'] as Uint8Array,
  };
}

function heldLeaf(row: Record<string, unknown>): HeldLeaf {
  return {
    leaf: Number(row['leaf']),
    position: Number(row['position']),
    first: hexOf(row['first']),
    bytes: row['bytes'] as Uint8Array,
    path: row['path'] as Uint8Array,
    header: row['header'] as Uint8Array,
  };
}
