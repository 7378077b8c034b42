/**
 * Why the blocks held here are kept (spec/4, Who may delete): per block, the puts that claim it. A put is one attempt of
 * a publisher to give content a name, known by its sequence; it is written down once, and its blocks refer to it.
 *
 * Claims of several sequences of one name stand side by side until a later one is committed: if the later put is cut
 * off, what the earlier one claimed is still claimed.
 *
 * All methods are synchronous; those that change something belong inside `Catalog.write`, together with whatever must
 * become durable with them.
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
import { bytesOfPut, rowBytes } from './publisher-schema.ts';

/** A put's word that a block is part of it, as it travels with the block. */
export interface Claim {
  /** Peer id. */
  readonly publisher: string;
  /** In NFC. */
  readonly name: string;
  readonly sequence: number;
  /** Copies that the put wants of each of its blocks. */
  readonly replicas: number;
  /**
   * How long ago the put's last sign of life came, as a host tells that has not seen the put committed; 0 unless given.
   * Without it every copy that repair makes would give a put that was cut off more time, and its blocks would never go.
   */
  readonly idleSeconds?: number;
  /** The host that handed it on here, when that is not the publisher; never sent. It is charged until the put is known to be committed. */
  readonly via?: string;
}

/** As it was handed on by a host: of another than its publisher, that host stands for it. */
export function claimVia(claim: Claim, host: string): Claim {
  return claim.publisher === host ? claim : { ...claim, via: host };
}

/** A put as this host knows it. Times are milliseconds since 1970. */
export interface KnownPut extends Claim {
  readonly put: number;
  /** When its last block came. */
  readonly added: number;
  /** When its publisher last said that it goes on; `added` while it never did. */
  readonly heard: number;
  /** When the name's entry was last asked for; `added` while it never was. */
  readonly checked: number;
  /** When the name's entry was last seen to be this put's, or null while it never was. */
  readonly confirmed: number | null;
  /** When that entry expires, or null. */
  readonly expiry: number | null;
  /** Who is charged for it. */
  readonly owner: string;
}

/** What `drop` did: call it again while there is `more`. */
export interface Dropped {
  readonly claims: number;
  /** Keys of the blocks that nothing claims any more. */
  readonly unclaimed: readonly string[];
  readonly more: boolean;
}

export const claimDigestBytes = fingerprintBytes;
/** Looked at where the open ones on a block are counted. */
const latestClaims = 512;
const secondMilliseconds = 1000;
/** The time of the last block is written down to this precision, so that not each block costs an update. */
const addedPrecisionMilliseconds = 5000;
/** So long a put that is not known to be committed is asked for at every turn, then ever more rarely. */
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

  /** @param changed called inside the transaction for every block whose claims changed. */
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
   * Adds claims of a block that is held, or is added in the same transaction.
   * @param size of the block, for its charge; looked up unless given
   */
  add(blockKey: string, claims: readonly Claim[], now: number = this.#catalog.wallTime(), size?: number): void {
    if (this.addToNew(blockKey, claims, now, size) > 0) this.#changed(blockKey);
  }

  /** The same without telling that something changed: of a block that no one else knows of yet. Returns how many are new. */
  addToNew(blockKey: string, claims: readonly Claim[], now: number = this.#catalog.wallTime(), size?: number): number {
    if (claims.length === 0) return 0;
    const block = blobOf(blockKey);
    const bytes = size ?? Number(this.#sizeOf.get(block)?.['size'] ?? 0);
    const sum = this.#sumOf(block);
    let added = 0;
    for (const claim of claims) {
      if (!this.#addOne(block, claim, sum.claims > 0, now, bytes)) continue;
      added += 1;
      sum.claims += 1;
      sum.wanted = Math.max(sum.wanted, claim.replicas);
      sum.lanes = addLanes(sum.lanes, lanesOfClaim(claim));
    }
    if (added > 0) this.#keepSum(block, sum);
    return added;
  }

  /** Whether it is new. */
  #addOne(block: Uint8Array, claim: Claim, isClaimed: boolean, now: number, bytes: number): boolean {
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
    // What its publisher says itself is charged to it.
    if (via === undefined && found['owner'] !== publisher) this.#handOn.run(publisher, put);
    if (isClaimed && this.#isNew.get(block, put)?.['fresh'] !== 1) return false;
    const charged = chargeNow();
    this.#insert.run(block, put, charged);
    if (charged > 0) this.#charge.run(charged, put);
    this.#counts.came(via === undefined ? publisher : String(found['owner']), { rows: rowBytes.claim });
    return true;
  }

  /** In the order of publisher, name and sequence, from behind `after`; all of them unless a limit is given. */
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

  /** How many puts claim the block. */
  count(blockKey: string): number {
    return this.#sumOf(blobOf(blockKey)).claims;
  }

  /** Claims on the block of puts of this owner that are not known to be committed, among the latest 512. */
  openOf(blockKey: string, owner: string): number {
    return Number(this.#openOf.get(blobOf(blockKey), owner)?.['count']);
  }

  isClaimed(blockKey: string): boolean {
    return this.#isClaimed.get(blobOf(blockKey)) !== undefined;
  }

  /** The same 32 bytes wherever a block is claimed by the same puts; zeros when it is claimed by none. */
  digest(blockKey: string): Uint8Array {
    return lanesToBytes(this.#sumOf(blobOf(blockKey)).lanes);
  }

  /** The digest, and the copies wanted of the block: the most that any claim asks for, null without claims. */
  summary(blockKey: string): { readonly wanted: number | null; readonly digest: Uint8Array } {
    const { wanted, lanes } = this.#sumOf(blobOf(blockKey));
    return { wanted: wanted === 0 ? null : wanted, digest: lanesToBytes(lanes) };
  }

  /** The puts of a name that claim something here, by sequence. */
  byName(publisher: string, name: string): readonly KnownPut[] {
    return this.#ofName.all(publisher, name).map(putOf);
  }

  /** All puts in the order in which they came; `after` is the number of the last one of the page before, at first 0. */
  walk(after: number, limit: number): readonly KnownPut[] {
    return this.#walk.all(after, pageLimit(limit)).map(putOf);
  }

  /**
   * Puts not yet seen to be committed that are due to be asked for: every `wait` milliseconds while they are young, then
   * ever more rarely, each time when the put has grown twice as old. So many of each owner, so that no one's puts keep those of
   * others waiting.
   */
  unconfirmed(now: number, wait: number, limit: number): readonly KnownPut[] {
    const due: KnownPut[] = [];
    for (let owner = this.#ownerAfter(''); owner !== null; owner = this.#ownerAfter(owner))
      due.push(...this.#unconfirmed.all(now, wait, pageLimit(limit), owner).map(putOf));
    return due;
  }

  /** Puts whose entry has expired by now. */
  lapsed(now: number, limit: number): readonly KnownPut[] {
    return this.#lapsed.all(now, pageLimit(limit)).map(putOf);
  }

  /** The name's entry was asked for, and it was not this put's. */
  markChecked({ put }: Pick<KnownPut, 'put'>, now: number): void {
    this.#check.run(now, put);
  }

  /** The put goes on, as its publisher says. */
  touch({ put }: Pick<KnownPut, 'put'>, now: number): void {
    this.#touch.run(now, put);
  }

  /** The name's entry is this put's and expires then. */
  confirm({ put }: Pick<KnownPut, 'put'>, expiry: number | null, now: number): void {
    this.#confirm.run(now, expiry, put);
  }

  /** Ends at most `limit` claims of a put, and with the last one the put itself. */
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

  /** A block goes away, and its claims here with it. */
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

/** What the claims on a block come to. */
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
