/** Small and medium rings with the membership cache: one hop when warm, and a stale cache never gives a wrong answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mean, randomKey, someMember } from './asking.ts';
import { calm, RingSimulation } from './ring-simulation.ts';
import { hostNetwork, settledRing } from './scenarios/host-ring.ts';
import { addSettled } from './settled-ring.ts';

interface Answer {
  readonly hops: number;
  readonly owner: string;
  readonly wanted: string;
}

function lookUp(ring: RingSimulation, count: number): readonly Answer[] {
  const answers: Answer[] = [];
  for (let i = 0; i < count; i++) {
    const key = randomKey(ring);
    someMember(ring).ring.lookup(key, (found) => {
      answers.push({ hops: found?.hops ?? Number.NaN, owner: found?.owner.id ?? 'none', wanted: ring.ownerOf(key).id });
    });
    ring.time.runUntil(ring.time.now + 5);
  }
  ring.time.runUntil(ring.time.now + 5000);
  assert.equal(answers.length, count);
  return answers;
}

test('C2 in a ring of 12 hosts that have just joined, a lookup takes one hop [R31]', () => {
  const ring = settledRing(12, { seed: 3 });
  const answers = lookUp(ring, 400);
  for (const { owner, wanted } of answers) assert.equal(owner, wanted);
  assert.ok(mean(answers.map(({ hops }) => hops)) <= 1.2);
});

test('C2 A10 with a third of the cache stale, lookups take more hops and still find the owner [R31]', () => {
  const ring = new RingSimulation({
    ...hostNetwork,
    virtualNodes: 1,
    smallRings: true,
    faults: calm,
    parallelAsks: 1,
    seed: 4,
  });
  addSettled(ring, 150);
  for (const host of ring.hosts.filter((_, i) => i % 3 === 0)) ring.leave(host, true);
  for (let i = 0; i < 40; i++) ring.join(ring.add(), someMember(ring));
  ring.settle(60_000);
  const answers = lookUp(ring, 300);
  for (const { owner, wanted } of answers) assert.equal(owner, wanted);
});

test('C2 with a cache of a few members, lookups take about as many hops as with fingers', () => {
  const ring = new RingSimulation({
    ...hostNetwork,
    virtualNodes: 1,
    smallRings: true,
    faults: calm,
    parallelAsks: 1,
    cacheCapacity: 24,
    seed: 5,
  });
  addSettled(ring, 256);
  const answers = lookUp(ring, 300);
  for (const { owner, wanted } of answers) assert.equal(owner, wanted);
  const formula = Math.log2(256) / 2 - Math.log2(hostNetwork.successors) / 2 + 1;
  assert.ok(mean(answers.map(({ hops }) => hops)) <= 1.1 * formula);
});
