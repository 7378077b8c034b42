/**
 * Group commit for an SQLite database: all writes requested since the last commit run in one transaction, at most every
 * 10 ms (25 ms under load) and at most 256 at once; each caller waits until its commit is durable.
 *
 * The write-ahead log is flushed on the thread pool, so that a busy disk delays only the callers that wait for it, not
 * the whole process (with `synchronous = FULL` each commit blocked it). Commits continue meanwhile, and the next flush
 * covers them. Committed changes are visible at once, although a power failure could still undo them: `durable` waits.
 * SQLite itself flushes where the order of its writes matters (`synchronous = NORMAL`): at checkpoints.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { ChordialError } from '../errors.ts';
import { flushFolder, flushFolderAtOnce, SharedFlush } from './durable-file.ts';

/** Minimum time between commits, so that a stream of small writes does not flush for each. */
const commitIntervalMilliseconds = 10;
/**
 * The same under load: a page changed by several writes is then written once (measured for records: half the CPU time
 * in transactions of 30 compared with 3). A sequential writer never waits that long.
 */
const busyIntervalMilliseconds = 25;
/** Load is above this many writes, where the count halves every 100 ms: some 170 a second. */
const manyWrites = 24;
const halvedAfterMilliseconds = 100;
/** Pending writes that trigger a commit at once: bounds the queue and how long a commit blocks the process. */
const maxWaitingWrites = 256;
/** The write-ahead log is checkpointed beyond this many pages of 4 KiB … */
const walPages = 1000;
/**
 * … or beyond this many where the disk has plenty of space. A checkpoint blocks the process for two flushes, and a page
 * changed often is written once: with a quarter of it records took twice the time (measured).
 */
const walPagesWithRoom = 4000;

/** Resolves when the bytes written to the open file are durable. */
export type DataSync = (file: number) => Promise<void>;

interface WaitingWrite {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The writes of one transaction. */
interface Batch {
  readonly writes: readonly WaitingWrite[];
  /** Settles each caller. */
  readonly settle: readonly (() => void)[];
}

export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #explained: (error: unknown) => unknown;
  readonly #dataSync: DataSync;
  readonly #statements: Readonly<Record<'begin' | 'commit' | 'savepoint' | 'release', StatementSync>>;
  readonly #flush = new SharedFlush(() => this.#flushLog());
  /** Descriptor of the write-ahead log, opened with the first flush; the file stays the same while the database is open. */
  #log: number | null = null;
  /** Whether the names of the database and its log are durable: SQLite creates a new log at each opening. */
  #isNamed = false;
  #waiting: WaitingWrite[] = [];
  /** Committed but not yet durable. */
  readonly #unflushed = new Set<Batch>();
  /** Set while a commit is due. */
  #cancelCommit: (() => void) | null = null;
  #lastCommit = 0;
  #recentWrites = 0;
  #walPages = walPages;
  #changes = 0;
  #closed = false;
  /** Set when a flush failed: the state of the log on disk is then unknown, so nothing more is promised. */
  #broken: unknown = null;

  /**
   * @param explained turns errors of SQLite or the disk into errors for callers
   * @param dataSync for tests that delay or fail the disk
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

  /** Runs `change` inside the next transaction; resolves with its value once durable. A throw rolls back this change alone. */
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

  /** Changes whenever reads may return something new. */
  get changes(): number {
    return this.#changes;
  }

  /** Resolves when everything readable now would survive a power failure. */
  async durable(): Promise<void> {
    if (this.#unflushed.size > 0) await this.#flush.flush();
    if (this.#broken !== null) throw this.#broken;
  }

  /** Whether the disk has space for a long log. The log file never shrinks and is reused. */
  hasRoom(isPlenty: boolean): void {
    const pages = isPlenty ? walPagesWithRoom : walPages;
    if (this.#closed || pages === this.#walPages) return;
    this.#database.exec(`PRAGMA wal_autocheckpoint = ${pages}`);
    this.#walPages = pages;
  }

  /** Commits pending writes and makes them durable. */
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

  /**
   * Runs one write so that its failure rolls back only itself; returns how to settle its caller once the transaction is
   * durable.
   */
  #runOne({ run, resolve, reject }: WaitingWrite): () => void {
    try {
      this.#statements.savepoint.run();
      const value = run();
      this.#changes += 1;
      this.#statements.release.run();
      return () => resolve(value);
    } catch (error) {
      // A full or broken disk rolls back the whole transaction.
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
        // A batch that `close` took over has its own flush.
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

  /** Null for a database in memory. SQLite's locks are on other files, so closing this one releases none. */
  #openLog(): number | null {
    if (this.#file === ':memory:' || this.#closed) return null;
    this.#log ??= fs.openSync(`${this.#file}-wal`, 'r');
    return this.#log;
  }
}
