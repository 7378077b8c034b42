/** Searching as offered by the peer: by words through the index, or by broadcast; and the answers to others. */
import { randomUUID } from 'node:crypto';
import type { Contact, Milliseconds } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { Semaphore } from '../flow/semaphore.ts';
import { TransportError } from '../network/transport.ts';
import type { Registry } from '../wire/message.ts';
import { Broadcast } from './broadcast.ts';
import { Expressions } from './expressions.ts';
import type { WordFrequency } from './frequent-words.ts';
import { type Evidence, fileKey, type Hit } from './hit.ts';
import { matchQuality } from './match.ts';
import { parsePattern } from './pattern.ts';
import { Queries, type QueryMode, type RecentQuery, RunningQuery } from './queries.ts';
import { parseWordQuery, textOf, type WordQuery, withPublisherIds } from './query.ts';
import { maxBroadcastHits, maxHops } from './search-messages.ts';
import type { SearchPorts } from './search-ports.ts';
import { WordSearch } from './word-search.ts';

export interface SearchOptions {
  readonly mode: QueryMode;
  /** Hop limit of a broadcast; by default enough for any ring. */
  readonly hops?: number;
  /** By words: when none matches, all peers are asked for the text as part of names. */
  readonly orBroadcast?: boolean;
}

const maxCountedHits = 200;
const countingMilliseconds: Milliseconds = 500;
/** As many as are displayed; the publishers' entries of others are not read. */
const maxVerifiedFiles = 50;
const nameReadConcurrency = 8;
/** Limit on waiting for entries still being read when a query ends. */
const verifyingMilliseconds: Milliseconds = 1000;
const broadcastMilliseconds: Milliseconds = 10_000;
/** No one reads more hits; another word narrows the query. */
const maxWordHits = 10_000;

export class Search {
  readonly #ports: SearchPorts;
  readonly #words: WordSearch;
  readonly #broadcast: Broadcast;
  readonly #queries: Queries;
  readonly #expressions = new Expressions();

  constructor(ports: SearchPorts) {
    this.#ports = ports;
    this.#queries = new Queries(ports.noted);
    const told = (what: Omit<RecentQuery, 'time'>) => this.#queries.note({ ...what, time: ports.clock.wallTime() });
    this.#words = new WordSearch(ports, told);
    this.#broadcast = new Broadcast(ports, this.#expressions, told);
  }

  /**
   * Rejects with `bad-request` for an invalid query, with `not-found` or `ambiguous-member` for the name of a
   * publisher. An empty query matches everything and is a broadcast.
   */
  async start(query: string, { mode, hops = maxHops, orBroadcast = false }: SearchOptions): Promise<RunningQuery> {
    const isBroadcast = mode === 'broadcast' || query.trim() === '';
    const told = isBroadcast ? query : withPublisherIds(query, this.#ports.named ?? (() => []));
    if (isBroadcast) await this.#checkPattern(query);
    else parseWordQuery(told);
    if (!Number.isInteger(hops) || hops < 1 || hops > maxHops) {
      throw new ChordialError('bad-request', `A hop limit of ${hops} cannot be: give 1 to ${maxHops}.`);
    }
    const running = new RunningQuery(
      randomUUID(),
      query,
      isBroadcast ? 'broadcast' : 'words',
      this.#ports.clock.wallTime(),
    );
    this.#queries.add(running);
    const verifying = new Verifying(running, this.#ports);
    const asked = { running, told, verifying, hops };
    const asking = isBroadcast
      ? this.#askEverybody(asked, query)
      : orBroadcast
        ? this.#askIndexOrEverybody(asked)
        : this.#askIndex(asked);
    const work = asking.then(async (reached) => {
      await verifying.finish();
      return reached;
    });
    void work.then(
      (reached) => running.finish({ failure: null, ...reached }),
      (error: unknown) => running.finish({ failure: asFailure(error), answered: 0, missed: 0 }),
    );
    running.listen(() => {
      if (running.end !== null) this.#noteOwn(running);
    });
    return running;
  }

  /** Throws `not-found`. */
  get(id: string): RunningQuery {
    return this.#queries.get(id);
  }

  /** Newest first. */
  recent(): readonly RecentQuery[] {
    return this.#queries.recent();
  }

  async close(): Promise<void> {
    this.#queries.close();
    await this.#expressions.close();
  }

  /** Number of postings of a word. Rejects with `no-live-source`. */
  frequencyOf(word: string): Promise<WordFrequency> {
    return this.#words.frequencyOf(word);
  }

  answerIn<Payload>(registry: Registry<Contact, Payload>): Registry<Contact, Payload> {
    return this.#broadcast.answerIn(this.#words.answerIn(registry));
  }

  async #checkPattern(text: string): Promise<void> {
    const pattern = parsePattern(text);
    if (pattern.kind === 'expression') await this.#expressions.check(pattern.source);
  }

  async #askIndex({ running, told, verifying }: Asking): Promise<Reached> {
    const { id, ending } = running;
    await this.#addOwnSealed(running, parseWordQuery(told));
    for await (const hits of this.#words.search(id, told, ending.signal)) {
      const counted = await this.#counted(this.#shown(hits));
      running.add(counted);
      verifying.look(counted);
      if (running.hits.length >= maxWordHits || ending.signal.aborted) break;
    }
    return { answered: 0, missed: 0 };
  }

