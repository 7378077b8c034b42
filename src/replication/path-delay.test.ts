import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteBudget } from './byte-budget.ts';
import { PathDelay } from './path-delay.ts';

test('a path is long while its shortest answers are, whatever single answers wait behind', () => {
  const delay = new PathDelay();
  assert.ok(!delay.isLong);
  delay.answeredAfter(100);
  assert.ok(delay.isLong);
  delay.answeredAfter(2);
  assert.ok(!delay.isLong);
  for (let late = 0; late < 3; late++) delay.answeredAfter(100);
  assert.ok(!delay.isLong, 'three late answers are a busy moment');
  for (let late = 0; late < 20; late++) delay.answeredAfter(100);
  assert.ok(delay.isLong, 'twenty are another path');
});

test('a budget that is widened lets waiters in, and one made smaller again takes nothing away', async () => {
  const budget = new ByteBudget(8);
  await budget.take(8);
  let entered = false;
  const waiting = budget.take(8).then(() => {
    entered = true;
  });
  await Promise.resolve();
  assert.ok(!entered);
  budget.maxBytes = 32;
  await waiting;
  budget.maxBytes = 8;
  assert.equal(budget.takenBytes, 16);
  let third = false;
  const later = budget.take(4).then(() => {
    third = true;
  });
  budget.give(8);
  await Promise.resolve();
  assert.ok(!third, 'still 8 of 8 bytes are held');
  budget.give(8);
  await later;
});
