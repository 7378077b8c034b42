/**
 * Simulates the contents of a disk after a power cut: this layer wraps `node:fs` and `node:sqlite` of the process and
 * records flushes. The bytes of a file are durable after its `fdatasync` or `fsync`, the names of a folder after `fsync` of
 * the folder. `cutTo` writes a folder as the disk may have it now: everything flushed, and a random part of the rest, page
 * by page and name by name, as disks write in any order.
 *
 * Flushes inside SQLite are invisible: after a checkpoint, which shows in the shared index, log and database are on the
 * disk unless the connection has `synchronous = OFF`. Nothing else is assumed: the log counts after the process flushed it,
 * and its name after its folder was flushed.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';

const pageBytes = 4096;
/** Where the shared index of a log says how many of its frames are in the database (SQLite, WalCkptInfo). */
const foldedInOffset = 96;

type Inode = string;
type Names = ReadonlyMap<string, Inode>;
type Opened = (error: Error | null, file: number) => void;

export class PowerCut {
  readonly #files = new Map<Inode, Buffer>();
  readonly #folders = new Map<Inode, Names>();
  readonly #paths = new Map<number, string>();
  /** State of the databases by file; changes at a checkpoint. */
  readonly #databases = new Map<string, string>();
  /** False once a connection has `synchronous = OFF`. */
  #databaseFlushes = true;

  /** Installs the layer until the process ends. */
  static install(): PowerCut {
    const layer = new PowerCut();
    layer.#install();
    return layer;
  }

  /** Marks the folder and its contents as durable. */
  trust(folder: string): void {
    this.#folders.set(inodeOf(folder), this.#namesIn(folder));
  }

  /**
   * Creates `target` with what a power cut would leave of a trusted folder.
   * @param luck from 0 to below 1, at each call: what was not flushed is there below `chance`
   */
  cutTo(folder: string, target: string, luck: () => number, chance: number): void {
    this.#lookAtDatabases();
    this.#copyFolder({ path: folder, inode: inodeOf(folder) }, target, () => luck() < chance);
  }

