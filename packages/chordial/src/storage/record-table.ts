/**
 * Signed records on disk. Their meaning, and which of two prevails, is up to src/records; here they are bytes with
 * columns to find them by.
 */
import type { StatementSync } from 'node:sqlite';
import { partPrefix } from '../content/name.ts';
import type { Catalog } from './catalog.ts';
import type { ItemIndex } from './item-index.ts';
import { badCursor, type KeyRange, type Page, pageLimit, segmentsFrom, segmentsOf } from './key-range.ts';
import { PublisherCounts } from './publisher-counts.ts';
import { bytesOfRecord } from './schema.ts';

/** At most one per (kind, publisher, subject, key). */
export interface RecordRow {
  readonly kind: string;
  /** Id of the peer that signed it. */
  readonly publisher: string;
  readonly subject: Uint8Array;
  /** Record key, 64 hexadecimal digits. */
  readonly key: string;
  /** A safe integer; a higher one replaces a lower. */
  readonly sequence: number;
  /** Milliseconds since 1970, or null for one that does not expire. */
  readonly expiry: number | null;
  /** The signed entry itself. */
  readonly bytes: Uint8Array;
}

type Identity = Pick<RecordRow, 'kind' | 'publisher' | 'subject' | 'key'>;

/** Rows that were looked up and have not changed since: a put of a name asks for its entry six times. */
const maxRemembered = 1024;

const columns = 'kind, publisher, subject, key, sequence, expiry, bytes';

export class RecordTable {
  readonly #catalog: Catalog;
  readonly #index: ItemIndex | null;
  readonly #counts: PublisherCounts;
  /** By identity, null for none; a change forgets what it touches. */
  readonly #remembered = new Map<string, RecordRow | null>();
  #changes = 0;
  readonly #insert: StatementSync;
  readonly #replace: StatementSync;
  readonly #one: StatementSync;
  readonly #byRow: StatementSync;
  readonly #removeExactly: StatementSync;
  readonly #ofKey: StatementSync;
  readonly #namesOf: StatementSync;
  readonly #sealed: StatementSync;
  readonly #ofPublisher: StatementSync;
  readonly #inRange: StatementSync;
  readonly #remove: StatementSync;
  readonly #expire: StatementSync;
  readonly #count: StatementSync;

