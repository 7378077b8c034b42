/** Whether a name with its size and publisher answers a query, and how well. */
import type { WordQuery } from './query.ts';
import { phraseOf, wordsOf } from './words.ts';

export interface Candidate {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly publisher: string;
}

/**
 * Null when it does not answer. Else from 0 to 1: the part of the name's letters that the query named, so that "annual
 * report" ranks "annual report.pdf" over "draft of the annual report of 1987.pdf"; words together and in order count more.
 */
export function matchQuality(query: WordQuery, { name, size, publisher }: Candidate): number | null {
  const { from, size: range } = query;
  if (range !== null && (size < range.least || size > range.most)) return null;
  if (from !== null && !publisher.startsWith(from) && !publisher.endsWith(from)) return null;
  if (query.types !== null && !query.types.includes(extensionOf(name))) return null;
  const words = wordsOf(name);
  if (!query.words.every((word) => words.has(word)) || query.without.some((word) => words.has(word))) return null;
  const begun = query.beginnings.map((beginning) => [...words].find((word) => word.startsWith(beginning)));
  if (begun.includes(undefined)) return null;
  const line = phraseOf(name);
  if (!query.phrases.every((phrase) => line.includes(` ${phrase.join(' ')} `))) return null;

  const named = [...query.words, ...query.phrases.flat(), ...query.beginnings];
  const letters = line.replaceAll(' ', '').length;
  const covered = Math.min(1, named.join('').length / Math.max(1, letters));
  const inOrder = query.words.length > 1 && line.includes(` ${query.words.join(' ')} `);
  return Math.min(1, 0.8 * covered + (inOrder ? 0.2 : 0));
}

function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(dot + 1).toLowerCase();
}
