/** Splits a typed line into words at spaces; quotes and backslashes group. */
import { ChordialError } from '../errors.ts';

/** Not JavaScript's white space: names contain no-break spaces and byte order marks. */
const pieces = /[ \t\r\n]*("((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^ \t\r\n"'\\]|\\.)+))/gy;

/** Throws `bad-usage` for an unclosed quote. */
export function wordsOfLine(line: string): readonly string[] {
  const words: string[] = [];
  let at = 0;
  while (/[^ \t\r\n]/.test(line.slice(at))) {
    pieces.lastIndex = at;
    const match = pieces.exec(line);
    if (match === null) {
      throw new ChordialError(
        'bad-usage',
        `A quote in ${JSON.stringify(line)} is not closed. Close it, or write \\ before it.`,
      );
    }
    const word = match[3] ?? (match[2] ?? match[4] ?? '').replace(/\\(.)/g, '$1');
    const isJoined = at > 0 && !/^[ \t\r\n]/.test(line.slice(at));
    if (isJoined) words[words.length - 1] += word;
    else words.push(word);
    at = pieces.lastIndex;
  }
  return words;
}
