/**
 * Nodes contacted by a lookup in rings larger than one machine can hold, from the tables of `chordial simulate --paper`,
 * which run the production ring on a virtual network. Each runs in its own process, since it needs much memory. With --full
 * they are the tables of the papers; otherwise fewer lookups in smaller rings with the same rate of churn.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type CacheScale, cacheTable, hopsTable, type PaperTable } from '@chordial/ring/simulator';
import { threeDigits } from './alternating.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const seed = 1;
const maxMilliseconds = 40 * 60_000;
const maxOutputBytes = 1024 * 1024;
const fullLookups = 10_000;
const lookups = 2000;
/** Logarithms of the numbers of peers. */
const sizes = [8, 10, 12];
const quickSizes = [8];
/** 2.8 joins and as many crashes per second, as with 10^4 hosts and one hour of membership. */
const scale: CacheScale = { hosts: 1000, membership: 6, warmUp: 1.5, measured: 2 };
const quickScale: CacheScale = { hosts: 200, membership: 6, warmUp: 0.5, measured: 0.5 };

type Scale = 'quick' | 'usual' | 'full';

const tables: Readonly<Record<string, (size: Scale) => PaperTable>> = {
  hops: (size) =>
    size === 'full' ? hopsTable(seed, fullLookups) : hopsTable(seed, lookups, size === 'quick' ? quickSizes : sizes),
  cache: (size) =>
    size === 'full' ? cacheTable(seed, fullLookups) : cacheTable(seed, lookups, size === 'quick' ? quickScale : scale),
};

if (import.meta.main) {
  const [paper = '', size = 'usual'] = process.argv.slice(2);
  console.log(JSON.stringify(tables[paper]?.(size as Scale)));
}

export function hopsWithoutCache(options: BenchOptions): Promise<readonly BenchRow[]> {
  return paperRows('hops', options);
}

export function hopsWithCache(options: BenchOptions): Promise<readonly BenchRow[]> {
  return paperRows('cache', options);
}

async function paperRows(
  paper: 'hops' | 'cache',
  { isQuick, isFull, note }: BenchOptions,
): Promise<readonly BenchRow[]> {
  const flags = ['--disable-warning=ExperimentalWarning', '--max-old-space-size-percentage=75'];
  const size: Scale = isQuick ? 'quick' : isFull ? 'full' : 'usual';
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, import.meta.filename, paper, size], {
    timeout: maxMilliseconds,
    maxBuffer: maxOutputBytes,
  });
  const { title, settings, rows, realSeconds } = JSON.parse(stdout) as PaperTable;
  for (const line of [title, ...settings, `${Math.round(realSeconds)} s`]) note(line);
  const { hosts } = scale;
  const of = paper === 'cache' && !isFull && !isQuick ? `${hosts} hosts: ` : '';
  return rows.map(({ what, ours, theirs, target, verdict: judged }) =>
    row(`${of}${what}`, figure(ours), {
      ...(theirs === null ? {} : { rival: `${figure(theirs)} (formula)`, ratio: (ours / theirs).toFixed(2) }),
      target,
      verdict: judged === null ? '' : verdict(judged === 'holds'),
    }),
  );
}

function figure(value: number): string {
  return Number.isInteger(value) ? String(value) : threeDigits(value);
}
