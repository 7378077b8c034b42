/**
 * Searching by words: the owners of the words say how many postings they hold, and the one with the fewest is given the
 * whole query. Two of its places are asked, so that neither one that lacks some nor one that hides some decides alone.
 */

import { ChordialError } from '../errors.ts';
import { type Transport, TransportError } from '../network/transport.ts';
import { type RecordPlaces, wordKey } from '../records/record-keys.ts';
import { type RingId, ringIdOfHash } from '../ring/identifier.ts';
import type { Contact } from '../ring/pointer.ts';
import type { RingView } from '../ring/view.ts';
import type { QueryTold } from './broadcast.ts';
import { type Hit, hitKey } from './hit.ts';
import { demandedWords, parseWordQuery, type WordQuery } from './query.ts';
import {
  decodeCountQuestion,
  decodeCounts,
  decodeHitPage,
  decodeWordQuestion,
  encodeCountQuestion,
  encodeCounts,
  encodeHitPage,
  encodeWordQuestion,
  type HitPage,
  maximumHitsPerPage,
  maximumSkip,
  searchMessages,
  type WordQuestion,
} from './search-messages.ts';
import type { WordIndex } from './word-index.ts';
import { beginningOf } from './words.ts';

export interface WordSearchPorts {
  readonly view: Pick<RingView, 'self'>;
  readonly transport: Transport;
  readonly places: RecordPlaces;
  readonly replicas: number;
  readonly placement: {
    likely(key: RingId, wanted: number): Promise<{ readonly hosts: readonly Contact[] }>;
  };
  readonly index: WordIndex;
  readonly told?: (what: QueryTold) => void;
}

const deadlineMilliseconds = 1500;
/** Places asked at the same time for each page; the next ones when these do not answer. */
const placesAsked = 2;
const maximumPlacesTried = 5;

export class WordSearch {
  readonly #ports: WordSearchPorts;

  constructor(ports: WordSearchPorts) {
    this.#ports = ports;
  }

  /** Hits as they come, the best first as far as the hosts asked agree. Throws `bad-request` or `no-live-source`. */
  async *search(id: string, text: string, signal: AbortSignal): AsyncGenerator<readonly Hit[], void, undefined> {
    const query = parseWordQuery(text);
    const word = await this.#rarest(query, signal);
    if (word === null) return;
    const given = new Set<string>();
    const hosts = await this.#hostsOf(word);
    for (let skip = 0; skip <= maximumSkip; skip += maximumHitsPerPage) {
      const pages = await this.#pages(hosts, { id, word, query: text, skip, limit: maximumHitsPerPage }, signal);
      const fresh = pages
        .flatMap(({ hits }) => hits)
        .filter((hit) => !given.has(hitKey(hit)) && given.add(hitKey(hit)));
      if (fresh.length > 0) yield fresh;
      if (pages.every(({ hits, total }) => hits.length === 0 || skip + maximumHitsPerPage >= total)) return;
    }
  }

  // WHAT OTHERS ASK

  count(body: unknown): unknown {
    return encodeCounts(decodeCountQuestion(body).map((word) => this.#ports.index.count(word)));
  }

  query(body: unknown): unknown {
    const question = decodeWordQuestion(body);
    const page = this.#pageHere(question);
    const { id, query, skip } = question;
    if (skip === 0) this.#ports.told?.({ id, query, role: 'answered', hash: null, responses: page.total });
    return encodeHitPage(page);
  }

  #pageHere({ word, query, skip, limit }: WordQuestion): HitPage {
    const found = this.#ports.index.find(word, readQuery(query));
    return { hits: found.slice(skip, skip + limit), total: found.length };
  }

  /** Null when one of the words stands nowhere: then nothing answers the query. */
  async #rarest(query: WordQuery, signal: AbortSignal): Promise<string | null> {
    const demanded = demandedWords(query);
    // Of a long name the beginnings have no postings, so words are asked for where there are some.
    const words = demanded.length > 0 ? demanded : query.beginnings.map(beginningOf);
    if (words.length === 0) {
      const message = 'The query has no word to look for. Add one of at least two letters, or ask every peer.';
      throw new ChordialError('bad-request', message);
    }
    if (words.length === 1) return words[0]!;
    const counts = await Promise.all(words.map((word) => this.#countOf(word, signal)));
    const least = Math.min(...counts);
    return least === 0 ? null : words[counts.indexOf(least)]!;
  }

  /** The most that any of the places asked knows of. */
  async #countOf(word: string, signal: AbortSignal): Promise<number> {
    const counts = await this.#ask(await this.#hostsOf(word), async (host) => {
      if (host.host === this.#ports.view.self.host) return this.#ports.index.count(word);
      const options = { deadline: deadlineMilliseconds, signal };
      const answer = await this.#ports.transport.request(
        host,
        searchMessages.count,
        encodeCountQuestion([word]),
        options,
      );
      return decodeCounts(answer, 1)[0]!;
    });
    return Math.max(...counts);
  }

  #pages(hosts: readonly Contact[], question: WordQuestion, signal: AbortSignal): Promise<readonly HitPage[]> {
    return this.#ask(hosts, async (host) => {
      if (host.host === this.#ports.view.self.host) return this.#pageHere(question);
      const options = { deadline: deadlineMilliseconds, signal };
      const answer = await this.#ports.transport.request(
        host,
        searchMessages.query,
        encodeWordQuestion(question),
        options,
      );
      return decodeHitPage(answer);
    });
  }

  async #hostsOf(word: string): Promise<readonly Contact[]> {
    const { placement, places, replicas } = this.#ports;
    const { hosts } = await placement.likely(ringIdOfHash(wordKey(word), places.bits), replicas);
    return hosts.slice(0, maximumPlacesTried);
  }

  /** What two of the hosts answer, one at least. Rejects with `no-live-source`. */
  async #ask<Answer>(hosts: readonly Contact[], ask: (host: Contact) => Promise<Answer>): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    const failures: string[] = [];
    const waiting = hosts[Symbol.iterator]();
    const work = async (): Promise<void> => {
      for (const host of waiting) {
        try {
          answers.push(await ask(host));
          return;
        } catch (error) {
          // The next place stands in for one that does not answer.
          if (!(error instanceof TransportError)) throw error;
          failures.push(error.message);
        }
      }
    };
    await Promise.all(Array.from({ length: placesAsked }, work));
    if (answers.length > 0) return answers;
    const message = `None of the peers that keep the index of these words answers (${failures.slice(-2).join(' ')}). Try again in a moment.`;
    throw new ChordialError('no-live-source', message);
  }
}

/** A stranger's query that cannot be read is refused, as any other malformed message. */
function readQuery(text: string): WordQuery {
  try {
    return parseWordQuery(text);
  } catch (error) {
    throw new TransportError('refused', (error as Error).message, 'bad-request');
  }
}
