/**
 * File names in many scripts, generated from known words, and queries about them: the test knows the words that the product
 * must find by splitting names.
 */
import type { Random } from '@chordial/ring';

export interface InventedName {
  readonly name: string;
  readonly extension: string;
  /** All words, in their order, in lower case; writing without spaces is one of them. */
  readonly sequence: readonly string[];
  /** Compound words, in addition to the parts in `sequence`. */
  readonly joined: readonly string[];
}

export interface Wanted {
  /** As a user types it. */
  readonly text: string;
  readonly words: readonly string[];
  readonly without: readonly string[];
  readonly beginnings: readonly string[];
  /** Words one after the other. */
  readonly phrases: readonly (readonly string[])[];
  /** Characters one after the other in writing without spaces. */
  readonly inText: readonly string[];
  readonly extension: string | null;
  /** Bytes; the file has more. */
  readonly minSize: number | null;
}

const spaced = [
  ...'annual report draft holiday summer photo invoice budget meeting notes garden kitchen'.split(' '),
  ...'übung straßenkarte économie année façade niño corazón łódź žluťoučký ångström'.split(' '),
  ...'отчёт праздник музыка фотография встреча деньги'.split(' '),
  ...'αναφορά μουσική διακοπές κήπο'.split(' '),
  ...'تقرير صورة موسيقى ملف'.split(' '),
  ...'דוח תמונה מוזיקה'.split(' '),
  ...'रिपोर्ट संगीत तस्वीर'.split(' '),
  ...'보고서 사진 음악 여행'.split(' '),
];
const shortUnspaced = ['東京', '京都', '写真'];
const unspaced = [...shortUnspaced, '京都旅行', '報告書', '年度总结', '会议记录', 'カメラ', 'さくら', 'รายงาน'];
const extensions = ['pdf', 'jpg', 'txt', 'flac', 'zip'];
const separators = [' ', '_', '-', '.', ' - ', '+', ', '];

/** Short enough that all words and prefixes have postings: a file has at most 18. */
export function inventName(random: Random): InventedName {
  const sequence: string[] = [];
  const joined: string[] = [];
  const pieces: string[] = [];
  for (let count = 1 + below(random, 3); count > 0; count--) {
    const chance = random.next();
    const first = pick(random, spaced);
    if (chance < 0.15 && !sequence.some(isUnspaced)) {
      const characters = pick(random, unspaced) + (random.next() < 0.3 ? pick(random, shortUnspaced) : '');
      pieces.push(characters);
      sequence.push(characters);
    } else if (chance < 0.3 && hasCase(first)) {
      const second = pick(random, spaced.filter(hasCase));
      pieces.push(`${capitalised(first)}${capitalised(second)}`);
      sequence.push(first, second);
      joined.push(first + second);
    } else if (chance < 0.4) {
      const digits = String(10 + below(random, 2000));
      pieces.push(first + digits);
      sequence.push(first, digits);
      joined.push(first + digits);
    } else {
      pieces.push(random.next() < 0.5 ? capitalised(first) : first);
      sequence.push(first);
    }
  }
  const extension = pick(random, extensions);
  const name = pieces.reduce((name, piece) => name + pick(random, separators) + piece);
  return { name: `${name}.${extension}`.normalize('NFC'), extension, sequence: [...sequence, extension], joined };
}

/** A query that the name probably matches; it may contain a word of another name. */
export function wantedQuery({ sequence, joined, extension }: InventedName, random: Random): Wanted {
  const words: string[] = [];
  const without: string[] = [];
  const beginnings: string[] = [];
  const phrases: (readonly string[])[] = [];
  const inText: string[] = [];
  const text: string[] = [];
  const take = (word: string): void => {
    if (isUnspaced(word)) {
      const characters = [...word];
      const at = below(random, characters.length - 1);
      const part = characters.slice(at, at + 2 + below(random, characters.length - at - 1)).join('');
      inText.push(part);
      text.push(`"${part}"`);
    } else {
      // Letters and digits are separate words even without a separator.
      words.push(...(word.match(/\d+|\D+/g) ?? []));
      text.push(typed(word, random));
    }
  };
  for (let count = 1 + below(random, 3); count > 0; count--) take(pick(random, [...sequence, ...joined]));
  if (random.next() < 0.2) {
    const long = sequence.filter((word) => !isUnspaced(word) && [...word].length > 3);
    if (long.length > 0) {
      const beginning = [...pick(random, long)].slice(0, 3 + below(random, 2)).join('');
      beginnings.push(beginning);
      text.push(`${beginning}*`);
    }
  }
  const at = below(random, sequence.length - 1);
  const two = sequence.slice(at, at + 2);
  if (random.next() < 0.2 && two.length === 2 && !two.some(isUnspaced)) {
    phrases.push(two);
    text.push(`"${two.join(' ')}"`);
  }
  if (random.next() < 0.2) {
    without.push(pick(random, spaced));
    text.push(`-${without[0]}`);
  }
  const wantsType = random.next() < 0.15;
  if (wantsType) text.push(`type:${extension}`);
  const minSize = random.next() < 0.15 ? below(random, 300_000) : null;
  if (minSize !== null) text.push(`size:>${minSize}`);
  return {
    text: random.next() < 0.3 ? text.join(' ').normalize('NFD') : text.join('  '),
    words,
    without,
    beginnings,
    phrases,
    inText,
    extension: wantsType ? extension : null,
    minSize,
  };
}

/** Whether a name has the words, prefixes and phrases of a query, and none of the excluded ones. */
export function hasWords({ sequence, joined }: InventedName, wanted: Wanted): boolean {
  const all = new Set([...sequence, ...joined]);
  const follows = (phrase: readonly string[]) =>
    sequence.some((_, at) => phrase.every((word, place) => sequence[at + place] === word));
  return (
    wanted.words.every((word) => all.has(word)) &&
    !wanted.without.some((word) => all.has(word)) &&
    wanted.beginnings.every((beginning) => [...all].some((word) => !isUnspaced(word) && word.startsWith(beginning))) &&
    wanted.phrases.every(follows) &&
    wanted.inText.every((part) => sequence.some((word) => isUnspaced(word) && word.includes(part)))
  );
}

/** In random case: a capital is a word border only after a lower-case letter. */
function typed(word: string, random: Random): string {
  const chance = random.next();
  if (!hasCase(word) || chance < 0.5) return word;
  return chance < 0.75 ? capitalised(word) : word.toUpperCase();
}

/** Words that survive conversion to upper case and back; ß and a final ς do not. */
function hasCase(word: string): boolean {
  return word !== word.toUpperCase() && word.toUpperCase().toLowerCase() === word;
}

function isUnspaced(word: string): boolean {
  return unspaced.some((one) => word.startsWith(one));
}

function capitalised(word: string): string {
  const [first = '', ...rest] = word;
  return first.toUpperCase() + rest.join('');
}

function pick<One>(random: Random, among: readonly One[]): One {
  return among[below(random, among.length)]!;
}

function below(random: Random, count: number): number {
  return Math.floor(random.next() * Math.max(1, count));
}
