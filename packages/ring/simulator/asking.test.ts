import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Process } from '../src/testing/process.ts';
import { ask } from './asking.ts';
import { calm, RingSimulation } from './ring-simulation.ts';
import { hostNetwork } from './scenarios/host-ring.ts';
import { addSettled } from './settled-ring.ts';

function settled(): RingSimulation {
  const ring = new RingSimulation({
    ...hostNetwork,
    virtualNodes: 1,
    smallRings: true,
    faults: calm,
    parallelAsks: 1,
    seed: 5,
  });
  addSettled(ring, 8);
  return ring;
}

test('C5 a lookup whose host crashes before the answer does not count as unanswered', () => {
  const ring = settled();
  ring.time.clock(new Process()).after(calm.minDelay, () => {
    for (const host of ring.hosts) ring.crash(host);
  });
  const { hops, failures, abandoned } = ask(ring, 4, 1);
  assert.deepEqual({ answered: hops.length, failures, abandoned }, { answered: 0, failures: 0, abandoned: 4 });
});

test('C5 a lookup that no host answers counts as a failure if its asker is still alive', () => {
  const ring = settled();
  ring.network.partition(new Map(ring.hosts.map(({ contact }, group) => [contact.host, group])));
  const { failures, abandoned } = ask(ring, 4, 1);
  assert.deepEqual({ failures, abandoned }, { failures: 4, abandoned: 0 });
});
