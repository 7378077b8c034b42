/**
 * The folder that holds all state of a peer: key, genesis, settings, records, blocks. Opened by exactly one process.
 *
 * The lock is SQLite's exclusive lock on an empty database: an advisory lock of the operating system, which is released
 * however the process dies and does not depend on pids. The pid is stored beside it for messages only.
 */
import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ChordialError } from '../errors.ts';
import { makeFolderDurably, writeFileDurably } from './durable-file.ts';
import { readSmallFile, UnfitFileError } from './small-file.ts';
import { errnoOf, isSqliteBusy } from './system-error.ts';

export const formatFile = 'format';
const lockFile = 'lock';
const pidFile = 'pid';
/** Of the files `format` and `pid`. */
const maxNoteBytes = 4096;
/** Incremented when older versions could no longer read the folder. */
const formatNumber = 1;
const format = `chordial data folder ${formatNumber}\n`;
/** First bytes of the format file in every version. */
const formatBeginning = 'chordial data folder ';
/** Entries allowed in a folder that is not initialised yet: made by a person or the system. */
const harmless = new Set([lockFile, `${lockFile}-journal`, pidFile, 'chordial.toml', 'lost+found']);

export class DataFolder {
  /** Absolute. */
  readonly path: string;
  #lock: DatabaseSync | null;

  constructor(absolutePath: string, lock: DatabaseSync) {
    this.path = absolutePath;
    this.#lock = lock;
  }

  file(name: string): string {
    return path.join(this.path, name);
  }

