import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBucket } from './token-bucket.ts';

test('what passes stays below the cap but for a short burst, and nothing waits after the end', async () => {
  let now = 1000;
  const due: { at: number; run: () => void }[] = [];
  const clock = {
    now: () => now,
    wallTime: () => now,
    after: (delay: number, run: () => void) => {
      const timer = { at: now + delay, run };
      due.push(timer);
      return { cancel: () => due.splice(due.indexOf(timer), due.includes(timer) ? 1 : 0) };
    },
  };
  const ending = new AbortController();
  const bucket = new TokenBucket({ burst: 250, perSecond: 1000 }, clock.now);
  let passed = 0;
  const passing = (async () => {
    for (; passed < 20; passed++) await bucket.pass(100, clock, ending.signal);
  })();
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await turn();
  assert.equal(passed, 3);
  for (let step = 0; step < 10; step++) {
    now += 100;
    for (const timer of due.filter(({ at }) => at <= now)) timer.run();
    await turn();
  }
  assert.ok(passed >= 12 && passed <= 14, `${passed}`);
  ending.abort();
  await passing;
  assert.deepEqual([passed, due.length], [20, 0]);
});
