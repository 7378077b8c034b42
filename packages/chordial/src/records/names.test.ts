import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EncodedEntry } from './entry.ts';
import { fairPart } from './names.ts';

test('M7 a listing that has no room for all takes as many of each publisher as of any other', () => {
  const of = (publisher: string, count: number) =>
    Array.from({ length: count }, () => ({ entry: { publisher } }) as EncodedEntry);
  const all = [...of('flood', 1000), ...of('a', 3), ...of('b', 40)];
  const counts = (most: number) =>
    Object.fromEntries(
      [...Map.groupBy(fairPart(all, most), ({ entry }) => entry.publisher)].map(([who, some]) => [who, some.length]),
    );
  assert.deepEqual(counts(100), { a: 3, b: 40, flood: 57 });
  assert.deepEqual(counts(30), { a: 3, b: 13, flood: 14 });
  assert.equal(fairPart(all, 2000), all);
});
