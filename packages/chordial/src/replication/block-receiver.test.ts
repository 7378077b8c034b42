import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contactOf, virtualClock } from '@chordial/ring/testing';
import { MinThroughputGuard } from './block-receiver.ts';

const source = contactOf('a');
const failureOf = ({ fault }: MinThroughputGuard): string | undefined => fault?.failure;

test('B2 a stream is too slow when 5 s bring less than 16 KiB, and not before', () => {
  const { clock, pass } = virtualClock();
  let told = 0;
  const watch = new MinThroughputGuard(source, clock, () => {
    told += 1;
  });
  watch.came(16 * 1024);
  pass(5000);
  assert.equal(failureOf(watch), undefined);
  watch.came(16 * 1024 - 1);
  pass(4999);
  assert.equal(failureOf(watch), undefined);
  pass(1);
  assert.equal(failureOf(watch), 'timeout');
  pass(60_000);
  assert.equal(told, 1);
});

test('B11 one that says that its own limit holds it back has a minute for the same, and no longer', () => {
  const { clock, pass } = virtualClock();
  let told = 0;
  const watch = new MinThroughputGuard(source, clock, () => {
    told += 1;
  });
  const minute = (bytes: number): void => {
    watch.came(bytes);
    for (let seconds = 0; seconds < 60; seconds++) {
      watch.senderHeldBack();
      pass(1000);
    }
  };
  minute(16 * 1024);
  minute(16 * 1024);
  assert.equal(told, 0);
  minute(100);
  assert.deepEqual([watch.fault?.code, failureOf(watch), told], ['stopped', 'refused', 1]);
});

test('B11 one that no longer says so is as slow as any', () => {
  const { clock, pass } = virtualClock();
  const watch = new MinThroughputGuard(source, clock, () => undefined);
  watch.senderHeldBack();
  pass(5000);
  assert.equal(failureOf(watch), undefined);
  pass(5000);
  assert.equal(failureOf(watch), 'timeout');
});

test('B2 a stream that has ended is watched no more', () => {
  const { clock, pass } = virtualClock();
  const watch = new MinThroughputGuard(source, clock, () => assert.fail('it has ended'));
  watch.end();
  pass(60_000);
  assert.equal(failureOf(watch), undefined);
});
