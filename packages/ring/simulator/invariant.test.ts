/** Tests of the checkers: each finds its violation and agrees with the published definition. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { between, ringId } from '../src/protocol/identifier.ts';
import { idealRing } from '../src/protocol/join.ts';
import { extendedSuccessorList, type MemberState } from '../src/protocol/member-state.ts';
import { member, shape, stateOf } from '../test/ring-examples.ts';
import { memberAt } from './atomic-model.ts';
import { isIdeal, notIdeal } from './ideal.ts';
import { broken, type RingProperty, violationsOf } from './invariant.ts';
import { lostPrincipals, principalsOf } from './principals.ts';
import { viewOf } from './ring-view.ts';

const successors = 3;
const ideal = idealRing([1, 4, 7, 10, 13].map(member), shape);
const withChanged = (...changed: MemberState[]): readonly MemberState[] =>
  ideal.map((state) => changed.find(({ me }) => me.id === state.me.id) ?? state);

test('C1 an ideal ring breaks nothing, and all its members are principals', () => {
  const view = viewOf(ideal);
  assert.deepEqual(violationsOf(view, successors), []);
  assert.equal(principalsOf(view).size, 5);
  assert.equal(notIdeal(view, successors), null);
});

const cases: readonly [RingProperty, readonly MemberState[]][] = [
  ['OneLiveSuccessor', withChanged(stateOf(1, 13, [2, 3, '4']))],
  ['SufficientPrincipals', withChanged(stateOf(1, 13, [7, 13, '14']))],
  ['NoDuplicates', withChanged(stateOf(1, 13, [4, 4, 7]))],
  ['OrderedSuccessorLists', withChanged(stateOf(1, 13, [4, 10, 7]))],
  ['AtLeastOneRing', withChanged(stateOf(1, 13, ['2', '3', '4']))],
  ['ConnectedAppendages', withChanged(stateOf(1, 13, ['2', '3', '4']))],
  ['AtMostOneRing', [stateOf(1, 7, [7, 1, '2']), stateOf(7, 1, [1, 7, '8']), stateOf(4, 9, [9]), stateOf(9, 4, [4])]],
  ['OrderedRing', [stateOf(1, 4, [7, 1, '2']), stateOf(7, 1, [4, 7, '8']), stateOf(4, 7, [1])]],
];

for (const [property, states] of cases) {
  test(`C1 the checkers see a broken ${property}`, () => {
    assert.ok(broken(viewOf(states), successors).has(property), [...broken(viewOf(states), 3)].join(' '));
  });
}

test('C1 principals agree with the pairwise definition for arbitrary lists', () => {
  const entry = fc.nat(15);
  const lists = fc.uniqueArray(fc.tuple(entry, fc.array(entry, { minLength: 3, maxLength: 3 })), {
    selector: ([id]) => id,
    minLength: 1,
    maxLength: 10,
  });
  fc.assert(
    fc.property(lists, (rows) => {
      const view = viewOf(rows.map(([id, list]) => stateOf(id, id, list)));
      const expected = view.ids.filter((p) =>
        view.members.every((state) => {
          const list = extendedSuccessorList(state);
          return list.every((x, i) => i + 1 === list.length || !between(x.id, p, list[i + 1]!.id));
        }),
      );
      assert.deepEqual([...principalsOf(view)], expected);
    }),
    { numRuns: 300 },
  );
});

test('C1 a principal is lost only by failing [R7]', () => {
  const before = principalsOf(viewOf(ideal));
  const skipping = principalsOf(viewOf(withChanged(stateOf(1, 13, [7, 10, 13]))));
  assert.deepEqual(lostPrincipals(before, skipping, new Set()), [member(4).id]);
  assert.deepEqual(lostPrincipals(before, skipping, new Set([member(4).id])), []);
});

test('C1 dead members are ignored', () => {
  const live = new Set([1, 4, 7, 10].map((id) => member(id).id));
  const view = viewOf(ideal, live);
  assert.equal(view.members.length, 4);
  assert.deepEqual(violationsOf(view, successors), []);
  assert.match(notIdeal(view, successors) ?? '', /1 has predecessor d, not a/);
});

test('C1 ideal checks every predecessor and every list entry', () => {
  for (const state of ideal) {
    assert.ok(!isIdeal(viewOf(withChanged({ ...state, predecessor: state.me })), successors));
    for (let i = 0; i < successors; i++) {
      const list = state.successors.with(i, state.me);
      assert.ok(!isIdeal(viewOf(withChanged({ ...state, successors: list })), successors));
    }
  }
});

test('C1 the checkers check a ring of 1000 members in well under a second', () => {
  const large = { bits: 32, successors: 16 };
  const ids = Array.from({ length: 1000 }, (_, i) => memberAt(ringId(i * 4_000_037, large.bits)));
  const started = performance.now();
  const view = viewOf(idealRing(ids, large));
  assert.deepEqual(violationsOf(view, large.successors), []);
  assert.ok(isIdeal(view, large.successors));
  assert.ok(performance.now() - started < 1000);
});
