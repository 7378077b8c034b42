import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '@chordial/ring';
import { Matching, matchingTurns } from './matching.ts';

/** Time passes by matching and by resting alone. */
function workClock() {
  let now = 0;
  let rested = 0;
  const clock: Clock = {
    now: () => now,
    wallTime: () => now,
    after: (milliseconds, done) => {
      rested += milliseconds;
      now += milliseconds;
      queueMicrotask(done);
      return { cancel: () => {} };
    },
  };
  const costing = (milliseconds: number) => (name: string) => {
    now += milliseconds;
    return name.endsWith('7');
  };
  return { clock, costing, rested: () => rested, now: () => now };
}

const names = Array.from({ length: 500 }, (_, index) => `name ${index}`);

test('what matching takes is rested for', async () => {
  const { clock, costing, rested, now } = workClock();
  const matching = new Matching(matchingTurns(clock), clock);
  const found = await matching.filter(names, costing(1));
  assert.equal(found.length, 50);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(now() - rested(), 500);
  assert.ok(rested() >= 490, `${rested()} ms of rest`);
});

test('A22 a pattern that costs too much is given up, and others get their turns meanwhile', async () => {
  const { clock, costing } = workClock();
  const turns = matchingTurns(clock);
  const [costly, simple] = [new Matching(turns, clock), new Matching(turns, clock)];
  let isDone = false;
  const found = costly.filter(names, costing(15)).then((list) => {
    isDone = true;
    return list;
  });
  assert.equal((await simple.filter(names, costing(0.001))).length, 50);
  assert.equal(isDone, false);
  assert.ok((await found).length < 10);
  assert.equal(costly.isOver, true);
  assert.equal(simple.isOver, false);
});
