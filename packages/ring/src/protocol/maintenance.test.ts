import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, member, padding, shape, shown, stateOf } from '../../test/ring-examples.ts';
import {
  hasWork,
  type Maintenance,
  type MemberEffect,
  type MemberEvent,
  maxPendingRetries,
  maxQueuedCandidates,
  maxQueuedNotices,
  outside,
  react,
  stateAnswer,
} from './maintenance.ts';
import type { MemberState } from './member-state.ts';

const rules = { shape, smallRings: false, busyRule: true };
/** 2 → 5 → 9 → 12 → 2, s = 3. */
const two = stateOf(2, 12, [5, 9, 12]);
const five = stateOf(5, 2, [9, 12, 2]);

const stabilize: MemberEvent = { kind: 'stabilize' };
/** What member `of` was found to be when it was asked. */
const answered = (of: number, kind: 'pending' | 'gone' | 'unknown'): MemberEvent => ({
  kind: 'answered',
  of: at(of),
  snapshot: { kind },
});
const noOne: MemberEvent = { kind: 'chosen', member: null };
const answer = (state: MemberState, of = state.me.id): MemberEvent => ({
  kind: 'answered',
  of,
  snapshot: { kind: 'member', state },
});
const by = (id: number): MemberEvent => ({ kind: 'notified', by: member(id) });
const candidate = (id: number): MemberEvent => ({ kind: 'candidate', candidate: member(id) });

interface Run {
  readonly last: Maintenance;
  /** What each event led to, effects as words. */
  readonly effects: readonly (readonly string[])[];
}

/** Member 2 takes these events one after the other, and goes on by itself whenever it is idle. */
function run(events: readonly MemberEvent[], from = outside(two.me, rules)): Run {
  let last = from;
  const effects = events.map((event) => {
    const words: string[] = [];
    const take = (one: MemberEvent) => {
      const step = react(last, one);
      last = step.next;
      words.push(...step.effects.map(word));
    };
    take(event);
    while (hasWork(last)) take({ kind: 'turn', now: 7 });
    return words;
  });
  return { last, effects };
}

function word(effect: MemberEffect): string {
  const idOf = (pointer: { readonly id: string } | null) => (pointer === null ? '-' : Number.parseInt(pointer.id, 16));
  switch (effect.kind) {
    case 'read':
      return `read ${idOf(effect.of)}${effect.notifies ? ' and notify' : ''}`;
    case 'commit':
      return `commit ${effect.after === null ? 'none' : `${idOf(effect.after.predecessor)}: ${shown(effect.after.successors).join(' ')}`}`;
    case 'notify':
      return `notify ${idOf(effect.to)}`;
    case 'wake':
      return `wake ${idOf(effect.to)} with ${idOf(effect.candidate)}`;
    case 'choose':
      return `choose ${idOf(effect.first)} ${idOf(effect.last)}`;
    case 'rest':
      return `rest ${effect.quiet ? 'quiet' : 'changed'} since ${effect.since}`;
    default:
      return effect.kind;
  }
}

const begun = run([{ kind: 'begin', state: two }]).last;

test('C1 a round in an ideal ring asks the successor, commits nothing and rests longer [R13 R16]', () => {
  const { effects } = run([stabilize, answer(five), noOne], begun);
  assert.deepEqual(effects, [['read 5 and notify'], ['choose - -'], ['stabilized', 'rest quiet since 7']]);
});

test('C1 a dead head is dropped and the next one asked, and the predecessor hears of it [R14 R18]', () => {
  const { last, effects } = run([stabilize, answered(5, 'gone'), answer(stateOf(9, 5, [12, 2, 5])), noOne], begun);
  assert.deepEqual(effects.slice(1), [
    ['commit 12: 9 12 13', 'wake-predecessor', 'read 9 and notify'],
    ['choose 5 -'],
    ['stabilized', 'rest changed since 7'],
  ]);
  assert.deepEqual(shown(last.state!.successors), [9, 12, '13']);
});

test('C1 a candidate is adopted by its own answer alone, and notified [R15]', () => {
  const events = [
    stabilize,
    answer({ ...five, predecessor: member(3) }),
    { kind: 'chosen', member: member(3) } as const,
  ];
  const { effects, last } = run([...events, answer(stateOf(3, 2, [5, 9, 12])), { kind: 'acknowledged' }], begun);
  assert.deepEqual(effects.slice(1), [
    ['choose 3 -'],
    ['read 3'],
    ['commit 12: 3 5 9', 'wake-predecessor', 'notify 3'],
    ['stabilized', 'rest changed since 7'],
  ]);
  assert.equal(last.operation, null);
  assert.equal(run([...events, answered(3, 'gone')], begun).last.state, two);
});

test('A3 the state is pending while a question is in flight, not while it waits to ask again [R17]', () => {
  const statusAfter = (events: readonly MemberEvent[], from = begun) => stateAnswer(run(events, from).last).status;
  assert.equal(statusAfter([]), 'member');
  assert.equal(statusAfter([stabilize]), 'pending');
  assert.equal(statusAfter([stabilize, answered(5, 'pending')]), 'member');
  assert.equal(statusAfter([stabilize, answered(5, 'pending'), { kind: 'retry' }]), 'pending');
  assert.equal(statusAfter([by(5)]), 'member', 'asking about the predecessor changes no successor');
  assert.equal(statusAfter([{ kind: 'stop' }]), 'not-member');
  assert.equal(statusAfter([stabilize], { ...begun, rules: { ...rules, busyRule: false } }), 'member');
});

