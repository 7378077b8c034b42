/** Results as JSON lines: one per question and run, the newest last. */
import { appendFile, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../packages/chordial/test/results.ts';
import type { Surroundings } from './machine.ts';
import type { BenchRow } from './row.ts';

export interface BenchResult extends Surroundings {
  readonly question: string;
  /** ISO time. */
  readonly at: string;
  readonly runs: number;
  /** Run with --full. */
  readonly isFull?: boolean;
  /** Duration of the question. */
  readonly seconds?: number;
  readonly rows: readonly BenchRow[];
}

const folder = path.join(root, 'bench/results');

/** One file per question. */
export async function keepResult(result: BenchResult): Promise<void> {
  await mkdir(folder, { recursive: true });
  await appendFile(path.join(folder, `${result.question}.jsonl`), `${JSON.stringify(result)}\n`);
}

/** The newest result of each question. */
export async function newestResults(): Promise<ReadonlyMap<string, BenchResult>> {
  const newest = new Map<string, BenchResult>();
  for (const file of await readdir(folder).catch(() => [])) {
    if (!file.endsWith('.jsonl')) continue;
    const lines = (await readFile(path.join(folder, file), 'utf8')).split('\n').filter((line) => line !== '');
    const last = lines.at(-1);
    if (last === undefined) continue;
    const result = JSON.parse(last) as BenchResult;
    newest.set(result.question, result);
  }
  return newest;
}
