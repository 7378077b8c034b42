/** Searching as the peer offers it: by words through the index, or by asking everybody; and the answers to others. */
import { randomUUID } from 'node:crypto';
import { ChordialError } from '../errors.ts';
import { TransportError } from '../network/transport.ts';
import type { Contact } from '../ring/pointer.ts';
import type { Clock, Milliseconds } from '../ring/ports.ts';
import { Broadcast, type BroadcastPorts } from './broadcast.ts';
import { Expressions } from './expressions.ts';
import type { WordFrequency } from './frequent-words.ts';
import type { Hit } from './hit.ts';
import { parsePattern } from './pattern.ts';
import { Queries, type Query, type QueryMode, type RecentQuery, RunningQuery } from './queries.ts';
import { parseWordQuery } from './query.ts';
import { maximumBroadcastHits, maximumHops, searchMessages } from './search-messages.ts';
import { WordSearch, type WordSearchPorts } from './word-search.ts';

export interface SearchOptions {
  readonly mode: QueryMode;
  /** How often a broadcast may be handed on; enough for any ring unless given. */
  readonly hops?: number;
}

/** Live copies of the first blocks of contents, counted within so many milliseconds. */
export type CountCopies = (cids: readonly string[], milliseconds: Milliseconds) => Promise<readonly number[]>;

export type SearchPorts = { readonly copiesOf: CountCopies } & Omit<BroadcastPorts, 'told' | 'expressions'> &
  Omit<WordSearchPorts, 'told'> & {
    readonly clock: Clock;
    /** Told of every query that was asked, answered or handed on here. */
    readonly noted?: (query: RecentQuery) => void;
  };

const maximumCountedHits = 200;
const countingMilliseconds: Milliseconds = 500;
const broadcastMilliseconds: Milliseconds = 10_000;
/** Further hits are of no use to anybody who reads; another word narrows the query. */
const maximumWordHits = 10_000;

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
    this.#words = new WordSearch({ ...ports, told });
    this.#broadcast = new Broadcast({ ...ports, told, expressions: this.#expressions });
  }

  /** Rejects with `bad-request` for a query that cannot be. An empty one is for everything and is a broadcast. */
  async start(query: string, { mode, hops = maximumHops }: SearchOptions): Promise<RunningQuery> {
    const isBroadcast = mode === 'broadcast' || query.trim() === '';
    if (isBroadcast) await this.#checkPattern(query);
    else parseWordQuery(query);
    if (!Number.isInteger(hops) || hops < 1 || hops > maximumHops) {
      throw new ChordialError('bad-request', `A hop limit of ${hops} cannot be: give 1 to ${maximumHops}.`);
    }
    const running = new RunningQuery(
      randomUUID(),
      query,
      isBroadcast ? 'broadcast' : 'words',
      this.#ports.clock.wallTime(),
    );
    this.#queries.add(running);
    const work = isBroadcast ? this.#askEverybody(running, hops) : this.#askIndex(running);
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

  /** How often a word stands in the index. Rejects with `no-live-source`. */
  frequencyOf(word: string): Promise<WordFrequency> {
    return this.#words.frequencyOf(word);
  }

  handles(kind: string): boolean {
    return kind.startsWith('search.');
  }

  /** For `Handlers.request`. */
  async request(from: Contact, kind: string, body: unknown): Promise<unknown> {
    if (kind === searchMessages.count) return this.#words.count(body);
    if (kind === searchMessages.query) return this.#words.query(body);
    if (kind === searchMessages.ask) return this.#broadcast.asked(from, body);
    if (kind === searchMessages.hits) return this.#broadcast.found(body);
    throw new TransportError('refused', `There is no message ${JSON.stringify(kind.slice(0, 80))}.`, 'bad-request');
  }

  async #checkPattern(text: string): Promise<void> {
    const pattern = parsePattern(text);
    if (pattern.kind === 'expression') await this.#expressions.check(pattern.source);
  }

  async #askIndex(running: RunningQuery): Promise<{ answered: number; missed: number }> {
    const { id, query, ending } = running;
    for await (const hits of this.#words.search(id, query, ending.signal)) {
      running.add(await this.#counted(hits));
      if (running.hits.length >= maximumWordHits || ending.signal.aborted) break;
    }
    return { answered: 0, missed: 0 };
  }

  async #askEverybody(running: RunningQuery, hops: number): Promise<{ answered: number; missed: number }> {
    const { id, query } = running;
    // Hits are counted while others come, and the query ends when all are.
    const counting = new Set<Promise<void>>();
    const take = (hits: readonly Hit[]): void => {
      const counted = this.#counted(hits).then((them) => {
        running.add(them);
        counting.delete(counted);
      });
      counting.add(counted);
    };
    const asked = { id, pattern: query, hops, mostHits: maximumBroadcastHits, milliseconds: broadcastMilliseconds };
    const reached = await this.#broadcast.ask(asked, take);
    await Promise.all(counting);
    return reached;
  }

  /** Beyond some thousands nobody looks at single copies any more, and everybody would be asked about all of them. */
  async #counted(hits: readonly Hit[]): Promise<readonly Hit[]> {
    const put = hits.filter(({ isShared }) => !isShared).slice(0, maximumCountedHits);
    if (put.length === 0) return hits;
    const copies = await this.#ports.copiesOf(
      put.map(({ root }) => root.toString()),
      countingMilliseconds,
    );
    const known = new Map(put.map((hit, place) => [hit, copies[place] ?? null]));
    return hits.map((hit) => ({ ...hit, copies: known.get(hit) ?? null }));
  }

  #noteOwn({ id, query, mode, time, hits }: Query): void {
    const kind = mode === 'broadcast' ? parsePattern(query).kind : 'part';
    const hash = kind === 'sha256' || kind === 'cid' ? query.trim() : null;
    this.#queries.note({ id, time, query, role: 'asked', hash, responses: hits.length });
  }
}

function asFailure(error: unknown): ChordialError {
  if (error instanceof ChordialError) return error;
  if (error instanceof TransportError) {
    return new ChordialError('no-live-source', `The search was cut off: ${error.message} Try again in a moment.`);
  }
  return new ChordialError('internal', `The search met a bug: ${(error as Error).message}.`, { cause: error });
}
