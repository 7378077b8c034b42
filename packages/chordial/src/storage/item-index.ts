/**
 * What this host holds, as compared in reconciliation (spec/4, Repair): an item per block and per record, in sets by
 * the replicas wanted, since items of different sets have different places.
 *
 * The fingerprint of a range is the sum over the fixed buckets of key space inside it, which are updated with every
 * change, and over the items of the two buckets that the range cuts. All changes run inside the transaction of what
 * they describe (`Catalog.write`), so a crash leaves neither without the other.
 */
import { hash } from 'node:crypto';
import type { StatementSync } from 'node:sqlite';
import { CID } from 'multiformats/cid';
import type { Catalog } from './catalog.ts';
import {
  addLanes,
  emptyFingerprint,
  type Fingerprint,
  fingerprintBytes,
  lanesOfItem,
  negativeLanes,
} from './fingerprint.ts';
import { type KeyRange, type KeySegment, type Page, pageLimit, segmentsFrom, segmentsOf } from './key-range.ts';
import { isInArc } from './range-parts.ts';

/** Records, leaves of shares, or blocks with this many replicas wanted. One object per set: compare with `===`. */
export type ItemSet = RecordSet | LeafSet | BlockSet;
export interface RecordSet {
  readonly kind: 'records';
}
export interface LeafSet {
  readonly kind: 'leaves';
}
/** Its items have a CID, those of other sets have none. */
export interface BlockSet {
  readonly kind: 'blocks';
  /** 1 to `maxBlockCopies`. */
  readonly copies: number;
}

export const maxBlockCopies = 8;
export const recordSet: RecordSet = { kind: 'records' };
export const leafSet: LeafSet = { kind: 'leaves' };
const blockSets: readonly BlockSet[] = Array.from({ length: maxBlockCopies }, (_, index) => ({
  kind: 'blocks',
  copies: index + 1,
}));
/** By their numbers on the wire and on disk: 0 for records, the replicas for blocks, 9 for leaves. */
export const everySet: readonly ItemSet[] = [recordSet, ...blockSets, leafSet];

/** @param copies at least 1; capped at `maxBlockCopies` */
export function blockSet(copies: number): BlockSet {
  return blockSets[Math.min(copies, maxBlockCopies) - 1] as BlockSet;
}

export function numberOfSet(set: ItemSet): number {
  return everySet.indexOf(set);
}

/** Replicas wanted of the items of a set, where the network's default is `replicas`. */
export function copiesOfSet(set: ItemSet, replicas: number): number {
  return set.kind === 'blocks' ? set.copies : replicas;
}

/** Length of the keys of a set. */
export function keyBytesOf({ kind }: ItemSet): number {
  return kind === 'blocks' ? keyBytes : keyBytes + digestBytes;
}

export interface Item {
  /** 64 hexadecimal digits for a block; for a record or leaf followed by 32 digits of identity. */
  readonly key: string;
  /** 32 hexadecimal digits: changes with the bytes of a record or the claims on a block. */
  readonly digest: string;
  readonly cid: CID | null;
  /** Row of the record or leaf. */
  readonly record: number | null;
}

/** An item held as cache: its places have proved that they hold it, and it does not count as a replica. */
export interface CachedItem {
  readonly set: ItemSet;
  readonly key: string;
  /** Size of the block, 0 for a record or a leaf. */
  readonly bytes: number;
}

/** Claims of a block, read inside a transaction. */
export interface ClaimsOnBlocks {
  summary(key: string): ClaimSummary;
}

export interface ClaimSummary {
  /** Replicas; null when no claim asks for any. */
  readonly wanted: number | null;
  /** 32 bytes; zeros without claims. */
  readonly digest: Uint8Array;
}

export interface IndexedRecord {
  readonly kind: string;
  readonly publisher: string;
  readonly subject: Uint8Array;
  readonly key: string;
}

const digestBytes = 16;
const keyBytes = 32;
const bucketDigits = 3;
const bucketCount = 4096;
const lastBucketKey = 'f'.repeat(64 - bucketDigits);
/** Sorts after every item of a key: identities have 16 bytes. */
const identityEnd = 'ff'.repeat(16);
/** Cached fingerprints: of this host's arcs and of ranges that neighbours ask for. */
const maxRememberedRanges = 1024;
const noClaims: ClaimsOnBlocks = { summary: () => ({ wanted: null, digest: new Uint8Array(fingerprintBytes) }) };

