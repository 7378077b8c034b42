/**
 * Why blocks are kept here (spec/4, Who may delete): per block, the puts that claim it. A put is one attempt of a
 * publisher to give content a name, identified by its sequence; it is stored once and its blocks refer to it.
 *
 * Claims of several sequences of a name coexist until a later one is committed: if the later put is aborted, the
 * earlier claims still hold.
 *
 * All methods are synchronous; those that write must run inside `Catalog.write`, together with whatever must become
 * durable with them.
 */
import { hash } from 'node:crypto';
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';
import {
  addLanes,
  emptyFingerprint,
  fingerprintBytes,
  lanesFromBytes,
  lanesToBytes,
  negativeLanes,
} from './fingerprint.ts';
import { pageLimit } from './key-range.ts';
import { PublisherCounts } from './publisher-counts.ts';
import { bytesOfPut, rowBytes } from './schema.ts';

/** States that a block is part of a put; sent with the block. */
export interface Claim {
  /** Peer id. */
  readonly publisher: string;
  /** NFC. */
  readonly name: string;
  readonly sequence: number;
  /** Replicas that the put wants of each block. */
  readonly replicas: number;
  /**
   * Time since the put's last sign of life, from a host that has not seen it committed; default 0. Without it every
   * copy made by repair would extend an aborted put, whose blocks would never expire.
   */
  readonly idleSeconds?: number;
  /**
   * The host that passed it on, when that is not the publisher; never sent. It is charged until the put is known to be
   * committed.
   */
  readonly via?: string;
}

/** The claim as passed on by a host: unless that is the publisher, the host is charged. */
export function claimVia(claim: Claim, host: string): Claim {
  return claim.publisher === host ? claim : { ...claim, via: host };
}

/** A put as known to this host. Times are milliseconds since 1970. */
export interface KnownPut extends Claim {
  readonly put: number;
  /** Time of its last block. */
  readonly added: number;
  /** When its publisher last refreshed it; `added` if never. */
  readonly heard: number;
  /** When the name's entry was last checked; `added` if never. */
  readonly checked: number;
  /** When the name's entry was last seen to refer to this put, or null. */
  readonly confirmed: number | null;
  /** Expiry of that entry, or null. */
  readonly expiry: number | null;
  /** The host charged for it. */
  readonly owner: string;
}

/** Result of `drop`: call it again while `more` is set. */
export interface Dropped {
  readonly claims: number;
  /** Keys of blocks that are no longer claimed. */
  readonly unclaimed: readonly string[];
  readonly more: boolean;
}

export const claimDigestBytes = fingerprintBytes;
/** Claims examined when counting the open ones of a block. */
const latestClaims = 512;
const secondMilliseconds = 1000;
/** Precision of the stored time of the last block, so that not every block costs an update. */
const addedPrecisionMilliseconds = 5000;
/** Uncommitted puts younger than this are checked every turn, older ones with growing intervals. */
const youngMilliseconds = 120_000;
const columns = 'put, publisher, name, sequence, replicas, added, heard, checked, confirmed, expiry, owner';

export class ClaimTable {
  readonly #catalog: Catalog;
  readonly #changed: (blockKey: string) => void;
  readonly #counts: PublisherCounts;
  readonly #insertPut: StatementSync;
  readonly #cameLater: StatementSync;
  readonly #lengthOf: StatementSync;
  readonly #findPut: StatementSync;
  readonly #insert: StatementSync;
  readonly #isCharged: StatementSync;
  readonly #charge: StatementSync;
  readonly #ofBlock: StatementSync;
  readonly #ofName: StatementSync;
  readonly #blocksOf: StatementSync;
  readonly #walk: StatementSync;
  readonly #owners: StatementSync;
  readonly #unconfirmed: StatementSync;
  readonly #lapsed: StatementSync;
  readonly #check: StatementSync;
  readonly #touch: StatementSync;
  readonly #confirm: StatementSync;
  readonly #byNumber: StatementSync;
  readonly #handOn: StatementSync;
  readonly #isNew: StatementSync;
  readonly #sum: StatementSync;
  readonly #setSum: StatementSync;
  readonly #removeSum: StatementSync;
  readonly #maxWanted: StatementSync;
  readonly #openOf: StatementSync;
  readonly #sizeOf: StatementSync;
  readonly #remove: StatementSync;
  readonly #removePut: StatementSync;
  readonly #forget: StatementSync;
  readonly #isClaimed: StatementSync;

