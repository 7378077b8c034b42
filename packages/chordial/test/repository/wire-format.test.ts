import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatRows, wireFormatFaults, wireFormatPagePath } from './wire-format.ts';

const root = new URL('../../../../', import.meta.url);

test('docs/wire-format.md writes every message and paper as its schema has it', () => {
  assert.deepEqual(wireFormatFaults(readFileSync(new URL(wireFormatPagePath, root), 'utf8'), formatRows()), []);
});

test('the check of docs/wire-format.md finds a missing row and a wrong form', () => {
  const page = '| `a.b` | `{cids}`, at most 16 | `{sizes}` |\n';
  const row = { name: '`a.b`', forms: ['{cids}', '{sizes}'] };
  assert.deepEqual(wireFormatFaults(page, [row]), []);
  assert.deepEqual(wireFormatFaults(page, [{ ...row, name: 'a.c' }]), ['a.c: no row']);
  assert.deepEqual(wireFormatFaults(page, [{ ...row, forms: ['{cid}'] }]), ['`a.b`: not `{cid}`']);
  assert.deepEqual(wireFormatFaults(page, [{ ...row, forms: ['{cids}', '{}'] }]), ['`a.b`: not `{}`']);
});
