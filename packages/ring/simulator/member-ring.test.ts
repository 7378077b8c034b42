import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runMembers } from './member-history.ts';

const history = { steps: 120, founders: 5 } as const;

function shapeOf(seed: number) {
  return { bits: 6, successors: seed % 2 === 0 ? 3 : 2 };
}

test('C1 A3 at the level of messages, with the busy rule, no event breaks the invariant and no principal is demoted [R7 R17]', () => {
  for (let seed = 0; seed < 300; seed++) {
    const { broken, demoted } = runMembers({ ...history, seed, shape: shapeOf(seed), busyRule: true });
    assert.deepEqual([...broken], [], `seed ${seed}`);
    assert.deepEqual(demoted, [], `seed ${seed}`);
  }
});

test('C1 mutant: without the busy rule a principal is demoted within 20 seeds [R17]', () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed);
  const caught = seeds.filter((seed) => {
    return runMembers({ ...history, seed, shape: shapeOf(seed), busyRule: false }).demoted.length > 0;
  });
  assert.notEqual(caught.length, 0);
});
