import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PublisherWord } from '../records/publisher-word.ts';
import { forgottenMilliseconds, uncommittedMilliseconds, type Verdict, verdictOn } from './claim-verdict.ts';

const put = { sequence: 5, added: 1000, confirmed: null };
const committed = { ...put, confirmed: 2000 };
const entry = (sequence: number, current = true): PublisherWord => ({ kind: 'entry', sequence, current, expiry: null });
const absent: PublisherWord = { kind: 'absent' };
const unknown: PublisherWord = { kind: 'unknown' };
const [soon, late, never] = [5000, 1000 + uncommittedMilliseconds, 2000 + forgottenMilliseconds];

const rows: readonly [string, typeof put | typeof committed, PublisherWord, number, Verdict][] = [
  ['the entry is the put’s', put, entry(5), soon, 'confirm'],
  ['the entry is the put’s and has expired', committed, entry(5, false), soon, 'drop'],
  ['a later put or a tombstone ended it', committed, entry(6, false), soon, 'drop'],
  ['a later put ended it before it was ever confirmed', put, entry(6), soon, 'drop'],
  ['an earlier entry stands and the put may still commit', put, entry(4), late - 1, 'keep'],
  ['an earlier entry stands a day later', put, entry(4), late, 'drop'],
  ['no entry yet', put, absent, late - 1, 'keep'],
  ['no entry a day later', put, absent, late, 'drop'],
  ['nobody can tell, however late', put, unknown, never, 'keep'],
  ['a committed put whose entry is not found', committed, absent, never - 1, 'keep'],
  ['a committed put whose entry was not found for 90 days', committed, absent, never, 'drop'],
  ['a committed put for which only an older entry is found', committed, entry(4), never - 1, 'keep'],
  ['a committed put of a wrong clock, for which an older entry stands for 90 days', committed, entry(4), never, 'drop'],
];

for (const [what, of, word, now, expected] of rows) {
  test(`claims: ${what}: ${expected}`, () => assert.equal(verdictOn(of, word, now), expected));
}
