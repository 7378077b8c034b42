import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock, systemRandom } from './system-clock.ts';

test('random numbers lie in [0, 1) and differ', () => {
  const numbers = Array.from({ length: 2000 }, () => systemRandom.next());
  assert.ok(numbers.every((number) => number >= 0 && number < 1));
  assert.ok(new Set(numbers).size > 1990);
  assert.ok(numbers.some((number) => number < 0.1) && numbers.some((number) => number > 0.9));
});

test('a cancelled timer does not run, another does', async () => {
  const cancelled = systemClock.after(0, () => assert.fail('it ran'));
  cancelled.cancel();
  const start = systemClock.now();
  // The timer alone would not keep the process alive.
  const alive = setInterval(() => undefined, 1000);
  await new Promise<void>((resolve) => systemClock.after(1, resolve));
  clearInterval(alive);
  assert.ok(systemClock.now() >= start);
});

test('what is due at once does not wait until something else happens', async () => {
  const alive = setInterval(() => undefined, 60_000);
  const start = systemClock.now();
  await new Promise<void>((resolve) => systemClock.after(0, resolve));
  clearInterval(alive);
  assert.ok(systemClock.now() - start < 10_000);
});