  /** @param changed called inside the transaction for every block whose claims changed */
  constructor(catalog: Catalog, changed: (blockKey: string) => void = () => undefined) {
    this.#catalog = catalog;
    this.#changed = changed;
    const prepare = (sql: string) => catalog.database.prepare(sql);
    this.#counts = new PublisherCounts(catalog);
    this.#insertPut =
      prepare(`INSERT INTO puts (publisher, name, sequence, replicas, added, heard, checked, owner, charged)
      VALUES (?, ?, ?, ?, ?5, ?5, ?5, ?6, ?7)`);
    this.#cameLater = prepare(
      `UPDATE puts SET added = ?1 WHERE put = ?2 AND ?1 >= added + ${addedPrecisionMilliseconds}`,
    );
    this.#lengthOf = prepare('SELECT length(?) AS length');
    this.#findPut = prepare('SELECT put, owner FROM puts WHERE publisher = ? AND name = ? AND sequence = ?');
    this.#byNumber = prepare('SELECT publisher, name, sequence, replicas FROM puts WHERE put = ?');
    this.#handOn = prepare('UPDATE puts SET owner = ? WHERE put = ?');
    this.#isNew = prepare('SELECT NOT EXISTS (SELECT 1 FROM claims WHERE block = ?1 AND put = ?2) AS fresh');
    this.#insert = prepare('INSERT INTO claims (block, put, charged) VALUES (?, ?, ?)');
    this.#isCharged = prepare(
      'SELECT 1 FROM claims JOIN puts USING (put) WHERE block = ? AND owner = ? AND claims.charged > 0 LIMIT 1',
    );
    this.#charge = prepare('UPDATE puts SET charged = charged + ? WHERE put = ?');
    this.#sum = prepare('SELECT claims, wanted, lanes FROM claimed WHERE block = ?');
    this.#setSum = prepare('INSERT OR REPLACE INTO claimed (block, claims, wanted, lanes) VALUES (?, ?, ?, ?)');
    this.#removeSum = prepare('DELETE FROM claimed WHERE block = ?');
    this.#maxWanted = prepare('SELECT max(replicas) AS wanted FROM claims JOIN puts USING (put) WHERE block = ?');
    this.#openOf = prepare(`SELECT count(*) AS count FROM (
        SELECT put FROM claims WHERE block = ? ORDER BY put DESC LIMIT ${latestClaims}
      ) JOIN puts USING (put) WHERE owner = ? AND confirmed IS NULL`);
    this.#sizeOf = prepare('SELECT size FROM blocks WHERE key = ?');
    this.#ofBlock =
      prepare(`SELECT publisher, name, sequence, replicas, max(added, heard) AS last, confirmed FROM claims JOIN puts USING (put)
      WHERE block = ?1 AND (publisher, name, sequence) > (?2, ?3, ?4) ORDER BY publisher, name, sequence LIMIT ?5`);
    this.#ofName = prepare(`SELECT ${columns} FROM puts WHERE publisher = ? AND name = ? ORDER BY sequence`);
    this.#blocksOf = prepare('SELECT block FROM claims WHERE put = ? AND block > ? ORDER BY block LIMIT ?');
    this.#walk = prepare(`SELECT ${columns} FROM puts WHERE put > ? ORDER BY put LIMIT ?`);
    this.#owners = prepare('SELECT owner FROM puts WHERE confirmed IS NULL AND owner > ? ORDER BY owner LIMIT 1');
    this.#unconfirmed = prepare(`SELECT ${columns} FROM puts
      WHERE confirmed IS NULL AND owner = ?4 AND checked <= ?1 - ?2
      AND (checked - max(added, heard) <= ?1 - checked OR max(added, heard) > ?1 - ${youngMilliseconds}) ORDER BY checked LIMIT ?3`);
    this.#lapsed = prepare(`SELECT ${columns} FROM puts WHERE expiry <= ? ORDER BY expiry LIMIT ?`);
    this.#check = prepare('UPDATE puts SET checked = ? WHERE put = ?');
    this.#touch = prepare('UPDATE puts SET heard = ?1, checked = ?1 WHERE put = ?2');
    this.#confirm = prepare(
      'UPDATE puts SET checked = ?1, confirmed = ?1, expiry = ?2, owner = publisher WHERE put = ?3',
    );
    this.#remove = prepare('DELETE FROM claims WHERE block = ? AND put = ?');
    this.#removePut = prepare('DELETE FROM puts WHERE put = ?');
    this.#forget = prepare('DELETE FROM claims WHERE block = ?');
    this.#isClaimed = prepare('SELECT 1 FROM claims WHERE block = ? LIMIT 1');
  }

  /**
   * Adds claims of a block that is present or added in the same transaction.
   * @param size of the block, for accounting; looked up unless given
   */
  add(blockKey: string, claims: readonly Claim[], now: number = this.#catalog.wallTime(), size?: number): void {
    if (this.addToNew(blockKey, claims, now, size) > 0) this.#changed(blockKey);
  }

  /** The same without calling `changed`, for a block that is not visible yet. Returns the number of new claims. */
  addToNew(blockKey: string, claims: readonly Claim[], now: number = this.#catalog.wallTime(), size?: number): number {
    if (claims.length === 0) return 0;
    const block = blobOf(blockKey);
    const bytes = size ?? Number(this.#sizeOf.get(block)?.['size'] ?? 0);
    const sum = this.#sumOf(block);
    let added = 0;
    for (const claim of claims) {
      if (!this.#addOne({ block, bytes, isClaimed: sum.claims > 0 }, claim, now)) continue;
      added += 1;
      sum.claims += 1;
      sum.wanted = Math.max(sum.wanted, claim.replicas);
      sum.lanes = addLanes(sum.lanes, lanesOfClaim(claim));
    }
    if (added > 0) this.#keepSum(block, sum);
    return added;
  }

  /** Whether the claim is new. */
  #addOne(
    { block, bytes, isClaimed }: { readonly block: Uint8Array; readonly bytes: number; readonly isClaimed: boolean },
    claim: Claim,
    now: number,
  ): boolean {
    const { publisher, name, sequence, replicas, idleSeconds = 0, via } = claim;
    const came = now - idleSeconds * secondMilliseconds;
    const owner = via ?? publisher;
    const found = this.#findPut.get(publisher, name, sequence);
    const chargeNow = (): number => (isClaimed && this.#isCharged.get(block, owner) !== undefined ? 0 : bytes);
    if (found === undefined) {
      const charged = chargeNow();
      const row = this.#insertPut.run(publisher, name, sequence, replicas, came, owner, charged).lastInsertRowid;
      this.#insert.run(block, row, charged);
      const length = Number(this.#lengthOf.get(name)?.['length']);
      const rows = bytesOfPut(length) + rowBytes.claim;
      this.#counts.came(owner, { rows, blocks: charged, uncommitted: charged });
      return true;
    }
    const put = found['put'] as number;
    this.#cameLater.run(came, put);
    // A claim sent by its publisher is charged to the publisher.
    if (via === undefined && found['owner'] !== publisher) this.#handOn.run(publisher, put);
    if (isClaimed && this.#isNew.get(block, put)?.['fresh'] !== 1) return false;
    const charged = chargeNow();
    this.#insert.run(block, put, charged);
    if (charged > 0) this.#charge.run(charged, put);
    this.#counts.came(via === undefined ? publisher : String(found['owner']), { rows: rowBytes.claim });
    return true;
  }

  /** By publisher, name and sequence, after `after`; all unless a limit is given. */
  of(blockKey: string, after: Claim | null = null, limit = -1): readonly Claim[] {
    const now = this.#catalog.wallTime();
    const { publisher, name, sequence } = after ?? { publisher: '', name: '', sequence: -1 };
    return this.#ofBlock.all(blobOf(blockKey), publisher, name, sequence, limit).map((row) => {
      const isCommitted = row['confirmed'] !== null;
      const idleSeconds = isCommitted ? 0 : Math.floor((now - Number(row['last'])) / secondMilliseconds);
      return idleSeconds > 0 ? { ...claimOf(row), idleSeconds } : claimOf(row);
    });
  }

  /** Whether this put claims the block. */
  has(blockKey: string, { publisher, name, sequence }: Claim): boolean {
    const put = this.#findPut.get(publisher, name, sequence)?.['put'];
    return put !== undefined && this.#isNew.get(blobOf(blockKey), put as number)?.['fresh'] !== 1;
  }

  /** Number of puts that claim the block. */
  count(blockKey: string): number {
    return this.#sumOf(blobOf(blockKey)).claims;
  }

  /** Uncommitted claims on the block charged to this owner, among the latest 512. */
  openOf(blockKey: string, owner: string): number {
    return Number(this.#openOf.get(blobOf(blockKey), owner)?.['count']);
  }

  isClaimed(blockKey: string): boolean {
    return this.#isClaimed.get(blobOf(blockKey)) !== undefined;
  }

  /** 32 bytes, equal on hosts where the same puts claim the block; zeros without claims. */
  digest(blockKey: string): Uint8Array {
    return lanesToBytes(this.#sumOf(blobOf(blockKey)).lanes);
  }

  /** The digest, and the replicas wanted: the maximum over all claims, null without claims. */
  summary(blockKey: string): { readonly wanted: number | null; readonly digest: Uint8Array } {
    const { wanted, lanes } = this.#sumOf(blobOf(blockKey));
    return { wanted: wanted === 0 ? null : wanted, digest: lanesToBytes(lanes) };
  }

  /** The puts of a name that claim blocks here, by sequence. */
  byName(publisher: string, name: string): readonly KnownPut[] {
    return this.#ofName.all(publisher, name).map(putOf);
  }

  /** All puts in insertion order; `after` is the number of the last one of the previous page, initially 0. */
  walk(after: number, limit: number): readonly KnownPut[] {
    return this.#walk.all(after, pageLimit(limit)).map(putOf);
  }

  /**
   * Uncommitted puts that are due for a check: every `wait` milliseconds while young, then each time their age doubles.
   * Limited per owner, so that one owner's puts do not delay others.
   */
  unconfirmed(now: number, wait: number, limit: number): readonly KnownPut[] {
    const due: KnownPut[] = [];
    for (let owner = this.#ownerAfter(''); owner !== null; owner = this.#ownerAfter(owner))
      due.push(...this.#unconfirmed.all(now, wait, pageLimit(limit), owner).map(putOf));
    return due;
  }

  /** Puts whose entry has expired. */
  lapsed(now: number, limit: number): readonly KnownPut[] {
    return this.#lapsed.all(now, pageLimit(limit)).map(putOf);
  }

  /** The name's entry was checked and did not refer to this put. */
  markChecked({ put }: Pick<KnownPut, 'put'>, now: number): void {
    this.#check.run(now, put);
  }

  /** Refreshed by its publisher. */
  touch({ put }: Pick<KnownPut, 'put'>, now: number): void {
    this.#touch.run(now, put);
  }

  /** The name's entry refers to this put and has this expiry. */
  confirm({ put }: Pick<KnownPut, 'put'>, expiry: number | null, now: number): void {
    this.#confirm.run(now, expiry, put);
  }

  /** Removes at most `limit` claims of a put, and with the last one the put. */
  drop({ put }: Pick<KnownPut, 'put'>, limit: number): Dropped {
    const most = pageLimit(limit);
    const keys = this.#blocksOf.all(put, new Uint8Array(), most + 1).map((row) => keyOf(row['block']));
    const dropped = keys.slice(0, most);
    for (const key of dropped) {
      this.#takeFromSum(blobOf(key), put);
      this.#changed(key);
    }
    const more = keys.length > most;
    if (!more) this.#removePut.run(put);
    return { claims: dropped.length, unclaimed: dropped.filter((key) => !this.isClaimed(key)), more };
  }

  /** Removes the claims of a block that is being deleted. */
  forget(blockKey: string): void {
    const block = blobOf(blockKey);
    this.#removeSum.run(block);
    if (this.#forget.run(block).changes !== 0) this.#changed(blockKey);
  }

  #ownerAfter(owner: string): string | null {
    const next = this.#owners.get(owner)?.['owner'];
    return next === undefined ? null : String(next);
  }

  #sumOf(block: Uint8Array): Sum {
    const row = this.#sum.get(block);
    if (row === undefined) return { claims: 0, wanted: 0, lanes: emptyFingerprint.lanes };
    return {
      claims: Number(row['claims']),
      wanted: Number(row['wanted']),
      lanes: lanesFromBytes(row['lanes'] as Uint8Array),
    };
  }

  #keepSum(block: Uint8Array, { claims, wanted, lanes }: Sum): void {
    if (claims === 0) this.#removeSum.run(block);
    else this.#setSum.run(block, claims, wanted, lanesToBytes(lanes));
  }

  #takeFromSum(block: Uint8Array, put: number): void {
    const row = this.#byNumber.get(put);
    if (this.#remove.run(block, put).changes === 0 || row === undefined) return;
    const claim = claimOf(row);
    const sum = this.#sumOf(block);
    sum.claims -= 1;
    sum.lanes = addLanes(sum.lanes, negativeLanes(lanesOfClaim(claim)));
    if (claim.replicas >= sum.wanted) sum.wanted = Number(this.#maxWanted.get(block)?.['wanted'] ?? 0);
    this.#keepSum(block, sum);
  }
}

/** Sum over the claims of a block. */
interface Sum {
  claims: number;
  wanted: number;
  lanes: readonly number[];
}

function lanesOfClaim({ publisher, name, sequence, replicas }: Claim): readonly number[] {
  const text = JSON.stringify([publisher, name, sequence, replicas]);
  return lanesFromBytes(hash('sha256', text, 'buffer'));
}

function claimOf(row: Record<string, unknown>): Claim {
  return {
    publisher: String(row['publisher']),
    name: String(row['name']),
    sequence: Number(row['sequence']),
    replicas: Number(row['replicas']),
  };
}

function putOf(row: Record<string, unknown>): KnownPut {
  const numberOrNull = (value: unknown) => (value === null ? null : Number(value));
  return {
    ...claimOf(row),
    put: Number(row['put']),
    added: Number(row['added']),
    heard: Number(row['heard']),
    checked: Number(row['checked']),
    confirmed: numberOrNull(row['confirmed']),
    expiry: numberOrNull(row['expiry']),
    owner: String(row['owner']),
  };
}

function blobOf(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}

function keyOf(blob: unknown): string {
  return Buffer.from(blob as Uint8Array).toString('hex');
}
