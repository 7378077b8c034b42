import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { at, member, padding, shape, shown } from '../../test/ring-examples.ts';
import { between } from './identifier.ts';
import type { MemberState } from './member-state.ts';
import { isMember, type Pointer } from './pointer.ts';
import { brokenRule, emptyList, listBehind, listCovers, sameList, withoutHead } from './successor-list.ts';

test('C1 a copied list is the head and what follows it, cut to s entries [R3]', () => {
  const list = listBehind(at(1), member(3), [5, 7, 9].map(member), shape);
  assert.deepEqual(shown(list), [3, 5, 7]);
});

test('C1 a copied list of a small ring is cut where it reaches its reader, the rest is padding [R3]', () => {
  assert.deepEqual(shown(listBehind(at(1), member(3), [1, 3, 1].map(member), shape)), [3, '4', '5']);
  assert.deepEqual(shown(listBehind(at(1), member(3), [5, 1, 3].map(member), shape)), [3, 5, '6']);
});

test('C1 a copied list is cut where it passes its reader, whom it does not know yet', () => {
  assert.deepEqual(shown(listBehind(at(1), member(3), [5, 2].map(member), shape)), [3, 5, '6']);
});

test('C1 a copied list is cut where it repeats or turns back [R3]', () => {
  assert.deepEqual(shown(listBehind(at(1), member(3), [3, 5].map(member), shape)), [3, '4', '5']);
  assert.deepEqual(shown(listBehind(at(1), member(7), [5, 9].map(member), shape)), [7, '8', '9']);
});

test("C1 padding in a copied list is not taken over, but made again behind one's last member [R4]", () => {
  assert.deepEqual(shown(listBehind(at(1), member(3), [member(5), padding(6)], shape)), [3, 5, '6']);
  assert.deepEqual(shown(listBehind(at(1), member(15), [padding(9)], shape)), [15, '0', '1']);
});

test('C1 without its dead head a list ends in the last entry plus one [R5]', () => {
  assert.deepEqual(shown(withoutHead([3, 5, 15].map(member), shape)), [5, 15, '0']);
  const twice = withoutHead(withoutHead([3, 5, 7].map(member), shape), shape);
  assert.deepEqual(shown(twice), [7, '8', '9']);
  assert.throws(() => withoutHead([], shape), /never empty/);
});

test('C1 the list of a lone member is padding only [R5]', () => {
  assert.deepEqual(shown(emptyList(at(15), shape)), ['0', '1', '2']);
});

test('lists are the same when every entry is, padding being no member', () => {
  const list = [member(3), member(5), padding(6)];
  assert.ok(sameList(list, [member(3), member(5), padding(6)]));
  assert.ok(!sameList(list, [member(3), member(5), member(6)]));
  assert.ok(!sameList(list, [member(3), member(4), padding(6)]));
  assert.ok(!sameList(list, [member(3), member(5)]));
});

const state = (successors: readonly Pointer[], predecessor = 14): MemberState => ({
  me: member(1),
  predecessor: member(predecessor),
  successors,
  epoch: 1,
});

test('C1 the checks after every commit name the rule that is broken [R6]', () => {
  assert.equal(brokenRule(state([3, 5, 7].map(member)), shape), null);
  assert.equal(brokenRule(state(emptyList(at(1), shape), 1), shape), null);
  assert.match(brokenRule(state([3, 5].map(member)), shape) ?? '', /2 entries/);
  assert.match(brokenRule(state([member(3), padding(4), member(5)]), shape) ?? '', /follows padding/);
  assert.match(brokenRule(state([3, 3, 5].map(member)), shape) ?? '', /out of order/);
  assert.match(brokenRule(state([3, 7, 5].map(member)), shape) ?? '', /out of order/);
  assert.match(brokenRule(state([3, 5, 1].map(member)), shape) ?? '', /out of order/);
});

test('C1 whatever another member answers, the list made of it obeys every rule and invents no one [R4]', () => {
  const pointer = fc.tuple(fc.nat(15), fc.boolean()).map(([id, padded]) => (padded ? padding(id) : member(id)));
  const answer = fc.array(pointer, { maxLength: 8 });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 15 }), answer, (head, tail) => {
      let list = listBehind(at(1), member(head === 1 ? 2 : head), tail, shape);
      const offered = new Set([head, ...tail.filter(isMember).map(({ id }) => Number.parseInt(id, 16))]);
      for (let drops = 0; drops <= shape.successors; drops++) {
        assert.equal(brokenRule(state(list), shape), null, String(shown(list)));
        for (const entry of list.filter(isMember)) assert.ok(offered.has(Number.parseInt(entry.id, 16)));
        list = withoutHead(list, shape);
      }
    }),
  );
});

test('C1 padding skips no one: no place lies between it and the entry before [R5]', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(15), { minLength: 1, maxLength: 4 }), fc.nat(3), (entries, drops) => {
      const [head, ...tail] = entries.map(member);
      let list = listBehind(at(1), head!, tail, shape);
      for (let i = 0; i < drops; i++) list = withoutHead(list, shape);
      for (let i = 1; i < list.length; i++) {
        if (isMember(list[i])) continue;
        for (let place = 0; place < 16; place++) {
          assert.ok(!between(list[i - 1]!.id, at(place), list[i]!.id));
        }
      }
    }),
  );
});

test('a list covers the arc from its member to its last entry that is no padding', () => {
  const covered = (entries: readonly Pointer[]): readonly number[] =>
    Array.from({ length: 16 }, (_, place) => place).filter((place) => listCovers(state(entries), at(place)));
  assert.deepEqual(covered([3, 5, 7].map(member)), [2, 3, 4, 5, 6, 7]);
  assert.deepEqual(covered([member(14), member(0), padding(1)]), [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  assert.deepEqual(covered(emptyList(at(1), shape)), []);
});
