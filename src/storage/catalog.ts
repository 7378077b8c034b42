/**
 * What a peer knows about what it holds, in SQLite: which blocks lie on the disk, the signed records, and settings.
 *
 * Durability: write-ahead log with a flush on every commit. A commit costs a flush, so writes are gathered: all that
 * were asked for since the last commit go in one transaction, at most every 10 ms and at most 256 at once, and each
 * caller waits for the commit that has its own. After a kill -9 SQLite shows exactly the committed transactions.
 */
import { DatabaseSync } from 'node:sqlite';
import { ChordialError } from '../errors.ts';
import type { Clock, Milliseconds } from '../ring/ports.ts';
import { claimSchema } from './claim-schema.ts';
import { itemSchema } from './item-schema.ts';
import { isSqliteDamage, withDiskFull } from './system-error.ts';

/** Raised with every change of the tables; an older catalogue is brought up to date at opening. */
const schemaVersion = 3;

const schema = `
  CREATE TABLE blocks (key BLOB PRIMARY KEY, cid BLOB NOT NULL, size INTEGER NOT NULL, added INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  CREATE TABLE records (
    kind TEXT NOT NULL, publisher TEXT NOT NULL, subject BLOB NOT NULL, key BLOB NOT NULL,
    sequence INTEGER NOT NULL, expiry INTEGER, bytes BLOB NOT NULL,
    PRIMARY KEY (kind, publisher, subject, key)
  ) STRICT;
  CREATE INDEX records_by_key ON records (key, kind, publisher, subject);
  CREATE INDEX records_by_expiry ON records (expiry) WHERE expiry IS NOT NULL;
  CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
`;

/** Commits are at least this far apart, so that a stream of small writes does not flush for each. */
const commitIntervalMilliseconds = 10;
/** This many waiting writes are committed at once: bounds both the queue and how long a commit holds the process up. */
const maximumWaitingWrites = 256;
/** The write-ahead log is folded into the database beyond this many pages of 4 KiB. */
const walPages = 1000;

interface WaitingWrite {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What rows are stamped with; handed in where time is virtual. */
export type WallClock = Pick<Clock, 'wallTime'>;
export const systemWallClock: WallClock = { wallTime: () => Date.now() };

export class Catalog {
  /** For the tables of this room; statements on it see what is committed, and what the write under way has done. */
  readonly database: DatabaseSync;
  readonly #file: string;
  readonly #clock: WallClock;
  #waiting: WaitingWrite[] = [];
  /** Set while a commit is due. */
  #cancelCommit: (() => void) | null = null;
  #lastCommit = 0;
  #closed = false;
  /** Whether the file was made by this opening: then blocks on the disk, if any, are unknown to it. */
  readonly isNew: boolean;

  /** Opens or makes the file; ':memory:' for tests. Throws ChordialError('broken-data-folder') when it is damaged. */
  constructor(file: string, clock: WallClock = systemWallClock) {
    this.#file = file;
    this.#clock = clock;
    try {
      this.database = new DatabaseSync(file, { timeout: 5000 });
      this.database.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${walPages};`,
      );
      this.isNew = this.#prepareTables();
    } catch (error) {
      throw damaged(file, error);
    }
  }

  /** Milliseconds since 1970, for the tables of this catalogue. */
  wallTime(): Milliseconds {
    return this.#clock.wallTime();
  }

  /** Runs `change` inside the next transaction; resolves with its value when that is durable. A throw undoes this change alone. */
  write<T>(change: () => T): Promise<T> {
    if (this.#closed)
      throw new ChordialError('internal', `The catalogue ${this.#file} is closed: nothing can be written to it.`);
    const done = new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ run: change, resolve, reject });
    });
    if (this.#waiting.length >= maximumWaitingWrites) this.#commit();
    else this.#schedule();
    return done as Promise<T>;
  }

