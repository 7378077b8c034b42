/** This host's part of the index: the files under a word, from puts and shares, and the best ones for a query. */

import type { Clock, Contact, Milliseconds } from '@chordial/ring';
import { BoundedCache } from '../network/bounded-cache.ts';
import { type EncodedEntry, storedEntries } from '../records/entry.ts';
import { isCurrent } from '../records/merge.ts';
import { type RecordKey, wordKey } from '../records/record-keys.ts';
import type { ShareReader } from '../records/shares.ts';
import type { RecordTable } from '../storage/record-table.ts';
import { isSplitMark, type WordFrequency } from './frequent-words.ts';
import { matchQuality } from './match.ts';
import { type Posting, readPosting, readSharedPosting } from './posting-entry.ts';
import type { WordQuery } from './query.ts';

export interface WordIndexPorts {
  readonly table: Pick<RecordTable, 'inTurns'>;
  readonly shares: Pick<ShareReader, 'heldHere'>;
  readonly clock: Clock;
  readonly isDead: (host: Contact['host']) => boolean;
  /** Increases with every insertion or removal here, and with every death and return. */
  readonly changes: () => number;
}

/** Postings read for one word; more are found by adding another word. */
const maxPostings = 200_000;
/** Rows of one publisher before the next has its turn. */
const maxPostingsPerTurn = 1000;
/** Cached postings of a word serve the next pages of a query and other queries, longer the more they cost to read. */
const maxKeptMilliseconds: Milliseconds = 2000;
const keptMillisecondsPerHit = 5;
/** The same while nothing changes here: most searches for a frequent word find it cached. */
const unchangedMilliseconds: Milliseconds = 60_000;
const maxKeptHits = 200_000;
/** Answers cached for their next pages: matching and ranking a frequent word for each page would take all the time. */
const maxFound = 64;
/** Over all answers: they refer to hits that are mostly cached above. */
const maxFoundHits = 200_000;
/** Words whose counts are cached. */
const maxCounts = 1024;

interface Read {
  readonly hits: readonly Posting[];
  /** More postings are under the keys over which the word is split. */
  readonly isSplit: boolean;
}

/** Expiry, and expiry while nothing changes. */
interface Lasting {
  readonly until: Milliseconds;
  readonly unchangedUntil: Milliseconds;
  readonly changes: number;
}

type Kept = Read & Lasting;

export class WordIndex {
  readonly #ports: WordIndexPorts;
  /** Least recently used first. */
  readonly #kept = new Map<string, Kept>();
  #keptHits = 0;
  readonly #counted = new BoundedCache<string, WordFrequency & Lasting>(maxCounts);
  readonly #found = new Map<string, Pick<Kept, 'hits' | keyof Lasting>>();
  #foundHits = 0;

  constructor(ports: WordIndexPorts) {
    this.#ports = ports;
  }

