import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import { MinThroughputGuard } from './block-receiver.ts';

test('B2 a stream is too slow when 5 s bring less than 16 KiB, and not before', () => {
  const { clock, pass } = virtualClock();
  let told = 0;
  const watch = new MinThroughputGuard(clock, () => {
    told += 1;
  });
  watch.came(16 * 1024);
  pass(5000);
  assert.equal(watch.isTooSlow, false);
  watch.came(16 * 1024 - 1);
  pass(4999);
  assert.equal(watch.isTooSlow, false);
  pass(1);
  assert.equal(watch.isTooSlow, true);
  pass(60_000);
  assert.equal(told, 1);
});

test('B2 a stream that has ended is watched no more', () => {
  const { clock, pass } = virtualClock();
  const watch = new MinThroughputGuard(clock, () => assert.fail('it has ended'));
  watch.end();
  pass(60_000);
  assert.equal(watch.isTooSlow, false);
});