  setting(name: string): unknown {
    const row = this.database.prepare('SELECT value FROM settings WHERE name = ?').get(name);
    return row === undefined ? undefined : JSON.parse(String(row['value']));
  }

  /** The value is kept as JSON; undefined removes it. */
  async setSetting(name: string, value: unknown): Promise<void> {
    const text = JSON.stringify(value);
    await this.write(() => {
      if (text === undefined) this.database.prepare('DELETE FROM settings WHERE name = ?').run(name);
      else this.database.prepare('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)').run(name, text);
    });
  }

  /** Commits what waits, and closes. */
  close(): void {
    if (this.#closed) return;
    this.#commit();
    this.#closed = true;
    this.database.close();
  }

  #schedule(): void {
    if (this.#cancelCommit !== null) return;
    const wait = this.#lastCommit + commitIntervalMilliseconds - performance.now();
    if (wait <= 0) {
      const soon = setImmediate(() => this.#commit());
      this.#cancelCommit = () => clearImmediate(soon);
    } else {
      const later = setTimeout(() => this.#commit(), wait);
      this.#cancelCommit = () => clearTimeout(later);
    }
  }

  #commit(): void {
    this.#cancelCommit?.();
    this.#cancelCommit = null;
    const writes = this.#waiting;
    this.#waiting = [];
    if (writes.length === 0) return;
    try {
      this.database.exec('BEGIN IMMEDIATE');
      const settle = writes.map((write) => this.#runOne(write));
      this.database.exec('COMMIT');
      for (const tell of settle) tell();
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      const explained = this.#explained(error);
      for (const write of writes) write.reject(explained);
    }
    this.#lastCommit = performance.now();
  }

  /** Runs one write so that its failure undoes only itself; what to tell its caller once the transaction is durable. */
  #runOne({ run, resolve, reject }: WaitingWrite): () => void {
    try {
      this.database.exec('SAVEPOINT one');
      const value = run();
      this.database.exec('RELEASE one');
      return () => resolve(value);
    } catch (error) {
      // A full or broken disk ends the whole transaction.
      if (!this.database.isTransaction) throw error;
      this.database.exec('ROLLBACK TO one; RELEASE one');
      return () => reject(this.#explained(error));
    }
  }

  #explained(error: unknown): unknown {
    return isSqliteDamage(error) ? damaged(this.#file, error) : withDiskFull(error, this.#file);
  }

  /** Makes the tables of a new file; true when it was new. */
  #prepareTables(): boolean {
    const version = Number(this.database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version === schemaVersion) {
      this.#checkSound();
      return false;
    }
    if (version < 0 || version > schemaVersion)
      throw new Error(`it has tables of version ${version}, and this Chordial knows version ${schemaVersion}`);
    // Blocks that came before there were claims are nobody's until they are claimed: their time to be runs from now.
    const made = version === 0 ? schema : version === 1 ? `UPDATE blocks SET added = ${this.wallTime()};` : '';
    this.database.exec(
      `BEGIN IMMEDIATE; ${made} ${claimSchema} ${itemSchema} PRAGMA user_version = ${schemaVersion}; COMMIT;`,
    );
    return version === 0;
  }

  /** A full check reads the whole file; this touches the head of each table, and damage beyond shows when it is read. */
  #checkSound(): void {
    for (const table of ['blocks', 'records', 'settings', 'puts', 'claims', 'items', 'buckets'])
      this.database.prepare(`SELECT * FROM ${table} LIMIT 1`).get();
  }
}

function damaged(file: string, error: unknown): unknown {
  const told = withDiskFull(error, file);
  if (told instanceof ChordialError) return told;
  const reason = error instanceof Error ? error.message : String(error);
  const remedy =
    'Move it and its -wal and -shm away and start again: blocks are found anew, records come back from other peers';
  return new ChordialError('broken-data-folder', `The catalogue ${file} is damaged: ${reason}. ${remedy}.`, {
    cause: error,
  });
}