  /** Without parsing the postings: all words of a query but the rarest are only counted. */
  frequency(word: string): WordFrequency {
    const read = this.#kept.get(word);
    if (this.#lasts(read)) return { count: read.hits.length, isSplit: read.isSplit };
    const known = this.#counted.get(word);
    if (this.#lasts(known)) return known;
    const frequency = this.#count(word);
    this.#counted.set(word, { ...frequency, ...this.#lasting(frequency.count) });
    return frequency;
  }

  /** Whether there are more postings under the keys over which the word is split. */
  isSplit(word: string): boolean {
    return this.#under(word).isSplit;
  }

  /** All that match the query, best first: by quality of the match, then those with a live source, then the newest. */
  find(word: string, query: WordQuery): readonly Posting[] {
    const name = `${word}\0${JSON.stringify(query)}`;
    const known = this.#found.get(name);
    if (this.#lasts(known)) return known.hits;
    const hits = this.#look(word, query);
    this.#forgetFound(name);
    this.#found.set(name, { hits, ...this.#lasting(this.#under(word).hits.length) });
    this.#foundHits += hits.length;
    for (const oldest of this.#found.keys()) {
      if (this.#found.size <= maxFound && this.#foundHits <= maxFoundHits) break;
      this.#forgetFound(oldest);
    }
    return hits;
  }

  #forgetFound(name: string): void {
    this.#foundHits -= this.#found.get(name)?.hits.length ?? 0;
    this.#found.delete(name);
  }

  #lasts<Known extends Lasting>(known: Known | undefined): known is Known {
    if (known === undefined) return false;
    const now = this.#ports.clock.now();
    return known.until > now || (known.unchangedUntil > now && known.changes === this.#ports.changes());
  }

  /** Hits read in this turn. */
  #lasting(hits: number): Lasting {
    const now = this.#ports.clock.now();
    const until = now + Math.min(maxKeptMilliseconds, hits * keptMillisecondsPerHit);
    return { until, unchangedUntil: now + unchangedMilliseconds, changes: this.#ports.changes() };
  }

  #look(word: string, query: WordQuery): readonly Posting[] {
    const found: { hit: Posting; rank: number }[] = [];
    for (const hit of this.#under(word).hits) {
      const quality = matchQuality(query, { name: hit.name, size: hit.size, publisher: hit.source.host });
      if (quality === null) continue;
      const isLive = !hit.isShared || !this.#ports.isDead(hit.source.host);
      found.push({ hit, rank: Math.round(quality * 2000) * 2 + (isLive ? 1 : 0) });
    }
    // Ties are broken alike on every host, so that pages from two of them agree.
    found.sort((a, b) => b.rank - a.rank || b.hit.time - a.hit.time || inFixedOrder(a.hit, b.hit));
    return found.map(({ hit }) => hit);
  }

  #count(word: string): WordFrequency {
    const { shares, clock } = this.#ports;
    const key = wordKey(word);
    const now = clock.wallTime();
    let [count, isSplit]: [number, boolean] = [0, false];
    for (const { entry } of this.#postings(key)) {
      if (!isCurrent(entry, now)) continue;
      if (isSplitMark(entry)) isSplit = true;
      else count += 1;
      if (count >= maxPostings) break;
    }
    return { count: count + shares.heldHere(key, 'posting').length, isSplit };
  }

  *#postings(key: RecordKey): Generator<EncodedEntry, void, undefined> {
    for (const row of this.#ports.table.inTurns(key, 'posting', maxPostingsPerTurn)) yield* storedEntries([row]);
  }

  #under(word: string): Read {
    const known = this.#kept.get(word);
    if (this.#lasts(known)) return known;
    const read = this.#read(word);
    this.#keep(word, { ...read, ...this.#lasting(read.hits.length) });
    return read;
  }

  #keep(word: string, read: Kept): void {
    this.#forget(word);
    this.#kept.set(word, read);
    this.#keptHits += read.hits.length;
    for (const [oldest, kept] of this.#kept) {
      if (this.#keptHits <= maxKeptHits && this.#lasts(kept)) break;
      this.#forget(oldest);
    }
  }

  #forget(word: string): void {
    this.#keptHits -= this.#kept.get(word)?.hits.length ?? 0;
    this.#kept.delete(word);
  }

  #read(word: string): Read {
    const { shares, clock } = this.#ports;
    const key = wordKey(word);
    const now = clock.wallTime();
    const hits: Posting[] = [];
    let isSplit = false;
    for (const encoded of this.#postings(key)) {
      if (!isCurrent(encoded.entry, now)) continue;
      isSplit ||= isSplitMark(encoded.entry);
      const hit = readPosting(encoded);
      if (hit !== null) hits.push(hit);
      if (hits.length >= maxPostings) break;
    }
    for (const entry of shares.heldHere(key, 'posting')) {
      const hit = readSharedPosting(entry);
      if (hit !== null) hits.push(hit);
    }
    return { hits: inTurns(hits, maxPostings), isSplit };
  }
}

/** So many of them, round robin over publishers. */
function inTurns(hits: Posting[], most: number): readonly Posting[] {
  if (hits.length <= most) return hits;
  const byPublisher = Map.groupBy(hits, ({ source }) => source.host);
  const taken: Posting[] = [];
  for (let from = 0; taken.length < most; from += maxPostingsPerTurn)
    for (const some of byPublisher.values()) taken.push(...some.slice(from, from + maxPostingsPerTurn));
  return taken.slice(0, most);
}

function inFixedOrder(a: Posting, b: Posting): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  if (a.source.host !== b.source.host) return a.source.host < b.source.host ? -1 : 1;
  return Buffer.compare(a.root, b.root);
}
