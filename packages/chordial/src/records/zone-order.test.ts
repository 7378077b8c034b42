import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact } from '@chordial/ring';
import { contactOf } from '@chordial/ring/testing';
import fc from 'fast-check';
import { countZones, distinctZones } from './zone-order.ts';

const zone = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined });
/** Hosts in ring order, each in one of three zones or in none. */
const inOrder = fc
  .array(zone, { maxLength: 12 })
  .map((zones) => zones.map((one, index): Contact => ({ ...contactOf(`host ${index}`), ...(one && { zone: one }) })));
const wanted = fc.integer({ min: 1, max: 6 });

test('the first k places are in as many zones as k hosts can be, the owner first', () => {
  fc.assert(
    fc.property(inOrder, wanted, (hosts, count) => {
      const places = distinctZones(hosts).slice(0, count);
      assert.equal(countZones(places), Math.min(places.length, countZones(hosts)));
      assert.equal(places[0], hosts[0]);
      assert.deepEqual(new Set(distinctZones(hosts)), new Set(hosts));
    }),
  );
});

test('in a ring without zones the places are as they were', () => {
  const hosts = Array.from({ length: 9 }, (_, index) => contactOf(`host ${index}`));
  assert.equal(distinctZones(hosts), hosts);
  const apart = hosts.map((contact, index) => ({ ...contact, zone: `zone-${index}` }));
  assert.deepEqual(distinctZones(apart), apart);
});

test('who reads on finds the same places as who read just enough', () => {
  fc.assert(
    fc.property(inOrder, wanted, fc.nat(12), (hosts, count, more) => {
      const zones = Math.min(count, countZones(hosts));
      const isEnough = (some: readonly Contact[]) =>
        some.length >= Math.min(count, hosts.length) && countZones(some) >= zones;
      const least = hosts.findIndex((_, last) => isEnough(hosts.slice(0, last + 1))) + 1;
      const short = distinctZones(hosts.slice(0, least));
      const long = distinctZones(hosts.slice(0, least + more));
      assert.deepEqual(long.slice(0, count), short.slice(0, count));
    }),
  );
});

test('a host that comes or goes changes one place at most, one that changes its zone two', () => {
  fc.assert(
    fc.property(inOrder, wanted, fc.nat(11), zone, (hosts, count, at, other) => {
      const placesOf = (some: readonly Contact[]) =>
        new Set(
          distinctZones(some)
            .slice(0, count)
            .map(({ host }) => host),
        );
      const before = placesOf(hosts);
      const added = (after: Set<unknown>) => [...after].filter((host) => !before.has(host as never)).length;
      assert.ok(added(placesOf(hosts.filter((_, index) => index !== at))) <= 1);
      const moved = hosts.map((contact, index) =>
        index === at ? { host: contact.host, addresses: contact.addresses, ...(other && { zone: other }) } : contact,
      );
      assert.ok(added(placesOf(moved)) <= 2);
    }),
    { numRuns: 1000 },
  );
});
