import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RingChecker } from './ring-checker.ts';
import { calm } from './ring-simulation.ts';
import { settle, settledRing } from './scenarios/host-ring.ts';

test('C1 A3 A5 hosts join at once and one is killed: after every commit there is one ordered ring', () => {
  for (let seed = 0; seed < 12; seed++) {
    const checker = new RingChecker();
    const ring = settledRing(1, { seed, faults: calm, observe: checker.observe });
    checker.watch(ring);
    ring.join(ring.add(), ring.hosts[0]!);
    ring.join(ring.add(), ring.hosts[0]!);
    settle(ring, 10_000);
    ring.crash(ring.hosts[seed % 3]!);
    settle(ring, 10_000);
    ring.join(ring.add(), ring.live()[0]!);
    settle(ring, 10_000);
    assert.deepEqual(checker.violations, [], `seed ${seed}`);
    assert.ok(checker.checks > 100, `only ${checker.checks} checks`);
  }
});

test('C1 the checker catches two rings', () => {
  const checker = new RingChecker();
  const ring = settledRing(2, { seed: 1, observe: checker.observe });
  checker.watch(ring);
  // A second founder on the same network: two rings, until they meet.
  const stranger = ring.add();
  stranger.ring.found();
  assert.ok(checker.violations.some(({ violation }) => violation.property === 'AtMostOneRing'));
});
