/** Titles of tests as they stand in the source, for what has not run yet. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './results.ts';

const titled =
  /\b(?:test|it|describe|suite)(?:\.\w+)?\(\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;

/** A title put together at run time (`${…}`) is left as it is written. */
export function titlesIn(source: string): readonly string[] {
  return [...source.matchAll(titled)].map((match) => (match[1] ?? match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1'));
}

export function titlesOfFile(file: string): readonly string[] {
  return titlesIn(readFileSync(path.join(root, file), 'utf8'));
}
