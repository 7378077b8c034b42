/** Results of a gate run, read by `npm run rows`. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface TestResult {
  readonly title: string;
  /** From the root of the repository. */
  readonly file: string;
  readonly outcome: 'pass' | 'fail' | 'skip' | 'todo';
  readonly milliseconds: number;
  /** Why it failed. */
  readonly reason?: string;
}

export interface RunResults {
  /** ISO 8601. */
  readonly finished: string;
  readonly passed: boolean;
  readonly results: readonly TestResult[];
}

export const product = path.resolve(import.meta.dirname, '..');
/** Of the repository. */
export const root = path.resolve(product, '../..');
const resultsFile = path.join(root, '.rows.json');

export function writeResults(run: RunResults): void {
  writeFileSync(resultsFile, `${JSON.stringify(run, null, 1)}\n`);
}

/** The slowest first. */
export function slowestOf(results: readonly TestResult[], count: number): readonly TestResult[] {
  return results.toSorted((a, b) => b.milliseconds - a.milliseconds).slice(0, count);
}

/** Null if the gate has not run in this clone. */
export function readResults(): RunResults | null {
  let text: string;
  try {
    text = readFileSync(resultsFile, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return JSON.parse(text) as RunResults;
}
