import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contactOf, virtualClock } from '../../test/fixtures/virtual-clock.ts';
import type { MembershipEvent } from './messages.ts';
import { News } from './news.ts';
import type { HostId } from './pointer.ts';

function setUp(audience: number) {
  const { clock, random, pass } = virtualClock();
  const sent: { to: string; events: readonly MembershipEvent[] }[] = [];
  const news = new News({
    clock,
    random,
    self: 'me' as HostId,
    audience: () => Array.from({ length: audience }, (_, i) => contactOf(`listener-${i}`)),
    send: (to, events) => sent.push({ to: to.host, events }),
  });
  return { news, sent, pass };
}

function event(type: MembershipEvent['type'], incarnation: number, host = 'x'): MembershipEvent {
  return { type, contact: contactOf(host), virtualNodes: 1, incarnation };
}

test('A26 in a small network news is told to everyone once, gathered', () => {
  const { news, sent, pass } = setUp(5);
  assert.equal(news.tell(event('alive', 1, 'x')), true);
  assert.equal(news.tell(event('alive', 1, 'y')), true);
  pass(1000);
  assert.equal(new Set(sent.map(({ to }) => to)).size, 5);
  assert.equal(sent.length, 5);
  for (const { events } of sent) assert.equal(events.length, 2);
});

test('A26 in a large one it is told to four different hosts', () => {
  const { news, sent, pass } = setUp(100);
  news.tell(event('dead', 1));
  pass(1000);
  assert.equal(new Set(sent.map(({ to }) => to)).size, 4);
});

test('A26 what was heard already is not told on, unless asked for', () => {
  const { news, sent, pass } = setUp(1);
  news.tell(event('dead', 3));
  pass(1000);
  assert.equal(news.tell(event('dead', 3)), false);
  pass(1000);
  assert.equal(sent.length, 1);
  news.tell(event('dead', 3), true);
  pass(1000);
  assert.equal(sent.length, 2);
});

test('A26 news of an earlier life is ignored; a later life outdates a death', () => {
  const { news } = setUp(1);
  news.tell(event('dead', 5));
  assert.equal(news.tell(event('alive', 4)), false);
  assert.equal(news.latest('x' as HostId)?.type, 'dead');
  assert.equal(news.tell(event('alive', 6)), true);
  assert.equal(news.latest('x' as HostId)?.type, 'alive');
});

test('A26 rumours of one life that contradict each other do not chase each other', () => {
  const { news, sent, pass } = setUp(3);
  for (let turn = 0; turn < 10; turn++) {
    news.tell(event(turn % 2 === 0 ? 'dead' : 'alive', 5));
    pass(100);
  }
  assert.equal(sent.length, 3, 'the first was told on, what contradicts it within the pause was not');
  assert.equal(news.latest('x' as HostId)?.type, 'alive', 'but it was noted');
  pass(2000);
  news.tell(event('dead', 5));
  pass(100);
  assert.equal(sent.length, 6);
});
