/**
 * The gate: `npm test`, or `npm test -- unit` for single stages (types, page-types, page, lint, build, unit, contract,
 * end-to-end, alone).
 *
 * Every stage runs even when one before it failed, so that one run tells all. It fails on any failure, on a skipped or
 * todo test, on a stage or file without tests, and on a process left behind. The counts over all stages come last.
 */
import path from 'node:path';
import { argumentsOf } from '../simulation/command-line.ts';
import { suites } from './interop/suites.ts';
import { root, writeResults } from './results.ts';
import { stages } from './stages.ts';
import { TestRun } from './test-run.ts';

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

const usage = `usage: npm test -- [STAGE…]
runs the gate, or single stages of it: ${stageNames.join(', ')}`;
const { positionals: chosen } = argumentsOf(usage, { allowPositionals: true });
const unknown = chosen.filter((name) => !stageNames.includes(name));
if (unknown.length > 0) {
  console.error(`there is no stage ${unknown.join(', ')}\n${usage}`);
  process.exit(2);
}

const run = new TestRun('gate');
process.env['CHORDIAL_TEST_LAUNCHER'] = path.join(built, 'bin/chordial');
for (const name of stageNames) {
  const isNeeded = name === 'build' && chosen.some((stage) => builtStages.has(stage));
  if (chosen.length > 0 && !chosen.includes(name) && !isNeeded) continue;
  const stage = stages.find((candidate) => candidate.name === name);
  await run.stage(name, () => (stage === undefined ? run.command(name, commands[name] ?? []) : run.tests(stage)));
}
await run.settle();
if (chosen.length === 0 && !run.isInterrupted) {
  writeResults({ finished: new Date().toISOString(), passed: run.isPassed, results: run.results });
}
if (chosen.length === 0) {
  const left = Object.keys(suites).join(' ');
  console.log(`\nLeft out, since they take root and Debian packages: npm run interop -- ${left}`);
}
run.end();
