/**
 * Very frequent words are split over several keys (spec/4, Search), so that the few hosts of one key do not hold a
 * posting of every other file.
 *
 * Publishers find out which words are frequent by asking the places of those that they use often themselves. From then
 * on their postings of such a word go to one of sixteen keys, `word:0` to `word:15`, chosen by the file's name and
 * publisher; older postings under the word itself stay. A mark under the word itself, an entry that never expires,
 * tells readers to query the sixteen as well. It is durable before the first posting goes elsewhere, so that no reader
 * misses one.
 *
 * Since it is not recorded what was published when, postings are withdrawn under both keys.
 */

import { hash } from 'node:crypto';
import type { Clock, Milliseconds } from '@chordial/ring';
import { forEachConcurrently } from '../flow/for-each.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { EncodedEntry, UnsignedEntry } from '../records/entry.ts';
import { signEntry } from '../records/entry.ts';
import type { Signing } from '../records/names.ts';
import type { RecordWriter } from '../records/record-writer.ts';
import type { Catalog } from '../storage/catalog.ts';
import { postingWordsOf } from './words.ts';

/** Number of postings of a word, according to its own key. */
export interface WordFrequency {
  readonly count: number;
  readonly isSplit: boolean;
}

/** How this host publishes postings. */
export interface PostingPorts extends Signing {
  readonly writer: Pick<RecordWriter, 'store'>;
  readonly settings: Pick<Catalog, 'setting' | 'settings' | 'setSetting'>;
  readonly clock: Clock;
}

export interface SplitRule {
  /** A word is split beyond this many postings under one key. */
  readonly splitAt?: number;
  /** A word is checked after so many uses here. */
  readonly lookedAtAfter?: number;
}

/** Some 50 ms of reading for the answering host, and a megabyte. */
const splitAtPostings = 5000;
/** A publisher with fewer files of a word adds at most these to its own key. */
const lookedAtAfterPostings = 8;
const places = 16;
/** Split words of this publisher; very frequent ones are few. */
const maxSplit = 4096;
const maxCountedWords = 65_536;
/** Words checked before one announcement, concurrently. */
const maxAsked = 256;
const askConcurrency = 16;
const askedAgainMilliseconds: Milliseconds = 600_000;
const setting = 'split-words';

interface Use {
  count: number;
  /** Time of its last check, and number of uses then. */
  asked: { readonly at: Milliseconds; readonly count: number } | null;
}

export class FrequentWords {
  readonly #ports: PostingPorts;
  readonly #frequencyOf: (word: string) => Promise<WordFrequency>;
  readonly #rule: SplitRule;
  readonly #split: Set<string>;
  /** Least recently used first. */
  readonly #uses = new BoundedCache<string, Use>(maxCountedWords);

  /** @param frequencyOf asks the places of a word; rejects with a ChordialError when none answers */
  constructor(ports: PostingPorts, frequencyOf: (word: string) => Promise<WordFrequency>, rule: SplitRule = {}) {
    this.#ports = ports;
    this.#frequencyOf = frequencyOf;
    this.#rule = rule;
    const known = ports.settings.setting(setting);
    this.#split = new Set(Array.isArray(known) ? known.filter((word) => typeof word === 'string') : []);
  }

  /** Keys for the postings of a name from now on. At most `maxPostings`. */
  readonly wordsOf = (name: string): readonly string[] =>
    postingWordsOf(name).map((word) => (this.#split.has(word) ? this.#placed(word, name) : word));

  /** Keys under which its postings may ever have been published. */
  readonly everWordsOf = (name: string): readonly string[] => {
    const words = postingWordsOf(name);
    return [...words, ...words.filter((word) => this.#split.has(word)).map((word) => this.#placed(word, name))];
  };

  /**
   * Awaited before names are published: checks which of their words have become frequent. Never rejects for lack of
   * answers.
   */
  async prepare(names: readonly string[]): Promise<void> {
    const words = new Set(names.flatMap((name) => this.#used(name)));
    const now = this.#ports.clock.now();
    const doubtful = [...words]
      .flatMap((word) => {
        const use = this.#uses.get(word);
        return use !== undefined && this.#isDoubtful(word, use, now) ? [{ word, use }] : [];
      })
      .sort((a, b) => b.use.count - a.use.count)
      .slice(0, maxAsked);
    const found: string[] = [];
    await forEachConcurrently(doubtful, askConcurrency, async ({ word, use }) => {
      use.asked = { at: now, count: use.count };
      if (await this.#isFrequent(word, use.count)) found.push(word);
    });
    await this.#splitFromNowOn(found);
  }

  #isDoubtful(word: string, { count, asked }: Use, now: Milliseconds): boolean {
    const { lookedAtAfter = lookedAtAfterPostings } = this.#rule;
    if (count < lookedAtAfter || this.#split.has(word)) return false;
    return asked === null || asked.at + askedAgainMilliseconds < now || asked.count * 2 <= count;
  }

  #used(name: string): readonly string[] {
    const words = postingWordsOf(name);
    for (const word of words) {
      const use = this.#uses.get(word) ?? { count: 0, asked: null };
      use.count += 1;
      this.#uses.set(word, use);
    }
    return words;
  }

  async #isFrequent(word: string, own: number): Promise<boolean> {
    const { splitAt = splitAtPostings } = this.#rule;
    if (own >= splitAt) return true;
    try {
      const { count, isSplit } = await this.#frequencyOf(word);
      return isSplit || count + own >= splitAt;
    } catch {
      // No host answers for the word now: it stays unsplit, and is checked again later.
      return false;
    }
  }

  async #splitFromNowOn(words: readonly string[]): Promise<void> {
    const fresh = words.slice(0, Math.max(0, maxSplit - this.#split.size));
    if (fresh.length === 0) return;
    await this.#ports.writer.store(fresh.map((word) => this.#mark(word)));
    await this.#ports.settings.setSetting(setting, [...this.#split, ...fresh]);
    for (const word of fresh) this.#split.add(word);
  }

  #mark(word: string): EncodedEntry {
    const { signer, networkId, clock } = this.#ports;
    const entry: UnsignedEntry = {
      kind: 'posting',
      subject: Buffer.from(`${word}\0*\0*`),
      publisher: signer.host,
      sequence: clock.wallTime(),
      expiry: null,
      body: { split: true },
    };
    return signEntry(entry, networkId, (bytes) => signer.sign(bytes));
  }

  #placed(word: string, name: string): string {
    const digest = hash('sha256', `${this.#ports.signer.host}\0${name}`, 'buffer');
    return `${word}:${digest[0]! % places}`;
  }
}

/** The additional keys of a split word. */
export function splitsOf(word: string): readonly string[] {
  return Array.from({ length: places }, (_, place) => `${word}:${place}`);
}

/** Whether a posting is the mark of a split word. */
export function isSplitMark({ body }: Pick<UnsignedEntry, 'body'>): boolean {
  return body?.['split'] === true;
}
