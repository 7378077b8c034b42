import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RingId } from '../protocol/identifier.ts';
import { idealRing } from '../protocol/join.ts';
import type { Snapshot } from '../protocol/maintenance.ts';
import { memberAt, virtualClock } from '../testing/virtual-clock.ts';
import { Member } from './member.ts';
import type { MemberHost } from './member-host.ts';
import { defaultTimers } from './timers.ts';

const shape = { bits: 8, successors: 2 };
const ring = ['10', '80', 'a0'].map((id) => memberAt(id));

/** The member 10 of the ring 10, 80, a0; whom it asks, in order, and what they answer. */
function setUp(answerOf: (id: RingId) => Snapshot) {
  const { clock, random, pass } = virtualClock();
  const asked: string[] = [];
  const host: MemberHost = {
    clock,
    random,
    timers: defaultTimers,
    gridStart: 0,
    rules: { shape, smallRings: false, busyRule: true },
    readState: (of, _notifier, done) => {
      asked.push(of.id);
      clock.after(100, () => done(answerOf(of.id)));
    },
    isGone: () => false,
    notify: (_to, _from, done) => clock.after(10, done),
    wake: (_to, _candidates, done) => {
      clock.after(10, () => done(true));
    },
    nearestAfter: () => null,
    tell: () => {},
  };
  const states = idealRing(ring, shape);
  const member = new Member(ring[0]!, host);
  member.begin(states[0]!);
  return { member, asked, pass, states };
}

test('many candidates that do not answer delay a stabilize round by one of them', () => {
  const { member, asked, pass } = setUp(() => ({ kind: 'unknown' }));
  for (const id of ['20', '30', '40', '50']) member.take({ kind: 'candidate', candidate: memberAt(id) });
  member.take({ kind: 'stabilize' });
  pass(150);
  assert.deepEqual(asked.slice(0, 2), ['20', '80']);
});

test('of several candidates the nearest is asked, and the others no more once it has answered', () => {
  const { member, asked, pass, states } = setUp((id) => {
    const state = states.find(({ me }) => me.id === id);
    return {
      kind: 'member',
      state: state ?? { ...states[0]!, me: memberAt(id), predecessor: ring[0]!, successors: [ring[1]!, ring[2]!] },
    };
  });
  for (const id of ['50', '30', '20', '40']) member.take({ kind: 'candidate', candidate: memberAt(id) });
  pass(500);
  // The first was asked at once; the others waited.
  assert.deepEqual(asked, ['50', '20']);
  assert.equal(member.state?.successors[0]?.id, '20');
});

test('a host that has moved is pointed to where it is, and no place changes', () => {
  const { member } = setUp(() => ({ kind: 'unknown' }));
  const before = member.state;
  const contact = { host: ring[1]!.contact.host, addresses: ['192.0.2.9:1'] };
  member.take({ kind: 'moved', contact });
  assert.equal(member.state?.successors[0]?.contact, contact);
  assert.equal(member.state?.epoch, before?.epoch);
  assert.deepEqual(
    member.state?.successors.map(({ id }) => id),
    before?.successors.map(({ id }) => id),
  );
  const after = member.state;
  member.take({ kind: 'moved', contact });
  assert.equal(member.state, after, 'told again, nothing is new');
});
