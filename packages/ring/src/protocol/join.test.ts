import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, member, shape, shown, stateOf } from '../../test/ring-examples.ts';
import { aloneState, idealRing, joinBehind } from './join.ts';
import type { MemberState } from './member-state.ts';
import { owns } from './member-state.ts';
import { brokenRule } from './successor-list.ts';

/** 2 → 5 → 9 → 12 → 2, s = 3. */
const two = stateOf(2, 12, [5, 9, 12]);

function joined(me: number, behind: MemberState): MemberState {
  const step = joinBehind(member(me), behind, shape);
  if (step.kind !== 'joined') assert.fail(`${me} did not join: ${step.kind}`);
  assert.equal(brokenRule(step.state, shape), null);
  return step.state;
}

test('A3 C1 a joiner takes over the whole list of the member before it, unchanged [R9]', () => {
  const state = joined(3, two);
  assert.deepEqual(shown(state.successors), [5, 9, 12]);
  assert.equal(state.predecessor.id, at(2));
  assert.equal(state.epoch, 1);
});

test('A3 C1 two joiners of one gap both join; stabilize will tell them apart [R9]', () => {
  assert.deepEqual(shown(joined(3, two).successors), [5, 9, 12]);
  assert.deepEqual(shown(joined(4, two).successors), [5, 9, 12]);
});

test('A3 the place is checked on the snapshot that is copied: a joiner of a later gap walks on [R10]', () => {
  const step = joinBehind(member(10), two, shape);
  assert.deepEqual(step, { kind: 'walk', next: member(9) });
  assert.deepEqual(joinBehind(member(7), two, shape), { kind: 'walk', next: member(5) });
  assert.deepEqual(joinBehind(member(14), two, shape), { kind: 'walk', next: member(12) });
  assert.deepEqual(joinBehind(member(1), two, shape), { kind: 'walk', next: member(12) });
});

test('A3 a joiner whose place lies across zero joins behind the highest member [R10]', () => {
  const twelve = stateOf(12, 9, [2, 5, 9]);
  assert.deepEqual(shown(joined(0, twelve).successors), [2, 5, 9]);
  assert.deepEqual(shown(joined(14, twelve).successors), [2, 5, 9]);
});

test('C1 an id that comes back is not taken for its former life: the entry must be dropped first [R11]', () => {
  assert.deepEqual(joinBehind(member(5), two, shape), { kind: 'stale-self' });
  assert.deepEqual(joinBehind(member(2), two, shape), { kind: 'taken' });
});

test('A3 a member that lost its successors is no place to join behind, unless it is alone [R12]', () => {
  assert.deepEqual(joinBehind(member(3), stateOf(2, 12, ['3', '4', '5']), shape), { kind: 'lost' });
  assert.deepEqual(shown(joined(3, aloneState(member(2), shape)).successors), [2, '3', '4']);
});

test('C1 a lone member serves every key [R8]', () => {
  const alone = aloneState(member(9), shape);
  assert.equal(alone.predecessor.id, alone.me.id);
  assert.equal(brokenRule(alone, shape), null);
  for (let key = 0; key < 16; key++) assert.ok(owns(alone, at(key)));
});

test('C1 the ideal ring of 1, 2, 3, 4 and 5 members with s = 3 [R8]', () => {
  const ideal = (...ids: number[]) =>
    idealRing(ids.map(member), shape).map((state) => [
      Number.parseInt(state.predecessor.id, 16),
      Number.parseInt(state.me.id, 16),
      ...shown(state.successors),
    ]);
  assert.deepEqual(ideal(4), [[4, 4, '5', '6', '7']]);
  assert.deepEqual(ideal(9, 4), [
    [9, 4, 9, '10', '11'],
    [4, 9, 4, '5', '6'],
  ]);
  assert.deepEqual(ideal(9, 4, 1), [
    [9, 1, 4, 9, '10'],
    [1, 4, 9, 1, '2'],
    [4, 9, 1, 4, '5'],
  ]);
  assert.deepEqual(ideal(1, 4, 9, 13)[2], [4, 9, 13, 1, 4]);
  assert.deepEqual(ideal(1, 4, 9, 13, 15)[4], [13, 15, 1, 4, 9]);
});

test('C1 in the ideal ring of any members every key has exactly one owner, the first member at or after it [R2]', () => {
  for (let chosen = 1; chosen < 2 ** 16; chosen += 97) {
    const ids = Array.from({ length: 16 }, (_, i) => i).filter((i) => (chosen >> i) & 1);
    const ring = idealRing(ids.map(member), shape);
    for (let key = 0; key < 16; key++) {
      const owners = ring.filter((state) => owns(state, at(key))).map((state) => Number.parseInt(state.me.id, 16));
      assert.deepEqual(owners, [ids.find((id) => id >= key) ?? ids[0]]);
    }
  }
});
