import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RingId, ringId } from '../src/protocol/identifier.ts';
import { idealRing } from '../src/protocol/join.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import { isMember } from '../src/protocol/pointer.ts';
import { runHistory } from './atomic-history.ts';
import { applyEffect, effectOf, type GlobalState, memberAt, type Step, statesById } from './atomic-model.ts';
import { roundsUntilIdeal } from './atomic-rounds.ts';
import { broken } from './invariant.ts';
import {
  afterEvent,
  asMemberStates,
  type ChordEvent,
  type OriginalMember,
  type OriginalRing,
} from './original-chord.ts';
import { brokenClaims } from './original-claims.ts';
import { type PublishedHistory, publishedHistories, shape } from './published-histories.ts';
import { viewOf } from './ring-view.ts';

const at = (value: number): RingId => ringId(value, shape.bits);
const repairRounds = 30;

for (const history of publishedHistories) {
  const { figure, what, breaks, events, forGood } = history;

  test(`C1 ${figure}: ${what}; published Chord breaks ${breaks} ${forGood ? 'for good' : 'for a while'}`, () => {
    let ring = originalRing(history);
    if (history.begins.length > 1) assert.ok(!brokenIn(ring).has(breaks), 'the ring is sound before');
    for (const event of events) ring = afterEvent(ring, event, shape.successors);
    assert.ok(brokenIn(ring).has(breaks), [...brokenIn(ring)].join(' '));
    assert.equal(brokenIn(repaired(ring)).has(breaks), forGood);
  });

  test(`C1 ${figure}: ours keeps the invariant at every step of the same history and ends ideal`, () => {
    const members = (history.oursBegins ?? history.begins).map((value) => memberAt(at(value)));
    const steps = events.flatMap(asSteps);
    const run = runHistory(idealRing(members, shape), steps, shape);
    assert.equal(run.broken, null);
    for (const event of events) {
      if (event.kind === 'fail') assert.ok(!run.states.has(event.member), `${event.member} was allowed to fail`);
    }
    assert.notEqual(roundsUntilIdeal(run.states, shape, repairRounds), null);
  });
}

test('C1 CCR 2012 Fig. 4: once 6 fails, the ring member 10 of published Chord is an appendage again', () => {
  const history = publishedHistories.find(({ figure }) => figure === 'CCR 2012 Fig. 4')!;
  let ring = originalRing(history);
  for (const event of history.events) ring = afterEvent(ring, event, shape.successors);
  ring = afterEvent(ring, { kind: 'fail', member: at(6) }, shape.successors);
  const heads = [...ring.values()].map(({ successors }) => successors.find((id) => ring.has(id)));
  assert.ok(!heads.includes(at(10)));
});

test('C1 TSE 2017 Fig. 4: the obvious properties together are not inductive, sufficient principals are what is missing', () => {
  const list = (me: number, ...entries: number[]): MemberState => ({
    me: memberAt(at(me)),
    predecessor: memberAt(at(me)),
    successors: entries.map((entry) => memberAt(at(entry))),
    epoch: 1,
  });
  // 4 is dead. Every list is ordered, there is one ordered ring 3→1→3, and 0 and 2 hang on it.
  const states = statesById([list(0, 3, 4), list(1, 3, 4), list(2, 4, 0), list(3, 4, 1)]);
  assert.deepEqual([...broken(viewOf(states.values()), shape.successors)], ['SufficientPrincipals']);
  const step: Step = { kind: 'stabilize-from-candidate', member: at(0), candidate: memberAt(at(2)) };
  applyEffect(states, effectOf(states, step, shape));
  assert.ok(broken(viewOf(states.values()), shape.successors).has('AtMostOneRing'), '0→2→0 has split off');
});

function originalRing({ begins, knows }: PublishedHistory): OriginalRing {
  return new Map(
    begins.map((value, place): [RingId, OriginalMember] => {
      const following = (offset: number): RingId => at(begins[(place + offset) % begins.length]!);
      const successors = Array.from({ length: knows }, (_, i) => following(i + 1));
      return [at(value), { successors, predecessor: following(begins.length - 1) }];
    }),
  );
}

function brokenIn(ring: OriginalRing): ReadonlySet<string> {
  const view = viewOf(asMemberStates(ring, shape));
  return new Set<string>([...broken(view, shape.successors), ...brokenClaims(view)]);
}

/** All repair operations of published Chord, repeated often enough. */
function repaired(broken: OriginalRing): OriginalRing {
  let ring = broken;
  const doAll = (event: (member: RingId) => ChordEvent | null): void => {
    for (const member of broken.keys()) {
      const next = event(member);
      if (next !== null) ring = afterEvent(ring, next, shape.successors);
    }
  };
  for (let round = 0; round < repairRounds; round++) {
    doAll((member) => ({ kind: 'flush', member }));
    doAll((member) => ({ kind: 'update', member }));
    doAll((member) => ({ kind: 'stabilize', member }));
    doAll((notifier) => {
      const member = ring.get(notifier)?.successors[0];
      return member === undefined ? null : { kind: 'notify', member, notifier };
    });
    doAll((member) => ({ kind: 'reconcile', member }));
  }
  return ring;
}

/** The same event with our operations. Several published events are one of ours. */
function asSteps(event: ChordEvent): readonly ((states: GlobalState) => Step)[] {
  const { member } = event;
  switch (event.kind) {
    case 'join':
      return [(states) => ({ kind: 'join', member: memberAt(member), through: joinPoint(states, event) })];
    case 'fail':
      return [() => ({ kind: 'fail', member })];
    case 'notify':
      return [() => ({ kind: 'rectify', member, notifier: memberAt(event.notifier) })];
    case 'stabilize':
      return [
        () => ({ kind: 'stabilize-from-successor', member }),
        (states) => {
          const head = states.get(member)?.successors[0];
          const candidate = isMember(head) ? states.get(head.id)?.predecessor : undefined;
          return candidate === undefined
            ? { kind: 'stutter' }
            : { kind: 'stabilize-from-candidate', member, candidate };
        },
      ];
    case 'reconcile':
    case 'update':
      return [() => ({ kind: 'stabilize-from-successor', member })];
    case 'flush':
      return [];
  }
}

/** The member whose list says that it precedes the joiner; with the successor of the figure, if any. */
function joinPoint(states: GlobalState, event: Extract<ChordEvent, { kind: 'join' }>): RingId {
  const places = [...states.values()].filter((state) => {
    const step: Step = { kind: 'join', member: memberAt(event.member), through: state.me.id };
    return effectOf(states, step, shape) !== null;
  });
  const asInFigure = places.find((state) => state.successors[0]?.id === event.successor);
  const through = asInFigure ?? places[0];
  assert.ok(through, `${event.member} finds a place`);
  return through.me.id;
}
