import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RingId } from '../protocol/identifier.ts';
import type { FindAnswer } from '../protocol/messages.ts';
import type { HostId, MemberPointer } from '../protocol/pointer.ts';
import { memberAt, virtualClock } from '../testing/virtual-clock.ts';
import { type Found, lookup } from './lookup.ts';
import type { AskFailure } from './ports.ts';
import { defaultTimers, maxLookupAsks } from './timers.ts';

type Reply = FindAnswer | AskFailure;

const nothing: FindAnswer = { owned: null, guesses: [], closer: [] };
const key = '50' as RingId;
const [before, owner, next] = [memberAt('48'), memberAt('60'), memberAt('70')];
const owned: FindAnswer = { owned: { owner, predecessor: before, successors: [next] }, guesses: [], closer: [] };
const guess = (...guesses: MemberPointer[]): FindAnswer => ({ owned: null, guesses, closer: [] });
const closer = (...pointers: MemberPointer[]): FindAnswer => ({ owned: null, guesses: [], closer: pointers });

/** Runs one lookup to its end; each host answers 10 ms later, `timeout` only after a second. */
function run(local: FindAnswer, answer: (id: string, asked: number) => Reply, parallel = 1) {
  const { clock, pass } = virtualClock();
  const asked: string[] = [];
  const down = new Set<HostId>();
  const outcomes: (Found | null)[] = [];
  lookup(
    key,
    {
      clock,
      timers: defaultTimers,
      self: 'me' as HostId,
      parallel,
      seeds: [],
      local: () => local,
      timeout: () => 250,
      isDown: (host) => down.has(host),
      failed: (contact, failure) => {
        if (failure === 'unreachable') down.add(contact.host);
      },
      staleSelf: () => {},
      ask: (contact, _key, done) => {
        const id = contact.host.replace('host-', '');
        asked.push(id);
        const reply = answer(id, asked.length);
        clock.after(reply === 'timeout' ? 1000 : 10, () => done(reply));
      },
    },
    (found) => outcomes.push(found),
  );
  pass(20_000);
  assert.equal(outcomes.length, 1, 'done is called exactly once');
  return { found: outcomes[0] ?? null, asked };
}

test('A10 a key of my own is answered without asking', () => {
  const { found, asked } = run(owned, () => nothing);
  assert.equal(found?.hops, 0);
  assert.deepEqual(asked, []);
});

test('A10 C2 a right guess is one hop, and the owner itself confirms it [R27]', () => {
  const { found, asked } = run(guess(owner, next), () => owned);
  assert.equal(found?.owner.id, owner.id);
  assert.equal(found.hops, 1);
  assert.deepEqual(asked, ['60']);
});

test('A10 an owner that does not cover the key is not believed [R27]', () => {
  const lie: FindAnswer = { owned: { owner, predecessor: memberAt('55'), successors: [] }, guesses: [], closer: [] };
  const { found } = run(guess(owner), () => lie);
  assert.equal(found, null);
});

test('A10 it approaches through the closest member before the key [R28]', () => {
  const { asked, found } = run(closer(memberAt('10'), memberAt('30'), memberAt('e0')), (id) => {
    if (id === '30') return closer(memberAt('40'));
    return id === '40' ? guess(owner) : owned;
  });
  assert.deepEqual(asked, ['30', '40', '60']);
  assert.equal(found?.hops, 3);
});

test('A5 a dead guess costs a time-out, and the next guess owns the key', () => {
  const { found, asked } = run(guess(memberAt('52'), owner), (id) => (id === '52' ? 'unreachable' : owned));
  assert.deepEqual(asked, ['52', '60']);
  assert.equal(found?.timeouts, 1);
});

test('A5 a silent guess is not waited for: the next is asked after the hedge [R28]', () => {
  const { found } = run(guess(memberAt('52'), owner), (id) => (id === '52' ? 'timeout' : owned));
  assert.ok(found !== null && found.took < defaultTimers.lookupHedge + 50);
});

test('A5 silent members before the key hold nothing up either [R28]', () => {
  const silent = closer(memberAt('40'), memberAt('30'), memberAt('20'));
  const { found } = run(silent, (id) => (id === '20' ? guess(owner) : id === '60' ? owned : 'timeout'));
  assert.ok(found !== null && found.took < 2 * defaultTimers.lookupHedge + 100);
});

test('A3 a guess that has a newcomer before it names it, and the newcomer confirms', () => {
  const newcomer = memberAt('58');
  const confirmed: FindAnswer = {
    owned: { owner: newcomer, predecessor: before, successors: [owner] },
    guesses: [],
    closer: [],
  };
  const { found, asked } = run(guess(owner), (id) => (id === '60' ? guess(newcomer) : confirmed));
  assert.deepEqual(asked, ['60', '58']);
  assert.equal(found?.owner.id, '58');
});

test('A5 an owner that has just died: it waits for the repair and finds the next', () => {
  const dead = memberAt('52');
  let repaired = false;
  const { found, asked } = run(guess(dead, owner), (id, count) => {
    repaired ||= count > 12;
    if (id === '52') return 'unreachable';
    return repaired ? owned : guess(dead);
  });
  assert.equal(found?.owner.id, owner.id);
  assert.ok(asked.filter((id) => id === '52').length === 1, 'a host found dead is not asked again');
});

test('A22 a lookup that finds no one ends within its budget and its bound of asks [R29]', () => {
  const { found, asked } = run(closer(memberAt('30')), () => nothing);
  assert.equal(found, null);
  assert.ok(asked.length <= maxLookupAsks);
});
