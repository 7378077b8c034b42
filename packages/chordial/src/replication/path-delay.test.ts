import assert from 'node:assert/strict';
import { test } from 'node:test';
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
