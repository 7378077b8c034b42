/**
 * A scan of a shared folder: files that are new or changed since they were indexed, and files that are gone. Reads only
 * folders and file status. Folders are opened one below the other from the root of the share without following links,
 * so that nothing outside is ever shared, even if others may write in it.
 */
import type { BigIntStats, Dirent } from 'node:fs';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { whyNotAPublishedName } from '../content/name.ts';
import { formatFile, isDataFolder } from '../storage/data-folder.ts';
import { escapedName, type FolderHandle, type Listing } from '../storage/folder-handle.ts';
import type { FileLook, KnownLook, SharedFileTable, SharedFolder } from '../storage/shared-file-table.ts';
import { errnoOf } from '../storage/system-error.ts';
import { IgnoreRules, ignoreFileName } from './ignore-rules.ts';

export interface FoundFile extends FileLook {
  readonly share: SharedFolder;
  readonly folder: number;
  /** Where it is. */
  readonly path: string;
  /** Time of change, milliseconds since 1970. */
  readonly changed: number;
  /** When it was last indexed, milliseconds since 1970; null when new. */
  readonly indexed: number | null;
}

/** Something in a share that is not served although no rule excludes it. */
export interface LeftOut {
  /** Its folder below the share, '' or ending in '/'. */
  readonly parent: string;
  /** Its name, with bytes that are not text escaped. */
  readonly base: string;
  readonly why: string;
}

/** Which subfolders are scanned: none, those without a file in the index, or all. */
export type Reach = 'none' | 'new' | 'all';

export interface Looked {
  /** New or changed. */
  readonly found: readonly FoundFile[];
  /** Folders below the share with more such files, and how many: beyond what memory may hold, to be scanned alone. */
  readonly later: ReadonlyMap<string, number>;
  /** Rows of files that no longer exist. */
  readonly gone: readonly number[];
  /** Rows of unchanged files that are unreadable at present. */
  readonly closed: readonly number[];
  readonly leftOut: readonly LeftOut[];
  /** Scanned folders, below the share. */
  readonly visited: ReadonlySet<string>;
}

export interface LookPorts {
  readonly table: Pick<SharedFileTable, 'inParent' | 'parents' | 'below'>;
  /** Roots of other shares, whose files are theirs. */
  readonly isShareOfItsOwn: (path: string) => boolean;
  /** Whether this many found files are the most that memory may hold; asked once per folder. */
  readonly isEnough: (found: number) => boolean;
  /** Called for each folder, to watch it, with its current location. */
  readonly visiting: (share: SharedFolder, parent: string, at: string) => void;
  /** The system's errors by default. */
  readonly mayRead?: MayRead;
  readonly signal: AbortSignal;
}

export type MayRead = (place: string, status: Pick<BigIntStats, 'mode' | 'uid'>) => boolean;

const elsewhere = 'it is on another device than the share';
const statusConcurrency = 32;
const everybodyReads = 0o444n;
const ownerReads = 0o400n;
const rowsPerPage = 1000;
const turnMilliseconds = 10;
/** A tree this deep is a loop of mounts. */
const maxDepth = 64;

