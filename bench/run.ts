/**
 * `npm run bench [-- NAME…] [--runs N] [--full] [--quick] [--draw]`: runs the named questions, or all; prints each table, stores
 * it under bench/results/ and regenerates docs/performance.md, except with --quick. A failed question is reported, and the next one runs.
 */
import { argumentsOf, wholeOf } from '../packages/chordial/simulation/command-line.ts';
import { surroundings } from './machine.ts';
import { drawPerformancePage } from './performance-page.ts';
import { questions } from './questions.ts';
import { keepResult } from './results.ts';
import { type Question, usualRuns } from './row.ts';

const maxRuns = 100;

const usage = `usage: npm run bench -- [NAME…] [--runs N] [--full] [--quick] [--draw] [--list]
asks the questions named, or all, keeps the results and draws docs/performance.md; with --quick only prints them
questions: ${questions.map(({ name }) => name).join(', ')}`;
const { values, positionals } = argumentsOf(usage, {
  allowPositionals: true,
  options: {
    runs: { type: 'string' },
    full: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    draw: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

if (values.list) for (const { name, about } of questions) console.log(`${name.padEnd(20)} ${about}`);
else if (values.draw) await drawPerformancePage();
else await askAll(asked(positionals), values.runs === undefined ? null : wholeOf(values.runs, '--runs', 1, maxRuns));

/** `told` null: each question as often as it says itself. */
async function askAll(wanted: readonly Question[], told: number | null): Promise<void> {
  const failures: string[] = [];
  const began = performance.now();
  const elapsed = (since: number): string => {
    const seconds = Math.round((performance.now() - since) / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  };
  for (const [number, question] of wanted.entries()) {
    const start = performance.now();
    const runs = told ?? question.runs ?? usualRuns;
    console.log(`\n${elapsed(began)}  ${number + 1} of ${wanted.length}: ${question.name}: ${question.about}`);
    try {
      const around = await surroundings();
      const note = (text: string) => console.log(`${elapsed(began)}  ${text}`);
      const rows = await question.measure({ runs, isQuick: values.quick, isFull: values.full, note });
      console.table(Object.fromEntries(rows.map(({ what, ...cells }) => [what, cells])));
      const [at, seconds] = [new Date().toISOString(), Math.round((performance.now() - start) / 1000)];
      const how = { runs, isFull: values.full, seconds };
      if (!values.quick) await keepResult({ question: question.name, at, ...around, ...how, rows });
    } catch (error) {
      failures.push(question.name);
      console.error(`${elapsed(began)}  ${question.name} could not be measured:`, error);
    }
    console.log(`${elapsed(began)}  ${question.name} took ${elapsed(start)}`);
  }
  if (!values.quick) await drawPerformancePage();
  console.log(`\n${wanted.length} questions took ${elapsed(began)} (minutes:seconds)`);
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
