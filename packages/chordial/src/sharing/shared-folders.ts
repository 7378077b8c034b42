/**
 * Shared folders: files that stay in place and are offered to everyone (spec/4, Shares). Each share is scanned when it
 * is added, on every change reported by the system, and every 30 s; new files are hashed and announced, deleted ones
 * withdrawn. A share whose root is missing is reported as missing, and nothing of it is withdrawn.
 */
import { lstat, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import type { ShareAnnouncer } from '../records/shares.ts';
import { type Said, said } from '../sentences.ts';
import { dataFolderAround } from '../storage/data-folder.ts';
import { escapedName, FolderHandle } from '../storage/folder-handle.ts';
import type { SharedFile, SharedFileTable, SharedFolder } from '../storage/shared-file-table.ts';
import { fileError } from '../transfer/local-file.ts';
import { FileIndexer } from './file-indexer.ts';
import { FolderWatchers } from './folder-watchers.ts';
import {
  type FoundFile,
  identityOf,
  type LeftOut,
  type Looked,
  lookThrough,
  type MayRead,
  type Reach,
} from './look-through.ts';
import { ShareAnnouncing } from './share-announcing.ts';
import type { PostingWords } from './share-entries.ts';
import type { ChangedFile } from './shared-file-blocks.ts';
import { SharedFileOpener } from './shared-file-opener.ts';
import { ShareHashing } from './whole-hashing.ts';

export interface ShareStatus {
  readonly path: string;
  /** Known files, indexed or not. */
  readonly files: number;
  /** Of the indexed files. */
  readonly bytes: number;
  readonly state: 'indexing' | 'watching' | 'missing';
  readonly indexed: number;
  /** Of the indexed ones, those announced. */
  readonly announced: number;
  /** Files and folders that cannot be read or named, or are private. */
  readonly unreadable: number;
  /** Files that keep changing, and are hashed once quiet. */
  readonly changing: number;
  /** Examples of both: where below the share, and why. */
  readonly leftOut: readonly { readonly path: string; readonly why: string }[];
}

export interface SharedFoldersPorts {
  readonly table: SharedFileTable;
  readonly announcer: ShareAnnouncer;
  readonly words: PostingWords;
  readonly notify: (line: Said) => void;
  readonly failed: (error: Error) => void;
  /** The system's errors by default. */
  readonly mayRead?: MayRead;
  /** Most files found and not yet hashed; 4096 by default. */
  readonly filesInMemory?: number;
  /** spec/4: 30 s. */
  readonly rescanMilliseconds?: number;
}

interface Looking {
  readonly isMissing: boolean;
  readonly isLookedAt: boolean;
  readonly leftOut: readonly LeftOut[];
  /** Rows of files that were unreadable in the last full scan, and since when. */
  readonly closed: ReadonlyMap<number, number>;
  /** What was reported as left out. */
  readonly told: ReadonlySet<string>;
}

/** From narrow to wide. */
const reaches: readonly Reach[] = ['none', 'new', 'all'];
const usualRescanMilliseconds = 30_000;
const maxFilesInMemory = 4096;
const maxShares = 4096;
const rowsPerWrite = 2000;
/** After a file differed from its index entry. */
const lookAgainMilliseconds = 1000;
/** Limits on what is kept, shown and reported per share; the rest is counted. */
const maxLeftOut = 100_000;
const maxShownLeftOut = 100;
const maxToldLeftOut = 5;
const fresh: Looking = { isMissing: false, isLookedAt: false, leftOut: [], closed: new Map(), told: new Set() };

export class SharedFolders {
  readonly #ports: SharedFoldersPorts;
  readonly #indexer: FileIndexer;
  readonly #announcing: ShareAnnouncing;
  readonly #wholeHashing: ShareHashing;
  readonly #watchers: FolderWatchers;
  readonly #opener = new SharedFileOpener();
  readonly #looking = new Map<number, Looking>();
  /** Folders waiting to be scanned, by share and path, each at most once. */
  readonly #waiting = new Map<string, Reach>();
  /** Folders, by the same keys, whose files did not fit into memory when they were found, and how many. */
  readonly #later = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #again = new Map<string, NodeJS.Timeout>();
  #working: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(ports: SharedFoldersPorts) {
    const { table, announcer, words, failed } = ports;
    this.#ports = ports;
    this.#indexer = new FileIndexer({
      table,
      opener: this.#opener,
      now: Date.now,
      filesInMemory: ports.filesInMemory ?? maxFilesInMemory,
      indexed: () => this.#announcing.wake(),
      failed: (file, error) => {
        const { parent, base } = file;
        this.#leftOut(file.share, [
          { parent, base: escapedName(Buffer.from(base)), why: error.message.replace(/\.$/, '') },
        ]);
        void this.#leave(file).catch(failed);
      },
      deferred: (file) => void this.#leave(file).catch(failed),
      hasRoom: () => this.#lookAtLater(),
    });
    this.#announcing = new ShareAnnouncing(table, announcer, words, {
      isIndexing: () => this.#indexer.isBusy || this.#later.size > 0,
      announced: () => this.#wholeHashing.wake(),
      failed,
    });
    this.#wholeHashing = new ShareHashing(table, this.#opener, {
      failed,
      hashed: (isLast) => (isLast ? this.#announcing.wake() : this.#announcing.wakeLater()),
    });
    this.#watchers = new FolderWatchers((key) => this.#look(key, 'new'));
  }

  /** Called once this host is a member: scanning and announcing start. */
  begin(): void {
    this.#announcing.begin();
    this.#rescan();
  }

  /**
   * Shares a folder or a single file. Resolves when it is registered, before it is indexed. Throws `bad-request`,
   * `not-found`, `unreadable-file`, or `already-exists` when it is inside another share.
   * @param others also files of other users or on other devices; unchanged when not given
   */
  async add(place: string, others?: boolean): Promise<ShareStatus> {
    const { table, notify } = this.#ports;
    const { real, isFile, identity } = await this.#checked(place);
    const shares = this.#current();
    const same = shares.find((share) => share.path === real);
    if (same !== undefined) return this.#sharedAgain(same, others ?? same.others);
    const around = shares.find((share) => isWithin(real, share.path) && !share.isFile);
    if (around !== undefined && !isFile) throw sharedAlready(real, around.path);
    if (around !== undefined) return this.#status(around);
    if (shares.length >= maxShares) throw tooMany();
    await table.addFolder({ path: real, isFile, others: others ?? false, identity });
    const share = this.#current().find((one) => one.path === real);
    if (share === undefined) throw new ChordialError('changed', `${real} was unshared at the same time.`);
    notify(said('shared', { path: real }, `Shares ${real}; its files stay where they are.`));
    for (const one of shares) if (isWithin(one.path, real)) this.#look(keyOf(one.folder, ''), 'all');
    this.#look(keyOf(share.folder, ''), 'all');
    return this.#status(share);
  }

  async #sharedAgain(share: SharedFolder, others: boolean): Promise<ShareStatus> {
    if (others !== share.others) {
      await this.#ports.table.setOthers(share.folder, others);
      this.#look(keyOf(share.folder, ''), 'all');
    }
    return this.#status(share);
  }

  /** Ends a share; its announcements are withdrawn. Throws `not-found`. */
  async remove(place: string): Promise<ShareStatus> {
    const real = await realpath(place).catch(() => path.resolve(place));
    const share = this.#current().find((one) => one.path === real || one.path === path.resolve(place));
    if (share === undefined) throw notShared(place);
    const status = this.#status(share);
    await this.#ports.table.endFolder(share.folder);
    this.#watchers.unwatchAll(keyOf(share.folder, ''));
    this.#indexer.drop(share.folder);
    this.#forgetLater(share.folder);
    this.#looking.delete(share.folder);
    this.#announcing.wake();
    // A share around it takes over these files.
    for (const one of this.#current()) if (isWithin(real, one.path)) this.#look(keyOf(one.folder, ''), 'all');
    // There may be room for other shares' files now.
    this.#lookAtLater();
    this.#ports.notify(said('unshared', { path: share.path }, `Shares ${share.path} no longer.`));
    return status;
  }

  list(): readonly ShareStatus[] {
    return this.#current().map((share) => this.#status(share));
  }

  /** Current files from this number on, in order. */
  page(from: number, limit: number): readonly SharedFile[] {
    return this.#ports.table.page(from, limit);
  }

  /** The newest file of this name. */
  named(name: string): SharedFile | null {
    return this.#ports.table.named(name.normalize('NFC'), 1)[0] ?? null;
  }

  /** A file differs from its index entry. One whose status does not show it is read again. */
  changed({ file, folder, parent, isSilent }: ChangedFile): void {
    const key = keyOf(folder, parent);
    if (isSilent) void this.#ports.table.distrust(file).then(() => this.#look(key, 'new'), this.#ports.failed);
    else this.#lookSoon(key);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const timer of this.#again.values()) clearTimeout(timer);
    this.#watchers.close();
    this.#waiting.clear();
    await this.#working;
    await this.#indexer.close();
    await this.#wholeHashing.close();
    await this.#announcing.close();
    this.#opener.close();
  }

  // SCANNING

  #rescan(): void {
    for (const { folder } of this.#current()) this.#look(keyOf(folder, ''), 'all');
    this.#wholeHashing.wake();
    this.#timer = setTimeout(() => this.#rescan(), this.#rescanMilliseconds);
  }

  get #rescanMilliseconds(): number {
    return this.#ports.rescanMilliseconds ?? usualRescanMilliseconds;
  }

  #look(key: string, reach: Reach): void {
    if (this.#closing.signal.aborted) return;
    this.#waiting.set(key, furthest(reach, this.#waiting.get(key) ?? reach));
    this.#working ??= this.#lookAtAll()
      .catch((error: Error) => this.#ports.failed(error))
      .finally(() => {
        this.#working = null;
        if (this.#waiting.size > 0) for (const [again, wanted] of this.#waiting) this.#look(again, wanted);
      });
  }

  #lookSoon(key: string): void {
    if (this.#again.has(key) || this.#closing.signal.aborted) return;
    const timer = setTimeout(() => {
      this.#again.delete(key);
      this.#look(key, 'new');
    }, lookAgainMilliseconds);
    this.#again.set(key, timer);
  }

  async #lookAtAll(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || this.#closing.signal.aborted) return;
      const [key, reach] = next;
      this.#waiting.delete(key);
      const { folder, parent } = readKey(key);
      const share = this.#shareOf(folder);
      if (share === undefined) this.#forgetLater(folder);
      else await this.#lookAt(share, parent, reach);
    }
  }

  /** Scans the first of the folders left for later. */
  #lookAtLater(): void {
    const [key] = this.#later.keys();
    if (key !== undefined) this.#look(key, 'none');
  }

  async #lookAt(share: SharedFolder, parent: string, reach: Reach): Promise<void> {
    const root = await this.#open(share);
    if (root === null) {
      this.#isAway(share.folder);
      this.#watchers.unwatchAll(keyOf(share.folder, ''));
      return;
    }
    try {
      const looked = await lookThrough(
        { share, root, start: parent, reach },
        {
          table: this.#ports.table,
          isEnough: (found) => this.#indexer.isEnough(found),
          isShareOfItsOwn: (place) => this.#current().some((one) => one.path === place),
          visiting: (one, below, at) => this.#watchers.watch(keyOf(one.folder, below), at),
          ...(this.#ports.mayRead === undefined ? {} : { mayRead: this.#ports.mayRead }),
          signal: this.#closing.signal,
        },
      );
      if (this.#closing.signal.aborted) return;
      await this.#take(share, looked, parent, reach);
    } finally {
      await root.close();
    }
  }

  async #take(share: SharedFolder, looked: Looked, start: string, reach: Reach): Promise<void> {
    const { found, leftOut, visited } = looked;
    const isWhole = reach === 'all' && start === '';
    // The root may have disappeared during the scan: then files that were not met are not gone.
    const isThere = await this.#isStillThere(share);
    // It was removed during the scan, which has watched its folders again.
    if (this.#shareOf(share.folder) === undefined) return this.#watchers.unwatchAll(keyOf(share.folder, ''));
    if (!isThere) return this.#isAway(share.folder);
    const before = this.#lookingAt(share.folder);
    const now = performance.now();
    const closed = new Map(looked.closed.map((file) => [file, before.closed.get(file) ?? now]));
    // A file unreadable for a moment is not withdrawn; one still unreadable at the next rescan is.
    const long = now - this.#rescanMilliseconds / 2;
    const gone = [...looked.gone, ...looked.closed.filter((file) => closed.get(file)! <= long)];
    if (isWhole) this.#forgetLater(share.folder);
    for (const parent of [start, ...visited]) this.#later.delete(keyOf(share.folder, parent));
    for (const [parent, count] of looked.later) this.#later.set(keyOf(share.folder, parent), count);
    this.#indexer.add(found);
    if (!this.#indexer.isEnough(0)) this.#lookAtLater();
    for (let from = 0; from < gone.length; from += rowsPerWrite)
      await this.#ports.table.markGone(gone.slice(from, from + rowsPerWrite));
    if (gone.length > 0) this.#announcing.wake();
    const kept = isWhole ? [] : before.leftOut.filter(({ parent }) => !visited.has(parent));
    this.#note(share.folder, {
      isMissing: false,
      isLookedAt: before.isLookedAt || isWhole,
      leftOut: kept,
      ...(isWhole ? { closed } : {}),
    });
    this.#leftOut(share, leftOut);
    if (isWhole) this.#forgetTold(share.folder);
  }

  #isAway(folder: number): void {
    this.#note(folder, { isMissing: true, isLookedAt: true });
    this.#forgetLater(folder);
  }

  #forgetLater(folder: number): void {
    for (const key of this.#later.keys()) if (readKey(key).folder === folder) this.#later.delete(key);
  }

  /** Each is reported once while it is left out. */
  #leftOut(share: SharedFolder, more: readonly LeftOut[]): void {
    const { leftOut, told } = this.#lookingAt(share.folder);
    const all = new Map([...leftOut, ...more].map((one) => [nameOf(one), one]));
    this.#note(share.folder, { leftOut: [...all.values()].slice(0, maxLeftOut) });
    const fresh = more.filter((one) => !told.has(nameOf(one)));
    if (fresh.length === 0) return;
    const { path } = share;
    for (const one of fresh.slice(0, maxToldLeftOut)) {
      const [what, why] = [shownOf(one), one.why];
      const text = `Left out of the share ${path}: ${what}, since ${why}.`;
      this.#ports.notify(said('left-out', { path, what, why }, text));
    }
    const count = fresh.length - maxToldLeftOut;
    if (count > 0) {
      const text = `Left out of the share ${path}: ${count} more. "chordial shares" names them.`;
      this.#ports.notify(said('more-left-out', { path, count }, text));
    }
    const names = [...told, ...fresh.map(nameOf)].slice(0, maxLeftOut);
    this.#note(share.folder, { told: new Set(names) });
  }

  #forgetTold(folder: number): void {
    const { leftOut, told } = this.#lookingAt(folder);
    const still = new Set(leftOut.map(nameOf));
    this.#note(folder, { told: new Set([...told].filter((name) => still.has(name))) });
  }

  /** Its index entry is out of date. */
  async #leave({ folder, parent, base }: FoundFile): Promise<void> {
    const known = this.#ports.table.at(folder, parent, base);
    if (known === null) return;
    await this.#ports.table.markGone([known]);
    this.#announcing.wake();
  }

  /**
   * The shared folder, or the parent of the shared file; null when missing. Another folder with files in its place is
   * accepted, an empty one is a mount point, and links on the path are not followed.
   */
  async #open(share: SharedFolder): Promise<FolderHandle | null> {
    let folder: FolderHandle;
    try {
      folder = await FolderHandle.open(share.isFile ? path.dirname(share.path) : share.path);
    } catch {
      return null;
    }
    try {
      const identity = identityOf(share.isFile ? await folder.lstat(path.basename(share.path)) : folder.status);
      if (identity === share.identity) return folder;
      if (share.isFile || (await folder.list()).entries.length > 0) {
        await this.#ports.table.setIdentity(share.folder, identity);
        return folder;
      }
    } catch {
      // A missing file says nothing about the folder; an unreadable folder counts as away.
      if (share.isFile) return folder;
    }
    await folder.close();
    return null;
  }

  async #isStillThere(share: SharedFolder): Promise<boolean> {
    const folder = await this.#open(share);
    await folder?.close();
    return folder !== null;
  }

  // STATE

  #current(): readonly SharedFolder[] {
    return this.#ports.table.folders().filter(({ ending }) => !ending);
  }

  #shareOf(folder: number): SharedFolder | undefined {
    return this.#current().find((one) => one.folder === folder);
  }

  #status(share: SharedFolder): ShareStatus {
    const { files, bytes } = this.#ports.table.totals(share.folder);
    const { isMissing, isLookedAt, leftOut } = this.#lookingAt(share.folder);
    const pending = this.#indexer.pending(share.folder) + this.#pendingLater(share.folder);
    const state = isMissing ? 'missing' : !isLookedAt || pending > 0 ? 'indexing' : 'watching';
    const announced = this.#ports.table.announcedIn(share.folder);
    const changing = this.#indexer.changing(share.folder);
    const shown = [
      ...leftOut.slice(0, maxShownLeftOut).map((one) => ({ path: shownOf(one), why: one.why })),
      ...changing.slice(0, maxShownLeftOut).map(({ parent, base }) => ({
        path: shownOf({ parent, base }),
        why: 'it is changing, and is hashed when it has been quiet for a while',
      })),
    ];
    return {
      ...{ path: share.path, files: files + pending + changing.length, bytes, state, indexed: files, announced },
      ...{ unreadable: leftOut.length, changing: changing.length, leftOut: shown },
    };
  }

  #pendingLater(folder: number): number {
    let count = 0;
    for (const [key, files] of this.#later) if (readKey(key).folder === folder) count += files;
    return count;
  }

  #lookingAt(folder: number): Looking {
    return this.#looking.get(folder) ?? fresh;
  }

  #note(folder: number, changes: Partial<Looking>): void {
    this.#looking.set(folder, { ...this.#lookingAt(folder), ...changes });
  }

  async #checked(place: string): Promise<Pick<SharedFolder, 'isFile' | 'identity'> & { readonly real: string }> {
    if (!path.isAbsolute(place)) throw new ChordialError('bad-request', `${place} is no absolute path. Give one.`);
    let real: string;
    let isFile: boolean;
    let identity: string;
    try {
      real = await realpath(place);
      const status = await lstat(real, { bigint: true });
      isFile = status.isFile();
      identity = identityOf(status);
      if (!isFile && !status.isDirectory())
        throw new ChordialError('bad-request', `${place} is neither a folder nor a file. Share one of these.`);
      if (!isFile) await readdir(real);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        throw new ChordialError('not-found', `${place} is not there. Check the path.`);
      throw fileError('unreadable-file', place, error);
    }
    const data = await dataFolderAround(isFile ? path.dirname(real) : real);
    if (data !== null) {
      const message = `${place} lies in the data folder of a peer (${data}), whose key is private. Share another folder.`;
      throw new ChordialError('bad-request', message);
    }
    return { real, isFile, identity };
  }
}

