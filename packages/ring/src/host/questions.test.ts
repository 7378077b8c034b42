import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberState } from '../protocol/member-state.ts';
import type { RingAnswers } from '../protocol/messages.ts';
import type { MemberPointer } from '../protocol/pointer.ts';
import { memberAt, virtualClock } from '../testing/virtual-clock.ts';
import type { Found } from './lookup.ts';
import { RingHost } from './ring-host.ts';
import { defaultTimers } from './timers.ts';

const shape = { bits: 8, successors: 2 };
const [me, other, third] = [memberAt('10'), memberAt('80'), memberAt('c0')];
const stateOf = (one: MemberPointer): MemberState => ({
  me: one,
  predecessor: me,
  successors: [third, { id: me.id, contact: me.contact, index: 0 }],
  epoch: 1,
});

/** A host that has just come into a ring with two others; each question it asks is answered with `answer`. */
function asking(answer: Partial<RingAnswers>) {
  const { clock, random, pass } = virtualClock();
  const options = { self: me.contact, members: [me], incarnation: 1, shape, smallRings: true, timers: defaultTimers };
  const ring = new RingHost(
    { ...options, cacheCapacity: 0, parallelAsks: 1, proximity: false, gossip: false, observe: () => {} },
    {
      clock,
      random,
      network: {
        ask: (_to, { kind }, done) => {
          const given = answer[kind] as RingAnswers[typeof kind] | undefined;
          clock.after(1, () => done(given ? { ok: true, answer: given } : { ok: false, failure: 'refused' }));
        },
        ping: (_to, _timeout, done) => {
          clock.after(1, () => done('alive'));
        },
      },
    },
  );
  const states = [{ ...stateOf(me), predecessor: third, successors: [other, third] }];
  ring.beginSettled(states, () => other, []);
  return { ring, pass };
}

function read(answer: Partial<RingAnswers>): MemberState | null | undefined {
  const { ring, pass } = asking(answer);
  let state: MemberState | null | undefined;
  ring.stateOf(other, (one) => {
    state = one;
  });
  pass(1000);
  return state;
}

test('a state counts when the host that was asked gives it, of its own member that was asked about [R15]', () => {
  const given = (one: MemberPointer): Partial<RingAnswers> => ({
    getState: { states: [{ status: 'member', state: stateOf(one) }] },
  });
  assert.equal(read(given(other))?.me.id, other.id);
  assert.equal(read(given(third)), null, 'of another member');
  assert.equal(read(given(memberAt(other.id, 'another host'))), null, 'in the name of another host');
  assert.equal(read({ getState: { states: [] } }), null, 'of no member');
});

test('a host that answers for the owner of a key is not believed: the owner itself confirms [R27]', () => {
  const lookUp = (owner: MemberPointer): Found | null | undefined => {
    const owned = { owner, predecessor: me, successors: [third, me] };
    const { ring, pass } = asking({ find: { found: [{ owned, guesses: [], closer: [] }] } });
    let found: Found | null | undefined;
    ring.lookup(memberAt('50').id, (one) => {
      found = one;
    });
    pass(10_000);
    return found;
  };
  assert.equal(lookUp(other)?.owner.id, other.id);
  assert.equal(lookUp(memberAt(other.id, 'another host')), null);
});
