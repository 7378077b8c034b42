/**
 * Files with varied names in folders to share. The words of a name are known from its generation, so the expected hits of a
 * search do not depend on the code that splits names.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Random } from '@chordial/ring';

export interface SharedName {
  /** Unique among all files. */
  readonly name: string;
  readonly words: readonly string[];
}

export interface MadeFile extends SharedName {
  readonly path: string;
}

const frequent =
  'concert holiday report meeting garden recipe invoice летний отчёт концерт ποίημα μουσική über schön café música été'.split(
    ' ',
  );
const syllables =
  'ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo yu za bre cla dri flo gra pla sto tri'.split(' ');
const extensions = ['txt', 'jpeg', 'flac', 'pdf', 'md', 'html'];
const seldomWords = 4000;
const filesPerFolder = 120;
const smallBytes = 4000;
/** Among this many files one is larger, one has several blocks, and one is empty. */
const mediumEvery = 100;
const mediumBytes = 200_000;
const largeEvery = 2000;
const largeBytes = 3_200_000;
const emptyEvery = 997;

/** The number makes the name unique. */
export function sharedName(number: number, random: Random): SharedName {
  const below = (max: number): number => Math.floor(random.next() * max);
  const words = Array.from({ length: 2 + below(3) }, () =>
    // A few words are frequent, most are rare.
    below(3) === 0 ? frequent[below(frequent.length)]! : seldom(Math.floor(seldomWords * random.next() ** 2)),
  );
  const mark = `${1_000_000 + number}`;
  const extension = extensions[below(extensions.length)]!;
  const name = `${written(words, mark, below(6))}.${extension}`;
  return { name, words: [...new Set([...words, mark, extension])] };
}

/** Realistic names: with spaces, underscores, dots, capitals, or decomposed accents. */
function written(words: readonly string[], mark: string, manner: number): string {
  const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);
  if (manner === 0) return [...words, mark].join('_');
  if (manner === 1) return [mark, ...words].join('-');
  if (manner === 2) return words.map(capital).join('') + mark;
  if (manner === 3) return `${words.join(' ').toUpperCase()} (${mark})`.normalize('NFD');
  if (manner === 4) return [...words, mark].join('.');
  return `${words.map(capital).join(' ')}, ${mark}`;
}

/** A three-syllable word per number; none is a prefix of another. */
function seldom(number: number): string {
  const base = syllables.length;
  return [number % base, Math.floor(number / base) % base, Math.floor(number / base ** 2) % base]
    .map((digit) => syllables[digit])
    .join('');
}

/** Writes the files into a folder and folders below it. */
export async function makeFiles(folder: string, numbers: readonly number[], random: Random): Promise<MadeFile[]> {
  const made: MadeFile[] = [];
  let inside = folder;
  for (const [index, number] of numbers.entries()) {
    if (index % filesPerFolder === 0) {
      inside = path.join(folder, ...folderNames(index / filesPerFolder));
      await mkdir(inside, { recursive: true });
    }
    const { name, words } = sharedName(number, random);
    const file = path.join(inside, name);
    await writeFile(file, randomBytes(sizeOf(number, random)));
    made.push({ name: name.normalize('NFC'), words, path: file });
  }
  return made;
}

function folderNames(number: number): readonly string[] {
  return Array.from({ length: number % 4 }, (_, depth) => `folder ${depth} of ${number}`);
}

function sizeOf(number: number, random: Random): number {
  if (number % emptyEvery === emptyEvery - 1) return 0;
  if (number % largeEvery === largeEvery / 2) return largeBytes;
  return Math.floor(random.next() * (number % mediumEvery === 0 ? mediumBytes : smallBytes));
}
