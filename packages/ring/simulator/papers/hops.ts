/** Path lengths without churn: the papers' ½·log2 N, and the same with the owner and a list of s entries counted. */

import { ask, mean } from '../asking.ts';
import { addSettled } from '../settled-ring.ts';
import { sources } from './published.ts';
import { type PaperRow, type PaperTable, within } from './row.ts';
import { papersRing, withoutRepair } from './settings.ts';

const sizes = [8, 9, 10, 11, 12, 13, 14] as const;
const defaultSuccessors = 16;
const tolerance = 0.05;
const millisecondsPerLookup = 1;

export function hopsTable(seed: number, lookups: number, logarithms: readonly number[] = sizes): PaperTable {
  const began = performance.now();
  const rows: PaperRow[] = [];
  for (const logarithm of logarithms) {
    const listed = meanHops(seed, 2 ** logarithm, defaultSuccessors, lookups);
    const formula = logarithm / 2 - Math.log2(defaultSuccessors) / 2 + 1;
    rows.push(within(`N = 2^${logarithm}, s = ${defaultSuccessors}, with the owner`, listed, formula, tolerance));
    const bare = meanHops(seed, 2 ** logarithm, 1, lookups) - 1;
    rows.push(within(`N = 2^${logarithm}, s = 1, without the owner`, bare, logarithm / 2, tolerance));
  }
  return {
    title: 'Nodes contacted by a lookup, without the membership cache',
    source: `${sources.hops}; with the owner ½·log2 N − ½·log2 s + 1`,
    settings: [
      'v = 1, exact fingers, one ask at a time; the ring is made settled, the lookups run on it.',
      `${lookups} lookups of random keys by random hosts that do not own them.`,
    ],
    rows,
    realSeconds: (performance.now() - began) / 1000,
  };
}

/** The owner included. */
function meanHops(seed: number, peers: number, successors: number, lookups: number): number {
  const ring = papersRing({ seed, successors, timers: withoutRepair });
  addSettled(ring, peers);
  return mean(ask(ring, lookups, lookups * millisecondsPerLookup).hops);
}
