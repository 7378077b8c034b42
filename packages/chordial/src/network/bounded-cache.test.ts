import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BoundedCache } from './bounded-cache.ts';

const step = fc.tuple(fc.constantFrom('get', 'set', 'delete'), fc.nat(9));

test('a bounded cache forgets what was used longest ago, once it is full', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 200 }), (max, steps) => {
      const cache = new BoundedCache<number, number>(max);
      // Least recently used first.
      let kept: number[] = [];
      for (const [kind, key] of steps) {
        const isKept = kept.includes(key);
        if (kind === 'get') assert.equal(cache.get(key), isKept ? key : undefined);
        if (kind === 'delete') assert.equal(cache.delete(key), isKept);
        if (kind === 'set') cache.set(key, key);
        const isMoved = kind === 'set' || (kind === 'get' && isKept && kept.length >= max);
        if (isMoved || kind === 'delete') kept = kept.filter((one) => one !== key);
        if (isMoved) kept = [...kept, key].slice(-max);
        assert.deepEqual([...cache.values()], kept);
      }
    }),
  );
});

test('a bounded cache keeps its order through thousands of reads between two evictions', () => {
  const cache = new BoundedCache<number, number>(3);
  for (const key of [1, 2, 3, 4]) cache.set(key, key);
  for (let round = 0; round < 5000; round += 1) cache.get(2 + (round % 2));
  cache.set(5, 5);
  assert.deepEqual([...cache.values()], [2, 3, 5]);
});
