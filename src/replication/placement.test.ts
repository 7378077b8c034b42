import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { StaticRing } from '../../test/fixtures/static-ring.ts';
import { createIdentity } from '../network/identity.ts';
import { systemClock } from '../network/system-clock.ts';
import type { RingId } from '../ring/identifier.ts';
import { PlacementCache } from './placement-cache.ts';

const contacts = Array.from({ length: 12 }, (_, index) => ({
  host: createIdentity().host,
  addresses: [`10.0.0.${index + 1}:1`],
}));
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
      const placement = new PlacementCache(ring.view(contacts[0]!), systemClock);
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

test('A10 many keys cost a lookup per arc, and a change of the ring costs new ones', async () => {
  const ring = new StaticRing({ bits: 256, successors: 8 });
  for (const contact of contacts.slice(0, 5)) ring.add(contact, 2);
  const placement = new PlacementCache(ring.view(contacts[0]!), systemClock);
  await Promise.all(Array.from({ length: 1024 }, (_, number) => placement.places(keyOf(number), 3)));
  assert.ok(ring.lookups <= 10 + 8, `${ring.lookups} lookups for 10 arcs`);
  ring.add(contacts[5]!, 2);
  for (let number = 0; number < 200; number++) {
    const places = await placement.places(keyOf(number), 3);
    assert.deepEqual(
      places.map(({ host }) => host),
      ring.expectedPlaces(keyOf(number), 3),
    );
  }
});

test('A7 candidates name every other live host behind the places', async () => {
  const ring = new StaticRing({ bits: 256, successors: 2 });
  for (const contact of contacts.slice(0, 9)) ring.add(contact, 1);
  const placement = new PlacementCache(ring.view(contacts[0]!), systemClock);
  const candidates = await placement.candidates(keyOf(1), 3);
  assert.equal(new Set(candidates.map(({ host }) => host)).size, 9);
  assert.deepEqual(
    candidates.slice(0, 3).map(({ host }) => host),
    ring.expectedPlaces(keyOf(1), 3),
  );
});
