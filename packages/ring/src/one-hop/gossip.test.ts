import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MembershipEvent } from '../protocol/messages.ts';
import type { HostId } from '../protocol/pointer.ts';
import { contactOf, virtualClock } from '../testing/virtual-clock.ts';
import { Gossip } from './gossip.ts';

function setUp(audience: number) {
  const { clock, random, pass } = virtualClock();
  const mute = new Set<string>();
  const sent: { to: string; events: readonly MembershipEvent[] }[] = [];
  const gossip = new Gossip(
    { clock, random, placed: () => Array.from({ length: audience }, (_, i) => contactOf(`listener-${i}`)) },
    (to, events, done) => {
      sent.push({ to: to.host, events });
      done(!mute.has(to.host));
    },
  );
  return { gossip, sent, pass, mute };
}

function event(type: MembershipEvent['type'], incarnation: number, host = 'x'): MembershipEvent {
  return { type, contact: contactOf(host), virtualNodes: 1, incarnation };
}

test('A26 who finds something out tells everyone once, gathered [R33]', () => {
  const { gossip, sent, pass } = setUp(60);
  assert.equal(gossip.tell(event('alive', 1, 'x'), 'own'), true);
  assert.equal(gossip.tell(event('alive', 1, 'y'), 'own'), true);
  pass(1000);
  assert.equal(new Set(sent.map(({ to }) => to)).size, 60);
  assert.equal(sent.length, 60);
  for (const { events } of sent) assert.equal(events.length, 2);
});

test('A26 a host that does not acknowledge is told again, three times in all [R33]', () => {
  const { gossip, sent, pass, mute } = setUp(3);
  mute.add('listener-1');
  gossip.tell(event('dead', 1), 'own');
  pass(1000);
  const told = (name: string) => sent.filter(({ to }) => to === name).length;
  assert.deepEqual(['listener-0', 'listener-1', 'listener-2'].map(told), [1, 3, 1]);
});

test('A26 what another host tells is passed on to two [R33]', () => {
  const { gossip, sent, pass } = setUp(100);
  gossip.tell(event('dead', 1), 'told');
  pass(1000);
  assert.equal(new Set(sent.map(({ to }) => to)).size, 2);
});

test('A26 what was heard already is not told on, unless asked for', () => {
  const { gossip, sent, pass } = setUp(1);
  gossip.tell(event('dead', 3), 'told');
  pass(1000);
  assert.equal(gossip.tell(event('dead', 3), 'told'), false);
  pass(1000);
  assert.equal(sent.length, 1);
  gossip.tell(event('dead', 3), 'told', true);
  pass(1000);
  assert.equal(sent.length, 2);
});

test('A26 news of an earlier life is ignored; a later life outdates a death [R34]', () => {
  const { gossip } = setUp(1);
  gossip.tell(event('dead', 5), 'told');
  assert.equal(gossip.tell(event('alive', 4), 'told'), false);
  assert.equal(gossip.latest('x' as HostId)?.type, 'dead');
  assert.equal(gossip.tell(event('alive', 6), 'told'), true);
  assert.equal(gossip.latest('x' as HostId)?.type, 'alive');
});

test('A26 rumours of one life that contradict each other do not chase each other', () => {
  const { gossip, sent, pass } = setUp(3);
  for (let turn = 0; turn < 10; turn++) {
    gossip.tell(event(turn % 2 === 0 ? 'dead' : 'alive', 5), 'told');
    pass(100);
  }
  assert.equal(sent.length, 2, 'the first was told on, what contradicts it within the pause was not');
  assert.equal(gossip.latest('x' as HostId)?.type, 'alive', 'but it was noted');
  pass(2000);
  gossip.tell(event('dead', 5), 'told');
  pass(100);
  assert.equal(sent.length, 4);
});
