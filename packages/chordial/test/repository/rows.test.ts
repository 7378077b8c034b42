import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slowestOf } from '../results.ts';
import { stages } from '../stages.ts';
import { faultsOf, filesOf, noCounts } from '../test-files.ts';
import { titlesIn, titlesOfFile } from '../titles.ts';
import { isRow, rows, rowsOfTitle } from './rows.ts';

test('the table holds every row of the specification', () => {
  const counts = { A: 27, B: 15, C: 5 };
  const expected = Object.entries(counts).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
  );
  // Of the later ones those that a test names.
  assert.deepEqual(Object.keys(rows), [
    ...expected.filter((row) => !row.startsWith('C')),
    'B18',
    ...expected.filter((row) => row.startsWith('C')),
  ]);
});

test('rows are read from the start of a title', () => {
  assert.deepEqual(rowsOfTitle('A7 get of an absent name'), ['A7']);
  assert.deepEqual(rowsOfTitle('A5 A8 the ring heals'), ['A5', 'A8']);
  assert.deepEqual(rowsOfTitle('A5, B4: the ring heals'), ['A5', 'B4']);
  assert.deepEqual(rowsOfTitle('the ring heals after A5'), []);
  assert.deepEqual(rowsOfTitle('A ring heals'), []);
});

test('titles are read from the source', () => {
  const source = 'test(\'A1 x\', f);\nawait t.test("it\'s", f);\ndescribe(`B2 y`, f);\nfoo("no");';
  assert.deepEqual(titlesIn(source), ['A1 x', "it's", 'B2 y']);
});

test('no title names a row that does not exist', () => {
  const unknown = stages
    .flatMap(filesOf)
    .flatMap((file) => titlesOfFile(file).flatMap((title) => rowsOfTitle(title).filter((row) => !isRow(row))));
  assert.deepEqual(unknown, []);
});

test('the gate fails on a failure, a skipped test, a todo and a file without tests', () => {
  const passed = { title: 'x', file: 'a.test.ts', outcome: 'pass', milliseconds: 1 } as const;
  const counts = { ...noCounts, tests: 1, pass: 1 };
  assert.deepEqual(faultsOf(counts, [passed], ['a.test.ts']), []);
  assert.equal(faultsOf({ ...counts, fail: 1 }, [passed], ['a.test.ts']).length, 1);
  assert.equal(faultsOf({ ...counts, cancelled: 1 }, [passed], ['a.test.ts']).length, 1);
  assert.equal(faultsOf({ ...counts, skipped: 1 }, [passed], ['a.test.ts']).length, 1);
  assert.equal(faultsOf({ ...counts, todo: 1 }, [passed], ['a.test.ts']).length, 1);
  const fileItself = { ...passed, title: 'b.test.ts', file: 'b.test.ts' };
  assert.equal(faultsOf(counts, [passed, fileItself], ['a.test.ts', 'b.test.ts']).length, 1);
});

test('the gate names its slowest tests, the slowest first', () => {
  const results = [300, 20, 4000].map((milliseconds) => {
    return { title: `${milliseconds}`, file: 'a.test.ts', outcome: 'pass', milliseconds } as const;
  });
  assert.deepEqual(
    slowestOf(results, 2).map(({ title }) => title),
    ['4000', '300'],
  );
});
