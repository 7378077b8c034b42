import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import type { MemberPointer, RingId } from '@chordial/ring';
import { contactOf, virtualClock } from '@chordial/ring/testing';
import fc from 'fast-check';
import { StaticRing } from '../../test/fixtures/static-ring.ts';
import { countZones, likelyPlaces } from '../records/zone-order.ts';
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

test('places are the owner and the next members of other zones, then those of other hosts, and every host finds the same', async () => {
  const setting = fc.record({
    zones: fc.array(fc.option(fc.nat(4), { nil: undefined }), { minLength: 1, maxLength: 12 }),
    virtualNodes: fc.integer({ min: 1, max: 5 }),
    successors: fc.integer({ min: 8, max: 16 }),
    wanted: fc.integer({ min: 1, max: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(setting, async ({ zones, virtualNodes, successors, wanted }) => {
      const ring = new StaticRing({ bits: 256, successors });
      const hosts = zones.map((zone, index) => ({
        ...contacts[index]!,
        ...(zone !== undefined && { zone: `zone-${zone}` }),
      }));
      for (const contact of hosts) ring.add(contact, virtualNodes);
      for (const seer of hosts) {
        const placement = new PlacementCache(ring.view(seer), virtualClock().clock);
        const without = new StaticRing({ bits: 256, successors });
        for (const contact of hosts) if (contact !== seer) without.add(contact, virtualNodes);
        for (let number = 0; number < 4; number++) {
          const key = keyOf(number);
          const places = await placement.places(key, wanted);
          assert.deepEqual(
            places.map(({ host }) => host),
            ring.expectedPlaces(key, wanted),
          );
          assert.deepEqual(likelyPlaces(ring.view(seer), key, wanted), places);
          const others = (await placement.withoutSelf.candidates(key, wanted)).slice(0, wanted);
          assert.deepEqual(
            others.map(({ host }) => host),
            without.expectedPlaces(key, wanted),
          );
        }
      }
    }),
    { numRuns: 40 },
  );
});

test('a zone is looked for behind a long run of others, and not without end', async () => {
  const states = { asked: 0 };
  const ring = new StaticRing({ bits: 256, successors: 4 });
  for (const [index, contact] of contacts.slice(0, 4).entries())
    ring.add({ ...contact, zone: `zone-${index % 2}` }, 60);
  ring.add({ ...contacts[4]!, zone: 'rare' }, 1);
  const view = ring.view(contacts[0]!);
  const stateOf = (member: MemberPointer) => {
    states.asked += 1;
    return view.stateOf(member);
  };
  const counting = { ...view, stateOf };
  const placement = new PlacementCache(counting, virtualClock().clock);
  for (let number = 0; number < 20; number++) {
    states.asked = 0;
    const places = await placement.places(keyOf(number), 3);
    assert.equal(places.length, 3);
    assert.ok(countZones(places) >= 2);
    assert.ok(states.asked <= 8, `${states.asked} lists`);
  }
  // Where no other zone is known no list is read for it.
  ring.declareDead(contacts[4]!.host);
  states.asked = 0;
  for (let number = 100; number < 120; number++) await placement.places(keyOf(number), 3);
  assert.ok(states.asked <= 40, `${states.asked} lists`);
});

test('a member that cannot tell what follows it makes the ring no shorter', async () => {
  const ring = new StaticRing({ bits: 256, successors: 4 });
  for (const [index, contact] of contacts.slice(0, 6).entries())
    ring.add({ ...contact, zone: `zone-${index % 3}` }, 10);
  const view = ring.view(contacts[0]!);
  let asked = 0;
  const stateOf = async (member: MemberPointer) => (asked++ % 2 === 0 ? null : view.stateOf(member));
  const placement = new PlacementCache({ ...view, stateOf }, virtualClock().clock);
  for (let number = 0; number < 50; number++) {
    const places = await placement.places(keyOf(number), 5);
    assert.deepEqual(
      places.map(({ host }) => host),
      ring.expectedPlaces(keyOf(number), 5),
    );
  }
  assert.ok(asked > 0);
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