function furthest(one: Reach, other: Reach): Reach {
  return reaches.indexOf(one) > reaches.indexOf(other) ? one : other;
}

function nameOf({ parent, base, why }: LeftOut): string {
  return `${parent}${base}\0${why}`;
}

function shownOf({ parent, base }: Pick<LeftOut, 'parent' | 'base'>): string {
  return escapedName(Buffer.from(`${parent}${base}`));
}

function isWithin(place: string, folder: string): boolean {
  return place.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** Shares are identified by a number of fixed width, so that no key is a prefix of another. */
function keyOf(folder: number, parent: string): string {
  return `${String(folder).padStart(10, '0')}/${parent}`;
}

function readKey(key: string): { readonly folder: number; readonly parent: string } {
  return { folder: Number(key.slice(0, 10)), parent: key.slice(11) };
}

function sharedAlready(place: string, share: string): ChordialError {
  return new ChordialError(
    'already-exists',
    `${place} is shared already, as a part of ${share}. Nothing is left to do.`,
  );
}

function notShared(place: string): ChordialError {
  return new ChordialError('not-found', `${place} is not shared. See what is with "chordial shares".`);
}

function tooMany(): ChordialError {
  return new ChordialError(
    'too-many-entries',
    `${maxShares} folders and files are shared, and no more can be. Share a folder that holds several.`,
  );
}
