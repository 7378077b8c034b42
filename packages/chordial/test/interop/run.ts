/**
 * `npm run interop -- dav ipfs lan links nat page s3`: suites with programs of others and networks made of namespaces. They take root and
 * Debian packages, so the gate leaves them out; without these they fail, naming the line that installs what is missing.
 */
import { argumentsOf } from '../../simulation/command-line.ts';
import { TestRun } from '../test-run.ts';
import { sweep } from './namespaces.ts';
import { missingPackages, obstacle, stageOf, suites } from './suites.ts';

const names = Object.keys(suites);
const usage = `usage: npm run interop -- SUITE…|all [--missing]
runs suites that take root and Debian packages; --missing prints those packages that are not installed, and runs nothing
${names.map((name) => `  ${name.padEnd(5)} ${suites[name]?.what}`).join('\n')}`;
const { positionals, values } = argumentsOf(usage, {
  allowPositionals: true,
  options: { missing: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => name !== 'all' && !names.includes(name));
if (positionals.length === 0 || unknown.length > 0) {
  const why = unknown.length > 0 ? `there is no suite ${unknown.join(', ')}` : 'name a suite, or all';
  console.error(`interop: ${why}\n${usage}`);
  process.exit(2);
}
const chosen = names.filter((name) => positionals.includes(name) || positionals.includes('all'));
if (values.missing) {
  for (const name of missingPackages(chosen)) console.log(name);
  process.exit(0);
}

const run = new TestRun('interop run');
for (const name of chosen) {
  await run.stage(name, async () => {
    const why = obstacle([name]);
    if (why === null) await run.tests(stageOf(name));
    else run.fail(`${name}: ${why}`);
  });
}
await run.settle();
if (obstacle([]) === null)
  for (const name of await sweep()) run.fail(`left a network namespace behind (removed): ${name}`);
run.end();
