/**
 * Search by words: the owners of the words report how many postings they hold, and the rarest word's places get the
 * whole query. Two of them are asked, so that neither one that lacks postings nor one that hides them decides alone.
 */

import { type Contact, ringIdOfHash } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { TransportError } from '../network/transport.ts';
import { AskReplicas } from '../records/ask-replicas.ts';
import { wordKey } from '../records/record-keys.ts';
import type { Registry } from '../wire/message.ts';
import type { QueryTold } from './broadcast.ts';
import { splitsOf, type WordFrequency } from './frequent-words.ts';
import { type Hit, hitKey } from './hit.ts';
import { matchQuality } from './match.ts';
import { hitOf } from './posting-entry.ts';
import { demandedWords, parseWordQuery, type WordQuery } from './query.ts';
import {
  type HitPage,
  maxCounted,
  maxHitsPerPage,
  maxSkip,
  searchMessages,
  type WordQuestion,
} from './search-messages.ts';
import type { SearchPorts } from './search-ports.ts';
import { beginningOf } from './words.ts';

type Ports = Pick<SearchPorts, 'view' | 'transport' | 'places' | 'replicas' | 'placement' | 'index'>;

const deadlineMilliseconds = 1500;
/** Places asked concurrently for each page; the next ones when these do not answer. */
const placesAsked = 2;
const maxPlacesTried = 5;

/** Postings of one key in flight. */
interface Reading {
  readonly word: string;
  readonly hosts: readonly Contact[];
  readonly skip: number;
}

export class WordSearch {
  readonly #ports: Ports;
  readonly #told: (what: QueryTold) => void;

  constructor(ports: Ports, told: (what: QueryTold) => void = () => undefined) {
    this.#ports = ports;
    this.#told = told;
  }

