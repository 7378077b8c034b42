import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bound,
  cacheTable,
  churnTable,
  hopsTable,
  massiveFailuresTable,
  type PaperTable,
  shown,
  tableText,
} from '@chordial/ring/simulator';
import { ChordialError } from '../../src/errors.ts';
import { balance } from './load.ts';
import { runPaper } from './tables.ts';

function assertHolds({ rows }: PaperTable): void {
  for (const row of rows) assert.notEqual(row.verdict, 'falls short', JSON.stringify(row));
  assert.ok(rows.some(({ verdict }) => verdict === 'holds'));
}

test('C5 A10 lookups among 256 peers contact as many nodes as both formulas of the papers predict', () => {
  assertHolds(hopsTable(1, 4000, [8]));
});

test('C5 A5 lookups amid 30 % dead hosts take the path and the time-outs of the paper, and all succeed', () => {
  assertHolds(massiveFailuresTable(1, 1200, [0.3]));
});

test('C5 A5 amid joins and crashes lookups fail no more often than in the paper', () => {
  assertHolds(churnTable(1, 300, [0.4], { peers: 120, shorter: 8 }));
});

test('C5 C2 with the membership cache lookups take one hop while hosts come and go', () => {
  assertHolds(cacheTable(1, 400, { hosts: 150, membership: 15, warmUp: 0.3, measured: 0.5 }));
});

test('C5 A10 twenty members a host share keys as evenly as the paper says', () => {
  const { first, ninetyNinth } = balance(1, 20, 2000, 200_000);
  assert.ok(first > 0.45 && ninetyNinth < 1.7, `${first} ${ninetyNinth}`);
});

test('A22 an unknown table is refused with the known names', () => {
  assert.throws(
    () => runPaper({ paper: 'table9', seed: 1, json: false }, () => {}),
    (error) => error instanceof ChordialError && error.code === 'bad-usage' && /table2/.test(error.message),
  );
});

test('C5 A10 a table says for every row what holds and what falls short', () => {
  const rows = [bound('more than allowed', 2, 1), bound('as allowed', 1, 1, 0.5), shown('only shown', 0.25)];
  const text = tableText({ title: 'Title', source: 'paper', settings: ['A setting.'], rows, realSeconds: 1 });
  assert.match(text, /more than allowed +2 +– +at most 1 +falls short/);
  assert.match(text, /as allowed +1 +0\.500 +at most 1 +holds/);
  assert.match(text, /only shown +0\.250 +–\n/);
});
