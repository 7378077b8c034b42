import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ringId } from '../protocol/identifier.ts';
import { maxListEntries, type RingAsks, type RingMessageKind, type StateAnswer } from '../protocol/messages.ts';
import { contactOf, virtualClock } from '../testing/virtual-clock.ts';
import { GatheredAsks } from './gathered-asks.ts';
import type { AskResult, RingNetwork } from './ports.ts';

interface Sent {
  readonly to: string;
  readonly kind: RingMessageKind;
  readonly ask: RingAsks[RingMessageKind];
  readonly deadline: number;
  readonly done: (result: AskResult<'getState'>) => void;
}

function setUp() {
  const { clock, pass } = virtualClock();
  const sent: Sent[] = [];
  const network: RingNetwork = {
    ask: (to, { kind, ask, deadline }, done) => {
      sent.push({ to: to.host, kind, ask, deadline, done: done as Sent['done'] });
    },
    ping: () => assert.fail('nothing is pinged'),
  };
  return { gathered: new GatheredAsks(clock, network), sent, pass };
}

const id = (number: number) => ringId(number, 16);
const pending: StateAnswer = { status: 'pending' };
const gone: StateAnswer = { status: 'not-member' };

test('what is asked of one host at the same moment goes in one message, and each gets its part of the answer', () => {
  const { gathered, sent, pass } = setUp();
  const host = contactOf('a');
  const notice = { to: id(2), from: { id: id(8), contact: contactOf('me'), index: 0 } };
  const results: unknown[] = [];
  gathered.ask(host, { kind: 'getState', ask: { members: [id(1)], notices: [] }, deadline: 100 }, (result) =>
    results.push(result),
  );
  gathered.ask(
    host,
    { kind: 'getState', ask: { members: [id(2), id(3)], notices: [notice] }, deadline: 300 },
    (result) => results.push(result),
  );
  gathered.ask(contactOf('b'), { kind: 'getState', ask: { members: [id(4)], notices: [] }, deadline: 100 }, () => {});
  assert.equal(sent.length, 0, 'nothing leaves before the turn is over');
  pass(1);
  assert.deepEqual(
    sent.map(({ to, ask, deadline }) => [to, ask, deadline]),
    [
      ['a', { members: [id(1), id(2), id(3)], notices: [notice] }, 300],
      ['b', { members: [id(4)], notices: [] }, 100],
    ],
  );
  sent[0]?.done({ ok: true, answer: { states: [pending, gone, pending] } });
  assert.deepEqual(results, [
    { ok: true, answer: { states: [pending] } },
    { ok: true, answer: { states: [gone, pending] } },
  ]);
});

test('a failure is everybody’s', () => {
  const { gathered, sent, pass } = setUp();
  const results: unknown[] = [];
  const host = contactOf('a');
  for (const number of [1, 2]) {
    gathered.ask(host, { kind: 'find', ask: { keys: [id(number)] }, deadline: 100 }, (result) => results.push(result));
  }
  pass(1);
  assert.equal(sent.length, 1);
  for (const { done } of sent) done({ ok: false, failure: 'timeout' });
  assert.deepEqual(results, [
    { ok: false, failure: 'timeout' },
    { ok: false, failure: 'timeout' },
  ]);
});

test('members woken together hear of all candidates once', () => {
  const { gathered, sent, pass } = setUp();
  const host = contactOf('a');
  const candidate = { id: id(9), contact: contactOf('c'), index: 0 };
  gathered.ask(host, { kind: 'wake', ask: { members: [id(1)], candidates: [] }, deadline: 100 }, () => {});
  gathered.ask(host, { kind: 'wake', ask: { members: [id(1)], candidates: [candidate] }, deadline: 100 }, () => {});
  gathered.ask(host, { kind: 'wake', ask: { members: [id(2)], candidates: [candidate] }, deadline: 100 }, () => {});
  pass(1);
  assert.deepEqual(
    sent.map(({ ask }) => ask),
    [{ members: [id(1), id(2)], candidates: [candidate] }],
  );
});

test('no message holds more than one may', () => {
  const { gathered, sent, pass } = setUp();
  const host = contactOf('a');
  for (let number = 0; number < maxListEntries + 10; number++) {
    gathered.ask(host, { kind: 'find', ask: { keys: [id(number)] }, deadline: 100 }, () => {});
  }
  pass(1);
  assert.deepEqual(
    sent.map(({ ask }) => (ask as RingAsks['find']).keys.length),
    [maxListEntries, 10],
  );
});
