/**
 * `npm run simulate:data -- --seeds 1000 [--from 0] [--trace]`: histories with data. Prints each failing seed, with the
 * fewest steps of its plan that reproduce it and the event at which it was noticed, then exits 1. `--trace` logs events;
 * `--watch DIGITS` logs where items with this key prefix are; `--steps N` stops after N steps of the plan.
 */
import { argumentsOf, wholeOf } from '../command-line.ts';
import { type DataSwarmResult, runDataSwarm } from './data-swarm.ts';

const usage = `usage: npm run simulate:data -- [--seeds N] [--from N] [--steps N] [--trace] [--watch DIGITS]
runs histories with data in virtual time, and names the seeds that fail with the fewest steps that suffice`;
const { values } = argumentsOf(usage, {
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    steps: { type: 'string' },
    trace: { type: 'boolean', default: false },
    watch: { type: 'string' },
  },
});
const seeds = wholeOf(values.seeds, '--seeds', 1, Number.MAX_SAFE_INTEGER);
const from = wholeOf(values.from, '--from', 0, Number.MAX_SAFE_INTEGER);
const steps =
  values.steps === undefined ? Number.POSITIVE_INFINITY : wholeOf(values.steps, '--steps', 0, Number.MAX_SAFE_INTEGER);

const options = {
  steps,
  ...(values.trace ? { log: console.log } : {}),
  ...(values.watch === undefined ? {} : { watch: values.watch }),
};
const failing: number[] = [];
const total = { puts: 0, failedPuts: 0, reads: 0, events: 0 };
let slowest = 0;
const began = performance.now();
for (let seed = from; seed < from + seeds; seed++) {
  const result = await runDataSwarm(seed, options);
  for (const key of ['puts', 'failedPuts', 'reads', 'events'] as const) total[key] += result[key];
  slowest = Math.max(slowest, result.slowestRepair);
  if (values.trace) console.log(`digest ${result.digest}, ${result.events} events`);
  if (result.failure === null) continue;
  failing.push(seed);
  await tell(result);
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(`${seeds - failing.length} of ${seeds} seeds passed in ${seconds} s, ${total.events} events`);
console.log(`${total.puts} operations acknowledged, ${total.failedPuts} failed, ${total.reads} reads`);
console.log(`slowest return to one ring and full copies ${(slowest / 1000).toFixed(1)} s of virtual time`);
if (failing.length > 0) console.log(`failing seeds: ${failing.join(' ')}`);
if (total.puts === 0) console.log('nothing was put: this run shows nothing');
process.exitCode = failing.length > 0 || total.puts === 0 ? 1 : 0;

async function tell({ seed, failure, step, plannedSteps, events }: DataSwarmResult): Promise<void> {
  let fewest = step;
  while (fewest > 0 && (await runDataSwarm(seed, { steps: fewest - 1 })).failure !== null) fewest -= 1;
  console.log(
    `seed ${seed}, noticed in step ${step} of ${plannedSteps} at event ${events}, fails with ${fewest}: ${failure}`,
  );
}