export function identityOf({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>): string {
  return `${dev}.${ino}`;
}

/** The time of change is set by the system alone: it cannot be set back, unlike that of modification. */
export function stampOf({ mtimeNs, ctimeNs, ino }: Pick<BigIntStats, 'mtimeNs' | 'ctimeNs' | 'ino'>): string {
  return `${mtimeNs}.${ctimeNs}.${ino}`;
}

/** Why a file in the share is not served; null when it is. */
export function whyForeign(
  { others }: Pick<SharedFolder, 'others'>,
  root: Pick<BigIntStats, 'uid' | 'dev'>,
  status: Pick<BigIntStats, 'uid' | 'dev'>,
): string | null {
  if (others) return null;
  if (status.dev !== root.dev) return elsewhere;
  return status.uid === root.uid ? null : 'it belongs to another user than the share';
}

/** The system is asked only where the mode does not decide: shares are scanned every 30 s. */
const mayRead: MayRead = (place, { mode, uid }) => {
  if ((mode & everybodyReads) === everybodyReads) return true;
  if ((mode & ownerReads) !== 0n && Number(uid) === process.geteuid?.()) return true;
  try {
    accessSync(place, constants.R_OK);
    return true;
  } catch {
    // The next scan determines whether it is gone.
    return false;
  }
};

/**
 * @param root the shared folder, or the parent of the shared file
 * @param start a folder below the share, '' for all of it
 */
export async function lookThrough(
  { share, root, start, reach }: { share: SharedFolder; root: FolderHandle; start: string; reach: Reach },
  ports: LookPorts,
): Promise<Looked> {
  const look = new Look(share, root, ports);
  if (share.isFile) look.file();
  else {
    await look.from(start, reach);
    if (reach === 'all' && start === '') look.foldersGone();
  }
  return look;
}

/** A folder being scanned. */
interface Place {
  readonly handle: FolderHandle;
  readonly parent: string;
  readonly depth: number;
}

type Known = KnownLook | undefined;

class Look implements Looked {
  readonly found: FoundFile[] = [];
  readonly later = new Map<string, number>();
  readonly gone: number[] = [];
  readonly closed: number[] = [];
  readonly leftOut: LeftOut[] = [];
  readonly visited = new Set<string>();
  readonly #share: SharedFolder;
  readonly #root: FolderHandle;
  readonly #ports: LookPorts;
  /** Files found in the current folder are left for later. */
  #isEnough = false;

  constructor(share: SharedFolder, root: FolderHandle, ports: LookPorts) {
    this.#share = share;
    this.#root = root;
    this.#ports = ports;
  }

  file(): void {
    const [known] = this.#ports.table.inParent(this.#share.folder, '', '', 1);
    this.visited.add('');
    this.#look({ handle: this.#root, parent: '', depth: 0 }, path.basename(this.#share.path), known, true);
  }

  /** With the rules of the folders above. */
  async from(start: string, reach: Reach): Promise<void> {
    const parts = start.split('/').filter((one) => one !== '');
    const opened: FolderHandle[] = [];
    let place: Place = { handle: this.#root, parent: '', depth: 0 };
    let rules = IgnoreRules.usual();
    try {
      for (const part of parts) {
        rules = await this.#rulesOf(place, rules);
        if (rules.leavesOut(place.parent, part, true)) {
          this.gone.push(...this.#ports.table.below(this.#share.folder, start));
          return;
        }
        const below = { parent: `${place.parent}${part}/`, depth: place.depth + 1 };
        const handle = await this.#open(place, part);
        if (handle === null) return;
        opened.push(handle);
        place = { handle, ...below };
      }
      await this.#folder(place, rules, reach);
    } finally {
      for (const handle of opened) await handle.close();
    }
  }

  /** After a full scan: folders with files that were not met are gone, or excluded now. */
  foldersGone(): void {
    const { table, signal } = this.#ports;
    if (signal.aborted) return;
    for (const parent of table.parents(this.#share.folder)) if (!this.visited.has(parent)) this.#allGone(parent);
  }

  async #folder(place: Place, above: IgnoreRules, reach: Reach): Promise<void> {
    if (this.#ports.signal.aborted) return;
    const { handle, parent } = place;
    this.visited.add(parent);
    const listing = await this.#list(place);
    if (listing === null) return;
    const { entries, misnamed } = listing;
    if (entries.some(({ name }) => name === formatFile) && (await isDataFolder(handle.at()))) {
      this.gone.push(...this.#ports.table.below(this.#share.folder, parent));
      return this.#leaveFolderOut(parent, 'it is the data folder of a peer, whose key is private');
    }
    this.#ports.visiting(this.#share, parent, handle.at());
    for (const base of misnamed) this.#leaveOut(parent, base, 'its name is not UTF-8');
    const hasRules = entries.some(({ name }) => name === ignoreFileName);
    const rules = hasRules ? await this.#rulesOf(place, above) : above;
    const wanted = await this.#wanted(parent, entries, rules);
    await this.#files(place, wanted);
    if (reach === 'none') return;
    for (const entry of wanted) if (entry.isDirectory()) await this.#below(place, entry.name, rules, reach);
    if (reach === 'new')
      this.#subfoldersGone(parent, new Set(wanted.filter((one) => one.isDirectory()).map(({ name }) => name)));
  }

  /** At most half of this peer's time is spent on rules of others. */
  async #wanted(parent: string, entries: readonly Dirent[], rules: IgnoreRules): Promise<readonly Dirent[]> {
    const wanted: Dirent[] = [];
    let began = performance.now();
    for (const entry of entries) {
      if (!rules.leavesOut(parent, entry.name, entry.isDirectory())) wanted.push(entry);
      const took = performance.now() - began;
      if (took < turnMilliseconds) continue;
      await setTimeout(took);
      if (this.#ports.signal.aborted) return wanted;
      began = performance.now();
    }
    return wanted;
  }

  async #below(place: Place, name: string, rules: IgnoreRules, reach: Reach): Promise<void> {
    const { parent, depth } = place;
    const { folder, path: share } = this.#share;
    const below = `${parent}${name}/`;
    if (this.#ports.isShareOfItsOwn(path.join(share, parent, name))) return;
    if (depth >= maxDepth) return this.#leaveOut(parent, name, `it lies more than ${maxDepth} folders deep`);
    if (reach === 'new' && this.#ports.table.below(folder, below).length > 0) return;
    const handle = await this.#open(place, name);
    if (handle === null) return;
    try {
      await this.#folder({ handle, parent: below, depth: depth + 1 }, rules, reach);
    } finally {
      await handle.close();
    }
  }

  /** Null when it does not exist, cannot be opened, or is not to be shared. */
  async #open({ handle, parent }: Place, name: string): Promise<FolderHandle | null> {
    const below = `${parent}${name}/`;
    const { folder, others } = this.#share;
    let opened: FolderHandle;
    try {
      opened = await handle.folder(name);
    } catch (error) {
      if (isAbsence(error)) this.gone.push(...this.#ports.table.below(folder, below));
      else this.#cannotLook(below, error);
      return null;
    }
    if (others || opened.status.dev === this.#root.status.dev) return opened;
    await opened.close();
    this.#leaveFolderOut(below, elsewhere);
    this.gone.push(...this.#ports.table.below(folder, below));
    return null;
  }

  async #list({ handle, parent }: Place): Promise<Listing | null> {
    try {
      return await handle.list();
    } catch (error) {
      if (isAbsence(error)) this.gone.push(...this.#ports.table.below(this.#share.folder, parent));
      else this.#cannotLook(parent, error);
      return null;
    }
  }

  async #rulesOf({ handle, parent }: Place, above: IgnoreRules): Promise<IgnoreRules> {
    const { rules, problem } = await above.within(handle, parent);
    if (problem !== null) this.#leaveOut(parent, ignoreFileName, problem);
    return rules;
  }

  #subfoldersGone(parent: string, there: ReadonlySet<string>): void {
    const lost = new Set<string>();
    for (const known of this.#ports.table.parents(this.#share.folder)) {
      const [next = ''] = known.startsWith(parent) ? known.slice(parent.length).split('/') : [];
      if (next !== '' && !there.has(next)) lost.add(`${parent}${next}/`);
    }
    for (const below of lost) this.gone.push(...this.#ports.table.below(this.#share.folder, below));
  }

  async #files(place: Place, listed: readonly Dirent[]): Promise<void> {
    const { table } = this.#ports;
    const { folder } = this.#share;
    const { parent } = place;
    const names = new Set(listed.filter((entry) => entry.isFile()).map(({ name }) => name));
    this.#isEnough = this.#ports.isEnough(this.found.length);
    let known = table.inParent(folder, parent, '', rowsPerPage);
    while (known.length > 0) {
      await this.#eachOf(known, (row) => {
        if (names.delete(row.base)) this.#look(place, row.base, row);
        else this.gone.push(row.file);
      });
      known = table.inParent(folder, parent, known.at(-1)!.base, rowsPerPage);
    }
    await this.#eachOf([...names], (base) => this.#look(place, base, undefined));
  }

  /** Yields to other work in between. */
  async #eachOf<Item>(items: readonly Item[], look: (item: Item) => void): Promise<void> {
    for (let from = 0; from < items.length && !this.#ports.signal.aborted; from += statusConcurrency) {
      for (const item of items.slice(from, from + statusConcurrency)) look(item);
      await setImmediate();
    }
  }

  /**
   * Synchronous: an asynchronous call costs four times as much, and a share is scanned every 30 s. An unresponsive disk
   * has already stopped the asynchronous listing of the folder, which blocks nothing else.
   * @param isKept a missing file may be on a disk that is away
   */
  #look({ handle, parent }: Place, base: string, known: Known, isKept = false): void {
    let status: BigIntStats;
    try {
      status = handle.lstatSync(base);
    } catch (error) {
      if (!isAbsence(error)) this.#leaveOut(parent, base, whyUnreadable(error));
      else if (known !== undefined && !isKept) this.gone.push(known.file);
      return;
    }
    if (status.isFile()) this.#compare(status, known, { parent, base, at: handle.at(base) });
    else if (known !== undefined && !isKept) this.gone.push(known.file);
  }

  #compare(
    status: BigIntStats,
    known: Known,
    { parent, base, at }: { readonly parent: string; readonly base: string; readonly at: string },
  ): void {
    const { folder, path: share, isFile } = this.#share;
    const why =
      (known === undefined ? whyNotAPublishedName(base) : null) ??
      (isFile ? null : whyForeign(this.#share, this.#root.status, status));
    if (why !== null) {
      this.#leaveOut(parent, base, why);
      if (known !== undefined) this.gone.push(known.file);
      return;
    }
    if (!(this.#ports.mayRead ?? mayRead)(at, status)) {
      this.#leaveOut(parent, base, 'permission is denied');
      if (known !== undefined) this.closed.push(known.file);
      return;
    }
    const size = Number(status.size);
    const stamp = stampOf(status);
    if (known?.size === size && known.stamp === stamp) return;
    if (this.#isEnough) {
      this.later.set(parent, (this.later.get(parent) ?? 0) + 1);
      return;
    }
    this.found.push({
      ...{ share: this.#share, folder, parent, base, size, stamp },
      path: isFile ? share : path.join(share, parent, base),
      changed: Number(status.ctimeNs / 1_000_000n),
      indexed: known?.added ?? null,
    });
  }

  #allGone(parent: string): void {
    for (let after = ''; ; ) {
      const rows = this.#ports.table.inParent(this.#share.folder, parent, after, rowsPerPage);
      this.gone.push(...rows.map(({ file }) => file));
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.base;
    }
  }

  /** A disk that fails for a moment is no reason to withdraw its files. */
  #cannotLook(below: string, error: unknown): void {
    this.#leaveFolderOut(below, whyUnreadable(error));
    for (const known of this.#ports.table.parents(this.#share.folder))
      if (known.startsWith(below)) this.visited.add(known);
  }

  /** @param below the folder, '' for the share itself */
  #leaveFolderOut(below: string, why: string): void {
    const parent = below.replace(/[^/]*\/$/, '');
    this.#leaveOut(parent, below.slice(parent.length, -1) || '.', why);
  }

  #leaveOut(parent: string, base: string, why: string): void {
    this.leftOut.push({ parent, base: escapedName(Buffer.from(base)), why });
  }
}

export function whyUnreadable(error: unknown): string {
  const code = errnoOf(error);
  if (code === 'EACCES' || code === 'EPERM') return 'permission is denied';
  return `it cannot be read (${code ?? (error as Error).message})`;
}

function isAbsence(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
}
