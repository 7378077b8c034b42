import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock, Contact, HostId } from '@chordial/ring';
import { makeCopies } from './durable-copies.ts';

const hosts = Array.from({ length: 5 }, (_, index): Contact => ({ host: `host ${index}` as HostId, addresses: [] }));
const rule = { replicas: 3, writeQuorum: 2 };

/** A clock that moves when told to. */
function handClock(): Clock & { pass(milliseconds: number): Promise<void> } {
  let now = 0;
  const timers = new Set<{ at: number; run: () => void }>();
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return {
    now: () => now,
    wallTime: () => now,
    after(delay, run) {
      const timer = { at: now + delay, run };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
    async pass(milliseconds) {
      await settle();
      now += milliseconds;
      for (const timer of [...timers]) {
        if (timer.at > now) continue;
        timers.delete(timer);
        timer.run();
      }
      await settle();
    },
  };
}

/** What each host does: stores, fails, or never answers. */
function scene(behaviour: readonly ('stores' | 'fails' | 'hangs')[], stalled = true, zones = '') {
  const clock = handClock();
  const tried: number[] = [];
  const storeAt = (host: Contact): Promise<void> => {
    const index = hosts.findIndex((one) => one.host === host.host);
    tried.push(index);
    if (behaviour[index] === 'stores') return Promise.resolve();
    return behaviour[index] === 'fails' ? Promise.reject(new Error('no room')) : new Promise(() => undefined);
  };
  let ended = false;
  const zoned = hosts.map((host, index) => ({ ...host, ...(zones[index] && { zone: zones[index] }) }));
  const made = makeCopies(zoned.slice(0, behaviour.length), rule, { clock, storeAt, isStalled: () => stalled });
  made.then(() => {
    ended = true;
  });
  return { clock, tried, made, ended: () => ended };
}

test('B4 copies are made at the first r hosts when all is well', async () => {
  const { made, tried } = scene(['stores', 'stores', 'stores', 'stores']);
  assert.deepEqual(await made, { copies: 3, needed: 2, failures: [], codes: new Set(), settled: true });
  assert.deepEqual(tried, [0, 1, 2]);
});

test('B4 a host that fails is replaced by the next', async () => {
  const { made, tried } = scene(['stores', 'fails', 'stores', 'stores']);
  assert.equal((await made).copies, 3);
  assert.deepEqual(tried, [0, 1, 2, 3]);
});

test('B4 a copy missing one second after w others is left to repair, not before', async () => {
  const { clock, made, ended } = scene(['stores', 'hangs', 'stores']);
  await clock.pass(999);
  assert.equal(ended(), false);
  await clock.pass(1);
  assert.deepEqual(await made, { copies: 2, needed: 2, failures: [], codes: new Set(), settled: false });
});

test('B4 a host that is merely slower is waited for, though not for ever', async () => {
  const { clock, made, ended } = scene(['stores', 'hangs', 'stores'], false);
  for (let second = 0; second < 9; second++) await clock.pass(1000);
  assert.equal(ended(), false);
  await clock.pass(1000);
  assert.equal((await made).copies, 2);
});

test('B4 while w are not reached a hanging host is doubled by a further one every second', async () => {
  const { clock, made, tried } = scene(['stores', 'hangs', 'hangs', 'stores']);
  await clock.pass(1000);
  assert.deepEqual(tried, [0, 1, 2, 3]);
  await clock.pass(1000);
  assert.equal((await made).copies, 2);
});

test('B4 fewer hosts than w need no more copies than there are hosts; none at all is one too few', async () => {
  assert.deepEqual(await scene(['stores']).made, {
    copies: 1,
    needed: 1,
    failures: [],
    codes: new Set(),
    settled: true,
  });
  const none = await scene(['fails', 'fails']).made;
  assert.equal(none.copies, 0);
  assert.equal(none.needed, 2);
  assert.equal(none.failures.length, 2);
});

test('w copies are in distinct zones, as those at the places would be, as long as a host is left to ask', async () => {
  const all = await scene(['stores', 'stores', 'stores'], true, 'abc').made;
  assert.deepEqual([all.copies, all.settled], [3, true]);
  const replaced = scene(['stores', 'fails', 'fails', 'stores', 'stores'], true, 'abcab');
  assert.equal((await replaced.made).copies, 3);
  assert.deepEqual(replaced.tried, [0, 1, 2, 3, 4]);
  const hanging = scene(['stores', 'hangs', 'hangs', 'stores', 'stores'], true, 'abcab');
  for (let second = 0; second < 4; second++) await hanging.clock.pass(1000);
  assert.equal((await hanging.made).copies, 3);
  assert.deepEqual(hanging.tried, [0, 1, 2, 3, 4]);
  const alone = await scene(['stores', 'fails', 'fails', 'stores'], true, 'abca').made;
  assert.equal(alone.copies, 2);
  const one = scene(['stores', 'stores', 'stores', 'stores'], true, 'aaaa');
  assert.equal((await one.made).copies, 3);
  assert.deepEqual(one.tried, [0, 1, 2]);
});
