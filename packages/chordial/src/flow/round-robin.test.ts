import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoundRobin } from './round-robin.ts';

test('lines take turns, whichever came first', () => {
  const queue = new RoundRobin<string>();
  for (const item of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'c2']) queue.push(item[0], item);
  assert.deepEqual(queue.take(5), ['a1', 'b1', 'c1', 'a2', 'c2']);
  queue.push('b', 'b2');
  assert.equal(queue.length, 3);
  assert.deepEqual(queue.take(5), ['a3', 'b2', 'a4']);
  assert.deepEqual(queue.take(5), []);
});

test('only of lines that are meant is taken, and the others keep their place', () => {
  const queue = new RoundRobin<string>();
  for (const item of ['a1', 'b1', 'b2', 'c1']) queue.push(item[0], item);
  assert.deepEqual(
    queue.take(8, (who) => who === 'b'),
    ['b1', 'b2'],
  );
  assert.equal(queue.length, 2);
  assert.deepEqual(queue.take(8), ['a1', 'c1']);
});
