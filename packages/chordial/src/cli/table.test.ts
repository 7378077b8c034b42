import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table, width } from './table.ts';

const columns = [{ title: 'NAME', isCut: true }, { title: 'SIZE', align: 'right' }, { title: 'CID' }] as const;

test('wide characters take two columns, marks none', () => {
  for (const [text, expected] of [
    ['abc', 3],
    ['日本語', 6],
    ['한국어', 6],
    ['e\u0301', 1],
    ['\u0301', 0],
    ['👩\u200d👧', 2],
    ['❤️', 2],
    ['ｆｕｌｌ', 8],
    ['Жö', 2],
  ] as const) {
    assert.equal(width(text), expected, text);
  }
});

test('rough: one long name is cut to the terminal and widens no other line; in a pipe it is whole', () => {
  for (const name of ['x'.repeat(5000), '長い名前'.repeat(60), 'e\u0301'.repeat(300)]) {
    const rows = [
      [name, '12 B', 'bafy'],
      ['short', '3.4 MB', 'bafy'],
    ];
    const lines = table(columns, rows, 60).split('\n');
    for (const line of lines) assert.ok(width(line) <= 60, line);
    assert.equal(new Set(lines.map((line) => width(line.slice(0, line.lastIndexOf('  '))))).size, 1);
    assert.match(lines[1]!, /…/);
    assert.match(lines[2]!, /^short +3\.4 MB {2}bafy$/);
    assert.ok(table(columns, rows, null).includes(`${name}    12 B  bafy`));
  }
  assert.match(table(columns, [['x'.repeat(100), '1 B', 'bafy']], 10), /^x{23}… /m, 'never cut to nothing');
  assert.doesNotMatch(table(columns, [['fits', '1 B', 'bafy']], 60), /…/);
});