test('a member that stays pending is left alone in the end, and not taken for dead', () => {
  const pending = answered(5, 'pending');
  const again = Array.from({ length: maxPendingRetries }, () => [pending, { kind: 'retry' } as const]).flat();
  const { last, effects } = run([stabilize, ...again, pending], begun);
  assert.equal(effects.filter(([first]) => first?.startsWith('read 5')).length, 1 + maxPendingRetries);
  assert.deepEqual(effects.at(-1), ['stabilized', 'rest changed since 7']);
  assert.equal(last.state, two);
});

test('A11 a notifier that does not lie between waits for the word on the predecessor [R19 R20]', () => {
  assert.deepEqual(run([by(14)], begun).effects, [['commit 14: 5 9 12', 'wake-predecessor', 'wake 12 with 14']]);
  assert.deepEqual(run([by(9), answered(12, 'gone')], begun).effects, [
    ['read 12'],
    ['commit 9: 5 9 12', 'wake-predecessor'],
  ]);
  const turnedAway = run([by(9), answer(stateOf(12, 9, [2, 5, 9]))], begun);
  assert.deepEqual(turnedAway.effects, [['read 12'], ['wake 9 with 12']]);
  const later = run([{ kind: 'predecessor-gone' }, answered(12, 'gone')], turnedAway.last);
  assert.deepEqual(later.effects, [['read 12'], ['commit 9: 5 9 12', 'wake-predecessor']]);
});

test('A11 one operation at a time: what comes meanwhile waits, notices first, then the nearest candidate', () => {
  const { last, effects } = run([stabilize, candidate(4), candidate(3), candidate(4), by(14), by(14)], begun);
  assert.deepEqual(effects.slice(1), [[], [], [], [], []]);
  assert.deepEqual(run([answer(five), noOne], last).effects[1], [
    'stabilized',
    'rest quiet since 7',
    'commit 14: 5 9 12',
    'wake-predecessor',
    'wake 12 with 14',
    'read 3',
  ]);
});

test('what waits at a member is bounded: the oldest gives way', () => {
  const wide = { ...rules, shape: { bits: 8, successors: 3 } };
  const id = (place: number) => ({ ...member(2), id: place.toString(16).padStart(2, '0') as typeof two.me.id });
  const state = { ...two, me: id(0), predecessor: id(255), successors: [id(100), id(101), id(102)] };
  const busy = run([{ kind: 'begin', state }, stabilize], outside(state.me, wide)).last;
  const crowd = Array.from({ length: 40 }, (_, i) => id(1 + i));
  const { last } = run(
    crowd.flatMap((one): MemberEvent[] => [
      { kind: 'candidate', candidate: one },
      { kind: 'notified', by: one },
    ]),
    busy,
  );
  assert.deepEqual(last.candidates, crowd.slice(-maxQueuedCandidates));
  assert.deepEqual(last.notices, crowd.slice(-maxQueuedNotices));
});

test('C1 with no one left in the list a fallback is asked; without one a host member leaves, a teaching peer is alone [R14]', () => {
  const empty = { ...begun, state: stateOf(2, 12, ['3', '4', '5']) };
  assert.deepEqual(run([stabilize, noOne], empty).effects, [['choose - 12'], ['commit none', 'isolated']]);
  const alone = run([stabilize, noOne], { ...empty, rules: { ...rules, smallRings: true } });
  assert.deepEqual(alone.effects[1], ['commit 2: 3 4 5', 'wake-predecessor', 'stabilized', 'rest quiet since 7']);
  const saved = run([stabilize, { kind: 'chosen', member: member(12) }, answer(stateOf(12, 9, [2, 5]))], empty);
  assert.deepEqual(saved.effects.slice(1), [['read 12'], ['commit 12: 12 13 14', 'wake-predecessor', 'notify 12']]);
});

test('after a stop nothing happens any more, and an answer that nothing waits for changes nothing', () => {
  const stopped = run([stabilize, { kind: 'stop' }], begun).last;
  const late: readonly MemberEvent[] = [answer(five), stabilize, by(14), { kind: 'begin', state: two }];
  assert.deepEqual(run(late, stopped), { last: stopped, effects: [[], [], [], []] });
  const unasked: readonly MemberEvent[] = [answer(five), { kind: 'retry' }, { kind: 'acknowledged' }, noOne];
  assert.deepEqual(run(unasked, begun), { last: begun, effects: [[], [], [], []] });
});

test('an answer that comes late or twice is none to the question that is open then [R15]', () => {
  // 5 is dead and 9 is asked; what 5 was asked before is answered once more.
  const asksNine = run([stabilize, answered(5, 'gone')], begun).last;
  for (const late of [answer(five), answered(5, 'gone'), answered(5, 'pending'), answered(5, 'unknown')]) {
    assert.deepEqual(run([late], asksNine), { last: asksNine, effects: [[]] });
  }
  const asksPredecessor = run([by(9)], begun).last;
  assert.deepEqual(run([answered(5, 'gone')], asksPredecessor), { last: asksPredecessor, effects: [[]] });
});

test('an answer in the name of another member, or one that would break a rule, tells nothing and leaves no question open [R6 R15]', () => {
  const nine = stateOf(9, 5, [12, 2, 5]);
  const padded = { ...five, me: padding(5) } as MemberState;
  for (const wrong of [answer(nine, at(5)), answer(two, at(5)), answer(padded)]) {
    const { last, effects } = run([stabilize, wrong], begun);
    assert.deepEqual(effects[1], ['stabilized', 'rest changed since 7']);
    assert.equal(last.operation, null);
    assert.equal(last.state, two);
    assert.equal(stateAnswer(last).status, 'member');
  }
});

test('a founder does not begin with a state that breaks a rule [R6]', () => {
  assert.throws(
    () => react(outside(two.me, rules), { kind: 'begin', state: stateOf(2, 12, [9, 5, 12]) }),
    /out of order/,
  );
});
