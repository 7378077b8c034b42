/** A typed line as words: spaces divide, quotes and backslashes keep together. */
import { ChordialError } from '../errors.ts';

const pieces = /\s*("((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^\s"'\\]|\\.)+))/gy;

/** Throws `bad-usage` for a quote that is not closed. */
export function wordsOfLine(line: string): readonly string[] {
  const words: string[] = [];
  let at = 0;
  while (line.slice(at).trim() !== '') {
    pieces.lastIndex = at;
    const match = pieces.exec(line);
    if (match === null) {
      throw new ChordialError(
        'bad-usage',
        `A quote in ${JSON.stringify(line)} is not closed. Close it, or write \\ before it.`,
      );
    }
    const word = match[3] ?? (match[2] ?? match[4] ?? '').replace(/\\(.)/g, '$1');
    const isJoined = at > 0 && !/^\s/.test(line.slice(at));
    if (isJoined) words[words.length - 1] += word;
    else words.push(word);
    at = pieces.lastIndex;
  }
  return words;
}
