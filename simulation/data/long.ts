/** `npm run simulate:data -- --seeds 1000 [--from 0] [--trace]`: histories with data; names the seeds that fail, then exits 1. */
import { parseArgs } from 'node:util';
import { runDataSwarm } from './data-swarm.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    trace: { type: 'boolean', default: false },
  },
});
const [seeds, from] = [Number(values.seeds), Number(values.from)];
if (!Number.isInteger(seeds) || seeds < 1 || !Number.isInteger(from) || from < 0) {
  console.error('simulate:data: --seeds takes a whole number from 1, --from one from 0');
  process.exit(2);
}

const failing: number[] = [];
const total = { puts: 0, failedPuts: 0, reads: 0 };
let slowest = 0;
const began = performance.now();
for (let seed = from; seed < from + seeds; seed++) {
  const result = await runDataSwarm(seed, values.trace ? console.log : undefined);
  for (const key of ['puts', 'failedPuts', 'reads'] as const) total[key] += result[key];
  slowest = Math.max(slowest, result.slowestRepair);
  if (values.trace) console.log(`digest ${result.digest}, ${result.steps} events`);
  if (result.failure === null) continue;
  failing.push(seed);
  console.log(`seed ${seed}: ${result.failure}`);
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(`${seeds - failing.length} of ${seeds} seeds passed in ${seconds} s`);
console.log(`${total.puts} puts acknowledged, ${total.failedPuts} failed, ${total.reads} reads`);
console.log(`slowest return to one ring and full copies ${(slowest / 1000).toFixed(1)} s of virtual time`);
if (failing.length > 0) console.log(`failing seeds: ${failing.join(' ')}`);
process.exitCode = failing.length > 0 ? 1 : 0;
