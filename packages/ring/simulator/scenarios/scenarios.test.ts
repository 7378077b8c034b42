import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comeBack, hostNetwork, localNetwork, settle, settledRing, teachingRing, wrongLookups } from './host-ring.ts';

const kinds = [hostNetwork, { ...hostNetwork, cacheCapacity: 0 }, teachingRing];

test('A3 ten hosts that join at once form one ring within 5 s', () => {
  for (const kind of kinds) {
    const ring = settledRing(2, { seed: 1, ...kind });
    for (let i = 0; i < 10; i++) ring.join(ring.add(), ring.hosts[i % 2]!);
    settle(ring, 5000);
    assert.deepEqual(wrongLookups(ring), []);
  }
});

test('A5 two of seven hosts killed at once: ideal within 5 s, all lookups right', () => {
  for (const kind of kinds) {
    const ring = settledRing(7, { seed: 2, ...kind });
    ring.crash(ring.hosts[2]!);
    ring.crash(ring.hosts[5]!);
    settle(ring, 5000);
    assert.deepEqual(wrongLookups(ring), []);
  }
});

test('A5 the last of seven hosts is a ring alone, and the other six rejoin it', () => {
  for (const kind of kinds) {
    const ring = settledRing(7, { seed: 3, ...kind });
    const [last, ...others] = ring.hosts;
    for (const host of others) ring.crash(host);
    settle(ring, 5000);
    for (const host of others) comeBack(ring, host, last!);
    settle(ring, 15_000);
    assert.deepEqual(wrongLookups(ring), []);
  }
});

test('A5 a host killed and restarted, before or after its death is noticed, gets its old place', () => {
  for (const kind of kinds) {
    for (const pause of [0, 300, 10_000]) {
      const ring = settledRing(5, { seed: 4, ...kind });
      const [founder, , back] = ring.hosts;
      ring.crash(back!);
      ring.time.runUntil(ring.time.now + pause);
      comeBack(ring, back!, founder!);
      settle(ring, 10_000);
    }
  }
});

test('A26 C1 a partition into two or three, short or long, heals to one ring within 60 s [R26]', () => {
  for (const kind of kinds) {
    for (const ways of [2, 3]) {
      for (const pause of [1000, 30_000]) {
        const ring = settledRing(6, { seed: 5, ...kind });
        ring.network.partition(new Map(ring.hosts.map((host, i) => [host.contact.host, i % ways])));
        ring.time.runUntil(ring.time.now + pause);
        ring.network.heal();
        ring.time.runUntil(ring.time.now + 4000);
        settle(ring, 60_000);
        assert.deepEqual(wrongLookups(ring), []);
      }
    }
  }
});

test('A5 a broken link between two hosts drops neither, and lookups still succeed', () => {
  for (const kind of kinds) {
    const ring = settledRing(6, { seed: 6, ...kind });
    const [, a, b] = ring.hosts;
    ring.network.breakLink(a!.contact.host, b!.contact.host);
    ring.time.runUntil(ring.time.now + 20_000);
    assert.equal(ring.inconsistency(), null);
    assert.equal(a!.ring.isDown(b!.contact.host), false);
    assert.equal(b!.ring.isDown(a!.contact.host), false);
    // The host at the other end of the link cannot confirm its keys; all other keys are found.
    const ends = [a!.contact.host, b!.contact.host];
    const wrong = wrongLookups(ring).filter((line) => !ends.some((host) => line.startsWith(`${host} `)));
    assert.deepEqual(wrong, []);
  }
});

test('A5 a host frozen for ten seconds is dropped, and gets its place back when it resumes', () => {
  for (const kind of kinds) {
    const ring = settledRing(5, { seed: 7, ...kind });
    const [watcher, , frozen] = ring.hosts;
    frozen!.process.freeze();
    ring.time.runUntil(ring.time.now + 10_000);
    assert.equal(watcher!.ring.isDown(frozen!.contact.host), true);
    frozen!.process.thaw();
    settle(ring, 20_000);
    assert.deepEqual(wrongLookups(ring), []);
  }
});

test('A22 with a tenth of all messages lost, some duplicated and reordered, no host stays declared dead', () => {
  for (const kind of kinds) {
    const faults = { ...localNetwork, maxDelay: 100, loss: 0.1, duplication: 0.1 };
    const ring = settledRing(5, { seed: 8, ...kind });
    ring.network.faults = faults;
    ring.time.runUntil(ring.time.now + 60_000);
    ring.network.faults = localNetwork;
    settle(ring, 20_000);
    assert.deepEqual(wrongLookups(ring), []);
  }
});

test('A4 hosts that leave one by one never break the ring of the rest', () => {
  for (const kind of kinds) {
    const ring = settledRing(6, { seed: 9, ...kind });
    for (const host of ring.hosts.slice(1, 5)) {
      ring.leave(host, true);
      ring.time.runUntil(ring.time.now + 1500);
      settle(ring, 3000);
    }
    assert.deepEqual(wrongLookups(ring), []);
  }
});