  /** Releases the lock. Everything opened below must be closed first. */
  async close(): Promise<void> {
    const lock = this.#lock;
    this.#lock = null;
    if (lock === null) return;
    // Before the lock is released: afterwards the file may belong to the next holder.
    await fs.rm(this.file(pidFile), { force: true });
    lock.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Opens or creates the folder. Throws ChordialError 'data-folder-in-use' naming the process that holds it, or
 * 'broken-data-folder' when it is not a folder, not readable and writable, in other use or of another format.
 */
export async function openDataFolder(folder: string): Promise<DataFolder> {
  const absolute = path.resolve(folder);
  let lock: DatabaseSync | null = null;
  try {
    await makeFolder(absolute);
    await fs.access(absolute, constants.R_OK | constants.W_OK | constants.X_OK);
    await checkOwnership(absolute);
    lock = await takeLock(absolute);
    await keepPrivate(absolute);
    await fs.rm(path.join(absolute, pidFile), { force: true });
    await fs.writeFile(path.join(absolute, pidFile), `${process.pid}\n`, { flag: 'wx' });
    await checkFormat(absolute);
    return new DataFolder(absolute, lock);
  } catch (error) {
    lock?.close();
    throw explained(absolute, error);
  }
}

/**
 * Whether the folder holds a peer's private key, this peer's or another's, as its file `format` shows. Such a folder is
 * never published. An unreadable folder counts as none, since nothing in it can be read.
 */
export async function isDataFolder(folder: string): Promise<boolean> {
  let file: fs.FileHandle | null = null;
  try {
    file = await fs.open(
      path.join(folder, formatFile),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    if (!(await file.stat()).isFile()) return false;
    const { bytesRead, buffer } = await file.read(Buffer.alloc(formatBeginning.length), 0, formatBeginning.length, 0);
    return buffer.toString('latin1', 0, bytesRead) === formatBeginning;
  } catch (error) {
    if (errnoOf(error) === null) throw error;
    return false;
  } finally {
    await file?.close();
  }
}

/**
 * The data folder that contains this place, or is it; null when there is none.
 * @param place absolute, without links
 */
export async function dataFolderAround(place: string): Promise<string | null> {
  if (await isDataFolder(place)) return place;
  const above = path.dirname(place);
  return above === place ? null : dataFolderAround(above);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await makeFolderDurably(folder);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST' || errnoOf(error) === 'ENOTDIR') {
      throw broken(
        folder,
        'it, or a part of its path, is a file and not a folder',
        'Choose another with --data.',
        error,
      );
    }
    throw error;
  }
}

/** A folder with other content is not taken over: its permissions would change unexpectedly. */
async function checkOwnership(folder: string): Promise<void> {
  const names = await fs.readdir(folder);
  if (names.includes(formatFile)) return;
  const foreign = names.find((name) => !harmless.has(name) && !name.startsWith(`${formatFile}.`));
  if (foreign === undefined) return;
  const reason = `it holds ${JSON.stringify(foreign)} but no file "${formatFile}", so it is not a data folder of Chordial`;
  throw broken(folder, reason, 'Choose an empty or a new folder with --data.');
}

async function takeLock(folder: string): Promise<DatabaseSync> {
  let lock: DatabaseSync | null = null;
  try {
    lock = new DatabaseSync(path.join(folder, lockFile), { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    if (!isSqliteBusy(error))
      throw broken(folder, `its file "${lockFile}" cannot be locked (${String(error)})`, 'Remove that file.', error);
    const holder = await holderOf(folder);
    const message = `The data folder ${folder} is used by ${holder}. Stop that peer, or choose another folder with --data.`;
    throw new ChordialError('data-folder-in-use', message, { cause: error });
  }
}

async function holderOf(folder: string): Promise<string> {
  try {
    return `process ${Number.parseInt((await readSmallFile(path.join(folder, pidFile), maxNoteBytes)).toString(), 10)}`;
  } catch (error) {
    // The holder has not written its pid yet, or is just exiting.
    if (errnoOf(error) === 'ENOENT') return 'another process';
    throw error;
  }
}

async function keepPrivate(folder: string): Promise<void> {
  const { mode } = await fs.stat(folder);
  if ((mode & 0o077) !== 0) await fs.chmod(folder, 0o700);
}

async function checkFormat(folder: string): Promise<void> {
  const file = path.join(folder, formatFile);
  try {
    const found = (await readSmallFile(file, maxNoteBytes)).toString();
    if (found === format) return;
    const number = Number(/^chordial data folder (\d{1,6})\n$/.exec(found)?.[1] ?? 0);
    if (number > formatNumber) {
      const newer = `a newer Chordial has written it (format ${number}, this one reads up to ${formatNumber})`;
      throw broken(folder, newer, 'Install a newer Chordial, or choose another folder with --data.');
    }
    const reason = `its file "${formatFile}" says ${JSON.stringify(found.slice(0, 60))}, and this Chordial reads ${JSON.stringify(format.trim())}`;
    throw broken(folder, reason, 'Use the version of Chordial that made it, or another folder.');
  } catch (error) {
    if (error instanceof UnfitFileError) {
      const reason = `its file "${formatFile}" cannot be read: ${error.message}`;
      throw broken(folder, reason, 'Put the file back from a copy, or choose another folder with --data.', error);
    }
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  await writeFileDurably(file, Buffer.from(format));
}

function explained(folder: string, error: unknown): ChordialError {
  if (error instanceof ChordialError) return error;
  const code = errnoOf(error);
  if (code === 'EACCES' || code === 'EPERM') {
    return broken(
      folder,
      'this user may not read and write it',
      `Give it to this user (chown, chmod 700), or choose another with --data.`,
      error,
    );
  }
  if (code === 'EROFS')
    return broken(folder, 'it lies on a read-only file system', 'Choose another with --data.', error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ChordialError(
      'disk-full',
      `The disk of the data folder ${folder} is full. Free some space and start again.`,
      { cause: error },
    );
  }
  return broken(folder, String(error), 'Repair that, or choose another with --data.', error);
}

function broken(folder: string, reason: string, remedy: string, cause?: unknown): ChordialError {
  return new ChordialError('broken-data-folder', `The data folder ${folder} cannot be used: ${reason}. ${remedy}`, {
    cause,
  });
}
