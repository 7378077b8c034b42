import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calm, RingSimulation, type SimulationOptions } from './ring-simulation.ts';

const ring = (options: Partial<SimulationOptions> = {}) =>
  new RingSimulation({
    seed: 1,
    bits: 64,
    successors: 4,
    virtualNodes: 6,
    smallRings: false,
    faults: calm,
    cacheCapacity: 1000,
    parallelAsks: 3,
    ...options,
  });

test('a founder with fewer than s + 1 members begins no ring, but a teaching ring [R8]', () => {
  assert.throws(() => ring({ virtualNodes: 4 }).found(), /needs 5 members and has 4/);
  assert.equal(ring({ virtualNodes: 5 }).found().ring.states().length, 5);
  assert.equal(ring({ virtualNodes: 1, smallRings: true }).found().ring.states().length, 1);
});

test('a join through a host that has vanished fails within 25 s', () => {
  const simulation = ring();
  const gone = simulation.found();
  const joiner = simulation.add();
  simulation.crash(gone);
  let failure: string | null | undefined;
  simulation.join(joiner, gone, (result) => {
    failure = result;
  });
  simulation.time.runUntil(15_000);
  assert.equal(failure, undefined, 'it may come back');
  simulation.time.runUntil(25_000);
  assert.equal(failure, 'failed');
});

test('all members of a host join through one host that answers', () => {
  const simulation = ring();
  const first = simulation.found();
  const joiner = simulation.add();
  let failure: string | null | undefined;
  simulation.join(joiner, first, (result) => {
    failure = result;
  });
  simulation.time.runUntil(3000);
  assert.equal(failure, null);
  assert.equal(simulation.settle(10_000) !== null, true);
});