  /** Hits as they arrive, best first as far as the hosts asked agree. Throws `bad-request` or `no-live-source`. */
  async *search(id: string, text: string, signal: AbortSignal): AsyncGenerator<readonly Hit[], void, undefined> {
    const query = parseWordQuery(text);
    const chosen = await this.#rarest(query, signal);
    if (chosen === null) return;
    const given = new Set<string>();
    let { isSplit } = chosen;
    let readings = await this.#readingsOf(isSplit ? [chosen.word, ...splitsOf(chosen.word)] : [chosen.word]);
    while (readings.length > 0) {
      const rounds = await Promise.all(readings.map((reading) => this.#next(reading, id, text, signal)));
      const hits = rounds.flatMap(({ pages }) => pages.flatMap((page) => page.hits));
      const fresh = hits.filter((hit) => !given.has(hitKey(hit)) && given.add(hitKey(hit)));
      if (fresh.length > 0) yield rounds.length === 1 ? fresh : inOrder(query, fresh);
      readings = rounds.flatMap(({ rest }) => rest ?? []);
      if (isSplit || !rounds.some(({ pages }) => pages.some((page) => page.isSplit))) continue;
      isSplit = true;
      readings = [...readings, ...(await this.#readingsOf(splitsOf(chosen.word)))];
    }
  }

  /** Number of postings of a word: the maximum over the places asked. Rejects with `no-live-source`. */
  async frequencyOf(word: string, signal?: AbortSignal): Promise<WordFrequency> {
    const frequencyAt = async (host: Contact): Promise<WordFrequency> => {
      if (host.host === this.#ports.view.self.host) return this.#ports.index.frequency(word);
      const options = { deadline: deadlineMilliseconds, ...(signal === undefined ? {} : { signal }) };
      return (await searchMessages.count.ask(this.#ports.transport, host, { words: [word] }, options))[0]!;
    };
    const answers = await this.#ask(
      await this.#hostsOf(word),
      frequencyAt,
      ({ count, isSplit }) => count === 0 && !isSplit,
    );
    return {
      count: Math.max(...answers.map(({ count }) => count)),
      isSplit: answers.some(({ isSplit }) => isSplit),
    };
  }

  // REQUESTS OF OTHERS

  answerIn<Payload>(registry: Registry<Contact, Payload>): Registry<Contact, Payload> {
    return registry
      .on(searchMessages.count, ({ words }) => words.map((word) => this.#ports.index.frequency(word)))
      .on(searchMessages.query, (question) => {
        const page = this.#pageHere(question);
        const { id, query, skip } = question;
        if (skip === 0) this.#told({ id, query, role: 'answered', hash: null, responses: page.total });
        return page;
      });
  }

  #pageHere({ word, query, skip, limit }: WordQuestion): HitPage {
    const found = this.#ports.index.find(word, readQuery(query));
    const isSplit = this.#ports.index.isSplit(word);
    return { hits: found.slice(skip, skip + limit).map(hitOf), total: found.length, isSplit };
  }

  /** Null when one of the words has no postings: then nothing matches. */
  async #rarest(query: WordQuery, signal: AbortSignal): Promise<{ word: string; isSplit: boolean } | null> {
    const demanded = demandedWords(query);
    // For a long name prefixes have no postings, so whole words are queried when available.
    const words = demanded.length > 0 ? demanded : query.beginnings.map(beginningOf);
    if (words.length === 0) {
      const message =
        'The query has no word to look for. Add one of at least two letters, or ask every peer for parts of names with --broadcast.';
      throw new ChordialError('bad-request', message);
    }
    if (words.length === 1) return { word: words[0]!, isSplit: false };
    const frequencies = await Promise.all(words.map((word) => this.frequencyOf(word, signal)));
    // The total of a split word is unknown, but it is frequent.
    const counts = frequencies.map(({ count, isSplit }) => (isSplit ? count + maxCounted : count));
    const least = Math.min(...counts);
    const place = counts.indexOf(least);
    return least === 0 ? null : { word: words[place]!, isSplit: frequencies[place]!.isSplit };
  }

  #readingsOf(words: readonly string[]): Promise<readonly Reading[]> {
    return Promise.all(words.map(async (word) => ({ word, hosts: await this.#hostsOf(word), skip: 0 })));
  }

  /** The next pages of a word, and the rest of it. */
  async #next(
    { word, hosts, skip }: Reading,
    id: string,
    query: string,
    signal: AbortSignal,
  ): Promise<{ readonly pages: readonly HitPage[]; readonly rest: Reading | null }> {
    const pages = await this.#pages(hosts, { id, word, query, skip, limit: maxHitsPerPage }, signal);
    const end = skip + maxHitsPerPage;
    const isOver = end > maxSkip || pages.every(({ hits, total }) => hits.length === 0 || end >= total);
    return { pages, rest: isOver ? null : { word, hosts, skip: end } };
  }

  #pages(hosts: readonly Contact[], question: WordQuestion, signal: AbortSignal): Promise<readonly HitPage[]> {
    const pageAt = async (host: Contact): Promise<HitPage> => {
      if (host.host === this.#ports.view.self.host) return this.#pageHere(question);
      const options = { deadline: deadlineMilliseconds, signal };
      return searchMessages.query.ask(this.#ports.transport, host, question, options);
    };
    return this.#ask(hosts, pageAt, ({ hits }) => question.skip === 0 && hits.length === 0);
  }

  async #hostsOf(word: string): Promise<readonly Contact[]> {
    const { placement, places, replicas } = this.#ports;
    const { hosts } = await placement.likely(ringIdOfHash(wordKey(word), places.bits), replicas);
    return hosts.slice(0, maxPlacesTried);
  }

  /** Answers of two hosts, at least one, and of further ones while these have nothing. Rejects with `no-live-source`. */
  async #ask<Answer>(
    hosts: readonly Contact[],
    ask: (host: Contact) => Promise<Answer>,
    isNothing: (answer: Answer) => boolean,
  ): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    const failures: string[] = [];
    const asking = new AskReplicas(hosts, {
      need: placesAsked,
      ask,
      answered: (_, answer) => {
        answers.push(answer);
        // Two hosts that report nothing may both be lying.
        return answers.every(isNothing);
      },
      failed: (_, error) => {
        if (!(error instanceof TransportError)) throw error;
        failures.push(error.message);
        return true;
      },
      isEnough: () => false,
    });
    await asking.run();
    if (answers.length > 0) return answers;
    const message = `None of the peers that keep the index of these words answers (${failures.slice(-2).join(' ')}). Try again in a moment.`;
    throw new ChordialError('no-live-source', message);
  }
}

/** Pages of several keys are each in order; the order by live sources is lost when merged. */
function inOrder(query: WordQuery, hits: readonly Hit[]): readonly Hit[] {
  const ranked = hits.map((hit) => {
    const { name, size, source } = hit;
    return { hit, quality: matchQuality(query, { name, size, publisher: source.host }) ?? 0 };
  });
  return ranked.sort((a, b) => b.quality - a.quality || b.hit.time - a.hit.time).map(({ hit }) => hit);
}

/** An unparsable query is refused like any malformed message. */
function readQuery(text: string): WordQuery {
  try {
    return parseWordQuery(text);
  } catch (error) {
    throw new TransportError('refused', (error as Error).message, 'bad-request');
  }
}
