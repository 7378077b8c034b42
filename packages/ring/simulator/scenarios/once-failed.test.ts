/**
 * Bugs once found by swarm seeds, replayed by cause: a seed's history changes with the generator, a cause does not. Seed
 * numbers are those of the generator at the time.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RingId } from '../../src/protocol/identifier.ts';
import { comeBack, hostNetwork, settle, settledRing, teachingRing } from './host-ring.ts';

const uncached = { ...hostNetwork, cacheCapacity: 0 };

test('A4 seeds 1801 2782: a host that leaves while it joins stays away', () => {
  for (let after = 5; after < 60; after += 5) {
    const ring = settledRing(2, { seed: 1, ...uncached });
    const joiner = ring.add();
    ring.join(joiner, ring.hosts[0]!);
    ring.time.runUntil(ring.time.now + after);
    joiner.ring.leave(true, () => {});
    assert.equal(joiner.ring.states().length, 0);
    for (let i = 0; i < 50; i++) {
      ring.time.runUntil(ring.time.now + 20);
      assert.equal(joiner.ring.states().length, 0, `left after ${after} ms, is back ${20 * i} ms later`);
    }
  }
});

test('A3 A26 seed 1690: a joiner that wrongly believed the owner of its place dead looks it up again', () => {
  const ring = settledRing(2, { seed: 2, ...teachingRing, cacheCapacity: 0 });
  const [owner, helper] = ring.hosts;
  const place = (BigInt(`0x${owner!.members[0]!.id}`) - 1n).toString(16).padStart(16, '0') as RingId;
  const joiner = ring.add([place]);
  ring.network.breakLink(joiner.contact.host, owner!.contact.host);
  ring.join(joiner, helper!);
  ring.time.runUntil(ring.time.now + 100);
  helper!.process.freeze();
  ring.time.runUntil(ring.time.now + 10_000);
  assert.equal(joiner.ring.isDown(owner!.contact.host), true);
  helper!.process.thaw();
  ring.network.heal();
  settle(ring, 20_000);
});

test('A4 seeds 1062 1935 2742: a host that leaves while its death is being checked delays no other host', () => {
  for (const kind of [uncached, teachingRing]) {
    const ring = settledRing(5, { seed: 3, ...kind });
    const leaver = ring.hosts[2]!;
    // Its LEAVE is in flight when the others begin to suspect it.
    leaver.process.freeze();
    ring.time.runUntil(ring.time.now + 900);
    leaver.process.thaw();
    ring.leave(leaver, true);
    ring.time.runUntil(ring.time.now + 1500);
    settle(ring, 3000);
  }
});

test('A5 six hosts that return at once without a cache settle within 5 s (once 29 s: changes waited for rounds)', () => {
  const ring = settledRing(7, { seed: 1, ...uncached });
  const [last, ...others] = ring.hosts;
  for (const host of others) ring.crash(host);
  settle(ring, 5000);
  for (const host of others) comeBack(ring, host, last!);
  settle(ring, 5000);
});

test('A3 a host of twenty members that joins is in every list within 600 ms (once 0.9 to 1.7 s) [R18]', () => {
  const ring = settledRing(3, { seed: 1, ...uncached });
  for (let i = 0; i < 4; i++) {
    ring.join(ring.add(), ring.hosts[i]!);
    settle(ring, 600);
  }
});
