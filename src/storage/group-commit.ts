/**
 * Writes to an SQLite database, gathered: all that were asked for since the last commit go in one transaction, at most
 * every 10 ms (25 ms while there are many) and at most 256 at once, and each caller waits until the commit that has its own is on the disk.
 *
 * The flush of the write-ahead log runs in the pool of threads, so that a busy disk holds up those who wait for it and
 * not the whole process (with `synchronous = FULL` each commit stood still for it). Commits go on meanwhile, and the next
 * flush serves them together. What is committed is seen at once, though a power cut could still undo it: `durable` waits.
 * SQLite itself flushes where the order of its writes needs it (`synchronous = NORMAL`): when the log is folded in.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { ChordialError } from '../errors.ts';
import { flushFolder, flushFolderAtOnce, SharedFlush } from './durable-file.ts';

/** Commits are at least this far apart, so that a stream of small writes does not flush for each. */
const commitIntervalMilliseconds = 10;
/**
 * The same while many write: pages that several of them change are then written once (measured for records: half the CPU
 * time in transactions of 30 of what it is in transactions of 3). One that writes one thing after the other never waits so long.
 */
const busyIntervalMilliseconds = 25;
/** More writes than so many, counted half for each 100 ms that have passed since, are many: some 170 a second. */
const manyWrites = 24;
const halvedAfterMilliseconds = 100;
/** This many waiting writes are committed at once: bounds both the queue and how long a commit holds the process up. */
const maxWaitingWrites = 256;
/** The write-ahead log is folded into the database beyond this many pages of 4 KiB … */
const walPages = 1000;
/**
 * … or beyond these where the disk has plenty of room. The process stands still for it, with two flushes, and a page changed
 * often is written once: at a quarter of it records took twice the time (measured).
 */
const walPagesWithRoom = 4000;

/** Resolves when what was written to the open file is on the disk. */
export type DataSync = (file: number) => Promise<void>;

interface WaitingWrite {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The writes of one transaction. */
interface Batch {
  readonly writes: readonly WaitingWrite[];
  /** Tells each caller how its own went. */
  readonly settle: readonly (() => void)[];
}

export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #explained: (error: unknown) => unknown;
  readonly #dataSync: DataSync;
  readonly #statements: Readonly<Record<'begin' | 'commit' | 'savepoint' | 'release', StatementSync>>;
  readonly #flush = new SharedFlush(() => this.#flushLog());
  /** Of the write-ahead log, opened with the first flush; it stays the same file as long as the database is open. */
  #log: number | null = null;
  /** Whether the names of the database and its log are on the disk: SQLite makes a new log with each opening. */
  #isNamed = false;
  #waiting: WaitingWrite[] = [];
  /** Committed and not yet on the disk. */
  readonly #unflushed = new Set<Batch>();
  /** Set while a commit is due. */
  #cancelCommit: (() => void) | null = null;
  #lastCommit = 0;
  #recentWrites = 0;
  #walPages = walPages;
  #changes = 0;
  #closed = false;
  /** Set when the disk failed a flush: no one knows then what of the log is on it, so nothing more is promised. */
  #broken: unknown = null;

