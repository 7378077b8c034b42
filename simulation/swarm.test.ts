import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSwarm } from './swarm.ts';

/** The smoke set; `npm run simulate:long` runs thousands. */
const smokeSeeds = 150;

function mustHeal(seed: number): void {
  const { failure } = runSwarm(seed);
  assert.equal(failure, null, `seed ${seed}`);
}

test('C1 A5 A22 after any mix of crashes, partitions, loss and frozen processes the ring is ideal again and lookups are right', () => {
  for (let seed = 0; seed < smokeSeeds; seed++) mustHeal(seed);
});

test('C1 one seed gives one trace, and another seed another', () => {
  const digest = runSwarm(3).digest;
  assert.equal(runSwarm(3).digest, digest);
  assert.notEqual(runSwarm(4).digest, digest);
});

// Seeds that failed once, each named after its cause.

test('A4 seeds 1062, 1935, 2742: a host leaves while its death is being checked, and nobody waits for ever', () => {
  for (const seed of [1062, 1935, 2742]) mustHeal(seed);
});

test('A4 seeds 1801, 2324, 2659, 2782: a host that leaves while it joins stays away', () => {
  for (const seed of [1801, 2324, 2659, 2782]) mustHeal(seed);
});

test('A3 A26 seed 1690: a joiner that wrongly took a host for dead looks for it again', () => {
  mustHeal(1690);
});

test('A5 seeds 849, 1319, 6385: a lost POKE does not leave a list incomplete for long', () => {
  for (const seed of [849, 1319, 6385]) mustHeal(seed);
});
