/**
 * How many nodes a lookup contacts, in rings larger than a machine can hold: counted by `chordial simulate --paper`, which
 * runs the ring of production on a virtual network. Each table is a process of its own, since it needs gigabytes.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { PaperTable } from '../simulation/papers/row.ts';
import { threeDigits } from './alternating.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const launcher = path.join(import.meta.dirname, '../bin/chordial');
const mostMilliseconds = 40 * 60_000;
const mostOutputBytes = 1024 * 1024;
/** Lookups a row. */
const quickLookups = 1000;

export function hopsWithoutCache(options: BenchOptions): Promise<readonly BenchRow[]> {
  return paperRows('hops', options);
}

export function hopsWithCache(options: BenchOptions): Promise<readonly BenchRow[]> {
  return paperRows('cache', options);
}

async function paperRows(paper: 'hops' | 'cache', { isQuick, note }: BenchOptions): Promise<readonly BenchRow[]> {
  const lookups = isQuick ? ['--lookups', String(quickLookups)] : [];
  const asked = ['simulate', '--paper', paper, '--json', ...lookups];
  const { stdout } = await promisify(execFile)(launcher, asked, {
    timeout: mostMilliseconds,
    maxBuffer: mostOutputBytes,
  });
  const { title, settings, rows, realSeconds } = JSON.parse(stdout) as PaperTable;
  for (const line of [title, ...settings, `${Math.round(realSeconds)} s`]) note(line);
  return rows.map(({ what, ours, theirs, target, verdict: judged }) =>
    row(what, figure(ours), {
      ...(theirs === null ? {} : { rival: `${figure(theirs)} (formula)`, ratio: (ours / theirs).toFixed(2) }),
      target,
      verdict: judged === null ? '' : verdict(judged === 'holds'),
    }),
  );
}

function figure(value: number): string {
  return Number.isInteger(value) ? String(value) : threeDigits(value);
}
