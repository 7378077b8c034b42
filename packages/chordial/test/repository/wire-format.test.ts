import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { messageRows, wireFormatFaults, wireFormatPagePath } from './wire-format.ts';

const root = new URL('../../../../', import.meta.url);

test('docs/wire-format.md writes every message as its schema has it', () => {
  assert.deepEqual(wireFormatFaults(readFileSync(new URL(wireFormatPagePath, root), 'utf8'), messageRows()), []);
});

test('the check of docs/wire-format.md finds a missing row and another form', () => {
  const page = '| `a.b` | `{cids}`, at most 16 | `{sizes}` |\n';
  const row = { kind: 'a.b', question: '{cids}', answer: '{sizes}' };
  assert.deepEqual(wireFormatFaults(page, [row]), []);
  assert.deepEqual(wireFormatFaults(page, [{ ...row, kind: 'a.c' }]), ['a.c: no row']);
  assert.deepEqual(wireFormatFaults(page, [{ ...row, question: '{cid}' }]), ['a.b: not `{cid}`']);
  assert.deepEqual(wireFormatFaults(page, [{ ...row, answer: '{}' }]), ['a.b: not `{}`']);
});
