/** Whether a name with its size and publisher matches a query, and how well. */
import { extensionOf } from '../content/file-kinds.ts';
import type { WordQuery } from './query.ts';
import { exactly, phraseOf, undividedLineOf, wordsOf } from './words.ts';

export interface Candidate {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly publisher: string;
}

/**
 * Null when it does not match. Else from 0 to 1: the fraction of the name's letters that the query covers, so that
 * "annual report" ranks "annual report.pdf" over "draft of the annual report of 1987.pdf"; adjacent words in order
 * count more. Names with the accents and case as typed come before all others.
 */
export function matchQuality(query: WordQuery, { name, size, publisher }: Candidate): number | null {
  const { from, size: range } = query;
  if (range !== null && (size < range.least || size > range.most)) return null;
  if (from !== null && !publisher.startsWith(from) && !publisher.endsWith(from)) return null;
  if (query.types !== null && !query.types.includes(extensionOf(name))) return null;
  const text = new MatchedName(name);
  if (!query.words.every((word) => text.has(word)) || query.without.some((word) => text.has(word))) return null;
  if (!query.beginnings.every((beginning) => text.hasBeginning(beginning))) return null;
  if (!query.phrases.every((phrase) => text.hasInOrder(phrase))) return null;

  const covered = Math.min(1, lettersNamed(query) / Math.max(1, text.letters));
  const inOrder = query.words.length > 1 && text.hasInOrder(query.words);
  const fit = Math.min(1, 0.8 * covered + (inOrder ? 0.2 : 0));
  const line = exactly(name);
  return query.exact.every((word) => line.includes(word)) ? 0.5 + fit / 2 : fit / 2;
}

function lettersNamed({ words, phrases, beginnings }: WordQuery): number {
  let letters = 0;
  for (const word of words) letters += word.length;
  for (const phrase of phrases) for (const word of phrase) letters += word.length;
  for (const beginning of beginnings) letters += beginning.length;
  return letters;
}

const space = 0x20;

/** A name is split into all its words only where the undivided ones do not decide: one word may have 10^5 names. */
class MatchedName {
  readonly #name: string;
  readonly #line: string;
  #words: ReadonlySet<string> | null = null;
  #phrase: string | null = null;

  constructor(name: string) {
    this.#name = name;
    this.#line = undividedLineOf(name);
  }

  /** Of the undivided words. */
  get letters(): number {
    let letters = 0;
    for (let place = 0; place < this.#line.length; place++) if (this.#line.charCodeAt(place) !== space) letters += 1;
    return letters;
  }

  has(word: string): boolean {
    if (this.#line.includes(` ${word} `)) return true;
    return this.#line.includes(word) && this.#all().has(word);
  }

  hasBeginning(beginning: string): boolean {
    if (this.#line.includes(` ${beginning}`)) return true;
    return this.#line.includes(beginning) && [...this.#all()].some((word) => word.startsWith(beginning));
  }

  hasInOrder(words: readonly string[]): boolean {
    if (this.#line.includes(` ${words.join(' ')} `)) return true;
    if (!words.every((word) => this.#line.includes(word))) return false;
    this.#phrase ??= phraseOf(this.#name);
    return this.#phrase.includes(` ${words.join(' ')} `);
  }

  #all(): ReadonlySet<string> {
    this.#words ??= wordsOf(this.#name);
    return this.#words;
  }
}
