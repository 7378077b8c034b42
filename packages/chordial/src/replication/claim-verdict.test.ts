import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PublisherEntry } from '../records/publisher-entry.ts';
import { type Verdict, verdictOn } from './claim-verdict.ts';

const put = { sequence: 5, added: 1000, heard: 1000, confirmed: null };
const committed = { ...put, confirmed: 2000 };
const entry = (sequence: number, current = true): PublisherEntry => ({
  kind: 'entry',
  sequence,
  current,
  expiry: null,
});
const absent: PublisherEntry = { kind: 'absent' };
const unknown: PublisherEntry = { kind: 'unknown' };
const day = 86_400_000;
const [soon, late, never] = [5000, 1000 + day, 2000 + 90 * day];

const rows: readonly [string, typeof put | typeof committed, PublisherEntry, number, Verdict][] = [
  ['the entry is the put’s', put, entry(5), soon, 'confirm'],
  ['the entry is the put’s and has expired', committed, entry(5, false), soon, 'drop'],
  ['a later put or a tombstone ended it', committed, entry(6, false), soon, 'drop'],
  ['a later put ended it before it was ever confirmed', put, entry(6), soon, 'drop'],
  ['an earlier entry stands and the put may still commit', put, entry(4), late - 1, 'keep'],
  ['an earlier entry stands a day later', put, entry(4), late, 'drop'],
  ['no entry yet', put, absent, late - 1, 'keep'],
  ['no entry a day later', put, absent, late, 'drop'],
  ['no one can tell, however late', put, unknown, never, 'keep'],
  ['a committed put about which no one can tell, however late', committed, unknown, never, 'keep'],
  ['a committed put whose entry is not found', committed, absent, never - 1, 'keep'],
  ['a committed put whose entry was not found for 90 days', committed, absent, never, 'drop'],
  ['a committed put for which only an older entry is found', committed, entry(4), never - 1, 'keep'],
  ['a committed put of a wrong clock, for which an older entry stands for 90 days', committed, entry(4), never, 'drop'],
];

for (const [what, of, word, now, expected] of rows) {
  test(`claims: ${what}: ${expected}`, () => assert.equal(verdictOn(of, word, now), expected));
}

const silent = { sign: 'silent', upFor: 1e9 } as const;
const over = { sign: 'over', upFor: 0 } as const;
const signed: readonly [
  string,
  typeof put | typeof committed,
  PublisherEntry,
  Parameters<typeof verdictOn>[3],
  number,
  Verdict,
][] = [
  ['its publisher says that it ended', put, absent, over, soon, 'drop'],
  ['its publisher says that it ended, and no one can tell', put, unknown, over, soon, 'drop'],
  ['its publisher says that it ended, and the entry shows that it did not', put, entry(5), over, soon, 'confirm'],
  ['its publisher says that what was committed never was', committed, absent, over, soon, 'keep'],
  ['its publisher was silent for 30 s', put, absent, silent, 31_000, 'drop'],
  ['its publisher was silent for less', put, absent, silent, 30_999, 'keep'],
  ['its publisher was heard before the last block', { ...put, heard: 0 }, absent, silent, 30_999, 'keep'],
  ['its publisher was heard since', { ...put, heard: 10_000 }, absent, silent, 31_000, 'keep'],
  ['its publisher was silent, and an earlier entry stands', put, entry(4), silent, 31_000, 'drop'],
  ['no one can tell, and its publisher was silent for 40 s', put, unknown, silent, 41_000, 'drop'],
  ['no one can tell, and its publisher was silent for less', put, unknown, silent, 40_999, 'keep'],
  [
    'its publisher was silent, as far as one hears after a start',
    put,
    absent,
    { sign: 'silent', upFor: 29_999 },
    late - 1,
    'keep',
  ],
  ['its publisher was not asked', put, absent, { sign: 'unasked', upFor: 1e9 }, late - 1, 'keep'],
  ['a committed put of a silent publisher', committed, absent, silent, late, 'keep'],
];

for (const [what, of, word, heard, now, expected] of signed) {
  test(`case 2 claims: ${what}: ${expected}`, () => assert.equal(verdictOn(of, word, now, heard), expected));
}
