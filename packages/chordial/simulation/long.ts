/** `npm run simulate:long -- --seeds 1000 [--from 0]`: swarm after swarm; names the seeds that fail, then exits 1. */

import { runSwarm } from '@chordial/ring/simulator';
import { argumentsOf, wholeOf } from './command-line.ts';

const usage = `usage: npm run simulate:long -- [--seeds N] [--from N]
runs swarm after swarm of the ring in virtual time, and names the seeds that fail`;
const { values } = argumentsOf(usage, {
  options: { seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '0' } },
});
const seeds = wholeOf(values.seeds, '--seeds', 1, Number.MAX_SAFE_INTEGER);
const from = wholeOf(values.from, '--from', 0, Number.MAX_SAFE_INTEGER);

const failing: number[] = [];
let slowest = 0;
const lookups = { asked: 0, failed: 0, wrong: 0 };
for (let seed = from; seed < from + seeds; seed++) {
  const { failure, healedAfter, lookupsDuring } = runSwarm(seed);
  for (const key of ['asked', 'failed', 'wrong'] as const) lookups[key] += lookupsDuring[key];
  slowest = Math.max(slowest, healedAfter ?? 0);
  if (failure === null) continue;
  failing.push(seed);
  console.log(`seed ${seed}: ${failure}`);
}
console.log(`${seeds - failing.length} of ${seeds} seeds passed; slowest healing ${(slowest / 1000).toFixed(1)} s`);
console.log(
  `lookups amid the trouble: ${lookups.asked}, of which ${lookups.failed} failed, ${lookups.wrong} found another`,
);
if (failing.length > 0) console.log(`failing seeds: ${failing.join(' ')}`);
process.exitCode = failing.length > 0 ? 1 : 0;