  /** @param index updated with the table, if given */
  constructor(catalog: Catalog, index: ItemIndex | null = null) {
    this.#catalog = catalog;
    this.#index = index;
    this.#counts = new PublisherCounts(catalog);
    const prepare = (sql: string) => catalog.database.prepare(sql);
    this.#insert = prepare(`INSERT INTO records (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`);
    this.#replace = prepare(`UPDATE records SET sequence = ?5, expiry = ?6, bytes = ?7
      WHERE kind = ?1 AND publisher = ?2 AND subject = ?3 AND key = ?4
        AND iif(sequence <= ?8 OR ?5 > ?8, (?5, ?7) > (sequence, bytes), TRUE) RETURNING rowid`);
    this.#one = prepare(`SELECT ${columns} FROM records WHERE kind = ? AND publisher = ? AND subject = ? AND key = ?`);
    this.#byRow = prepare(`SELECT ${columns} FROM records WHERE rowid = ?`);
    this.#removeExactly = prepare(
      'DELETE FROM records WHERE kind = ? AND publisher = ? AND subject = ? AND key = ? AND sequence = ?',
    );
    this.#ofKey = prepare(`SELECT ${columns} FROM records WHERE key = ? AND kind = ? AND (publisher, subject) > (?, ?)
      ORDER BY publisher, subject LIMIT ?`);
    this.#namesOf =
      prepare(`SELECT ${columns} FROM records WHERE kind = 'name' AND publisher = ? AND (subject, key) > (?, ?)
      AND substr(subject, 1, ${partPrefix.length}) <> x'${Buffer.from(partPrefix).toString('hex')}'
      ORDER BY subject, key LIMIT ?`);
    this.#sealed = prepare(`SELECT ${columns} FROM records
      WHERE kind = 'name' AND substr(subject, 1, 7) = x'7365616c65642d' AND (subject, publisher) > (?, ?)
      ORDER BY subject, publisher LIMIT ?`);
    this.#ofPublisher = prepare(
      `SELECT rowid, ${columns} FROM records WHERE publisher = ? AND rowid > ? ORDER BY rowid LIMIT ?`,
    );
    this.#inRange =
      prepare(`SELECT ${columns} FROM records WHERE (key, kind, publisher, subject) > (?, ?, ?, ?) AND key <= ?
      ORDER BY key, kind, publisher, subject LIMIT ?`);
    this.#remove = prepare('DELETE FROM records WHERE kind = ? AND publisher = ? AND subject = ? AND key = ?');
    this.#expire = prepare(
      `DELETE FROM records WHERE rowid IN (SELECT rowid FROM records WHERE expiry <= ? AND kind <> 'name' LIMIT ?) RETURNING kind, publisher, subject, key`,
    );
    this.#count = prepare('SELECT count(*) AS count FROM records');
  }

  /** Increases with every insertion or removal. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * Durable when it resolves. Entry i says whether row i was stored: false when one with a higher sequence is present,
   * or with the same sequence and bytes that are not smaller, so that all hosts keep the same one.
   * @param latest a row with a higher sequence is from the future, and loses to any that is not
   */
  put(rows: readonly RecordRow[], latest: number = Number.MAX_SAFE_INTEGER): Promise<boolean[]> {
    return this.#catalog.write(() => {
      this.#changes += 1;
      const came = new Map<string, { records: number; rows: number }>();
      const kept = rows.map((row) => {
        this.#forget(row);
        const { kind, publisher, subject, key, sequence, expiry, bytes } = row;
        const values = [kind, publisher, subject, blobOf(key), sequence, expiry, bytes] as const;
        const inserted = this.#insert.run(...values);
        if (inserted.changes !== 0) {
          this.#index?.putNewRecord(row, bytes, Number(inserted.lastInsertRowid));
          const { records, rows: taken } = came.get(publisher) ?? { records: 0, rows: 0 };
          came.set(publisher, { records: records + 1, rows: taken + bytesOfRecord(row) });
          return true;
        }
        const replaced = this.#replace.get(...values, latest);
        if (replaced !== undefined) this.#index?.putRecord(row, bytes, Number(replaced['rowid']));
        return replaced !== undefined;
      });
      for (const [publisher, some] of came) this.#counts.came(publisher, some);
      return kept;
    });
  }

  /** The row of an index item, or null when it is gone. */
  byRow(row: number): RecordRow | null {
    const found = this.#byRow.get(row);
    return found === undefined ? null : recordRow(found);
  }

  /** The row of this identity, or null. */
  find(identity: Identity): RecordRow | null {
    // What a change in progress has done may be undone.
    if (this.#catalog.database.isTransaction) return this.#read(identity);
    const name = nameOf(identity);
    const known = this.#remembered.get(name);
    if (known !== undefined) return known;
    const row = this.#read(identity);
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
    this.#remembered.set(name, row);
    return row;
  }

  #read({ kind, publisher, subject, key }: Identity): RecordRow | null {
    const row = this.#one.get(kind, publisher, subject, blobOf(key));
    return row === undefined ? null : recordRow(row);
  }

  #forget(identity: Identity): void {
    if (this.#remembered.size > 0) this.#remembered.delete(nameOf(identity));
  }

  /** Rows at a key, by publisher and subject. */
  get(key: string, kind: string, cursor: string | null, limit: number): Page<RecordRow> {
    const [publisher, subject] = cursor === null ? ['', ''] : splitCursor(cursor, 2);
    const rows = this.#ofKey.all(blobOf(key), kind, publisher, blobOf(subject), pageLimit(limit) + 1).map(recordRow);
    return pageOf(rows, limit, (row) => [row.publisher, hexOf(row.subject)]);
  }

  /** The same, round robin over publishers, `perTurn` rows at a time, so that none hides the others. */
  *inTurns(key: string, kind: string, perTurn: number): Generator<RecordRow, void, undefined> {
    // Last rows of publishers with more to come.
    let open: RecordRow[] = [];
    let cursor: string | null = null;
    let [publisher, given] = ['', 0];
    do {
      const page: Page<RecordRow> = this.get(key, kind, cursor, perTurn);
      cursor = page.cursor;
      for (const row of page.items) {
        [publisher, given] = row.publisher === publisher ? [publisher, given + 1] : [row.publisher, 1];
        yield row;
        if (given < perTurn) continue;
        open.push(row);
        // Sorts after this publisher's rows and before the next publisher's.
        cursor = `${publisher}!.`;
        break;
      }
    } while (cursor !== null);
    while (open.length > 0) {
      const next: RecordRow[] = [];
      for (const last of open) {
        const page = this.get(key, kind, `${last.publisher}.${hexOf(last.subject)}`, perTurn);
        const rows = page.items.filter((row) => row.publisher === last.publisher);
        yield* rows;
        if (rows.length === perTurn) next.push(rows.at(-1)!);
      }
      open = next;
    }
  }

  /** Names of a publisher, by subject. */
  namesOf(publisher: string, cursor: string | null, limit: number): Page<RecordRow> {
    const [subject, key] = cursor === null ? ['', ''] : splitCursor(cursor, 2);
    const rows = this.#namesOf.all(publisher, blobOf(subject), blobOf(key), pageLimit(limit) + 1).map(recordRow);
    return pageOf(rows, limit, (row) => [hexOf(row.subject), row.key]);
  }

  /** Names of sealed files, which begin with `sealed-`, by subject. */
  sealedNames(cursor: string | null, limit: number): Page<RecordRow> {
    const [subject, publisher] = cursor === null ? ['', ''] : splitCursor(cursor, 2);
    const rows = this.#sealed.all(blobOf(subject), publisher, pageLimit(limit) + 1).map(recordRow);
    return pageOf(rows, limit, (row) => [hexOf(row.subject), row.publisher]);
  }

  /** Rows of a publisher, of all kinds, after row `after`; `last` is the cursor for the next page, null at the end. */
  ofPublisher(publisher: string, after: number, limit: number): { rows: readonly RecordRow[]; last: number | null } {
    const found = this.#ofPublisher.all(publisher, after, pageLimit(limit));
    const last = found.at(-1);
    return { rows: found.map(recordRow), last: last === undefined ? null : Number(last['rowid']) };
  }

  /** Rows of a range of keys, in key order from its start. */
  range(range: KeyRange, cursor: string | null, limit: number): Page<RecordRow> {
    const wanted = pageLimit(limit) + 1;
    const from = cursor === null ? null : splitCursor(cursor, 4);
    const rows: RecordRow[] = [];
    for (const [i, { after, upTo }] of (from === null ? segmentsOf(range) : segmentsFrom(range, from[0])).entries()) {
      // Without a cursor the walk begins after every row of the key `after`: no kind sorts above U+10FFFF.
      const [key, kind, publisher, subject] = i === 0 && from !== null ? from : [after ?? '', '\u{10ffff}', '', ''];
      const found = this.#inRange.all(
        blobOf(key),
        kind,
        publisher,
        blobOf(subject),
        blobOf(upTo),
        wanted - rows.length,
      );
      rows.push(...found.map(recordRow));
      if (rows.length === wanted) break;
    }
    return pageOf(rows, limit, (row) => [row.key, row.kind, row.publisher, hexOf(row.subject)]);
  }

  /** Removes rows by identity, regardless of sequence. */
  async remove(rows: readonly Identity[]): Promise<void> {
    await this.#catalog.write(() => {
      this.#changes += 1;
      for (const row of rows) {
        this.#forget(row);
        this.#remove.run(row.kind, row.publisher, row.subject, blobOf(row.key));
        this.#index?.removeRecord(row);
      }
    });
  }

  /** Removes these rows unless replaced since; resolves with the number removed. */
  removeExactly(rows: readonly RecordRow[]): Promise<number> {
    return this.#catalog.write(() => {
      this.#changes += 1;
      const gone = rows.filter(
        ({ kind, publisher, subject, key, sequence }) =>
          this.#removeExactly.run(kind, publisher, subject, blobOf(key), sequence).changes !== 0,
      );
      for (const row of gone) {
        this.#forget(row);
        this.#index?.removeRecord(row);
      }
      return gone.length;
    });
  }

  /**
   * Removes at most `limit` rows that have expired by `now`; resolves with the number removed. Rows of kind `name`
   * stay: without the latest entry of a name an earlier one would be accepted again.
   */
  expire(now: number, limit: number): Promise<number> {
    return this.#catalog.write(() => {
      const gone = this.#expire.all(now, pageLimit(limit));
      if (gone.length > 0) this.#changes += 1;
      for (const { kind, publisher, subject, key } of gone) {
        const identity = { kind: String(kind), publisher: String(publisher), key: hexOf(key as Uint8Array) };
        this.#forget({ ...identity, subject: subject as Uint8Array });
        this.#index?.removeRecord({ ...identity, subject: subject as Uint8Array });
      }
      return gone.length;
    });
  }

  /** Records of one publisher, of all kinds. */
  countOf(publisher: string): number {
    return this.#counts.recordsOf(publisher);
  }

  count(): number {
    return Number(this.#count.get()?.['count']);
  }
}

function nameOf({ kind, publisher, subject, key }: Identity): string {
  return `${kind} ${publisher} ${key} ${hexOf(subject)}`;
}

function pageOf(
  rows: readonly RecordRow[],
  limit: number,
  cursorOf: (row: RecordRow) => readonly string[],
): Page<RecordRow> {
  const items = rows.slice(0, pageLimit(limit));
  const last = items.at(-1);
  return { items, cursor: rows.length > items.length && last !== undefined ? cursorOf(last).join('.') : null };
}

/** Cursors consist of hexadecimal digits, kinds and peer ids, none of which contains a full stop. */
function splitCursor(cursor: string, parts: 2): [string, string];
function splitCursor(cursor: string, parts: 4): [string, string, string, string];
function splitCursor(cursor: string, parts: number): string[] {
  const found = cursor.split('.');
  if (found.length !== parts) throw badCursor(cursor);
  return found;
}

function blobOf(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function recordRow(row: Record<string, unknown>): RecordRow {
  return {
    kind: String(row['kind']),
    publisher: String(row['publisher']),
    subject: row['subject'] as Uint8Array,
    key: hexOf(row['key'] as Uint8Array),
    sequence: Number(row['sequence']),
    expiry: row['expiry'] === null ? null : Number(row['expiry']),
    bytes: row['bytes'] as Uint8Array,
  };
}
