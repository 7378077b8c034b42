/**
 * Mutation tests: `npm run mutants [-- FILE…]` makes one change at a time in the files of targets.ts and runs the tests of
 * each: a mutant that no test notices survives. The score is the share of killed mutants; below 85 % the command fails.
 * `--draw` writes docs/mutants.md from the results of the files that ran; rows of others stay. `--workers` is how many changes are tried
 * at once.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Stryker } from '@stryker-mutator/core';
import { argumentsOf, wholeOf } from '../../simulation/command-line.ts';
import { endNow, markChildren } from '../leftovers.ts';
import { root } from '../results.ts';
import { reasons } from './reasons.ts';
import { fromRoot, type Target, targets } from './targets.ts';

const minScore = 85;
const noReason = 'no reason given';
/** The mutated copy of the sources and files of its tests; always removed. */
const sandbox = path.join(os.tmpdir(), `chordial-mutants-${process.pid}`);
const usage = `usage: npm run mutants [-- [--draw] [--workers N] FILE…]
the files: ${targets.map(({ file }) => file).join(' ')}`;

interface Mutant {
  readonly line: number;
  readonly mutator: string;
  /** The line before, trimmed. */
  readonly original: string;
  readonly replacement: string;
}

interface Result {
  readonly file: string;
  readonly noticed: number;
  readonly timedOut: readonly Mutant[];
  readonly survivors: readonly Mutant[];
  /** Changes with which the tests did not even start. */
  readonly unrun: number;
  readonly seconds: number;
}

async function main(): Promise<void> {
  const { values, positionals } = argumentsOf(usage, {
    allowPositionals: true,
    options: { draw: { type: 'boolean' }, workers: { type: 'string', default: '2' } },
  });
  const workers = wholeOf(values['workers'], '--workers', 1, 64);
  const chosen = positionals.length === 0 ? targets : positionals.map(targetOf);
  const mark = randomUUID();
  markChildren(mark);
  process.on('exit', () => {
    endNow(mark);
    rmSync(sandbox, { recursive: true, force: true, maxRetries: 5 });
  });
  const results: Result[] = [];
  for (const target of chosen) {
    const result = await resultOf(target, workers).catch((error: Error) => error);
    if (result instanceof Error) {
      console.error(`${target.file}: ${result.message}`);
      continue;
    }
    results.push(result);
    console.log(lineOf(result));
    for (const mutant of result.timedOut) console.log(`  ran on: ${textOf(mutant)}`);
    for (const survivor of result.survivors)
      console.log(`  ${textOf(survivor)}\n    ${reasonOf(result.file, survivor)}`);
    const survived = new Set(result.survivors.map(({ original }) => original));
    for (const line of Object.keys(reasons[result.file] ?? {}))
      if (!survived.has(line)) console.log(`  a reason without a survivor: \`${line}\``);
    // After each file, since a full run takes long and may be stopped.
    if (values['draw'] === true) await draw(result);
  }
  const enough = results.filter((result) => scoreOf(result) >= minScore);
  console.log(`\n${enough.length} of ${chosen.length} files score ${minScore} % and more`);
  process.exitCode = enough.length === chosen.length ? 0 : 1;
}

function targetOf(file: string): Target {
  const found = targets.find((target) => fromRoot(target.file) === fromRoot(path.normalize(file)));
  if (found !== undefined) return found;
  console.error(`${file} is none of the files whose tests are tried\n${usage}`);
  process.exit(2);
}

