import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { constantIn, limitRows, numberTold } from './limits.ts';

const root = new URL('../../../../', import.meta.url).href;

test('docs/limits.md matches the limits in the code', () => {
  const rows = limitRows(readFileSync(new URL('docs/limits.md', root), 'utf8'));
  assert.ok(rows.length > 60, `${rows.length} rows`);
  const wrong = rows.flatMap(({ what, value, file, constant }) => {
    const [told, real] = [numberTold(value), constantIn(root, file, constant)];
    return told === real ? [] : [`${what}: ${value} is ${told}, ${file} ${constant} is ${real}`];
  });
  assert.deepEqual(wrong, []);
});

test('values are parsed with units, and constants with the constants they are made of', () => {
  assert.equal(numberTold('16 MiB'), 16 * 1024 ** 2);
  assert.equal(numberTold('10 000 000'), 10_000_000);
  assert.equal(numberTold('5 s'), 5000);
  assert.equal(Number.isNaN(numberTold('many')), true);
  assert.equal(constantIn(root, 'network/connection-limits.ts', 'connectionWindowBytes'), 4 * 1024 ** 2);
  assert.equal(constantIn(root, 'network/connection-limits.ts', 'idleMilliseconds.bulk'), 60_000);
  assert.equal(Number.isNaN(constantIn(root, 'network/connection-limits.ts', 'noSuchThing')), true);
});
