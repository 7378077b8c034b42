/** `npm run rows`: the rows of the specification, their tests, and the results of the last full gate run. */

import { argumentsOf } from '../simulation/command-line.ts';
import { type Row, rows, rowsOfTitle } from './repository/rows.ts';
import { readResults } from './results.ts';
import { stages } from './stages.ts';
import { filesOf } from './test-files.ts';
import { titlesOfFile } from './titles.ts';

argumentsOf(
  'usage: npm run rows\nshows the rows of the specification, the tests named after them, and how these fared',
  {},
);

interface Named {
  readonly title: string;
  readonly file: string;
  readonly outcome: string;
}

/** Titled with findings of the security review, some of which share letters with rows. */
const findingTests = 'packages/chordial/test/hostile/';

const run = readResults();
const named = [...ranTests(), ...testsNotRun()];
let shown = 0;
let passing = 0;
for (const row of Object.keys(rows) as Row[]) {
  const tests = named.filter(({ title, file }) => !file.startsWith(findingTests) && rowsOfTitle(title).includes(row));
  const passed = tests.filter((test) => test.outcome === 'pass').length;
  if (tests.length > 0) shown += 1;
  if (tests.length > 0 && passed === tests.length) passing += 1;
  const verdict = tests.length === 0 ? 'no test' : `${passed}/${tests.length} pass`;
  console.log(`${row.padEnd(4)} ${rows[row].padEnd(62)} ${verdict}`);
  for (const test of tests) console.log(`       ${test.outcome.padEnd(8)} ${test.title}  (${test.file})`);
}
console.log(`\n${shown} of ${Object.keys(rows).length} rows have tests, ${passing} of them pass whole.`);
console.log(
  run === null
    ? 'npm test has not run in this clone.'
    : `Results of npm test finished ${run.finished}, gate ${run.passed ? 'passed' : 'NOT passed'}.`,
);

function ranTests(): readonly Named[] {
  return run?.results ?? [];
}

function testsNotRun(): readonly Named[] {
  const ran = new Set(ranTests().map((test) => `${test.file}\n${test.title}`));
  const seen: Named[] = [];
  for (const file of stages.flatMap(filesOf)) {
    for (const title of titlesOfFile(file)) {
      const composed = run !== null && title.includes('${');
      if (!composed && !ran.has(`${file}\n${title}`)) seen.push({ title, file, outcome: 'not run' });
    }
  }
  return seen;
}
