/**
 * Mutation tests: each mutant replaces one operation (or assumption) by a plausible wrong one, mostly from
 * published or deployed Chords, and must be caught by the checkers within a bounded number of seeded histories.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RingId } from '../src/protocol/identifier.ts';
import { between } from '../src/protocol/identifier.ts';
import { idealRing, joinBehind } from '../src/protocol/join.ts';
import { isMember, paddingAfter } from '../src/protocol/pointer.ts';
import { withPredecessor } from '../src/protocol/rectify.ts';
import { isBetterSuccessor } from '../src/protocol/stabilize.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';
import { runHistory } from './atomic-history.ts';
import {
  type GlobalState,
  leavesEveryoneASuccessor,
  memberAt,
  type Operations,
  productionOperations,
} from './atomic-model.ts';
import { roundsUntilIdeal } from './atomic-rounds.ts';
import { type Choice, choices, someIds, stepOf } from './random-steps.ts';

interface Mutant {
  readonly name: string;
  readonly change: Partial<Operations>;
  /** Members of the initial ideal ring; s + 1 unless the mutant changes that. */
  readonly initialMembers?: (shape: RingShape) => number;
}

const mutants: readonly Mutant[] = [
  {
    name: 'join copies only the successor and fills the list with it',
    change: {
      join(me, through, shape) {
        const step = joinBehind(me, through, shape);
        if (step.kind !== 'joined') return step;
        const head = step.state.successors[0]!;
        return { ...step, state: { ...step.state, successors: step.state.successors.map(() => head) } };
      },
    },
  },
  {
    name: "stabilize adopts its successor's predecessor without asking it",
    change: {
      adoptCandidate(state, candidate) {
        if (!isBetterSuccessor(state, candidate)) return state;
        return { ...state, successors: [candidate, ...state.successors.slice(0, -1)], epoch: state.epoch + 1 };
      },
    },
  },
  {
    name: 'a dead head is made up for by repeating the last entry',
    change: {
      dropHead: (state) => ({ ...state, successors: [...state.successors.slice(1), state.successors.at(-1)!] }),
    },
  },
  {
    name: 'a dead head is made up for by oneself',
    change: { dropHead: (state) => ({ ...state, successors: [...state.successors.slice(1), state.me] }) },
  },
  {
    name: 'a principal may fail when only s + 1 are left',
    change: { mayFail: leavesEveryoneASuccessor },
  },
  { name: 'the ring begins with one member', change: {}, initialMembers: () => 1 },
  { name: 'the ring begins with s members', change: {}, initialMembers: (shape) => shape.successors },
  {
    name: 'join does not check its place on the snapshot that it copies',
    change: {
      join: (me, through) => ({
        kind: 'joined',
        state: { me, predecessor: through.me, successors: through.successors, epoch: 1 },
      }),
    },
  },
  {
    name: "stabilize adopts its successor's predecessor without checking that it lies between",
    change: {
      adoptCandidate: (state, _candidate, answer, shape) =>
        answer === null ? state : productionOperations.adoptSuccessor(state, answer, shape),
    },
  },
  {
    name: "the successor's list is copied without the successor itself",
    change: { adoptSuccessor: (state, answer) => ({ ...state, successors: answer.successors }) },
  },
  {
    name: 'the own list is kept behind a new first successor',
    change: {
      adoptCandidate: (state, candidate, answer) =>
        answer === null || !isBetterSuccessor(state, candidate)
          ? state
          : { ...state, successors: [candidate, ...state.successors.slice(1)], epoch: state.epoch + 1 },
    },
  },
  {
    name: 'padding is the last entry plus three, not plus one',
    change: {
      dropHead(state, shape) {
        const last = state.successors.at(-1)!;
        const far = paddingAfter(paddingAfter(paddingAfter(last.id, shape.bits).id, shape.bits).id, shape.bits);
        return { ...state, successors: [...state.successors.slice(1), far], epoch: state.epoch + 1 };
      },
    },
  },
  {
    name: 'rectify never replaces a dead predecessor',
    change: { rectify: (state, notifier) => productionOperations.rectify(state, notifier, true) },
  },
  {
    name: 'rectify keeps any live predecessor',
    change: {
      rectify: (state, notifier, lives) =>
        lives || notifier.id === state.predecessor.id ? state : withPredecessor(state, notifier),
    },
  },
  {
    name: 'between excludes the arc through zero',
    change: {
      adoptCandidate(state, candidate, answer, shape) {
        const head = state.successors[0];
        const inside = isMember(head) && state.me.id < candidate.id && between(state.me.id, candidate.id, head.id);
        return answer !== null && inside ? productionOperations.adoptSuccessor(state, answer, shape) : state;
      },
    },
  },
];

const shapes: readonly RingShape[] = [
  { bits: 4, successors: 2 },
  { bits: 5, successors: 2 },
  { bits: 5, successors: 3 },
];
const maxHistories = 60;
const stepsPerHistory = 300;
const maxRounds = 200;
const seed = 20170612;

const histories = shapes.flatMap((shape) =>
  fc
    .sample(fc.tuple(someIds(shape.bits, shape.successors + 1), choices(stepsPerHistory)), {
      seed,
      numRuns: maxHistories / shapes.length,
    })
    .map(([ids, history]) => ({ shape, ids, history })),
);

function verdict(mutant: Mutant, shape: RingShape, ids: readonly RingId[], history: readonly Choice[]): string | null {
  const operations = { ...productionOperations, ...mutant.change };
  const count = mutant.initialMembers?.(shape) ?? ids.length;
  const initial = idealRing(
    ids.slice(0, count).map((id) => memberAt(id)),
    shape,
  );
  const steps = history.map((choice) => (states: GlobalState) => stepOf(choice, states, shape));
  const { broken, states } = runHistory(initial, steps, shape, operations);
  if (broken !== null) return `step ${broken.step}: ${broken.what}`;
  return roundsUntilIdeal(states, shape, maxRounds, operations) === null ? 'never ideal again' : null;
}

for (const mutant of mutants) {
  test(`C1 caught: ${mutant.name}`, (t) => {
    const verdicts = histories.map(({ shape, ids, history }) => verdict(mutant, shape, ids, history));
    const caught = verdicts.filter((found) => found !== null);
    t.diagnostic(`${caught.length} of ${verdicts.length} histories, the first by ${caught[0] ?? 'none'}`);
    assert.ok(caught.length > 0, `survived ${verdicts.length} histories from seed ${seed}`);
  });
}

test('C1 the production operations pass the histories that catch the mutants', () => {
  for (const { shape, ids, history } of histories) {
    assert.equal(verdict({ name: 'none', change: {} }, shape, ids, history), null);
  }
});
