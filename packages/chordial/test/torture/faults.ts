/** `npm run faults -- NAME|all [--only FINDING,…] [--peers N] [--files N] [--minutes M] [--seed S] [--json]`: the rows of the table of faults. */

import { argumentsOf, interruptible, numberOf } from '../../simulation/command-line.ts';
import { findings, type Outcome } from '../hostile/finding.ts';
import { playFindings, tableOf } from '../hostile/findings.ts';
import { allAtOnce } from './rows/all-at-once.ts';
import { amidCollection, amidHandOver, amidLeave, amidPut, amidRepair } from './rows/amid.ts';
import { churn } from './rows/churn.ts';
import { diskFull } from './rows/disk-full.ts';
import type { FaultRow, Measured } from './rows/fault-row.ts';
import { flippedBits } from './rows/flipped-bits.ts';
import { hostile } from './rows/hostile.ts';
import { killSome } from './rows/kill-some.ts';
import { objectStore } from './rows/object-store.ts';
import { oneByOne } from './rows/one-by-one.ts';
import { shares } from './rows/shares.ts';
import { split } from './rows/split.ts';
import { stageRow } from './rows/stage-row.ts';
import { StepLog } from './step-log.ts';

const rows: readonly FaultRow[] = [
  killSome,
  oneByOne,
  allAtOnce,
  churn,
  amidPut,
  amidHandOver,
  amidLeave,
  amidRepair,
  amidCollection,
  diskFull,
  flippedBits,
  objectStore,
  split,
  shares,
  hostile,
];

const usage = `usage: npm run faults -- NAME…|all [--peers N] [--files N] [--minutes M] [--seed S] [--json]
       npm run faults -- hostile [--only FINDING,…]
measures rows of the table of faults with real peers; hostile ends with the attacks of the security review
rows: ${rows.map(({ name }) => name).join(', ')}
findings, of which --only plays those named and nothing else: ${findings.join(', ')}`;
const { values, positionals } = argumentsOf(usage, {
  allowPositionals: true,
  options: {
    peers: { type: 'string' },
    files: { type: 'string' },
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const only = values.only.split(',').filter((one) => one !== '');
const unknown = [
  ...positionals.filter((name) => name !== 'all' && !rows.some((row) => row.name === name)),
  ...only.filter((one) => !findings.some((finding) => finding === one)),
];
const named = rows.filter(({ name }) => positionals.includes(name) || positionals.includes('all'));
if (named.length === 0 || unknown.length > 0) {
  console.error(`faults: ${unknown.length > 0 ? `there is no ${unknown.join(', ')}` : 'name a row, or all'}\n${usage}`);
  process.exit(2);
}
const isHostile = named.includes(hostile);
const chosen = only.length > 0 ? [] : named;

const log = new StepLog('faults', true);
const measured = await interruptible(async (signal) => {
  const results: (Measured & { readonly row: FaultRow })[] = [];
  for (const row of chosen) {
    if (!signal.aborted) results.push({ row, ...(await measure(row, signal)) });
  }
  return results;
});
for (const { row, figure, passed } of measured) {
  const { name, what, target } = row;
  if (values.json) console.log(JSON.stringify({ name, what, target, figure, passed }));
  else
    console.log(`${passed ? 'met   ' : 'NOT   '} ${name}: ${what}\n       target: ${target}\n       figure: ${figure}`);
}
const outcomes = isHostile ? await interruptible((signal) => playFindings(only, (line) => log.step(line), signal)) : [];
if (values.json) for (const outcome of outcomes) console.log(JSON.stringify(recordOf(outcome)));
else if (isHostile) for (const line of tableOf(outcomes, only)) console.log(line);
const isMet = measured.every(({ passed }) => passed) && outcomes.every(({ held }) => held);
if (isMet) log.remove();
else console.error(`The steps are in ${log.file}`);
process.exitCode = isMet ? 0 : 1;

function recordOf({ attack: { finding, title, before }, reached, held, healthMilliseconds }: Outcome) {
  return { finding, title, before, reached, held, healthMilliseconds };
}

async function measure(row: FaultRow, signal: AbortSignal): Promise<Measured> {
  const options = {
    peers: numberOf(values.peers ?? String(row.peers), '--peers', 3, 200),
    files: numberOf(values.files ?? String(row.files), '--files', 1, 1_000_000),
    minutes: numberOf(values.minutes, '--minutes', 0.01, 100_000),
    seed: numberOf(values.seed, '--seed', 0, 2 ** 32 - 1),
  };
  try {
    return await stageRow(row, options, log, signal);
  } catch (error) {
    log.step(`${row.name}: ${(error as Error).stack}`);
    return { figure: `interrupted: ${(error as Error).message.split('\n', 1)[0]}`, passed: false };
  }
}