/** The digest of a block's item, from that of its claims. */
export function digestOfBlock(key: string, claims: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([blobOf(key), claims]), 'buffer').subarray(0, digestBytes);
}

interface NewItem {
  readonly key: Uint8Array;
  readonly digest: Uint8Array;
  readonly cid?: Uint8Array | null;
  /** Row of a record or of a leaf. */
  readonly record?: number | null;
}

export class ItemIndex {
  /** The network's r: wanted of a block unless a claim says otherwise. */
  readonly copies: number;
  readonly #catalog: Catalog;
  readonly #claims: ClaimsOnBlocks;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #find: StatementSync;
  readonly #findBlock: StatementSync;
  readonly #page: StatementSync;
  readonly #count: StatementSync;
  readonly #sum: StatementSync;
  readonly #sets: StatementSync;
  readonly #cache: StatementSync;
  readonly #uncache: StatementSync;
  readonly #findCached: StatementSync;
  readonly #findCachedBlock: StatementSync;
  readonly #cachedIn: StatementSync;
  readonly #oldestCached: StatementSync;
  readonly #cachedTotals: StatementSync;
  /** Whether anything may be cached: usually nothing is, and changes then skip the lookup. */
  #hasCached: boolean;
  #totals: { readonly blocks: number; readonly bytes: number } | null = null;
  /** Called for each item that is added or changes its set, inside a transaction that may still be rolled back. */
  added: ((set: ItemSet, key: string) => void) | null = null;
  /**
   * Buckets that have had items, by set: a range elsewhere is empty without a query. A rolled-back change may leave
   * extra ones.
   */
  readonly #touched = new Map<ItemSet, Uint8Array>();
  /** Fingerprints by set and range; a change invalidates those of the ranges that contain it. */
  readonly #remembered = new Map<ItemSet, Map<string, { readonly range: KeyRange; readonly sum: Fingerprint }>>();

