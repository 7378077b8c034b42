import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { Semaphore } from './semaphore.ts';

describe('Semaphore', () => {
  it('never lets more in than its maximum, lets everyone in once, in order, also past failures', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.boolean(), { maxLength: 20 }),
        async (scheduler, maximum, fates) => {
          const semaphore = new Semaphore(maximum);
          const begun: number[] = [];
          let inside = 0;
          const tasks = fates.map((fails, i) =>
            semaphore.pass(async () => {
              begun.push(i);
              inside += 1;
              assert.ok(inside <= maximum);
              await scheduler.schedule(Promise.resolve());
              inside -= 1;
              if (fails) throw new Error(`task ${i}`);
              return i;
            }),
          );
          const settled = Promise.allSettled(tasks);
          await scheduler.waitFor(settled);
          const outcomes = await settled;
          assert.deepEqual(
            begun,
            fates.map((_, i) => i),
          );
          assert.deepEqual(
            outcomes.map(({ status }) => status === 'rejected'),
            fates,
          );
        },
      ),
    );
  });
});

test('a semaphore that is widened lets waiters in, and one made smaller again takes nothing away', async () => {
  const semaphore = new Semaphore(8);
  await semaphore.take(8);
  let entered = false;
  const waiting = semaphore.take(8).then(() => {
    entered = true;
  });
  await Promise.resolve();
  assert.ok(!entered);
  semaphore.max = 32;
  await waiting;
  semaphore.max = 8;
  assert.equal(semaphore.taken, 16);
  let third = false;
  const later = semaphore.take(4).then(() => {
    third = true;
  });
  semaphore.give(8);
  await Promise.resolve();
  assert.ok(!third, 'still 8 of 8 bytes are held');
  semaphore.give(8);
  await later;
});
