/** Runs test files through Node's own runner and counts what came out. */
import { globSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { root, type TestResult } from './results.ts';
import type { Stage } from './stages.ts';

export interface Counts {
  tests: number;
  suites: number;
  pass: number;
  fail: number;
  cancelled: number;
  skipped: number;
  todo: number;
}

export interface FilesOutcome {
  readonly counts: Counts;
  readonly results: readonly TestResult[];
  /** Why the stage failed, in plain words; empty when it passed. */
  readonly faults: readonly string[];
}

export const noCounts: Readonly<Counts> = { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 };

/** In the order of the globs, sorted within each. */
export function filesOf(stage: Stage): readonly string[] {
  const exclude = (name: string) => name === 'node_modules' || name === 'dist';
  return [...new Set(stage.files.flatMap((glob) => globSync(glob, { cwd: root, exclude }).sort()))];
}

/** The runner's report goes to standard output as it happens. */
export async function runFiles(files: readonly string[], stage: Stage, signal: AbortSignal): Promise<FilesOutcome> {
  const results: TestResult[] = [];
  const counts = { ...noCounts };
  const stream = run({
    files: files.map((file) => path.join(root, file)),
    cwd: root,
    concurrency: stage.concurrency,
    timeout: stage.timeoutMilliseconds,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    signal,
  });
  stream.on('test:pass', (event) => {
    const skipped = isSet(event.skip) ? 'skip' : isSet(event.todo) ? 'todo' : 'pass';
    results.push(resultOf(event, skipped));
  });
  stream.on('test:fail', (event) => results.push(resultOf(event, isSet(event.todo) ? 'todo' : 'fail')));
  stream.on('test:summary', (event) => {
    // One summary comes per file and one without a file for the whole run.
    if (event.file === undefined) Object.assign(counts, pickCounts(event.counts));
  });
  const report = stream.compose(spec);
  for await (const piece of report) process.stdout.write(piece);
  return { counts, results, faults: faultsOf(counts, results, files) };
}

/** Exported for its test: a gate that cannot fail is no gate. */
export function faultsOf(counts: Counts, results: readonly TestResult[], files: readonly string[]): readonly string[] {
  const faults: string[] = [];
  if (counts.fail + counts.cancelled > 0) faults.push(`${counts.fail + counts.cancelled} failed or cancelled`);
  if (counts.skipped > 0) faults.push(`${counts.skipped} skipped: ${titles(results, 'skip')}`);
  if (counts.todo > 0) faults.push(`${counts.todo} marked todo: ${titles(results, 'todo')}`);
  const filesWithTests = new Set(results.filter((result) => !isFileItself(result)).map((result) => result.file));
  for (const file of files) if (!filesWithTests.has(file)) faults.push(`${file} holds no test that ran`);
  return faults;
}

/** Node reports a file without tests as one passing test named after the file. */
function isFileItself(result: TestResult): boolean {
  return path.resolve(root, result.title) === path.resolve(root, result.file);
}

function titles(results: readonly TestResult[], outcome: TestResult['outcome']): string {
  return results
    .filter((result) => result.outcome === outcome)
    .map((result) => `“${result.title}”`)
    .join(', ');
}

interface Reported {
  readonly name: string;
  readonly file?: string | undefined;
  /** The file that the runner started; `file` may be a contract suite that it imports. */
  readonly entryFile?: string | undefined;
  readonly details: { readonly duration_ms: number; readonly error?: Error };
}

/** Of what a failure says; the rest is in the report above. */
const maxReasonCharacters = 2000;

function resultOf(event: Reported, outcome: TestResult['outcome']): TestResult {
  return {
    title: event.name,
    file: path.relative(root, event.entryFile ?? event.file ?? event.name),
    outcome,
    milliseconds: Math.round(event.details.duration_ms),
    ...(outcome === 'fail' ? { reason: reasonOf(event.details.error).slice(0, maxReasonCharacters) } : {}),
  };
}

/** The runner wraps what a test threw. */
function reasonOf(error: Error | undefined): string {
  const { cause } = error ?? {};
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? error?.message ?? 'no reason given');
}

function isSet(mark: string | boolean | undefined): boolean {
  return mark !== undefined && mark !== false;
}

function pickCounts(counts: Readonly<Record<string, number>>): Counts {
  const { tests = 0, suites = 0, passed = 0, failed = 0, cancelled = 0, skipped = 0, todo = 0 } = counts;
  return { tests, suites, pass: passed, fail: failed, cancelled, skipped, todo };
}
