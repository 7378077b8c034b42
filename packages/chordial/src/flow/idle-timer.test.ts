import assert from 'node:assert/strict';
import { test } from 'node:test';
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
