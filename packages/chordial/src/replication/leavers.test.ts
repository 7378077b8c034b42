import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contactOf, virtualClock } from '@chordial/ring/testing';
import { Leavers, whileLeaving } from './leavers.ts';
import { syncMessages } from './sync-messages.ts';

const minute = 60_000;

function setUp() {
  const { clock, pass } = virtualClock();
  const hosts = ['me', 'a', 'b'].map(contactOf);
  const leavers = new Leavers({ hosts: () => hosts }, clock);
  return { clock, pass, hosts, leavers };
}

test('A8 a host that hands over is known to leave for a minute, until it says otherwise or is gone', () => {
  const { pass, hosts, leavers } = setUp();
  assert.equal(leavers.isAny(), false);
  leavers.told(contactOf('a'), true);
  pass(minute - 1);
  assert.equal(leavers.isAny(), true);
  pass(1);
  assert.equal(leavers.isAny(), false);
  leavers.told(contactOf('a'), true);
  leavers.told(contactOf('a'), false);
  assert.equal(leavers.isAny(), false);
  leavers.told(contactOf('b'), true);
  assert.equal(leavers.isAny(), true);
  hosts.pop();
  assert.equal(leavers.isAny(), false);
  assert.deepEqual(
    ['a', 'b'].map((name) => leavers.isLeaving(contactOf(name).host)),
    [false, true],
  );
});

test('A8 no one keeps others from tidying up for more than an hour', () => {
  const { pass, leavers } = setUp();
  for (let minutes = 0; minutes < 60; minutes += 0.5) {
    leavers.told(contactOf('a'), true);
    assert.equal(leavers.isAny(), true, `after ${minutes} minutes`);
    pass(minute / 2);
  }
  leavers.told(contactOf('a'), true);
  assert.equal(leavers.isAny(), false);
});

test('A8 all are told before the hand-over begins, again while it lasts, and when it is interrupted', async () => {
  const { clock, pass, hosts } = setUp();
  const told: string[] = [];
  const request = async ({ host }: { host: string }, kind: string, body: unknown) => {
    assert.equal(kind, syncMessages.leaving.kind);
    told.push(`${host} ${(body as { isLeaving: boolean }).isLeaving}`);
    return {};
  };
  const view = { self: hosts[0]!, hosts: () => hosts };
  const leaving = whileLeaving({ view, clock, transport: { request } as never }, async () => {
    assert.deepEqual(told.splice(0), ['a true', 'b true']);
    pass(15_000);
    assert.deepEqual(told.splice(0), ['a true', 'b true']);
    throw new Error('a place has no room');
  });
  await assert.rejects(leaving, /no room/);
  assert.deepEqual(told.splice(0), ['a false', 'b false']);
  pass(minute);
  assert.deepEqual(told, []);
});
