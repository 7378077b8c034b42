/** `npm run torture -- --minutes M --peers N [--hidden N] [--seed S] [--json] [--without STEP,…] [--only STEP,…]` */
import { argumentsOf, interruptible, numberOf, wholeOf } from '../../simulation/command-line.ts';
import { obstacle } from '../interop/suites.ts';
import { isPassed, reportLines } from './report.ts';
import { runTorture } from './run-torture.ts';
import { StepLog } from './step-log.ts';
import { steps } from './steps.ts';

const usage = `usage: npm run torture -- [--minutes M] [--peers N] [--hidden N] [--seed S] [--json] [--without STEP,…] [--only STEP,…]
       [--writers N] [--readers N] [--pace MILLISECONDS]
kills, pauses, cuts off and fills real peers while files are put, read and removed, and compares every byte
with --hidden, as root: each peer on a machine of its own (a network namespace), so many behind routers that let in nothing
steps: ${Object.keys(steps).join(', ')}`;
const { values } = argumentsOf(usage, {
  options: {
    minutes: { type: 'string', default: '10' },
    peers: { type: 'string', default: '12' },
    hidden: { type: 'string', default: '0' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
    without: { type: 'string', default: '' },
    only: { type: 'string' },
    writers: { type: 'string', default: '2' },
    readers: { type: 'string', default: '3' },
    pace: { type: 'string', default: '100' },
  },
});
const listed = (text: string): readonly string[] => text.split(',').filter((one) => one !== '');
const unknown = [...listed(values.without), ...listed(values.only ?? '')].find((name) => !Object.hasOwn(steps, name));
if (unknown !== undefined) {
  console.error(`torture: no step ${unknown}; the steps are ${Object.keys(steps).join(', ')}`);
  process.exit(2);
}
const chosen = values.only === undefined ? Object.keys(steps) : listed(values.only);

const options = {
  minutes: numberOf(values.minutes, '--minutes', 0.01, 100_000),
  peers: numberOf(values.peers, '--peers', 4, 200),
  hidden: wholeOf(values.hidden, '--hidden', 0, 50),
  seed: numberOf(values.seed ?? String(Date.now() % 1_000_000), '--seed', 0, 2 ** 32 - 1),
  steps: chosen.filter((name) => !listed(values.without).includes(name)),
  load: {
    writers: numberOf(values.writers, '--writers', 0, 100),
    readers: numberOf(values.readers, '--readers', 0, 100),
    paceMilliseconds: numberOf(values.pace, '--pace', 0, 60_000),
  },
};
const why = options.hidden === 0 ? null : obstacle([]);
if (why !== null) {
  console.error(`torture: --hidden takes network namespaces; ${why}`);
  process.exit(2);
}
const log = new StepLog('torture', true);
const outcome = await interruptible((signal) => runTorture(options, log, signal));
console.log(values.json ? JSON.stringify(outcome) : reportLines(outcome).join('\n'));
const passed = isPassed(outcome);
if (passed && outcome.isWhole) log.remove();
else console.error(`The steps are in ${log.file}`);
process.exitCode = passed ? 0 : 1;