  /**
   * @param explained turns what SQLite or the disk throws into what callers are told.
   * @param dataSync for tests that hold up or break the disk.
   */
  constructor(
    database: DatabaseSync,
    file: string,
    explained: (error: unknown) => unknown,
    dataSync: DataSync = promisify(fs.fdatasync),
  ) {
    this.#database = database;
    this.#file = file;
    this.#explained = explained;
    this.#dataSync = dataSync;
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${walPages};`);
    this.#statements = {
      begin: database.prepare('BEGIN IMMEDIATE'),
      commit: database.prepare('COMMIT'),
      savepoint: database.prepare('SAVEPOINT one'),
      release: database.prepare('RELEASE one'),
    };
  }

  /** Runs `change` inside the next transaction; resolves with its value when that is durable. A throw undoes this change alone. */
  write<T>(change: () => T): Promise<T> {
    if (this.#closed) throw new ChordialError('internal', `${this.#file} is closed: nothing can be written to it.`);
    if (this.#broken !== null) return Promise.reject(this.#broken);
    const done = new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ run: change, resolve, reject });
    });
    if (this.#waiting.length >= maxWaitingWrites) this.#commit();
    else this.#schedule();
    return done as Promise<T>;
  }

  /** Another number whenever what can be read may be other than before. */
  get changes(): number {
    return this.#changes;
  }

  /** Resolves when all that can be read now would survive a power cut. */
  async durable(): Promise<void> {
    if (this.#unflushed.size > 0) await this.#flush.flush();
    if (this.#broken !== null) throw this.#broken;
  }

  /** Whether the disk has room for a long log. What the log has grown to it keeps, and writes over. */
  hasRoom(isPlenty: boolean): void {
    const pages = isPlenty ? walPagesWithRoom : walPages;
    if (this.#closed || pages === this.#walPages) return;
    this.#database.exec(`PRAGMA wal_autocheckpoint = ${pages}`);
    this.#walPages = pages;
  }

  /** Commits what waits and makes it durable. */
  close(): void {
    if (this.#closed) return;
    this.#commit();
    if (this.#unflushed.size > 0) this.#flushAtOnce();
    this.#closed = true;
    this.#database.close();
    if (this.#log !== null) fs.closeSync(this.#log);
    this.#log = null;
  }

  #schedule(): void {
    if (this.#cancelCommit !== null) return;
    const interval = this.#recentWrites > manyWrites ? busyIntervalMilliseconds : commitIntervalMilliseconds;
    const wait = this.#lastCommit + interval - performance.now();
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
      this.#statements.begin.run();
      const settle = writes.map((write) => this.#runOne(write));
      this.#statements.commit.run();
      this.#whenFlushed({ writes, settle });
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#changes += 1;
      const explained = this.#explained(error);
      for (const write of writes) write.reject(explained);
    }
    const now = performance.now();
    this.#recentWrites = this.#recentWrites * 2 ** ((this.#lastCommit - now) / halvedAfterMilliseconds) + writes.length;
    this.#lastCommit = now;
  }

  /** Runs one write so that its failure undoes only itself; what to tell its caller once the transaction is durable. */
  #runOne({ run, resolve, reject }: WaitingWrite): () => void {
    try {
      this.#statements.savepoint.run();
      const value = run();
      this.#changes += 1;
      this.#statements.release.run();
      return () => resolve(value);
    } catch (error) {
      // A full or broken disk ends the whole transaction.
      if (!this.#database.isTransaction) throw error;
      this.#database.exec('ROLLBACK TO one; RELEASE one');
      this.#changes += 1;
      return () => reject(this.#explained(error));
    }
  }

  #whenFlushed(batch: Batch): void {
    this.#unflushed.add(batch);
    this.#flush.flush().then(
      () => this.#end(batch),
      (error: unknown) => {
        // One that `close` cut short had a flush of its own.
        if (this.#unflushed.has(batch)) this.#broken ??= this.#explained(error);
        this.#end(batch);
      },
    );
  }

  #end(batch: Batch): void {
    if (!this.#unflushed.delete(batch)) return;
    if (this.#broken === null) for (const tell of batch.settle) tell();
    else for (const write of batch.writes) write.reject(this.#broken);
  }

  async #flushLog(): Promise<void> {
    const log = this.#openLog();
    if (log === null) return;
    await this.#dataSync(log);
    if (this.#isNamed) return;
    await flushFolder(path.dirname(this.#file));
    this.#isNamed = true;
  }

  #flushAtOnce(): void {
    try {
      const log = this.#openLog();
      if (log !== null) fs.fdatasyncSync(log);
      if (log !== null && !this.#isNamed) flushFolderAtOnce(path.dirname(this.#file));
    } catch (error) {
      this.#broken ??= this.#explained(error);
    }
    for (const batch of this.#unflushed) this.#end(batch);
  }

  /** null for a database in memory. The locks of SQLite lie on other files, so that closing this one loses none. */
  #openLog(): number | null {
    if (this.#file === ':memory:' || this.#closed) return null;
    this.#log ??= fs.openSync(`${this.#file}-wal`, 'r');
    return this.#log;
  }
}
