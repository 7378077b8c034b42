import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RingId } from '../src/protocol/identifier.ts';
import { brokenRule, type RingShape } from '../src/protocol/successor-list.ts';
import { type GlobalState, type Operations, productionOperations } from './atomic-model.ts';
import { roundsUntilIdeal } from './atomic-rounds.ts';
import { violationsOf } from './invariant.ts';
import { lostPrincipals, principalsOf } from './principals.ts';
import { type Detail, enumerate } from './reachable.ts';
import { viewOf } from './ring-view.ts';

interface Extent {
  readonly identifiers: number;
  readonly successors: number;
  readonly detail: Detail;
}

/** Every published counterexample shows with s = 2 and 6 identifiers (Zave 2017, §VII). */
const extents: readonly Extent[] = [
  { identifiers: 4, successors: 2, detail: 'lists' },
  { identifiers: 5, successors: 2, detail: 'lists' },
  { identifiers: 6, successors: 2, detail: 'lists' },
  { identifiers: 5, successors: 3, detail: 'lists' },
  { identifiers: 6, successors: 3, detail: 'lists' },
  { identifiers: 4, successors: 2, detail: 'whole' },
  { identifiers: 5, successors: 3, detail: 'whole' },
];

for (const extent of extents) {
  const { identifiers, successors, detail } = extent;
  const shape = { bits: 3, successors };
  test(`C1 A11 every reachable state of ${identifiers} identifiers keeps the invariant and leads to the ideal ring (s = ${successors}, ${detail}) [R7]`, (t) => {
    let worstRounds = 0;
    const { states, transitions } = enumerateChecked(extent, productionOperations, (after) => {
      for (const state of after.values()) assert.equal(brokenRule(state, shape), null);
      const rounds = roundsUntilIdeal(new Map(after), shape, 2 * identifiers + successors);
      assert.notEqual(rounds, null, 'not ideal in bounded rounds');
      worstRounds = Math.max(worstRounds, rounds!);
    });
    t.diagnostic(`${states} states, ${transitions} transitions; at most ${worstRounds} rounds to the ideal ring`);
  });
}

test('C1 the enumeration catches wrong padding', () => {
  const operations: Operations = {
    ...productionOperations,
    dropHead: (state) => ({ ...state, successors: [...state.successors.slice(1), state.successors.at(-1)!] }),
  };
  assert.throws(
    () => enumerateChecked({ identifiers: 5, successors: 2, detail: 'lists' }, operations, () => undefined),
    /LossOfPrincipal|a property is broken/,
  );
});

function enumerateChecked(extent: Extent, operations: Operations, inEachState: (state: GlobalState) => void) {
  const { identifiers, successors, detail } = extent;
  const shape: RingShape = { bits: 3, successors };
  let previous: { readonly states: GlobalState; readonly principals: ReadonlySet<RingId> } | null = null;
  return enumerate({ identifiers, shape, detail, operations }, ({ before, step, after, fresh }) => {
    const told = (what: string): string => `${what} after ${JSON.stringify(step)}`;
    if (previous?.states !== before) previous = { states: before, principals: principalsOf(viewOf(before.values())) };
    const view = viewOf(after.values());
    const failed = new Set(step.kind === 'fail' ? [step.member] : []);
    assert.deepEqual(lostPrincipals(previous.principals, principalsOf(view), failed), [], told('LossOfPrincipal'));
    if (!fresh) return;
    assert.deepEqual(violationsOf(view, successors), [], told('a property is broken'));
    inEachState(after);
  });
}
