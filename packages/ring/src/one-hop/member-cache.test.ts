import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RingId } from '../protocol/identifier.ts';
import type { HostId } from '../protocol/pointer.ts';
import { memberAt } from '../testing/virtual-clock.ts';
import { MemberCache } from './member-cache.ts';

const idOf = (place: number) => place.toString(16).padStart(2, '0') as RingId;
const cacheOf = (capacity: number) => new MemberCache({ bits: 8, capacity, center: idOf(0), idOf: null });
const steps = fc.array(
  fc.record({
    place: fc.integer({ min: 0, max: 255 }),
    host: fc.constantFrom('a', 'b', 'c'),
    action: fc.constantFrom('insert', 'insert', 'insert', 'remove-member', 'remove-host'),
  }),
  { maxLength: 60 },
);

test('C2 the cache does what a sorted list does', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const cache = cacheOf(1000);
      const model = new Map<RingId, string>();
      for (const { place, host, action } of history) {
        const id = idOf(place);
        if (action === 'insert') {
          assert.equal(cache.insert(memberAt(id, host)), !model.has(id));
          model.set(id, host);
        } else if (action === 'remove-member') {
          cache.removeMember(id);
          model.delete(id);
        } else {
          cache.removeHost(host as HostId);
          for (const [known, owner] of model) if (owner === host) model.delete(known);
        }
        const sorted = [...model.keys()].sort();
        assert.deepEqual(
          cache.all().map((m) => m.id),
          sorted,
        );
        const others = sorted.filter((known) => known !== id);
        assert.equal(cache.after(id)?.id, others.find((known) => known > id) ?? others[0]);
        const before = [
          ...sorted.filter((known) => known < id).reverse(),
          ...sorted.filter((known) => known >= id).reverse(),
        ];
        assert.deepEqual(
          cache.before(id, 3).map((m) => m.id),
          before.slice(0, 3),
        );
        for (const name of ['a', 'b', 'c']) {
          assert.equal(
            cache.membersAt(name as HostId).length,
            [...model.values()].filter((owner) => owner === name).length,
          );
        }
      }
    }),
  );
});

test('C2 a full cache keeps few of the many that are far and all that are near, and one of capacity 0 stays empty', () => {
  const cache = cacheOf(32);
  const places = Array.from({ length: 256 }, (_, place) => (place * 167) % 256);
  for (const place of places) cache.insert(memberAt(idOf(place)));
  assert.equal(cache.size, 32);
  const kept = cache.all().map(({ id }) => Number.parseInt(id, 16));
  const near = kept.filter((place) => place < 64).length;
  const far = kept.filter((place) => place >= 192).length;
  assert.ok(near >= 2 * far, `${near} near, ${far} far`);
  assert.equal(cacheOf(0).insert(memberAt('01')), false);
});

test('C2 with the rule of ids the members of a host are found without a search', () => {
  const idOfMember = (host: HostId, index: number) => (host === 'host-a' && index < 3 ? idOf(10 * index) : idOf(255));
  const cache = new MemberCache({ bits: 8, capacity: 100, center: idOf(0), idOf: idOfMember });
  for (const place of [0, 10, 30]) cache.insert(memberAt(idOf(place), 'host-a'));
  assert.deepEqual(
    cache.membersAt('host-a' as HostId).map(({ id }) => id),
    [idOf(0), idOf(10)],
  );
  assert.equal(cache.knows('host-a' as HostId), true);
  cache.removeHost('host-a' as HostId);
  assert.deepEqual(
    cache.all().map(({ id }) => id),
    [idOf(30)],
  );
});

test('C2 the members at and behind a key, round the ring', () => {
  const cache = cacheOf(10);
  for (const place of [1, 5, 9]) cache.insert(memberAt(idOf(place)));
  assert.deepEqual(
    cache.from(idOf(5), 3).map(({ id }) => id),
    [idOf(5), idOf(9), idOf(1)],
  );
});
