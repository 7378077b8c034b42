/**
 * A look through a shared folder: which of its files are new or changed since they were indexed, and which are gone. Nothing
 * is read but folders and the status of files; links are not followed, so that nothing outside is ever shared.
 */
import type { BigIntStats, Dirent } from 'node:fs';
import { accessSync, constants, lstatSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { FileLook, SharedFileTable, SharedFolder } from '../storage/shared-file-table.ts';
import { IgnoreRules } from './ignore-rules.ts';

export interface FoundFile extends FileLook {
  readonly folder: number;
  /** Where it is. */
  readonly path: string;
  /** Milliseconds since 1970 when anything about it changed last. */
  readonly changed: number;
}

export interface Looked {
  /** New or changed. */
  readonly found: readonly FoundFile[];
  /** Rows whose files are not there any more. */
  readonly gone: readonly number[];
  /** Rows of files that are there as they were, and may not be read now. */
  readonly closed: readonly number[];
  /** Files and folders that cannot be looked at or read. */
  readonly unreadable: number;
}

export interface LookPorts {
  readonly table: Pick<SharedFileTable, 'inParent' | 'parents' | 'below'>;
  /** Roots of the other shares: their files are theirs. */
  readonly isShareOfItsOwn: (path: string) => boolean;
  /** Told of each folder looked at, to watch it. */
  readonly visiting: (share: SharedFolder, parent: string) => void;
  /** What the system says when not given. */
  readonly mayRead?: MayRead;
  readonly signal: AbortSignal;
}

export type MayRead = (place: string, status: Pick<BigIntStats, 'mode' | 'uid'>) => boolean;

const statusesAtOnce = 32;
const everybodyReads = 0o444n;
const ownerReads = 0o400n;
const rowsPerPage = 1000;
/** A tree this deep is a loop of mounts. */
const maximumDepth = 64;

/** Device and inode of what is there; null when it is not. */
export async function identityOf(place: string): Promise<string | null> {
  try {
    const { dev, ino } = await lstat(place, { bigint: true });
    return `${dev}.${ino}`;
  } catch {
    return null;
  }
}

export function stampOf({ mtimeNs, ino }: Pick<BigIntStats, 'mtimeNs' | 'ino'>): string {
  return `${mtimeNs}.${ino}`;
}

/** The system is asked only where the mode does not say it: a share is looked through every 30 s. */
const mayRead: MayRead = (place, { mode, uid }) => {
  if ((mode & everybodyReads) === everybodyReads) return true;
  if ((mode & ownerReads) !== 0n && Number(uid) === process.geteuid?.()) return true;
  try {
    accessSync(place, constants.R_OK);
    return true;
  } catch {
    // Whatever keeps it from being read now is for the next look to find gone.
    return false;
  }
};

/** @param start a folder below the share, '' for all of it; `deep`: what is below it too. */
export async function lookThrough(
  share: SharedFolder,
  start: string,
  deep: boolean,
  ports: LookPorts,
): Promise<Looked> {
  const look = new Look(share, ports);
  if (share.isFile) await look.file();
  else {
    await look.folder(start, await rulesAbove(share, start), deep, 0);
    if (deep && start === '') look.foldersGone();
  }
  return look;
}

/** Those of the folders above `start`, without its own. */
async function rulesAbove(share: SharedFolder, start: string): Promise<IgnoreRules> {
  let rules = IgnoreRules.usual();
  let parent = '';
  for (const part of start.split('/').filter((one) => one !== '')) {
    rules = await rules.within(share.path, parent);
    parent += `${part}/`;
  }
  return rules;
}

class Look implements Looked {
  readonly found: FoundFile[] = [];
  readonly gone: number[] = [];
  readonly closed: number[] = [];
  unreadable = 0;
  readonly #share: SharedFolder;
  readonly #ports: LookPorts;
  readonly #visited = new Set<string>();

  constructor(share: SharedFolder, ports: LookPorts) {
    this.#share = share;
    this.#ports = ports;
  }

  async file(): Promise<void> {
    const { folder, path: place } = this.#share;
    const [known] = this.#ports.table.inParent(folder, '', '', 1);
    const seen = this.#statusOf(place);
    if (seen === 'gone') return;
    if (seen === 'unreadable') return;
    this.#compare(seen, known, { parent: '', base: path.basename(place), path: place });
  }

  async folder(parent: string, above: IgnoreRules, deep: boolean, depth: number): Promise<void> {
    if (this.#ports.signal.aborted) return;
    const { folder, path: share } = this.#share;
    const place = path.join(share, parent);
    this.#visited.add(parent);
    this.#ports.visiting(this.#share, parent);
    let listed: Dirent[];
    try {
      listed = await readdir(place, { withFileTypes: true });
    } catch (error) {
      if (isAbsence(error)) this.gone.push(...this.#ports.table.below(folder, parent));
      else this.#cannotLook(parent);
      return;
    }
    const rules = await above.within(share, parent);
    const wanted = listed.filter((entry) => !rules.leavesOut(parent, entry.name, entry.isDirectory()));
    await this.#files(parent, place, wanted);
    for (const entry of wanted) {
      if (!entry.isDirectory() || depth >= maximumDepth) continue;
      const below = `${parent}${entry.name}/`;
      if (this.#ports.isShareOfItsOwn(path.join(place, entry.name))) continue;
      const isKnown = !deep && this.#ports.table.below(folder, below).length > 0;
      if (!isKnown) await this.folder(below, rules, deep, depth + 1);
    }
    if (!deep) this.#subfoldersGone(parent, new Set(wanted.filter((one) => one.isDirectory()).map(({ name }) => name)));
  }

  /** After a look through everything: folders with files that were not met are gone, or left out now. */
  foldersGone(): void {
    const { table, signal } = this.#ports;
    if (signal.aborted) return;
    for (const parent of table.parents(this.#share.folder)) if (!this.#visited.has(parent)) this.#allGone(parent);
  }

  #subfoldersGone(parent: string, there: ReadonlySet<string>): void {
    const lost = new Set<string>();
    for (const known of this.#ports.table.parents(this.#share.folder)) {
      const [next = ''] = known.startsWith(parent) ? known.slice(parent.length).split('/') : [];
      if (next !== '' && !there.has(next)) lost.add(`${parent}${next}/`);
    }
    for (const below of lost) this.gone.push(...this.#ports.table.below(this.#share.folder, below));
  }

  async #files(parent: string, place: string, listed: readonly Dirent[]): Promise<void> {
    const { table } = this.#ports;
    const { folder } = this.#share;
    const names = new Set(listed.filter((entry) => entry.isFile()).map(({ name }) => name));
    let known = table.inParent(folder, parent, '', rowsPerPage);
    while (known.length > 0) {
      await this.#eachOf(known, (row) => {
        if (names.delete(row.base)) this.#look(place, parent, row.base, row);
        else this.gone.push(row.file);
      });
      known = table.inParent(folder, parent, known.at(-1)!.base, rowsPerPage);
    }
    await this.#eachOf([...names], (base) => this.#look(place, parent, base, undefined));
  }

  /** Others are served between some and the next. */
  async #eachOf<Item>(items: readonly Item[], look: (item: Item) => void): Promise<void> {
    for (let from = 0; from < items.length && !this.#ports.signal.aborted; from += statusesAtOnce) {
      for (const item of items.slice(from, from + statusesAtOnce)) look(item);
      await setImmediate();
    }
  }

  #look(place: string, parent: string, base: string, known: (FileLook & { file: number }) | undefined): void {
    const at = `${place === '/' ? '' : place.replace(/\/$/, '')}/${base}`;
    const seen = this.#statusOf(at);
    if (seen === 'unreadable') return;
    if (seen !== 'gone') this.#compare(seen, known, { parent, base, path: at });
    else if (known !== undefined) this.gone.push(known.file);
  }

  /**
   * At once: the way to another thread and back costs four times as much, and a share is looked through every 30 s. A disk that
   * does not answer has stopped the listing of the folder before, which does not hold up anybody.
   */
  #statusOf(place: string): BigIntStats | 'gone' | 'unreadable' {
    try {
      const status = lstatSync(place, { bigint: true });
      return status.isFile() ? status : 'gone';
    } catch (error) {
      if (isAbsence(error)) return 'gone';
      this.unreadable += 1;
      return 'unreadable';
    }
  }

  #compare(
    status: BigIntStats,
    known: (FileLook & { file: number }) | undefined,
    where: { readonly parent: string; readonly base: string; readonly path: string },
  ): void {
    const size = Number(status.size);
    const stamp = stampOf(status);
    if (!(this.#ports.mayRead ?? mayRead)(where.path, status)) {
      this.unreadable += 1;
      if (known !== undefined) this.closed.push(known.file);
      return;
    }
    if (known?.size === size && known.stamp === stamp) return;
    const changed = Number(status.ctimeNs / 1_000_000n);
    this.found.push({ ...where, folder: this.#share.folder, size, stamp, changed });
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

  /** A disk that fails for a moment is no reason to withdraw what lies on it. */
  #cannotLook(parent: string): void {
    this.unreadable += 1;
    for (const known of this.#ports.table.parents(this.#share.folder))
      if (known.startsWith(parent)) this.#visited.add(known);
  }
}

function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
