/**
 * Codes that people read to each other: `7-coral-eagle-river`. The number says where to ask, the three words (33 bits)
 * are the password; they never leave the two ends.
 */
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { ChordialError } from '../errors.ts';

export interface Code {
  readonly number: number;
  /** In the canonical form `coral-eagle-river`. */
  readonly words: string;
}

/** Code, and the door at which to ask; null where none is named. */
export interface Given {
  readonly code: Code;
  /** HOST:PORT, or a URL. */
  readonly door: string | null;
}

export const maxNumber = 999;
export const wordsPerCode = 3;
/** Words of the list differ in these. */
const tellingLetters = 4;
const maxSuggestions = 3;
/** Of any code or what is taken for one. */
const maxCharacters = 256;

/** @param random from 0 up to, not including, 1 */
export function drawWords(random: () => number): string {
  return Array.from({ length: wordsPerCode }, () => wordlist[Math.floor(random() * wordlist.length)]).join('-');
}

export function textOfCode({ number, words }: Code): string {
  return `${number}-${words}`;
}

/** Whether it is meant as a code, with or without a door. */
export function looksLikeCode(text: string): boolean {
  return /^\s*\d{1,4}(?:[\s.,_-]|$)/.test(text);
}

/**
 * Capitals do not matter, nor what stands between the words; four letters of a word are enough. Throws `bad-usage` that
 * names the part that is wrong.
 */
export function parseCode(text: string): Given {
  const at = text.indexOf('@');
  const door = at === -1 ? null : text.slice(at + 1).trim();
  if (text.length > maxCharacters || door === '') throw notOne(text);
  const parts = (at === -1 ? text : text.slice(0, at))
    .toLowerCase()
    .split(/[\s.,_-]+/)
    .filter((part) => part !== '');
  const [first = '', ...given] = parts;
  const number = Number(first);
  if (!/^\d{1,4}$/.test(first) || number < 1 || number > maxNumber || given.length !== wordsPerCode) throw notOne(text);
  return { code: { number, words: given.map(wordOf).join('-') }, door };
}

function wordOf(typed: string): string {
  const long = typed.length >= tellingLetters;
  const word = wordlist.find((one) => one === typed || (long && one.startsWith(typed)));
  if (word !== undefined) return word;
  const close = suggestions(typed);
  const hint = close.length === 0 ? '' : ` Is it ${close.join(' or ')}?`;
  throw new ChordialError('bad-usage', `${JSON.stringify(typed)} is no word of a code.${hint}`);
}

function suggestions(typed: string): readonly string[] {
  const alike = wordlist.filter((word) => isOneApart(word, typed));
  const begun = typed.length < 2 ? [] : wordlist.filter((word) => word.startsWith(typed.slice(0, tellingLetters - 1)));
  return [...new Set([...alike, ...begun])].slice(0, maxSuggestions);
}

/** Whether one letter is wrong, missing or too many, or two neighbours are swapped. */
function isOneApart(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 1) return false;
  let start = 0;
  while (start < one.length && one[start] === other[start]) start++;
  const [rest, otherRest] = [one.slice(start), other.slice(start)];
  const swapped = (otherRest[1] ?? '') + (otherRest[0] ?? '') + otherRest.slice(2);
  return [
    rest.slice(1) === otherRest.slice(1),
    rest.slice(1) === otherRest,
    rest === otherRest.slice(1),
    rest === swapped,
  ].includes(true);
}

function notOne(text: string): ChordialError {
  const shown = JSON.stringify(text.slice(0, 60));
  return new ChordialError(
    'bad-usage',
    `${shown} is no code: a code is a number and ${wordsPerCode} words, such as 7-coral-eagle-river, with @DOOR:PORT behind it where no peer runs.`,
  );
}
