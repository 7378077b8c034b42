/**
 * `npm run bench [-- NAME…] [--runs N] [--quick] [--draw]`: asks the questions named, or all; prints each table, keeps it
 * under bench/results/ and draws docs/performance.md again. A question that fails is told and the next one is asked.
 */
import { argumentsOf, wholeOf } from '../simulation/command-line.ts';
import { surroundings } from './machine.ts';
import { drawPerformancePage } from './performance-page.ts';
import { questions } from './questions.ts';
import { keepResult } from './results.ts';
import type { Question } from './row.ts';

const defaultRuns = 5;
const maximumRuns = 100;

const usage = `usage: npm run bench -- [NAME…] [--runs N] [--quick] [--draw] [--list]
asks the questions named, or all, keeps the results and draws docs/performance.md
questions: ${questions.map(({ name }) => name).join(', ')}`;
const { values, positionals } = argumentsOf(usage, {
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: String(defaultRuns) },
    quick: { type: 'boolean', default: false },
    draw: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

if (values.list) for (const { name, about } of questions) console.log(`${name.padEnd(20)} ${about}`);
else if (values.draw) await drawPerformancePage();
else await askAll(asked(positionals), wholeOf(values.runs, '--runs', 1, maximumRuns));

async function askAll(wanted: readonly Question[], runs: number): Promise<void> {
  const failures: string[] = [];
  for (const question of wanted) {
    const start = performance.now();
    console.log(`\n${question.name}: ${question.about}`);
    try {
      const around = await surroundings();
      const note = (text: string) => console.log(`  ${text}`);
      const rows = await question.measure({ runs, isQuick: values.quick, note });
      console.table(Object.fromEntries(rows.map(({ what, ...cells }) => [what, cells])));
      const at = new Date().toISOString();
      await keepResult({ question: question.name, at, ...around, runs, isQuick: values.quick, rows });
    } catch (error) {
      failures.push(question.name);
      console.error(`  ${question.name} could not be measured:`, error);
    }
    console.log(`  took ${Math.round((performance.now() - start) / 1000)} s`);
  }
  await drawPerformancePage();
  if (failures.length === 0) return;
  console.error(`not measured: ${failures.join(', ')}`);
  process.exitCode = 1;
}

function asked(names: readonly string[]): readonly Question[] {
  const unknown = names.filter((name) => !questions.some((question) => question.name === name));
  if (unknown.length > 0) {
    console.error(`No question ${unknown.join(', ')}. There are: ${questions.map(({ name }) => name).join(', ')}.`);
    process.exit(2);
  }
  return names.length === 0 ? questions : questions.filter(({ name }) => names.includes(name));
}
