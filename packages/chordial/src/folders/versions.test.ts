import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outdatedVersions } from './versions.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

test('B9 versions stay all at first, then ever further apart, the newest always', () => {
  const now = 1000 * day;
  const at = (ages: readonly number[]) => ages.map((age) => ({ time: now - age }));
  const outdated = (ages: readonly number[]) => outdatedVersions(at(ages), now).map((time) => now - time);
  assert.deepEqual(outdated([0, 1, 2, 9 * minute, 9 * minute + 1]), []);
  assert.deepEqual(outdated([0, 20 * minute, 20 * minute + 1, 21 * minute]), [21 * minute]);
  assert.deepEqual(outdated([0, 31 * day]), [31 * day]);
  assert.deepEqual(outdated([40 * day]), []);
  assert.equal(outdated(Array.from({ length: 1200 }, (_, age) => age)).length, 200);
});
