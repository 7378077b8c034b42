/**
 * What a peer knows about what it holds, in SQLite: blocks on disk, signed records, settings.
 *
 * Writes are committed in groups (group-commit.ts). After a kill -9 SQLite shows exactly the committed transactions.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Clock, Milliseconds } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { GroupCommit } from './group-commit.ts';
import {
  claimSchema,
  codeSchema,
  folderSchema,
  itemSchema,
  pinSchema,
  pointerSchema,
  publisherSchema,
  sharedFileSchema,
  shareSchema,
  smallBlockSchema,
} from './schema.ts';
import { isSqliteDamage, withDiskFull } from './system-error.ts';

/** Incremented with every change of the schema. */
const schemaVersion = 15;

/**
 * Page cache. Keys are hashes, so each row of a large index touches another page; with SQLite's default of 2 MiB most
 * pages are read again (measured: 150 µs of CPU for four records instead of 129).
 */
const cacheKibibytes = 8 * 1024;

const schema = `
  CREATE TABLE blocks (
    key BLOB PRIMARY KEY, cid BLOB NOT NULL, size INTEGER NOT NULL, added INTEGER NOT NULL, small INTEGER
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE records (
    kind TEXT NOT NULL, publisher TEXT NOT NULL, subject BLOB NOT NULL, key BLOB NOT NULL,
    sequence INTEGER NOT NULL, expiry INTEGER, bytes BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX records_by_key ON records (key, kind, publisher, subject);
  CREATE INDEX names_by_publisher ON records (publisher, subject, key) WHERE kind = 'name';
  CREATE INDEX sealed_names ON records (subject, publisher) WHERE kind = 'name' AND substr(subject, 1, 7) = x'7365616c65642d';
  CREATE INDEX records_by_expiry ON records (expiry) WHERE expiry IS NOT NULL AND kind <> 'name';
  CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
`;

/** Timestamps of rows; injected where time is virtual. */
export type WallClock = Pick<Clock, 'wallTime'>;
export const systemWallClock: WallClock = { wallTime: () => Date.now() };

export class Catalog {
  /** For the tables of this folder; statements on it see committed changes and those of the write in progress. */
  readonly database: DatabaseSync;
  readonly #commits: GroupCommit;
  readonly #setting: StatementSync;
  readonly #setSetting: StatementSync;
  readonly #removeSetting: StatementSync;
  /** Milliseconds since 1970, for the tables of this catalogue. */
  readonly wallTime: () => Milliseconds;
  /** Whether the file was just created: blocks already on disk, if any, are then unknown to it. */
  readonly isNew: boolean;

  /** Opens or creates the file; ':memory:' for tests. Throws ChordialError('broken-data-folder') when it is damaged. */
  constructor(file: string, clock: WallClock = systemWallClock) {
    this.wallTime = () => clock.wallTime();
    try {
      this.database = new DatabaseSync(file, { timeout: 5000 });
      // Only on a new file; lets space freed by small blocks return to the disk.
      this.database.exec('PRAGMA auto_vacuum = INCREMENTAL');
      this.#commits = new GroupCommit(this.database, file, (error) =>
        isSqliteDamage(error) ? damaged(file, error) : withDiskFull(error, file),
      );
      this.isNew = this.#prepareTables();
      // Each savepoint saves the pages that it changes, by default to a temporary file: two thirds of all bytes written
      // (measured). Set after the tables exist, since migrating a file takes much memory.
      this.database.exec('PRAGMA temp_store = MEMORY');
      this.database.exec(`PRAGMA cache_size = -${cacheKibibytes}`);
      this.#setting = this.database.prepare('SELECT value FROM settings WHERE name = ?');
      this.#setSetting = this.database.prepare('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)');
      this.#removeSetting = this.database.prepare('DELETE FROM settings WHERE name = ?');
    } catch (error) {
      throw damaged(file, error);
    }
  }

  /** Runs `change` inside the next transaction; resolves with its value once durable. A throw rolls back this change alone. */
  write<T>(change: () => T): Promise<T> {
    return this.#commits.write(change);
  }

  /** Resolves when everything readable now would survive a power failure. */
  durable(): Promise<void> {
    return this.#commits.durable();
  }

  /** Changes whenever reads may return something new: results may be cached until then. */
  get changes(): number {
    return this.#commits.changes;
  }

  /** Whether the disk has plenty of free space; initially assumed not. */
  hasRoom(isPlenty: boolean): void {
    this.#commits.hasRoom(isPlenty);
  }

  /** Undefined when absent or unreadable: the owner then starts from its default. */
  setting(name: string): unknown {
    return parsed(this.#setting.get(name)?.['value']);
  }

  /** Settings with this prefix, by name, without unreadable ones. */
  settings(prefix: string): readonly { readonly name: string; readonly value: unknown }[] {
    const rows = this.database
      .prepare('SELECT name, value FROM settings WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name')
      .all(prefix);
    return rows
      .map(({ name, value }) => ({ name: String(name), value: parsed(value) }))
      .filter(({ value }) => value !== undefined);
  }

  /** The value is stored as JSON; undefined removes it. */
  async setSetting(name: string, value: unknown): Promise<void> {
    await this.write(() => this.putSetting(name, value));
  }

  /** The same inside a write. */
  putSetting(name: string, value: unknown): void {
    const text = JSON.stringify(value);
    if (text === undefined) this.#removeSetting.run(name);
    else this.#setSetting.run(name, text);
  }

  /** Commits pending writes and closes. */
  close(): void {
    this.#commits.close();
  }

  /** Creates the tables of a new file; true when it was new. */
  #prepareTables(): boolean {
    const version = Number(this.database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version === schemaVersion) {
      this.#checkSound();
      return false;
    }
    if (version !== 0)
      throw new Error(`it has tables of version ${version}, and this Chordial knows version ${schemaVersion}`);
    this.database.exec(
      `BEGIN IMMEDIATE; ${schema} ${claimSchema} ${itemSchema} ${pinSchema} ${codeSchema} ${pointerSchema} ${smallBlockSchema} ${shareSchema} ${sharedFileSchema} ${publisherSchema} ${folderSchema} PRAGMA user_version = ${schemaVersion}; COMMIT;`,
    );
    return true;
  }

  /** A full check reads the whole file; this touches the head of each table, and damage beyond is detected on read. */
  #checkSound(): void {
    for (const table of [
      'blocks',
      'records',
      'settings',
      'puts',
      'claims',
      'claimed',
      'items',
      'buckets',
      'pins',
      'kept_codes',
      'pointers',
      'small_blocks',
      'publishers',
      'share_batches',
      'share_leaves',
      'own_batches',
      'shared_folders',
      'shared_files',
      'shared_blocks',
      'folder_nodes',
      'folder_parts',
      'folder_versions',
    ])
      this.database.prepare(`SELECT * FROM ${table} LIMIT 1`).get();
  }
}

function parsed(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function damaged(file: string, error: unknown): unknown {
  const told = withDiskFull(error, file);
  if (told instanceof ChordialError) return told;
  const reason = error instanceof Error ? error.message : String(error);
  const remedy =
    'Move it and its -wal and -shm away and start again: large blocks are recovered, small ones and records are repaired from other peers';
  return new ChordialError('broken-data-folder', `The catalogue ${file} is damaged: ${reason}. ${remedy}.`, {
    cause: error,
  });
}
