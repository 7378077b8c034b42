import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import type { RingId } from '@chordial/ring';
import { contactOf, virtualClock } from '@chordial/ring/testing';
import fc from 'fast-check';
import { StaticRing } from '../../test/fixtures/static-ring.ts';
import { PlacementCache } from './placement-cache.ts';

const contacts = Array.from({ length: 12 }, (_, index) => contactOf(`host ${index}`));
const keyOf = (number: number): RingId => hash('sha256', `key ${number}`, 'hex') as RingId;

test('A8 places are the owner and the next members on distinct live hosts, as the dumb model says', async () => {
  const setting = fc.record({
    hosts: fc.integer({ min: 1, max: 12 }),
    virtualNodes: fc.integer({ min: 1, max: 8 }),
    // With one alone the 32 lists that are walked may end before eight hosts of many members each were met.
    successors: fc.integer({ min: 2, max: 6 }),
    wanted: fc.integer({ min: 1, max: 8 }),
    dead: fc.nat(3),
  });
  await fc.assert(
    fc.asyncProperty(setting, async ({ hosts, virtualNodes, successors, wanted, dead }) => {
      const ring = new StaticRing({ bits: 256, successors });
      for (const contact of contacts.slice(0, hosts)) ring.add(contact, virtualNodes);
      for (const { host } of contacts.slice(1, Math.min(1 + dead, hosts))) ring.declareDead(host);
      const placement = new PlacementCache(ring.view(contacts[0]!), virtualClock().clock);
      for (let number = 0; number < 20; number++) {
        const places = await placement.places(keyOf(number), wanted);
        assert.deepEqual(
          places.map(({ host }) => host),
          ring.expectedPlaces(keyOf(number), wanted),
        );
      }
    }),
    { numRuns: 60 },
  );
});

test('A10 many keys cost a lookup per arc and the few in progress with it, and a change of the ring costs new ones', async () => {
  const [rings, arcs, atOnce] = [10, 10, 8];
  let lookups = 0;
  for (let number = 0; number < rings; number++) {
    const hosts = Array.from({ length: 6 }, (_, index) => contactOf(`host ${index} of ring ${number}`));
    const ring = new StaticRing({ bits: 256, successors: 8 });
    for (const contact of hosts.slice(0, 5)) ring.add(contact, arcs / 5);
    const placement = new PlacementCache(ring.view(hosts[0]!), virtualClock().clock);
    await Promise.all(Array.from({ length: 1024 }, (_, key) => placement.places(keyOf(key), 3)));
    // Only its answer tells which arc a key lies in: all that are in progress may be of one.
    assert.ok(ring.lookups <= arcs * atOnce, `${ring.lookups} lookups for ${arcs} arcs`);
    lookups += ring.lookups;
    ring.add(hosts[5]!, 2);
    for (let key = 0; key < 50; key++) {
      const places = await placement.places(keyOf(key), 3);
      assert.deepEqual(
        places.map(({ host }) => host),
        ring.expectedPlaces(keyOf(key), 3),
      );
    }
  }
  assert.ok(lookups <= rings * (arcs + atOnce), `${lookups} lookups for ${rings} rings of ${arcs} arcs`);
});

test('A7 candidates name every other live host behind the places', async () => {
  const ring = new StaticRing({ bits: 256, successors: 2 });
  for (const contact of contacts.slice(0, 9)) ring.add(contact, 1);
  const placement = new PlacementCache(ring.view(contacts[0]!), virtualClock().clock);
  const candidates = await placement.candidates(keyOf(1), 3);
  assert.equal(new Set(candidates.map(({ host }) => host)).size, 9);
  assert.deepEqual(
    candidates.slice(0, 3).map(({ host }) => host),
    ring.expectedPlaces(keyOf(1), 3),
  );
});
