/** `chordial simulate --paper NAME`: prints one table of the papers beside ours. */
import { getHeapStatistics } from 'node:v8';
import {
  cacheTable,
  churnTable,
  hopsTable,
  massiveFailuresTable,
  type PaperTable,
  tableText,
} from '@chordial/ring/simulator';
import { ChordialError } from '../../src/errors.ts';
import { loadTable } from './load.ts';

const tables = {
  table2: massiveFailuresTable,
  table3: churnTable,
  load: loadTable,
  hops: hopsTable,
  cache: cacheTable,
} as const;

export const paperNames = Object.keys(tables) as readonly (keyof typeof tables)[];

export interface PaperOptions {
  /** One of `paperNames`. */
  readonly paper: string;
  readonly seed: number;
  /** Lookups a row; 10 000. */
  readonly lookups?: number;
  readonly json: boolean;
}

const lookupsByDefault = 10_000;
const maxLookups = 1_000_000;

/** 10^4 hosts that each know 10^4 members. */
const bytesOfCacheTable = 10e9;

/** Prints a table, or one line of JSON. Throws `bad-usage`, also where there is too little memory for it. */
export function runPaper(
  { paper, seed, lookups = lookupsByDefault, json }: PaperOptions,
  print: (text: string) => void,
): PaperTable {
  const name = paperNames.find((known) => known === paper);
  if (name === undefined) {
    throw new ChordialError('bad-usage', `There is no table "${paper}". Give ${paperNames.join(', ')}.`);
  }
  if (!Number.isInteger(lookups) || lookups < 1 || lookups > maxLookups) {
    throw new ChordialError('bad-usage', `The simulator cannot run ${lookups} lookups: give 1 to ${maxLookups}.`);
  }
  const memory = getHeapStatistics().heap_size_limit;
  if (name === 'cache' && memory < bytesOfCacheTable) {
    throw new ChordialError(
      'bad-usage',
      `The table "cache" takes ${bytesOfCacheTable / 1e9} GB of memory, and this process may have ${(memory / 1e9).toFixed(1)}. Run it on a machine of 16 GB or more, with "chordial simulate", which takes up to three quarters.`,
    );
  }
  const table = tables[name](seed, lookups);
  print(json ? JSON.stringify(table) : tableText(table));
  return table;
}
