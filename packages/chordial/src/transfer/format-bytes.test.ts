import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes } from './format-bytes.ts';

test('a size is shown in one set of units everywhere', () => {
  const shown = [0, 1023, 1536, 5_000_000, 50 * 2 ** 20, 3 * 2 ** 50].map(formatBytes);
  assert.deepEqual(shown, ['0 B', '1023 B', '1.50 KiB', '4.77 MiB', '50.0 MiB', '3072.0 TiB']);
});
