/** Pages of what is in one folder, in the natural order of names. Sorted listings are kept for the next page of the same visitor. */
import { naturalKey } from '../content/file-kinds.ts';
import { ChordialError } from '../errors.ts';
import { forEachConcurrently } from '../flow/for-each.ts';
import { Semaphore } from '../flow/semaphore.ts';
import type { Files, FolderEntry } from '../transfer/files.ts';

export const entriesPerPage = 200;
/** A folder with more is listed by no page; its ZIP, too, has at most so many. */
export const maxListedEntries = 131_072;
/** Entries kept of all listings: some 30 MB. */
const maxKeptEntries = 131_072;
const maxListingsAtOnce = 2;
const maxListingsWaiting = 32;
/** Contents opened at once to see what they are. */
const maxOpenedAtOnce = 16;

export interface ListedEntry {
  readonly name: string;
  readonly cid: string;
  readonly size: number;
  /** Null when no peer has it now. */
  readonly type: 'file' | 'directory' | null;
}

export interface FolderPage {
  readonly entries: readonly ListedEntry[];
  /** Of the whole folder. */
  readonly count: number;
  /** From 1. */
  readonly page: number;
  readonly pages: number;
}

type Reads = Pick<Files, 'entries' | 'entryAt'>;

export class FolderListings {
  readonly #atOnce = new Semaphore(maxListingsAtOnce);
  /** By CID, oldest first. */
  readonly #kept = new Map<string, readonly FolderEntry[]>();
  #keptEntries = 0;
  #waiting = 0;

  /** The last page when there are fewer. Throws `busy`, `too-many-entries` and what reading throws. */
  async page(files: Reads, cid: string, page: number, signal: AbortSignal): Promise<FolderPage> {
    const all = await this.#sorted(files, cid, signal);
    const pages = Math.max(1, Math.ceil(all.length / entriesPerPage));
    const shown = Math.min(page, pages);
    const some = all.slice((shown - 1) * entriesPerPage, shown * entriesPerPage);
    const entries: ListedEntry[] = some.map(({ name, cid: of, size, isLeaf }) => {
      return { name, cid: of, size, type: isLeaf ? 'file' : null };
    });
    await forEachConcurrently(some.keys(), maxOpenedAtOnce, async (index) => {
      const { cid: of, name, isLeaf } = some[index]!;
      const found = isLeaf ? null : await opened(files, of, signal);
      if (found !== null) entries[index] = { name, cid: of, size: found.size, type: found.type };
    });
    return { entries, count: all.length, page: shown, pages };
  }

  async #sorted(files: Reads, cid: string, signal: AbortSignal): Promise<readonly FolderEntry[]> {
    const known = this.#kept.get(cid);
    if (known !== undefined) return known;
    if (this.#waiting >= maxListingsWaiting)
      throw new ChordialError('busy', 'This peer lists too many folders at once. Try again in a moment.');
    this.#waiting += 1;
    try {
      return await this.#atOnce.pass(async () => this.#kept.get(cid) ?? (await this.#list(files, cid, signal)));
    } finally {
      this.#waiting -= 1;
    }
  }

  async #list(files: Reads, cid: string, signal: AbortSignal): Promise<readonly FolderEntry[]> {
    const all: { readonly entry: FolderEntry; readonly key: string }[] = [];
    for await (const entry of files.entries(cid, signal)) {
      if (all.length === maxListedEntries) {
        throw new ChordialError(
          'too-many-entries',
          `This folder has more than the ${maxListedEntries} entries that a page can list. Get it by "chordial get".`,
        );
      }
      all.push({ entry, key: naturalKey(entry.name) });
    }
    all.sort((a, b) => (a.key === b.key ? (a.entry.name < b.entry.name ? -1 : 1) : a.key < b.key ? -1 : 1));
    const sorted = all.map(({ entry }) => entry);
    this.#keep(cid, sorted);
    return sorted;
  }

  #keep(cid: string, all: readonly FolderEntry[]): void {
    // Listed twice at the same time.
    if (this.#kept.has(cid)) return;
    this.#kept.set(cid, all);
    this.#keptEntries += all.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#keptEntries <= maxKeptEntries) return;
      this.#kept.delete(oldest);
      this.#keptEntries -= length;
    }
  }
}

async function opened(files: Reads, cid: string, signal: AbortSignal) {
  try {
    return await files.entryAt(cid, [], signal);
  } catch (error) {
    if (error instanceof ChordialError) return null;
    throw error;
  }
}
