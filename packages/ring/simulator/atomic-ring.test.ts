import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type RingId, ringId } from '../src/protocol/identifier.ts';
import { idealRing } from '../src/protocol/join.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';
import { brokenRule } from '../src/protocol/successor-list.ts';
import { runHistory } from './atomic-history.ts';
import { effectOf, memberAt, type Step, statesById } from './atomic-model.ts';
import { roundsUntilIdeal } from './atomic-rounds.ts';
import { notIdeal } from './ideal.ts';
import { choices, someIds, stepOf } from './random-steps.ts';
import { viewOf } from './ring-view.ts';

const shapes: readonly RingShape[] = [
  { bits: 4, successors: 2 },
  { bits: 5, successors: 2 },
  { bits: 5, successors: 3 },
  { bits: 6, successors: 4 },
  { bits: 7, successors: 4 },
];
const runsPerShape = 250;
const stepsPerRun = 300;

/** Zave's three phases: dead heads go, predecessors and successors meet, then s − 1 rounds carry the tails back. */
const maxRounds = (members: number, shape: RingShape): number => 2 * members + shape.successors;

for (const shape of shapes) {
  const places = 2 ** shape.bits;
  const size = `s = ${shape.successors}, ${places} places`;

  test(`C1 A11 the invariant and its consequences hold after every step of random churn, and calm makes the ring ideal (${size}) [R7]`, (t) => {
    const seed = freshSeed(t);
    const initialSize = shape.successors + 1;
    let taken = 0;
    let worstRounds = 0;
    fc.assert(
      fc.property(someIds(shape.bits, initialSize), choices(stepsPerRun), (ids, history) => {
        const initial = idealRing(
          ids.map((id) => memberAt(id)),
          shape,
        );
        const steps = history.map(
          (choice) => (states: ReadonlyMap<RingId, MemberState>) => stepOf(choice, states, shape),
        );
        const run = runHistory(initial, steps, shape);
        assert.equal(run.broken, null);
        for (const state of run.states.values()) assert.equal(brokenRule(state, shape), null);
        const rounds = roundsUntilIdeal(run.states, shape, maxRounds(run.states.size, shape));
        assert.notEqual(rounds, null, notIdeal(viewOf(run.states.values()), shape.successors) ?? '');
        taken += run.taken;
        worstRounds = Math.max(worstRounds, rounds ?? 0);
      }),
      { seed, numRuns: runsPerShape },
    );
    t.diagnostic(`${taken} steps changed a state; at most ${worstRounds} rounds to the ideal ring`);
    assert.ok(taken > runsPerShape * stepsPerRun * 0.2, 'histories must not consist of stutters');
  });
}

test('C1 in an ideal ring every stabilize and rectify is a no-op: the same object, no commit [R16]', () => {
  for (const successors of [2, 3, 4]) {
    const shape = { bits: 6, successors };
    for (const count of [successors + 1, successors + 2, 12]) {
      const states = statesById(idealRing(evenly(count, shape), shape));
      for (const { me, successors: list } of states.values()) {
        const steps: Step[] = [{ kind: 'stabilize-from-successor', member: me.id }];
        for (const other of states.values()) {
          steps.push({ kind: 'stabilize-from-candidate', member: me.id, candidate: other.me });
          if (list[0]?.id === other.me.id) steps.push({ kind: 'rectify', member: other.me.id, notifier: me });
        }
        for (const step of steps) {
          const effect = effectOf(states, step, shape);
          if (effect !== null) assert.equal(effect.state, states.get(effect.member), JSON.stringify(step));
        }
      }
    }
  }
});

test('A3 any number of members that join an ideal ring at once reach their places in a bounded number of rounds', (t) => {
  const seed = freshSeed(t);
  const shape = { bits: 10, successors: 4 };
  fc.assert(
    fc.property(someIds(shape.bits, 40), (ids) => {
      const states = statesById(
        idealRing(
          ids.slice(0, 5).map((id) => memberAt(id)),
          shape,
        ),
      );
      const founders = [...states.keys()];
      for (const id of ids.slice(5)) {
        // Every joiner sees the original ring: no member has stabilized yet.
        const joined = founders
          .map((through) => effectOf(states, { kind: 'join', member: memberAt(id), through }, shape))
          .find((effect) => effect !== null);
        assert.ok(joined?.state, `${id} finds its place`);
        states.set(id, joined.state);
      }
      assert.notEqual(roundsUntilIdeal(states, shape, maxRounds(states.size, shape)), null);
    }),
    { seed, numRuns: 50 },
  );
});

function evenly(count: number, shape: RingShape) {
  return Array.from({ length: count }, (_, i) =>
    memberAt(ringId(Math.floor((i * 2 ** shape.bits) / count), shape.bits)),
  );
}

function freshSeed(t: { diagnostic(message: string): void }): number {
  const seed = Number(process.env['CHORDIAL_TEST_SEED'] ?? Date.now() & 0x7fffffff);
  t.diagnostic(`seed ${seed} (set CHORDIAL_TEST_SEED to run it again)`);
  return seed;
}
