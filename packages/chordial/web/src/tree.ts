/** The rows of a folder that is shown as a tree: folders in it are read when they are opened, and page by page. */
import type { FolderPage } from '../../src/client/answers.ts';

export type TreeEntry = FolderPage['entries'][number];
/** Of one folder, from page 1. Rejects with what is shown in its place. */
export type ReadPage = (cid: string, page: number, signal: AbortSignal) => Promise<FolderPage>;

/** As many as the peer sends. */
const entriesPerPage = 200;

type Page = readonly TreeEntry[] | 'loading' | Error;

/** An open folder. */
export class Branch {
  readonly cid: string;
  /** Folder and place in it; null for the root. */
  readonly at: Place | null;
  readonly level: number;
  /** Null until its first page is there. */
  count: number | null = null;
  readonly pages = new Map<number, Page>();
  /** By place. */
  readonly open = new Map<number, Branch>();

  constructor(cid: string, at: Place | null) {
    this.cid = cid;
    this.at = at;
    this.level = at === null ? 1 : at.branch.level + 1;
  }

  /** Of its own, without those of open folders: one tells of an empty folder, or of one that is being read. */
  get own(): number {
    return Math.max(1, this.count ?? 1);
  }

  get rows(): number {
    let rows = this.own;
    for (const below of this.open.values()) rows += below.rows;
    return rows;
  }
}

export interface Place {
  readonly branch: Branch;
  /** In the folder. */
  readonly index: number;
}

export type TreeRow = Place &
  (
    | { readonly kind: 'entry'; readonly entry: TreeEntry; readonly isOpen: boolean }
    | { readonly kind: 'loading' | 'empty' }
    | { readonly kind: 'failed'; readonly error: Error }
  );

export class Tree {
  readonly root: Branch;
  readonly #read: ReadPage;
  readonly #changed: () => void;
  readonly #ending = new AbortController();

  constructor(cid: string, read: ReadPage, changed: () => void) {
    this.root = new Branch(cid, null);
    this.#read = read;
    this.#changed = changed;
    this.load(this.root, 0);
  }

  close(): void {
    this.#ending.abort();
  }

  get rows(): number {
    return this.root.rows;
  }

  /** @param row from 0, below `rows` */
  rowAt(row: number): TreeRow {
    const { branch, index } = placeAt(this.root, row);
    const place = { branch, index };
    if (branch.count === 0) return { ...place, kind: 'empty' };
    const page = branch.pages.get(pageOf(index));
    if (page === undefined || page === 'loading') return { ...place, kind: 'loading' };
    if (page instanceof Error) return { ...place, kind: 'failed', error: page };
    const entry = page[index % entriesPerPage];
    return entry === undefined
      ? { ...place, kind: 'loading' }
      : { ...place, kind: 'entry', entry, isOpen: branch.open.has(index) };
  }

  rowOf({ branch, index }: Place): number {
    let row = branch.at === null ? index : this.rowOf(branch.at) + 1 + index;
    for (const [place, below] of branch.open) if (place < index) row += below.rows;
    return row;
  }

  /** Whether it is still among the rows. */
  has({ branch, index }: Place): boolean {
    if (index >= branch.own) return false;
    const { at } = branch;
    return at === null ? branch === this.root : at.branch.open.get(at.index) === branch && this.has(at);
  }

  /** Opens a closed folder, and closes an open one. */
  toggle(row: TreeRow): void {
    if (row.kind !== 'entry' || row.entry.type !== 'directory') return;
    const { branch, index, entry } = row;
    if (!branch.open.delete(index)) {
      const below = new Branch(entry.cid, { branch, index });
      branch.open.set(index, below);
      this.load(below, 0);
    }
    this.#changed();
  }

  /** Reads what these rows need. */
  see(first: number, last: number): void {
    for (let row = first; row < Math.min(last, this.rows); row++) {
      const { branch, index } = placeAt(this.root, row);
      if (branch.count !== null && !branch.pages.has(pageOf(index))) this.load(branch, index);
    }
  }

  /** Also again, after a failure. */
  load(branch: Branch, index: number): void {
    const page = pageOf(index);
    branch.pages.set(page, 'loading');
    this.#read(branch.cid, page, this.#ending.signal)
      .then(
        ({ entries, count }) => {
          branch.count = count;
          branch.pages.set(page, entries);
        },
        (error: Error) => void branch.pages.set(page, error),
      )
      .finally(() => {
        if (!this.#ending.signal.aborted) this.#changed();
      });
  }
}

function pageOf(index: number): number {
  return Math.floor(index / entriesPerPage) + 1;
}

function placeAt(branch: Branch, row: number): Place {
  let before = 0;
  for (const [index, below] of [...branch.open].sort(([a], [b]) => a - b)) {
    const own = index + before;
    if (row <= own) break;
    if (row <= own + below.rows) return placeAt(below, row - own - 1);
    before += below.rows;
  }
  return { branch, index: row - before };
}
