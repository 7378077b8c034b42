/**
 * The gate: `npm test`, or `npm test -- unit` for single stages (types, page-types, page, lint, build, unit, contract,
 * end-to-end, alone).
 *
 * Every stage runs even when one before it failed, so that one run tells all. It fails on any failure, on a skipped or
 * todo test, on a stage or file without tests, and on a process left behind. The counts over all stages come last.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { argumentsOf } from '../simulation/command-line.ts';
import { endLeftovers, markChildren } from './leftovers.ts';
import { root, slowestOf, type TestResult, writeResults } from './results.ts';
import { type Stage, stages } from './stages.ts';
import { type Counts, filesOf, noCounts, runFiles } from './test-files.ts';

/** The package that runs, for end-to-end tests; in a folder below node_modules, where its launcher finds Node. */
const built = path.join(root, 'node_modules/.cache/chordial-built');
/** Stages that run the built package. */
const builtStages = new Set(['end-to-end', 'alone']);
const commands: Readonly<Record<string, readonly string[]>> = {
  types: ['tsc', '--noEmit'],
  'page-types': ['tsc', '--noEmit', '-p', 'packages/chordial/web'],
  page: ['node', 'packages/chordial/web/build.ts'],
  lint: ['biome', 'check', '.'],
  build: ['node', 'packages/chordial/packaging/bundle.ts', '--to', built],
};
const stageNames = [...Object.keys(commands), ...stages.map((stage) => stage.name)];

const shownSlowest = 20;

const usage = `usage: npm test -- [STAGE…]
runs the gate, or single stages of it: ${stageNames.join(', ')}`;
const { positionals: chosen } = argumentsOf(usage, { allowPositionals: true });
const unknown = chosen.filter((name) => !stageNames.includes(name));
if (unknown.length > 0) {
  console.error(`there is no stage ${unknown.join(', ')}\n${usage}`);
  process.exit(2);
}

const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort());
process.once('SIGTERM', () => interruption.abort());

const mark = randomUUID();
markChildren(mark);
process.env['CHORDIAL_TEST_LAUNCHER'] = path.join(built, 'bin/chordial');
// Every fixture has a home of its own, so without this each would compile all sources again: half of what starting a peer costs.
process.env['NODE_COMPILE_CACHE'] ??= path.join(root, 'node_modules/.cache/chordial');

const started = performance.now();
const total: Counts = { ...noCounts };
const results: TestResult[] = [];
const faults: string[] = [];

for (const name of stageNames) {
  if (interruption.signal.aborted) break;
  const isNeeded = name === 'build' && chosen.some((stage) => builtStages.has(stage));
  if (chosen.length > 0 && !chosen.includes(name) && !isNeeded) continue;
  console.log(`\n── ${name} ──`);
  const stageStarted = performance.now();
  const before = faults.length;
  const stage = stages.find((candidate) => candidate.name === name);
  if (stage === undefined) await runCommand(name, commands[name] ?? []);
  else await runStage(stage);
  console.log(`── ${name}: ${faults.length === before ? 'passed' : 'FAILED'} in ${secondsSince(stageStarted)} s ──`);
}

if (interruption.signal.aborted) faults.push('interrupted');
for (const { pid, command } of await endLeftovers(mark))
  faults.push(`left a process behind (killed): ${pid} ${command}`);

const testsWereChosen = chosen.length === 0 || chosen.some((name) => !Object.hasOwn(commands, name));
if (testsWereChosen && total.tests === 0) faults.push('no test ran');
if (chosen.length === 0 && !interruption.signal.aborted) {
  writeResults({ finished: new Date().toISOString(), passed: faults.length === 0, results });
}
report();
process.exit(faults.length === 0 ? 0 : 1);

async function runStage(stage: Stage): Promise<void> {
  const files = filesOf(stage);
  if (files.length === 0) {
    faults.push(`${stage.name}: no test file matches ${stage.files.join(' ')}`);
    return;
  }
  const outcome = await runFiles(files, stage, interruption.signal);
  results.push(...outcome.results);
  for (const key of Object.keys(total) as (keyof Counts)[]) total[key] += outcome.counts[key];
  faults.push(...outcome.faults.map((fault) => `${stage.name}: ${fault}`));
}

async function runCommand(name: string, command: readonly string[]): Promise<void> {
  const [program = '', ...rest] = command;
  const child = spawn(path.join(root, 'node_modules/.bin', program), rest, { cwd: root, stdio: 'inherit' });
  const exit = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(String(code ?? signal)));
  });
  if (exit !== '0') faults.push(`${name}: ${command.join(' ')} ended with ${exit}`);
}

function report(): void {
  if (results.length > 0) console.log('\nThe slowest tests, in seconds:');
  for (const { milliseconds, file, title } of slowestOf(results, shownSlowest)) {
    console.log(`${(milliseconds / 1000).toFixed(1).padStart(6)}  ${file}: ${title}`);
  }
  console.log('');
  for (const result of results) {
    if (result.outcome !== 'pass') console.log(`${result.outcome}: ${result.file}: ${result.title}`);
  }
  for (const fault of faults) console.log(`FAULT ${fault}`);
  console.log(faults.length === 0 ? 'The gate is passed.' : 'The gate is NOT passed.');
  for (const [name, count] of Object.entries(total)) console.log(`# ${name} ${count}`);
  console.log(`# duration_ms ${Math.round(performance.now() - started)}`);
}

function secondsSince(start: number): string {
  return ((performance.now() - start) / 1000).toFixed(1);
}
