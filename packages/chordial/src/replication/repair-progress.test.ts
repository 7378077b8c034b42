import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RepairProgress } from './repair-progress.ts';

test('repair tells how many copies lack, and by its pace until when', () => {
  let now = 1000;
  const progress = new RepairProgress({ now: () => now });
  assert.deepEqual([progress.lacking, progress.remaining], [null, null]);
  progress.note(100);
  assert.deepEqual([progress.lacking, progress.remaining], [100, null], 'no pace yet');
  now += 5000;
  progress.note(75);
  assert.equal(progress.remaining, 15_000);
  progress.note(150);
  assert.equal(progress.remaining, null, 'another host is gone: the pace is measured from here');
  now += 1000;
  progress.note(0);
  assert.deepEqual([progress.lacking, progress.remaining], [0, null]);
  now += 60_000;
  progress.note(10);
  now += 1000;
  progress.note(5);
  assert.equal(progress.remaining, 1000, 'from when copies began to lack again');
});