  #install(): void {
    const real = { ...fs };
    const flushed = (file: number): void => this.#flushed(file);
    const patched = fs as unknown as Record<string, unknown>;
    patched['openSync'] = (...args: Parameters<typeof fs.openSync>) => {
      const file = real.openSync(...args);
      this.#paths.set(file, realPath(args[0]));
      return file;
    };
    patched['open'] = (...args: [file: fs.PathLike, ...rest: unknown[], done: Opened]) => {
      const [done, file] = [args.pop() as Opened, args[0]];
      const opened: Opened = (error, number) => {
        if (error === null) this.#paths.set(number, realPath(file));
        done(error, number);
      };
      (real.open as (...args: unknown[]) => void)(...args, opened);
    };
    for (const name of ['fsync', 'fdatasync'] as const)
      patched[name] = (file: number, done: (error: Error | null) => void) => {
        flushed(file);
        real[name](file, done);
      };
    for (const name of ['fsyncSync', 'fdatasyncSync'] as const)
      patched[name] = (file: number) => {
        flushed(file);
        real[name](file);
      };
    syncBuiltinESMExports();
    this.#watchDatabases();
  }

  #watchDatabases(): void {
    const look = (): void => this.#lookAtDatabases();
    const statements = StatementSync.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const name of ['run', 'get', 'all']) {
      const run = statements[name]!;
      statements[name] = function (this: unknown, ...args) {
        const result = run.apply(this, args);
        look();
        return result;
      };
    }
    const { exec } = DatabaseSync.prototype;
    const databases = this.#databases;
    const told = (level: number): void => {
      if (level === 0) this.#databaseFlushes = false;
    };
    DatabaseSync.prototype.exec = function (sql) {
      exec.call(this, sql);
      const file = this.location();
      if (file !== null && !databases.has(file)) databases.set(file, '');
      if (/synchronous/i.test(sql)) told(Number(this.prepare('PRAGMA synchronous').get()?.['synchronous']));
      look();
    };
  }

  #lookAtDatabases(): void {
    for (const [file, before] of this.#databases) {
      const now = stateOf(file);
      if (now === before) continue;
      this.#databases.set(file, now);
      if (!this.#databaseFlushes) continue;
      for (const written of [file, `${file}-wal`]) {
        const bytes = contentOf(written);
        if (bytes !== null) this.#files.set(inodeOf(written), bytes);
      }
    }
  }

  #flushed(file: number): void {
    const known = this.#paths.get(file);
    const status = fs.fstatSync(file, { bigint: true });
    // Renamed since it was opened.
    if (known === undefined || inodeIfAny(known) !== identityOf(status)) return;
    if (status.isDirectory()) this.#folders.set(identityOf(status), this.#namesIn(known));
    else this.#files.set(identityOf(status), contentOf(known) ?? Buffer.alloc(0));
  }

  #namesIn(folder: string): Names {
    const names = new Map<string, Inode>();
    for (const name of fs.readdirSync(folder)) {
      const inode = inodeIfAny(path.join(folder, name));
      if (inode !== null) names.set(name, inode);
    }
    return names;
  }

  #copyFolder(
    source: { readonly path: string | null; readonly inode: Inode },
    target: string,
    passes: () => boolean,
  ): void {
    fs.mkdirSync(target, { mode: 0o700 });
    const flushed: Names = this.#folders.get(source.inode) ?? new Map();
    const current: Names = source.path === null ? new Map() : this.#namesIn(source.path);
    for (const name of new Set([...flushed.keys(), ...current.keys()])) {
      if (name.endsWith('-shm')) continue;
      const [before, now] = [flushed.get(name), current.get(name)];
      const inode = before === now || passes() ? now : before;
      if (inode === undefined) continue;
      const there = inode === now && source.path !== null ? path.join(source.path, name) : null;
      this.#copy({ path: there, inode }, path.join(target, name), passes);
    }
  }

  #copy(source: { readonly path: string | null; readonly inode: Inode }, target: string, passes: () => boolean): void {
    const isFolder = source.path === null ? this.#folders.has(source.inode) : isDirectory(source.path);
    if (isFolder) {
      this.#copyFolder(source, target, passes);
      return;
    }
    const flushed = this.#files.get(source.inode) ?? Buffer.alloc(0);
    const current = (source.path === null ? null : contentOf(source.path)) ?? flushed;
    fs.writeFileSync(target, mixed(flushed, current, passes), { mode: 0o600 });
  }
}

/** Chooses the old or the new version of each page. */
function mixed(flushed: Buffer, current: Buffer, passes: () => boolean): Buffer {
  if (flushed.equals(current)) return current;
  const bytes = Buffer.alloc(passes() ? current.length : flushed.length);
  for (let at = 0; at < bytes.length; at += pageBytes) {
    const from = passes() ? current : flushed;
    if (at < from.length) from.copy(bytes, at, at, at + pageBytes);
  }
  return bytes;
}

/** The database and how much of its log is checkpointed. */
function stateOf(file: string): string {
  try {
    const { mtimeNs, size } = fs.statSync(file, { bigint: true });
    return `${mtimeNs} ${size} ${foldedIn(`${file}-shm`)}`;
  } catch {
    return '';
  }
}

function foldedIn(index: string): number {
  const bytes = Buffer.alloc(4);
  try {
    const opened = fs.openSync(index, 'r');
    fs.readSync(opened, bytes, 0, 4, foldedInOffset);
    fs.closeSync(opened);
  } catch {
    // Between two openings there is none.
  }
  return bytes.readUInt32LE();
}

function contentOf(file: string): Buffer | null {
  try {
    return fs.readFileSync(file);
  } catch {
    return null;
  }
}

function isDirectory(file: string): boolean {
  try {
    return fs.statSync(file).isDirectory();
  } catch {
    return false;
  }
}

const inodeOf = (file: string): Inode => identityOf(fs.statSync(file, { bigint: true }));

/** Inode numbers are reused; the birth time tells files apart. */
const identityOf = ({ ino, birthtimeNs }: fs.BigIntStats): Inode => `${ino} ${birthtimeNs}`;

function inodeIfAny(file: string): Inode | null {
  try {
    return inodeOf(file);
  } catch {
    return null;
  }
}

function realPath(file: fs.PathLike): string {
  try {
    return fs.realpathSync(file);
  } catch {
    return String(file);
  }
}
