import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { readSmallFile } from './small-file.ts';

test('a small file is read whole, and a pipe, a device, a folder or a larger file is refused at once', async () => {
  await using temporary = await temporaryFolder();
  const at = (name: string) => path.join(temporary.path, name);
  await writeFile(at('file'), 'x'.repeat(100));
  await symlink(at('file'), at('link'));
  await writeFile(at('empty'), '');
  await mkdir(at('folder'));
  execFileSync('mkfifo', [at('pipe')]);
  assert.equal((await readSmallFile(at('file'), 100)).length, 100);
  assert.equal((await readSmallFile(at('link'), 100)).length, 100);
  assert.equal((await readSmallFile(at('empty'), 0)).length, 0);
  for (const other of [at('pipe'), at('folder'), '/dev/zero'])
    await assert.rejects(readSmallFile(other, 100), { code: 'EFTYPE' });
  await assert.rejects(readSmallFile(at('file'), 99), { code: 'EFBIG' });
  await assert.rejects(readSmallFile(at('none'), 99), { code: 'ENOENT' });
});
