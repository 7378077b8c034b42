/** The size of a regular expression with its repeats expanded, computed before anything is compiled. */
import { ChordialError } from '../errors.ts';

export const maxExpressionCharacters = 1000;
export const maxRepeats = 100;
/** Number of characters and character sets with repeats expanded. */
export const maxExpandedSize = 2000;

/** Throws `bad-request`. Other syntax errors are left to the compiler. */
export function checkExpressionSize(source: string): void {
  if (source.length > maxExpressionCharacters) {
    const message = `The expression has ${source.length} characters; the limit is ${maxExpressionCharacters}. Shorten it.`;
    throw new ChordialError('bad-request', message);
  }
  const size = new Sizing(source).size();
  if (size <= maxExpandedSize) return;
  const message = `The expression has ${size} parts with its repeats expanded; the limit is ${maxExpandedSize}. Repeat less, such as with * in place of {0,100}.`;
  throw new ChordialError('bad-request', message);
}

class Sizing {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Up to the end, or the parenthesis that closes a group. */
  size(): number {
    let all = 0;
    while (this.#at < this.#source.length) {
      const character = this.#source[this.#at];
      if (character === ')') break;
      all += this.#repeated(this.#atom());
    }
    return all;
  }

  #atom(): number {
    const character = this.#source[this.#at++];
    if (character === '\\') return this.#escape();
    if (character === '[') this.#set();
    else if (character === '(') {
      const inner = this.size();
      this.#at += 1;
      return inner + 1;
    }
    return 1;
  }

  /** `\pL`, `\p{Greek}`, `\x{10FFFF}` or one character; for `\Q…\E` everything quoted. */
  #escape(): number {
    const [all, quoted] = /^(?:[pPx]\{[^}]*\}|Q(.*?)(?:\\E|$)|.|$)/su.exec(this.#source.slice(this.#at)) ?? [''];
    this.#at += all.length;
    return quoted?.length ?? 1;
  }

  #set(): void {
    if (this.#source[this.#at] === '^') this.#at += 1;
    if (this.#source[this.#at] === ']') this.#at += 1;
    while (this.#at < this.#source.length && this.#source[this.#at] !== ']') {
      const inner = /^\[:\^?\w+:\]/.exec(this.#source.slice(this.#at));
      this.#at += inner?.[0].length ?? (this.#source[this.#at] === '\\' ? 2 : 1);
    }
    this.#at += 1;
  }

  #repeated(size: number): number {
    let all = size;
    for (;;) {
      const repeat = /^(?:[*+?]|\{(\d+)(?:,(\d*))?\})/.exec(this.#source.slice(this.#at));
      if (repeat === null) return all;
      this.#at += repeat[0].length;
      const [, least, most = ''] = repeat;
      if (least === undefined) continue;
      const times = Math.max(Number(least), Number(most), 1);
      if (times > maxRepeats) {
        const message = `The expression repeats a part ${times} times; the limit is ${maxRepeats}. Write * or + for any number.`;
        throw new ChordialError('bad-request', message);
      }
      all *= times;
    }
  }
}