  constructor(catalog: Catalog, copies: number, claims: ClaimsOnBlocks = noClaims) {
    this.#catalog = catalog;
    this.copies = copies;
    this.#claims = claims;
    const prepare = (sql: string) => catalog.database.prepare(sql);
    const columns = 'key, digest, cid, record';
    const lanes = emptyFingerprint.lanes.map((_, lane) => `lane${lane}`);
    this.#insert = prepare(`INSERT INTO items (copies, ${columns}) VALUES (?, ?, ?, ?, ?)`);
    this.#remove = prepare('DELETE FROM items WHERE copies = ? AND key = ?');
    this.#find = prepare(`SELECT copies, ${columns} FROM items WHERE copies = ? AND key = ?`);
    const blocks = blockSets.map(numberOfSet).join(', ');
    this.#findBlock = prepare(`SELECT copies, ${columns} FROM items WHERE copies IN (${blocks}) AND key = ?`);
    this.#page = prepare(
      `SELECT copies, ${columns} FROM items WHERE copies = ? AND key > ? AND key <= ? ORDER BY key LIMIT ?`,
    );
    this.#count = prepare(`INSERT INTO buckets (copies, bucket, count, ${lanes.join(', ')})
      VALUES (?, ?, ?, ${lanes.map(() => '?').join(', ')})
      ON CONFLICT DO UPDATE SET count = count + excluded.count,
      ${lanes.map((lane) => `${lane} = (${lane} + excluded.${lane}) & 4294967295`).join(', ')}`);
    this.#sum = prepare(`SELECT total(count) AS count, ${lanes.map((lane) => `total(${lane}) AS ${lane}`).join(', ')}
      FROM buckets WHERE copies = ? AND bucket BETWEEN ? AND ?`);
    this.#sets = prepare('SELECT DISTINCT copies FROM buckets WHERE count > 0 ORDER BY copies');
    this.#cache = prepare('INSERT OR IGNORE INTO cached (copies, key, bytes, since) VALUES (?, ?, ?, ?)');
    this.#uncache = prepare('DELETE FROM cached WHERE copies = ? AND key = ?');
    this.#findCached = prepare('SELECT copies, key, bytes FROM cached WHERE copies = ? AND key = ?');
    this.#findCachedBlock = prepare(`SELECT 1 FROM cached WHERE copies IN (${blocks}) AND key = ?`);
    this.#cachedIn = prepare('SELECT key FROM cached WHERE copies = ? AND key > ? AND key <= ? LIMIT ?');
    this.#oldestCached = prepare(
      'SELECT copies, key, bytes, since FROM cached WHERE (since, copies, key) > (?, ?, ?) ORDER BY since, copies, key LIMIT ?',
    );
    this.#cachedTotals = prepare(
      `SELECT count(*) AS blocks, total(bytes) AS bytes FROM cached WHERE copies IN (${blocks})`,
    );
    this.#hasCached = prepare('SELECT 1 FROM cached LIMIT 1').get() !== undefined;
    for (const { copies: set, bucket } of prepare('SELECT copies, bucket FROM buckets WHERE count > 0').iterate()) {
      this.#touch(setNumbered(set), Number(bucket));
    }
  }

  // CHANGES, each inside a transaction of the catalogue

  addBlock(key: string, cid: CID): void {
    this.removeBlock(key);
    this.addNewBlock(key, cid);
  }

  /** For a block that has no item yet. */
  addNewBlock(key: string, cid: CID): void {
    const { wanted, digest } = this.#claims.summary(key);
    this.#add(blockSet(wanted ?? this.copies), {
      key: blobOf(key),
      digest: digestOfBlock(key, digest),
      cid: cid.bytes,
    });
  }

  removeBlock(key: string): void {
    const known = this.#findBlock.get(blobOf(key));
    if (known !== undefined) this.#take(known);
  }

  /** After a change of the claims on a block; no effect when the block is absent. */
  refreshBlock(key: string): void {
    const known = this.findBlock(key);
    if (known === null || known.cid === null) return;
    const cached = this.findCached(known.set, key);
    this.addBlock(key, known.cid);
    // Its places change with the replicas wanted.
    const now = cached === null ? null : this.findBlock(key);
    if (cached !== null && now?.set === cached.set) this.addCached([cached]);
  }

  putRecord(identity: IndexedRecord, bytes: Uint8Array, row: number): void {
    this.removeRecord(identity);
    this.putNewRecord(identity, bytes, row);
  }

  /** For a record that has no item yet. */
  putNewRecord(identity: IndexedRecord, bytes: Uint8Array, row: number): void {
    const digest = hash('sha256', bytes, 'buffer').subarray(0, digestBytes);
    this.#add(recordSet, { key: blobOf(keyOfRecord(identity)), digest, record: row });
  }

  removeRecord(identity: IndexedRecord): void {
    const known = this.#find.get(numberOfSet(recordSet), blobOf(keyOfRecord(identity)));
    if (known !== undefined) this.#take(known);
  }

  /** Leaves never change; `key` as in share-table.ts, `digest` of at least 16 bytes. */
  putLeaf(key: string, digest: Uint8Array, row: number): void {
    this.#add(leafSet, { key: blobOf(key), digest: digest.subarray(0, digestBytes), record: row });
  }

  removeLeaf(key: string): void {
    const known = this.#find.get(numberOfSet(leafSet), blobOf(key));
    if (known !== undefined) this.#take(known);
  }

  clear(): void {
    this.#remembered.clear();
    this.#hasCached = false;
    this.#totals = null;
    this.#catalog.database.exec('DELETE FROM items; DELETE FROM buckets; DELETE FROM cached;');
  }

  /** Marks these as cache. Each must be an item that is present. */
  addCached(items: readonly CachedItem[]): void {
    for (const { set, key, bytes } of items)
      this.#cache.run(numberOfSet(set), blobOf(key), bytes, this.#catalog.wallTime());
    this.#hasCached ||= items.length > 0;
    this.#totals = null;
  }

  /** Marks these as replicas again. */
  removeCached(items: readonly Pick<CachedItem, 'set' | 'key'>[]): void {
    for (const { set, key } of items) this.#dropCached(numberOfSet(set), blobOf(key));
  }

  // QUERIES

  isCached(set: ItemSet, key: string): boolean {
    return this.findCached(set, key) !== null;
  }

  isBlockCached(key: string): boolean {
    return this.#hasCached && this.#findCachedBlock.get(blobOf(key)) !== undefined;
  }

  findCached(set: ItemSet, key: string): CachedItem | null {
    const row = !this.#hasCached ? undefined : this.#findCached.get(numberOfSet(set), blobOf(key));
    return row === undefined ? null : cachedItemOf(row);
  }

  /** Cached items, longest cached first. `cursor` is that of the previous page, or null. */
  cached(cursor: string | null, limit: number): Page<CachedItem> {
    if (!this.#hasCached) return { items: [], cursor: null };
    const [since = '-1', copies = '0', key = ''] = cursor?.split(' ') ?? [];
    const most = pageLimit(limit);
    const rows = this.#oldestCached.all(Number(since), Number(copies), blobOf(key), most + 1);
    const last = rows.length > most ? rows[most - 1] : undefined;
    return {
      items: rows.slice(0, most).map(cachedItemOf),
      cursor: last === undefined ? null : `${last['since']} ${last['copies']} ${hexOf(last['key'])}`,
    };
  }

  /** Keys of cached items of a range, at most `limit` of each part of it on either side of zero. */
  cachedIn(set: ItemSet, range: KeyRange, limit: number): readonly string[] {
    if (!this.#hasCached) return [];
    return segmentsOf(range).flatMap(({ after, upTo }) =>
      this.#cachedIn
        .all(numberOfSet(set), blobOf(startOf(after)), endOf(upTo), pageLimit(limit))
        .map((row) => hexOf(row['key'])),
    );
  }

  /** Blocks among the cached items. */
  cachedBlocks(): { readonly blocks: number; readonly bytes: number } {
    if (!this.#hasCached) return { blocks: 0, bytes: 0 };
    const row = this.#totals === null ? this.#cachedTotals.get() : undefined;
    this.#totals ??= { blocks: Number(row?.['blocks']), bytes: Number(row?.['bytes']) };
    return this.#totals;
  }

  /** Sets that have items, in order. */
  sets(): readonly ItemSet[] {
    return this.#sets.all().map((row) => setNumbered(row['copies']));
  }

  find(set: ItemSet, key: string): Item | null {
    const row = this.#find.get(numberOfSet(set), blobOf(key));
    return row === undefined ? null : itemOf(row);
  }

  /** Like `find`; a block in any set, since two hosts may know of different claims. */
  findInAnySet(set: ItemSet, key: string): Item | null {
    return set.kind === 'blocks' ? this.findBlock(key) : this.find(set, key);
  }

  /** The block's item, in any set. */
  findBlock(key: string): (Item & { readonly set: ItemSet }) | null {
    const row = this.#findBlock.get(blobOf(key));
    return row === undefined ? null : { ...itemOf(row), set: setNumbered(row['copies']) };
  }

  /** Cached between changes, since neighbours compare the same arcs repeatedly. Not to be called inside a change. */
  fingerprint(set: ItemSet, range: KeyRange): Fingerprint {
    const known = this.#remembered.get(set) ?? new Map<string, { range: KeyRange; sum: Fingerprint }>();
    this.#remembered.set(set, known);
    const name = range === 'all' ? range : `${range.after} ${range.upTo}`;
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered.sum;
    const sum = segmentsOf(range)
      .flatMap((segment) => [...this.#summands(set, segment)])
      .reduce(plus, emptyFingerprint);
    if (known.size >= maxRememberedRanges) known.clear();
    known.set(name, { range, sum });
    return sum;
  }

  /** Items of a range in key order from its start; `cursor` is that of the previous page, or null. */
  items(set: ItemSet, range: KeyRange, cursor: string | null, limit: number): Page<Item> {
    const most = pageLimit(limit);
    const items: Item[] = [];
    const segments = cursor === null ? segmentsOf(range) : segmentsFrom(range, cursor.slice(0, 64));
    for (const [index, { after, upTo }] of segments.entries()) {
      const from = index === 0 && cursor !== null ? cursor : startOf(after);
      const rows = this.#page.all(numberOfSet(set), blobOf(from), endOf(upTo), most + 1 - items.length);
      items.push(...rows.map(itemOf));
      if (items.length > most) return { items: items.slice(0, most), cursor: items[most - 1]?.key ?? null };
    }
    return { items, cursor: null };
  }

  // INTERNAL

  #add(set: ItemSet, { key, digest, cid = null, record = null }: NewItem): void {
    this.#forgetAround(set, key);
    this.added?.(set, hexOf(key));
    this.#touch(set, bucketOf(key));
    this.#insert.run(numberOfSet(set), key, digest, cid, record);
    this.#count.run(numberOfSet(set), bucketOf(key), 1, ...lanesOfItem(key, digest));
  }

  #take(row: Record<string, unknown>): void {
    const set = setNumbered(row['copies']);
    const key = row['key'] as Uint8Array;
    this.#forgetAround(set, key);
    this.#dropCached(numberOfSet(set), key);
    this.#remove.run(numberOfSet(set), key);
    const lanes = negativeLanes(lanesOfItem(key, row['digest'] as Uint8Array));
    this.#count.run(numberOfSet(set), bucketOf(key), -1, ...lanes);
  }

  #dropCached(set: number, key: Uint8Array): void {
    if (this.#hasCached && this.#uncache.run(set, key).changes !== 0) this.#totals = null;
  }

  #touch(set: ItemSet, bucket: number): void {
    const touched = this.#touched.get(set) ?? new Uint8Array(bucketCount);
    touched[bucket] = 1;
    this.#touched.set(set, touched);
  }

  /** Whether there may be items from one bucket to the other, inclusive. */
  #mayHold(set: ItemSet, from: number, to: number): boolean {
    const first = this.#touched.get(set)?.indexOf(1, from) ?? -1;
    return first >= 0 && first <= to;
  }

  #forgetAround(set: ItemSet, key: Uint8Array): void {
    const known = this.#remembered.get(set);
    if (known === undefined) return;
    const at = hexOf(key.subarray(0, keyBytes));
    for (const [name, { range }] of known) if (range === 'all' || isInArc(range, at)) known.delete(name);
  }

  *#summands(set: ItemSet, { after, upTo }: KeySegment): Generator<Fingerprint, void, undefined> {
    const last = bucketOf(blobOf(upTo));
    const cutsLast = upTo !== lastKeyOf(last);
    if (after === null) {
      yield this.#buckets(set, 0, cutsLast ? last - 1 : last);
    } else {
      const first = bucketOf(blobOf(after));
      if (first === last) {
        yield this.#scan(set, first, after, upTo);
        return;
      }
      yield this.#scan(set, first, after, lastKeyOf(first));
      yield this.#buckets(set, first + 1, cutsLast ? last - 1 : last);
    }
    if (cutsLast) yield this.#scan(set, last, last === 0 ? null : lastKeyOf(last - 1), upTo);
  }

  #buckets(set: ItemSet, from: number, to: number): Fingerprint {
    if (from > to || !this.#mayHold(set, from, to)) return emptyFingerprint;
    const row = this.#sum.get(numberOfSet(set), from, to) as Record<string, number>;
    const lanes = emptyFingerprint.lanes.map((_, lane) => Number(row[`lane${lane}`]) % 2 ** 32);
    return { count: Number(row['count']), lanes };
  }

  /** Part of one bucket. */
  #scan(set: ItemSet, bucket: number, after: string | null, upTo: string): Fingerprint {
    let { count, lanes } = emptyFingerprint;
    if (!this.#mayHold(set, bucket, bucket)) return { count, lanes };
    for (const row of this.#page.iterate(numberOfSet(set), blobOf(startOf(after)), endOf(upTo), -1)) {
      count += 1;
      lanes = addLanes(lanes, lanesOfItem(row['key'] as Uint8Array, row['digest'] as Uint8Array));
    }
    return { count, lanes };
  }
}

/** The record key, then 16 bytes that distinguish the records of a key. */
export function keyOfRecord({ kind, publisher, subject, key }: IndexedRecord): string {
  const identity = hash('sha256', Buffer.concat([Buffer.from(`${kind}\0${publisher}\0`), subject]), 'hex');
  return key + identity.slice(0, 2 * digestBytes);
}

/** Inverse of `numberOfSet`. */
export function setNumbered(number: unknown): ItemSet {
  return everySet[Number(number)] as ItemSet;
}

function plus(a: Fingerprint, b: Fingerprint): Fingerprint {
  return { count: a.count + b.count, lanes: addLanes(a.lanes, b.lanes) };
}

function bucketOf(key: Uint8Array): number {
  return ((key[0] ?? 0) << 4) | ((key[1] ?? 0) >> 4);
}

function lastKeyOf(bucket: number): string {
  return (bucket % bucketCount).toString(16).padStart(bucketDigits, '0') + lastBucketKey;
}

/** After every item at `after`; the empty blob sorts before every key. */
function startOf(after: string | null): string {
  return after === null ? '' : after + identityEnd;
}

function endOf(upTo: string): Uint8Array {
  return blobOf(upTo + identityEnd);
}

function blobOf(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}

function hexOf(bytes: unknown): string {
  return Buffer.from(bytes as Uint8Array).toString('hex');
}

function cachedItemOf({ copies, key, bytes }: Record<string, unknown>): CachedItem {
  return { set: setNumbered(copies), key: hexOf(key), bytes: Number(bytes) };
}

function itemOf(row: Record<string, unknown>): Item {
  const { key, digest, cid, record } = row as Record<string, Uint8Array>;
  return {
    key: hexOf(key),
    digest: hexOf(digest),
    cid: cid === null || cid === undefined ? null : CID.decode(cid),
    record: record === null ? null : Number(record),
  };
}
