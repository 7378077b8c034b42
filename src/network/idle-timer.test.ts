import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeAnswer } from './control-frames.ts';
import { FrameIntake } from './frame-intake.ts';
import { smallBodyMilliseconds } from './http2-limits.ts';
import { IdleTimer } from './idle-timer.ts';

/** A thousand begin and end within the time of a few; real time, of which only the order of things is asserted. */
test('what ends in time and begins again is never overdue, what goes on is', async () => {
  const over = Promise.withResolvers<void>();
  let isOver = false;
  const overdue = new IdleTimer(30, () => {
    isOver = true;
    over.resolve();
  });
  for (let turn = 0; turn < 1000; turn++) {
    overdue.begin();
    await new Promise((resolve) => setImmediate(resolve));
    overdue.end();
  }
  overdue.begin();
  assert.equal(isOver, false);
  await over.promise;
});

test('after closing nothing is overdue', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
  const overdue = new IdleTimer(30, () => assert.fail('it was closed'));
  overdue.begin();
  overdue.close();
  t.mock.timers.tick(100);
});

test('a frame that drips is given up, however often a byte of it comes', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const bad: string[] = [];
  const sink = { take: () => {}, makeRoom: () => true, giveRoom: () => {}, missed: () => {} };
  const intake = new FrameIntake(sink, (error) => bad.push(error.message));
  const frame = encodeAnswer(1, 200, new Uint8Array(1000));
  intake.push(frame);
  for (let at = 0; at < 100 && bad.length === 0; at++) {
    now += 1000;
    t.mock.timers.tick(1000);
    t.mock.timers.tick(1);
    assert.ok(now <= smallBodyMilliseconds + 2000, 'it should be over');
    intake.push(frame.subarray(at, at + 1));
  }
  assert.equal(bad.length, 1);
  assert.ok(now >= smallBodyMilliseconds);
});