async function resultOf({ file, tests }: Target, workers: number): Promise<Result> {
  const started = performance.now();
  // Killed tests leave their folders, which are removed with the rest.
  process.env['TMPDIR'] = path.join(sandbox, 'left');
  mkdirSync(process.env['TMPDIR'], { recursive: true });
  // Each mutant reloads all sources; half of the time would be compiling.
  process.env['NODE_COMPILE_CACHE'] = path.join(sandbox, 'compiled');
  const stryker = new Stryker({
    testRunner: 'tap',
    plugins: [import.meta.resolve('@stryker-mutator/tap-runner')],
    mutate: [fromRoot(file)],
    tap: {
      testFiles: tests.map(fromRoot),
      nodeArgs: ['--disable-warning=ExperimentalWarning', '--test-reporter=tap', '-r', '{{hookFile}}', '{{testFile}}'],
      forceBail: true,
    },
    coverageAnalysis: 'perTest',
    // Changed messages and log lines lose or leak nothing.
    mutator: { excludedMutations: ['StringLiteral'] },
    reporters: ['progress-append-only'],
    concurrency: workers,
    // A busy machine is slow, which is no change noticed: only what never ends runs so long.
    timeoutMS: 30_000,
    tempDirName: sandbox,
    tsconfigFile: 'none',
    ignorePatterns: ['docs', 'bench/results', 'packages/chordial/packaging', 'packages/chordial/web/dist'],
    allowConsoleColors: false,
    logLevel: 'error',
    fileLogLevel: 'off',
  } as ConstructorParameters<typeof Stryker>[0]);
  const lines = (await readFile(path.join(root, fromRoot(file)), 'utf8')).split('\n');
  const mutants = await stryker.runMutationTest();
  const of = (...statuses: readonly string[]): Mutant[] =>
    mutants
      .filter(({ status }) => statuses.includes(status))
      .map((mutant) => ({
        line: mutant.location.start.line,
        mutator: mutant.mutatorName,
        original: lines[mutant.location.start.line - 1]?.trim() ?? '',
        replacement: mutant.replacement?.replace(/\s+/g, ' ') ?? '',
      }));
  return {
    file,
    noticed: of('Killed', 'Timeout').length,
    timedOut: of('Timeout'),
    survivors: of('Survived', 'NoCoverage'),
    unrun: of('RuntimeError', 'CompileError').length,
    seconds: (performance.now() - started) / 1000,
  };
}

function scoreOf({ noticed, survivors }: Result): number {
  return (100 * noticed) / Math.max(1, noticed + survivors.length);
}

function lineOf(result: Result): string {
  const of = result.noticed + result.survivors.length;
  return `${result.file}: ${scoreOf(result).toFixed(1)} % (${result.noticed} of ${of} noticed, ${result.timedOut.length} by time, ${result.unrun} without a run) in ${result.seconds.toFixed(0)} s`;
}

function textOf({ line, mutator, original, replacement }: Mutant): string {
  return `${line} ${mutator}: \`${original}\` → \`${replacement}\``;
}

/** By file and text of the line, so that reasons survive insertions. */
function reasonOf(file: string, { original }: Mutant): string {
  return reasons[file]?.[original] ?? noReason;
}

/** Keeps the sections of other files, with current reasons. */
async function draw(result: Result): Promise<void> {
  const page = path.join(root, 'docs/mutants.md');
  const text = await readFile(page, 'utf8').catch(() => '');
  const sections = new Map<string, string>();
  for (const section of text.split(/^(?=## `)/m).slice(1)) {
    const file = section.slice(4, section.indexOf('`', 4));
    sections.set(
      file,
      section.replace(/^\| (`.*`) \| (\d+) \| .* \|$/gm, (_, line, count) => rowOf(file, line, count)),
    );
  }
  sections.set(result.file, sectionOf(result));
  const inOrder = targets.flatMap(({ file }) => sections.get(file) ?? []);
  await writeFile(page, `${head}\n${inOrder.join('').trimEnd()}\n`);
}

const head = `# Do the tests bite?

\`npm run mutants\` changes one thing at a time (a condition, an operator, a block, a returned value) in the files whose failure loses
or leaks something, and runs their tests. A change that no test notices survives. At least ${minScore} % must be noticed; what
survives is listed with the reason. What runs on for 30 s is noticed; a change with which the tests do not even start counts
nowhere. Texts of messages are not changed. \`npm run mutants -- --draw\` draws this page.
`;

function sectionOf(result: Result): string {
  const title = `## \`${result.file}\`: ${scoreOf(result).toFixed(1)} % of ${result.noticed + result.survivors.length}\n\n`;
  if (result.survivors.length === 0) return `${title}No survivor.\n\n`;
  const rows = [...Map.groupBy(result.survivors, ({ original }) => cell(original))].map(([line, some]) =>
    rowOf(result.file, line, String(some.length)),
  );
  return `${title}| line with survivors | how many | reason |\n|---|---|---|\n${rows.join('\n')}\n\n`;
}

function rowOf(file: string, line: string, count: string): string {
  const found = Object.entries(reasons[file] ?? {}).find(([original]) => cell(original) === line);
  return `| ${line} | ${count} | ${found?.[1] ?? noReason} |`;
}

const shownCharacters = 120;

/** Formats as code, even with backticks inside. */
function cell(text: string): string {
  const shown = text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
  const fence = shown.includes('`') ? '``' : '`';
  const space = shown.includes('`') ? ' ' : '';
  return `${fence}${space}${shown.replaceAll('|', '\\|')}${space}${fence}`;
}

await main();
