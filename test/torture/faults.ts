/** `npm run faults -- NAME|all [--peers N] [--files N] [--minutes M] [--seed S] [--json]`: the rows of the table of faults. */
import { argumentsOf, interruptible, numberOf } from './command-line.ts';
import { allAtOnce } from './rows/all-at-once.ts';
import { amidCollection, amidHandOver, amidLeave, amidPut, amidRepair } from './rows/amid.ts';
import { churn } from './rows/churn.ts';
import { diskFull } from './rows/disk-full.ts';
import type { FaultRow, Measured } from './rows/fault-row.ts';
import { flippedBits } from './rows/flipped-bits.ts';
import { hostile } from './rows/hostile.ts';
import { killSome } from './rows/kill-some.ts';
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
  split,
  shares,
  hostile,
];

const usage = `usage: npm run faults -- NAME…|all [--peers N] [--files N] [--minutes M] [--seed S] [--json]
measures rows of the table of faults with real peers
rows: ${rows.map(({ name }) => name).join(', ')}`;
const { values, positionals } = argumentsOf(usage, {
  allowPositionals: true,
  options: {
    peers: { type: 'string' },
    files: { type: 'string' },
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const chosen = rows.filter(({ name }) => positionals.includes(name) || positionals.includes('all'));
if (chosen.length === 0) {
  console.error(`faults: name a row, or all\n${usage}`);
  process.exit(2);
}

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
const isMet = measured.every(({ passed }) => passed);
if (isMet) log.remove();
else console.error(`The steps are in ${log.file}`);
process.exitCode = isMet ? 0 : 1;

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
    return { figure: `broken off: ${(error as Error).message.split('\n', 1)[0]}`, passed: false };
  }
}
