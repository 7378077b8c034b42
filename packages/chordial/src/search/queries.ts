/** Running and recent searches of this peer with their results, and recent queries of others in which it took part. */

import { ChordialError } from '../errors.ts';
import { type Said, type SentenceCode, said } from '../sentences.ts';
import { bestFirst, type Hit, hitKey, rowKey } from './hit.ts';

export type QueryMode = 'words' | 'broadcast';

export interface Query {
  readonly id: string;
  readonly query: string;
  readonly mode: QueryMode;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly hits: readonly Hit[];
  /** Null while it runs. */
  readonly end: QueryEnd | null;
}

export interface QueryEnd {
  readonly failure: ChordialError | null;
  /** Of a broadcast: hosts that searched, and parts of the ring that could not be reached. */
  readonly answered: number;
  readonly missed: number;
}

export interface RecentQuery {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly query: string;
  readonly role: 'asked' | 'answered' | 'forwarded';
  readonly hash: string | null;
  readonly responses: number;
}

const maxQueries = 64;
/** Holders per row; more would not be displayed, and may be made up. */
const maxHolders = 64;
/** Names under which one publisher is a holder of a content. */
const maxNamesPerHolder = 4;
/** Over all ended queries; the oldest are evicted. Some 400 bytes each. */
const maxKeptHits = 200_000;
const maxRecent = 200;
const maxShownCharacters = 200;

export class RunningQuery implements Query {
  readonly id: string;
  readonly query: string;
  /** A word query becomes a broadcast when requested and no word matches. */
  mode: QueryMode;
  readonly time: number;
  readonly hits: Hit[] = [];
  /** Grouped by content: all holders, best first. */
  readonly rows: (readonly Hit[])[] = [];
  /** Indices in `rows` in order of arrival or change, latest last. */
  readonly changes: number[] = [];
  readonly #places = new Map<string, number>();
  readonly ending = new AbortController();
  readonly #listeners = new Set<() => void>();
  end: QueryEnd | null = null;

  constructor(id: string, query: string, mode: QueryMode, time: number) {
    this.id = id;
    this.query = query;
    this.mode = mode;
    this.time = time;
  }

  add(hits: readonly Hit[]): void {
    for (const hit of hits) {
      this.hits.push(hit);
      const key = rowKey(hit);
      const place = this.#places.get(key) ?? this.rows.length;
      const holders = this.rows[place] ?? [];
      if (holders.length >= maxHolders || namesBy(hit, holders) >= maxNamesPerHolder) continue;
      this.#places.set(key, place);
      this.rows[place] = bestFirst([...holders, hit]);
      this.changes.push(place);
    }
    this.#tell();
  }

  /** These hits were verified. */
  verified(hits: readonly Hit[]): void {
    for (const hit of hits) {
      const place = this.#places.get(rowKey(hit));
      const holders = place === undefined ? undefined : this.rows[place];
      if (place === undefined || holders === undefined) continue;
      const key = hitKey(hit);
      this.rows[place] = bestFirst(holders.map((one) => (hitKey(one) === key ? { ...one, isVerified: true } : one)));
      this.changes.push(place);
    }
    if (hits.length > 0) this.#tell();
  }

  finish(end: QueryEnd): void {
    if (this.end !== null) return;
    this.end = end;
    this.#tell();
  }

  /** Called after every change. Returns how to stop listening. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function namesBy({ source, isShared }: Hit, holders: readonly Hit[]): number {
  return holders.filter((one) => one.source.host === source.host && one.isShared === isShared).length;
}

export class Queries {
  readonly #known = new Map<string, RunningQuery>();
  readonly #recent: RecentQuery[] = [];
  readonly #noted: (query: RecentQuery) => void;

  /** @param noted receives every recent query, in display form */
  constructor(noted: (query: RecentQuery) => void = () => undefined) {
    this.#noted = noted;
  }

  /** Makes room by evicting the oldest ended query, or by ending the oldest. */
  add(query: RunningQuery): void {
    if (this.#known.size >= maxQueries) {
      const oldest = [...this.#known.values()].find(({ end }) => end !== null) ?? this.#known.values().next().value!;
      oldest.ending.abort();
      this.#known.delete(oldest.id);
    }
    this.#known.set(query.id, query);
    let hits = [...this.#known.values()].reduce((sum, one) => sum + one.hits.length, 0);
    for (const one of this.#known.values()) {
      if (hits <= maxKeptHits) break;
      if (one.end === null) continue;
      hits -= one.hits.length;
      this.#known.delete(one.id);
    }
  }

  /** Throws `not-found`. */
  get(id: string): RunningQuery {
    const query = this.#known.get(id);
    if (query !== undefined) return query;
    throw new ChordialError('not-found', `There is no query ${JSON.stringify(id)} any more. Search again.`);
  }

  note(query: RecentQuery): void {
    const shown = { ...query, query: query.query.slice(0, maxShownCharacters) };
    this.#recent.unshift(shown);
    if (this.#recent.length > maxRecent) this.#recent.pop();
    this.#noted(shown);
  }

  /** Newest first. */
  recent(): readonly RecentQuery[] {
    return this.#recent;
  }

  close(): void {
    for (const query of this.#known.values()) query.ending.abort();
  }
}

export interface QueryLine {
  readonly kind: 'asked' | 'answered' | 'forwarded';
  readonly text: string;
  readonly code: SentenceCode;
  readonly values: Said['values'];
  readonly detail: Readonly<Record<string, unknown>>;
}

export function queryLine({ id, query, role, responses }: RecentQuery): QueryLine {
  const what = query.trim() === '' ? 'everything' : JSON.stringify(query);
  const hits = `${responses} ${responses === 1 ? 'hit' : 'hits'}`;
  const to = `${responses} ${responses === 1 ? 'peer' : 'peers'}`;
  const lines = {
    asked: said('asked', { query, responses }, `Searched for ${what}: ${hits}.`),
    answered: said('answered', { query, responses }, `Answered a search for ${what}: ${hits}.`),
    forwarded: said('forwarded', { query, peers: responses }, `Passed a search for ${what} on to ${to}.`),
  } as const;
  return { kind: role, ...lines[role], detail: { queryId: id, responses } };
}
