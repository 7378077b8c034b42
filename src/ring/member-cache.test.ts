import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { memberAt } from '../../test/fixtures/virtual-clock.ts';
import type { RingId } from './identifier.ts';
import { MemberCache } from './member-cache.ts';
import type { HostId } from './pointer.ts';

const idOf = (place: number) => place.toString(16).padStart(2, '0') as RingId;
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
      const cache = new MemberCache(1000);
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
          assert.equal(cache.membersOf(name as HostId), [...model.values()].filter((owner) => owner === name).length);
        }
      }
    }),
  );
});

test('C2 a full cache takes nobody in, and one of capacity 0 stays empty', () => {
  const cache = new MemberCache(1);
  assert.equal(cache.insert(memberAt('01')), true);
  assert.equal(cache.insert(memberAt('02')), false);
  assert.equal(cache.size, 1);
  assert.equal(new MemberCache(0).insert(memberAt('01')), false);
});