  async #addOwnSealed(running: RunningQuery, query: WordQuery): Promise<void> {
    for await (const hits of this.#ports.ownSealed?.() ?? []) {
      const found = hits.filter((hit) => matchQuality(query, { ...hit, publisher: hit.source.host }) !== null);
      if (found.length > 0) running.add(await this.#counted(found));
      if (running.hits.length >= maxWordHits || running.ending.signal.aborted) return;
    }
  }

  /** A single character of a script without single-character words, or part of a word, is found only this way. */
  async #askIndexOrEverybody(asking: Asking): Promise<Reached> {
    const { running } = asking;
    const text = textOf(running.query);
    try {
      await this.#askIndex(asking);
    } catch (error) {
      const hasNoWord = error instanceof ChordialError && error.code === 'bad-request';
      if (!hasNoWord || text === '') throw error;
    }
    if (running.hits.length > 0 || text === '' || running.ending.signal.aborted) return { answered: 0, missed: 0 };
    running.mode = 'broadcast';
    return this.#askEverybody(asking, text);
  }

  async #askEverybody({ running, verifying, hops }: Asking, pattern: string): Promise<Reached> {
    const { id } = running;
    // Replicas are counted while other hits arrive, and the query ends when all are counted.
    const counting = new Set<Promise<void>>();
    const take = (hits: readonly Hit[]): void => {
      const counted = this.#counted(this.#shown(hits)).then((them) => {
        running.add(them);
        verifying.look(them);
        counting.delete(counted);
      });
      counting.add(counted);
    };
    const asked = { id, pattern, hops, maxHits: maxBroadcastHits, milliseconds: broadcastMilliseconds };
    const reached = await this.#broadcast.ask(asked, take);
    await Promise.all(counting);
    return reached;
  }

  #shown(hits: readonly Hit[]): readonly Hit[] {
    const { isHidden } = this.#ports;
    return isHidden === undefined ? hits : hits.filter((hit) => !isHidden(hit));
  }

  /** Beyond some thousands replicas are not counted, since all peers would be asked about each. */
  async #counted(hits: readonly Hit[]): Promise<readonly Hit[]> {
    const put = hits.filter(({ isShared }) => !isShared).slice(0, maxCountedHits);
    if (put.length === 0) return hits;
    const copies = await this.#ports.copiesOf(
      put.map(({ root }) => root.toString()),
      countingMilliseconds,
    );
    const known = new Map(put.map((hit, place) => [hit, copies[place] ?? null]));
    return hits.map((hit) => ({ ...hit, copies: known.get(hit) ?? null }));
  }

  #noteOwn({ id, query, mode, time, rows }: RunningQuery): void {
    const kind = mode === 'broadcast' ? parsePattern(query).kind : 'part';
    const hash = kind === 'sha256' || kind === 'cid' ? query.trim() : null;
    this.#queries.note({ id, time, query, role: 'asked', hash, responses: rows.length });
  }
}

interface Asking {
  readonly running: RunningQuery;
  /** The query as sent to other peers: with a publisher's id in place of its name. */
  readonly told: string;
  readonly verifying: Verifying;
  readonly hops: number;
}

interface Reached {
  readonly answered: number;
  readonly missed: number;
}

/** Reads the entries of displayed files beside the search. */
class Verifying {
  readonly #running: RunningQuery;
  readonly #ports: Pick<SearchPorts, 'evidenceOf' | 'clock'>;
  readonly #evidence = new Map<string, Promise<readonly Evidence[]>>();
  readonly #files = new Set<string>();
  readonly #semaphore = new Semaphore(nameReadConcurrency);
  readonly #open = new Set<Promise<void>>();

  constructor(running: RunningQuery, ports: Pick<SearchPorts, 'evidenceOf' | 'clock'>) {
    this.#running = running;
    this.#ports = ports;
  }

  look(hits: readonly Hit[]): void {
    for (const hit of hits) if (this.#files.size < maxVerifiedFiles) this.#files.add(fileKey(hit));
    const wanted = hits.filter((hit) => this.#files.has(fileKey(hit)));
    for (const [name, some] of Map.groupBy(wanted, (hit) => hit.name)) {
      const one = this.#verify(name, some).finally(() => this.#open.delete(one));
      this.#open.add(one);
    }
  }

  async finish(): Promise<void> {
    if (this.#open.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#ports.clock.after(verifyingMilliseconds, resolve);
    await Promise.race([Promise.all(this.#open), promise]);
    timer.cancel();
  }

  async #verify(name: string, hits: readonly Hit[]): Promise<void> {
    const asked = this.#evidence.get(name) ?? this.#semaphore.pass(() => this.#ports.evidenceOf(name));
    this.#evidence.set(name, asked);
    try {
      const evidence = await asked;
      const isTrue = ({ root, size, isShared, source }: Hit): boolean =>
        evidence.some(
          (one) => one.host === source.host && one.isShared === isShared && one.size === size && one.root.equals(root),
        );
      this.#running.verified(hits.filter(isTrue));
    } catch (error) {
      // No host answers: they stay unverified.
      if (!(error instanceof ChordialError) && !(error instanceof TransportError)) throw error;
    }
  }
}

function asFailure(error: unknown): ChordialError {
  if (error instanceof ChordialError) return error;
  if (error instanceof TransportError) {
    return new ChordialError('no-live-source', `The search was cut off: ${error.message} Try again in a moment.`);
  }
  return new ChordialError('internal', `The search met a bug: ${(error as Error).message}.`, { cause: error });
}
