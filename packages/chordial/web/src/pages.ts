/** Long lists that the peer sorts and filters: only the pages in sight are asked for, and some around them are kept. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { FilePage } from '../../src/client/answers.ts';
import type { ApiFailure } from './api.ts';

export const rowsPerPage = 200;
/** Some 10 000 rows. */
const maxPagesKept = 50;

export type Counts = NonNullable<FilePage['counts']>;

export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
  /** Of the list before its filters. */
  readonly counts: Counts | null;
}

/** Rows from a place on, `rowsPerPage` of them. */
export type LoadPage<Row> = (skip: number, signal: AbortSignal) => Promise<Page<Row>>;

interface Kept<Row> {
  readonly rows: readonly Row[];
  /** The list has changed since. */
  isStale: boolean;
}

export class Pages<Row> {
  /** Null before the first answer. */
  total: number | null = null;
  counts: Counts | null = null;
  failure: ApiFailure | null = null;
  readonly #load: LoadPage<Row>;
  readonly #changed: () => void;
  /** By number, the one seen longest ago first. */
  readonly #pages = new Map<number, Kept<Row>>();
  readonly #loading = new Map<number, Promise<void>>();
  readonly #ending = new AbortController();
  /** Rows in sight; last is exclusive. */
  sight = { first: 0, last: 0 };

  constructor(load: LoadPage<Row>, changed: () => void) {
    this.#load = load;
    this.#changed = changed;
  }

  /** Undefined while it is not loaded. */
  at(index: number): Row | undefined {
    return this.#pages.get(Math.floor(index / rowsPerPage))?.rows[index % rowsPerPage];
  }

  /** Rows in sight; last is exclusive. */
  see(first: number, last: number): void {
    this.sight = { first, last };
    void this.#loadSight();
  }

  /** What is shown stays until what replaces it has come. */
  again(): void {
    for (const kept of this.#pages.values()) kept.isStale = true;
    // The peer sorts again when it is asked for the beginning.
    void this.#loadPage(0).then(() => this.#loadSight());
  }

  /** Rows of any part of the list; what is not loaded is asked for. */
  async range(first: number, last: number): Promise<readonly Row[]> {
    const rows: Row[] = [];
    for (let index = first; index < last; index += 1) {
      const page = Math.floor(index / rowsPerPage);
      if (!this.#pages.has(page)) await this.#loadPage(page);
      const row = this.at(index);
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }

  end(): void {
    this.#ending.abort();
  }

  async #loadSight(): Promise<void> {
    const { first, last } = this.sight;
    const end = Math.min(last, this.total ?? 1);
    for (let page = Math.floor(first / rowsPerPage); page * rowsPerPage < end; page += 1) {
      const kept = this.#pages.get(page);
      if (kept === undefined || kept.isStale) await this.#loadPage(page);
      // Scrolled on meanwhile: that comes first.
      if (this.sight.first !== first) return;
    }
  }

  #loadPage(page: number): Promise<void> {
    const loading = this.#loading.get(page) ?? this.#ask(page).finally(() => this.#loading.delete(page));
    this.#loading.set(page, loading);
    return loading;
  }

  async #ask(page: number): Promise<void> {
    const { signal } = this.#ending;
    try {
      const { rows, total, counts } = await this.#load(page * rowsPerPage, signal);
      if (signal.aborted) return;
      this.#pages.delete(page);
      this.#pages.set(page, { rows, isStale: false });
      for (const one of this.#pages.keys()) {
        if (this.#pages.size <= maxPagesKept) break;
        this.#pages.delete(one);
      }
      this.total = total;
      this.counts = counts ?? this.counts;
      this.failure = null;
    } catch (error) {
      if (signal.aborted) return;
      this.failure = error as ApiFailure;
    }
    this.#changed();
  }
}

/** Another `key` is another list; the one before is shown until its first rows are there. Null load: not yet known. */
export function usePages<Row>(key: string, load: LoadPage<Row> | null): Pages<Row> | null {
  const [, redraw] = useState(0);
  const [pages, setPages] = useState<Pages<Row> | null>(null);
  const isReady = load !== null;
  const shown = useRef<Pages<Row> | null>(null);
  useEffect(() => {
    if (load === null) return;
    const made = new Pages(load, () => {
      if (shown.current !== made) {
        const before = shown.current;
        shown.current = made;
        setPages(made);
        // The table tells only changes of what is in sight.
        if (before !== null) made.see(before.sight.first, before.sight.last);
      }
      redraw((count) => count + 1);
    });
    made.again();
    return () => made.end();
  }, [key, isReady]);
  return pages;
}
