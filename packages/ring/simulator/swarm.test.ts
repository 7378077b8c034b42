import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSwarm } from './swarm.ts';

/** The smoke set; `npm run simulate:long` runs thousands. */
const smokeSeeds = 150;

function mustHeal(seed: number): void {
  const { failure } = runSwarm(seed);
  assert.equal(failure, null, `seed ${seed}`);
}

test('C1 A5 A22 after any mix of crashes, partitions, loss and frozen processes the ring becomes ideal and lookups are right', () => {
  for (let seed = 0; seed < smokeSeeds; seed++) mustHeal(seed);
});

test('C1 the same seed gives the same trace, another seed another', () => {
  const digest = runSwarm(3).digest;
  assert.equal(runSwarm(3).digest, digest);
  assert.notEqual(runSwarm(4).digest, digest);
});
