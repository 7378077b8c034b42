/**
 * Shared folders: files that stay where they are and are offered to everybody (spec/4, Shares). Each share is looked through
 * when it comes, with every change that the system tells of, and every 30 s; what is new is hashed and announced, what is
 * gone is withdrawn. A share that is not there as a whole is called missing, and nothing of it is withdrawn.
 */
import { lstat, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import type { ShareAnnouncer } from '../records/shares.ts';
import type { SharedFile, SharedFileTable, SharedFolder } from '../storage/shared-file-table.ts';
import { fileError } from '../transfer/local-file.ts';
import { FileIndexer } from './file-indexer.ts';
import { FolderWatchers } from './folder-watchers.ts';
import { type FoundFile, identityOf, type Looked, lookThrough, type MayRead } from './look-through.ts';
import { ShareAnnouncing } from './share-announcing.ts';
import type { PostingWords } from './share-entries.ts';
import { WholeHashing } from './whole-hashing.ts';

export interface ShareStatus {
  readonly path: string;
  /** Those known, indexed or not. */
  readonly files: number;
  /** Of the indexed files. */
  readonly bytes: number;
  readonly state: 'indexing' | 'watching' | 'missing';
  readonly indexed: number;
  /** Of the indexed ones, those that others find. */
  readonly announced: number;
  /** Files and folders in it that cannot be read. */
  readonly unreadable: number;
}

export interface SharedFoldersPorts {
  readonly table: SharedFileTable;
  readonly announcer: ShareAnnouncer;
  readonly words: PostingWords;
  /** Never shared, wherever it lies: the key of this peer is in it. */
  readonly dataFolder: string;
  readonly notify: (text: string) => void;
  readonly failed: (error: Error) => void;
  /** What the system says when not given. */
  readonly mayRead?: MayRead;
  /** spec/4: 30 s. */
  readonly rescanMilliseconds?: number;
}

interface Looking {
  readonly isMissing: boolean;
  readonly isLookedAt: boolean;
  readonly unreadable: number;
  /** Rows of files that could not be read at the last look through everything, and when that was seen first. */
  readonly closed: ReadonlyMap<number, number>;
}

const usualRescanMilliseconds = 30_000;
const maximumShares = 4096;
const rowsPerWrite = 2000;
/** After a file was caught changing. */
const lookAgainMilliseconds = 1000;
const fresh: Looking = { isMissing: false, isLookedAt: false, unreadable: 0, closed: new Map() };

export class SharedFolders {
  readonly #ports: SharedFoldersPorts;
  readonly #indexer: FileIndexer;
  readonly #announcing: ShareAnnouncing;
  readonly #wholeHashing: WholeHashing;
  readonly #watchers: FolderWatchers;
  readonly #looking = new Map<number, Looking>();
  /** Folders that wait to be looked through, by share and place below it, each at most once. */
  readonly #waiting = new Map<string, boolean>();
  readonly #closing = new AbortController();
  readonly #again = new Map<string, NodeJS.Timeout>();
  #working: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(ports: SharedFoldersPorts) {
    const { table, announcer, words, failed } = ports;
    this.#ports = ports;
    this.#indexer = new FileIndexer({
      table,
      now: Date.now,
      indexed: () => this.#announcing.wake(),
      failed: (file, error) => {
        this.#note(file.folder, { unreadable: this.#lookingAt(file.folder).unreadable + 1 });
        if (error.code === 'changed') this.#lookSoon(keyOf(file.folder, file.parent));
        else {
          failed(error);
          void this.#leave(file).catch(failed);
        }
      },
    });
    this.#announcing = new ShareAnnouncing({
      table,
      announcer,
      words,
      isIndexing: () => this.#indexer.isBusy,
      announced: () => this.#wholeHashing.wake(),
      failed,
    });
    this.#wholeHashing = new WholeHashing({
      table,
      failed,
      hashed: (isLast) => (isLast ? this.#announcing.wake() : this.#announcing.wakeLater()),
    });
    this.#watchers = new FolderWatchers((key) => this.#look(key, false));
  }

  /** This host is a member: what is shared is looked through and announced from now on. */
  begin(): void {
    this.#announcing.begin();
    this.#rescan();
  }

  /**
   * Shares a folder, or a single file. Resolves when it is known, before it is indexed. Throws `bad-request`, `not-found`,
   * `unreadable-file`, or `already-exists` when it lies in another share.
   */
  async add(place: string): Promise<ShareStatus> {
    const { table, notify } = this.#ports;
    const { real, isFile } = await this.#checked(place);
    const shares = this.#current();
    const same = shares.find((share) => share.path === real);
    if (same !== undefined) return this.#status(same);
    const around = shares.find((share) => isWithin(real, share.path) && !share.isFile);
    if (around !== undefined && !isFile) throw sharedAlready(real, around.path);
    if (around !== undefined) return this.#status(around);
    if (shares.length >= maximumShares) throw tooMany();
    const identity = (await identityOf(real)) ?? '';
    await table.addFolder({ path: real, isFile, identity });
    const share = this.#current().find((one) => one.path === real);
    if (share === undefined) throw new ChordialError('changed', `${real} was unshared at the same time.`);
    notify(`Shares ${real}; its files stay where they are.`);
    for (const one of shares) if (isWithin(one.path, real)) this.#look(keyOf(one.folder, ''), true);
    this.#look(keyOf(share.folder, ''), true);
    return this.#status(share);
  }

  /** Ends a share; what was announced of it is withdrawn. Throws `not-found`. */
  async remove(place: string): Promise<ShareStatus> {
    const real = await realpath(place).catch(() => path.resolve(place));
    const share = this.#current().find((one) => one.path === real || one.path === path.resolve(place));
    if (share === undefined) throw notShared(place);
    const status = this.#status(share);
    await this.#ports.table.endFolder(share.folder);
    this.#watchers.unwatchAll(keyOf(share.folder, ''));
    this.#indexer.drop(share.folder);
    this.#looking.delete(share.folder);
    this.#announcing.wake();
    // A share around it has these files from now on.
    for (const one of this.#current()) if (isWithin(real, one.path)) this.#look(keyOf(one.folder, ''), true);
    this.#ports.notify(`Shares ${share.path} no longer.`);
    return status;
  }

  list(): readonly ShareStatus[] {
    return this.#current().map((share) => this.#status(share));
  }

  /** Current files with this number and above, in the order of their numbers. */
  page(from: number, limit: number): readonly SharedFile[] {
    return this.#ports.table.page(from, limit);
  }

  /** The newest file of this name. */
  named(name: string): SharedFile | null {
    return this.#ports.table.named(name.normalize('NFC'), 1)[0] ?? null;
  }

  /** A file turned out not to be what was indexed. */
  changed(): void {
    for (const { folder } of this.#current()) this.#lookSoon(keyOf(folder, ''));
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
  }

  // LOOKING

  #rescan(): void {
    for (const { folder } of this.#current()) this.#look(keyOf(folder, ''), true);
    this.#wholeHashing.wake();
    this.#timer = setTimeout(() => this.#rescan(), this.#rescanMilliseconds);
  }

  get #rescanMilliseconds(): number {
    return this.#ports.rescanMilliseconds ?? usualRescanMilliseconds;
  }

  #look(key: string, deep: boolean): void {
    if (this.#closing.signal.aborted) return;
    this.#waiting.set(key, deep || this.#waiting.get(key) === true);
    this.#working ??= this.#lookAtAll()
      .catch((error: Error) => this.#ports.failed(error))
      .finally(() => {
        this.#working = null;
        if (this.#waiting.size > 0) for (const [again, isDeep] of this.#waiting) this.#look(again, isDeep);
      });
  }

  #lookSoon(key: string): void {
    if (this.#again.has(key) || this.#closing.signal.aborted) return;
    const timer = setTimeout(() => {
      this.#again.delete(key);
      this.#look(key, true);
    }, lookAgainMilliseconds);
    this.#again.set(key, timer);
  }

  async #lookAtAll(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || this.#closing.signal.aborted) return;
      const [key, deep] = next;
      this.#waiting.delete(key);
      const { folder, parent } = readKey(key);
      const share = this.#current().find((one) => one.folder === folder);
      if (share !== undefined) await this.#lookAt(share, parent, deep);
    }
  }

  async #lookAt(share: SharedFolder, parent: string, deep: boolean): Promise<void> {
    if (!(await this.#isThere(share))) {
      this.#note(share.folder, { isMissing: true, isLookedAt: true });
      this.#watchers.unwatchAll(keyOf(share.folder, ''));
      return;
    }
    const looked = await lookThrough(share, parent, deep, {
      table: this.#ports.table,
      isShareOfItsOwn: (place) => place === this.#ports.dataFolder || this.#current().some((one) => one.path === place),
      visiting: (one, below) => this.#watchers.watch(keyOf(one.folder, below), path.join(one.path, below)),
      ...(this.#ports.mayRead === undefined ? {} : { mayRead: this.#ports.mayRead }),
      signal: this.#closing.signal,
    });
    if (this.#closing.signal.aborted) return;
    // It may have gone while it was looked through: then nothing that was not met says anything.
    if (!(await this.#isThere(share))) return this.#note(share.folder, { isMissing: true, isLookedAt: true });
    await this.#take(share, looked, deep && parent === '');
  }

  async #take(share: SharedFolder, looked: Looked, isWhole: boolean): Promise<void> {
    const { found, unreadable } = looked;
    const before = this.#lookingAt(share.folder);
    const now = performance.now();
    const closed = new Map(looked.closed.map((file) => [file, before.closed.get(file) ?? now]));
    // One that may not be read for a moment is not withdrawn; one that may still not be at the next rescan is.
    const long = now - this.#rescanMilliseconds / 2;
    const gone = [...looked.gone, ...looked.closed.filter((file) => closed.get(file)! <= long)];
    this.#indexer.add(found);
    for (let from = 0; from < gone.length; from += rowsPerWrite)
      await this.#ports.table.markGone(gone.slice(from, from + rowsPerWrite));
    if (gone.length > 0) this.#announcing.wake();
    this.#note(share.folder, {
      isMissing: false,
      isLookedAt: before.isLookedAt || isWhole,
      ...(isWhole ? { unreadable, closed } : { unreadable: Math.max(before.unreadable, unreadable) }),
    });
  }

  /** What was known of it is not what it is now. */
  async #leave({ folder, parent, base }: FoundFile): Promise<void> {
    const known = this.#ports.table.at(folder, parent, base);
    if (known === null) return;
    await this.#ports.table.markGone([known]);
    this.#announcing.wake();
  }

  /** The very folder that was shared, or another one with files in its place. An empty one is where it was mounted. */
  async #isThere(share: SharedFolder): Promise<boolean> {
    const identity = await identityOf(share.path);
    if (identity === share.identity) return true;
    if (identity === null) return share.isFile && (await identityOf(path.dirname(share.path))) !== null;
    try {
      if (!share.isFile && (await readdir(share.path)).length === 0) return false;
    } catch {
      return false;
    }
    await this.#ports.table.setIdentity(share.folder, identity);
    return true;
  }

  // STATE

  #current(): readonly SharedFolder[] {
    return this.#ports.table.folders().filter(({ ending }) => !ending);
  }

  #status(share: SharedFolder): ShareStatus {
    const { files, bytes } = this.#ports.table.totals(share.folder);
    const { isMissing, isLookedAt, unreadable } = this.#lookingAt(share.folder);
    const pending = this.#indexer.pending(share.folder);
    const state = isMissing ? 'missing' : !isLookedAt || pending > 0 ? 'indexing' : 'watching';
    const announced = this.#ports.table.announcedIn(share.folder);
    return { path: share.path, files: files + pending, bytes, state, indexed: files, announced, unreadable };
  }

  #lookingAt(folder: number): Looking {
    return this.#looking.get(folder) ?? fresh;
  }

  #note(folder: number, changes: Partial<Looking>): void {
    this.#looking.set(folder, { ...this.#lookingAt(folder), ...changes });
  }

  async #checked(place: string): Promise<{ readonly real: string; readonly isFile: boolean }> {
    if (!path.isAbsolute(place)) throw new ChordialError('bad-request', `${place} is no absolute path. Give one.`);
    let real: string;
    let isFile: boolean;
    try {
      real = await realpath(place);
      const status = await lstat(real);
      isFile = status.isFile();
      if (!isFile && !status.isDirectory())
        throw new ChordialError('bad-request', `${place} is neither a folder nor a file. Share one of these.`);
      if (!isFile) await readdir(real);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        throw new ChordialError('not-found', `${place} is not there. Check the path.`);
      throw fileError('unreadable-file', place, error);
    }
    if (real === this.#ports.dataFolder || isWithin(real, this.#ports.dataFolder))
      throw new ChordialError('bad-request', `${place} lies in the data folder of this peer, whose key is private.`);
    return { real, isFile };
  }
}

function isWithin(place: string, folder: string): boolean {
  return place.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** Shares are told apart by a number of fixed width, so that no key of one begins like those of another. */
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
    `${maximumShares} folders and files are shared, and no more can be. Share a folder that holds several.`,
  );
}
