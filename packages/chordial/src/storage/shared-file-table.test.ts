import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { Catalog } from './catalog.ts';
import { SharedFileTable } from './shared-file-table.ts';

test('a SHA-256 that comes while a file is announced without it leaves the file stale', async () => {
  await using temporary = await temporaryFolder();
  const catalog = new Catalog(path.join(temporary.path, 'catalog.sqlite'));
  const table = new SharedFileTable(catalog);
  await table.addFolder({ path: '/shared', isFile: false, others: false, identity: '1' });
  const { folder } = table.folders()[0]!;
  const digest = new Uint8Array(32);
  const files = ['a', 'b', 'c'].map((name) => ({ folder, parent: '', base: name, name, size: 1, stamp: name }));
  await table.put(files.map((file) => ({ ...file, root: digest, sha256: null, leafDigests: digest, nodes: [] })));
  const [late, without, before] = table.unannounced(0, 9).map(({ file }) => file) as [number, number, number];
  const staleNow = () => table.stale(0, 9).map(({ file }) => file);
  await table.setSha256(before, 'ab');
  // Read for the announcement, and hashed before it is durable.
  await table.setSha256(late, 'cd');
  await table.announced([
    { file: late, batch: 1, hasSha256: false },
    { file: without, batch: 1, hasSha256: false },
    { file: before, batch: 1, hasSha256: true },
  ]);
  assert.deepEqual(staleNow(), [late]);
  await table.announced([{ file: late, batch: 2, hasSha256: true }]);
  assert.deepEqual(staleNow(), []);
  await catalog.close();
});
