import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idAt, keepersOf, places } from './teaching-ring.ts';

const row = (count: number): readonly number[] => Array.from({ length: count }, (_, place) => idAt(place));

test('A13 A24 the seven keep what lies at or before them, across zero too', () => {
  assert.deepEqual(keepersOf(2067 % places, row(7), 3), [19, 2, 4]);
  assert.deepEqual(keepersOf(281 % places, [...row(7), 25], 2), [25, 2]);
  assert.deepEqual(keepersOf(20, row(7), 1), [2]);
});

test('A13 fifty peers of a teaching ring have fifty places, and 25 is left for a newcomer', () => {
  assert.equal(new Set(row(50)).size, 50);
  assert.ok(row(50).every((id) => id >= 0 && id < places && id !== 25));
});
