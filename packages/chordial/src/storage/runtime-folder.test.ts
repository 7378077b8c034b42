import assert from 'node:assert/strict';
import { chmod, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import {
  listRuntimeFiles,
  readRuntimeFile,
  removeRuntimeFile,
  runtimeFile,
  runtimeFolder,
  writeRuntimeFile,
} from './runtime-folder.ts';

test('C2 runtime files are for their user alone: folder 0700, file 0600, gone when their writer stops', async () => {
  await using temporary = await temporaryFolder();
  const folder = path.join(temporary.path, 'run', 'chordial');
  const name = runtimeFile('[::1]:4848', '.invite');
  assert.equal(name, '__1_4848.invite');
  assert.equal(await readRuntimeFile(name, folder), null);
  await writeRuntimeFile(name, 'one', folder);
  await writeRuntimeFile(name, 'two', folder);
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  assert.equal((await stat(path.join(folder, name))).mode & 0o777, 0o600);
  assert.equal(await readRuntimeFile(name, folder), 'two');
  assert.deepEqual(await listRuntimeFiles('.invite', folder), [name]);
  await removeRuntimeFile(name, 'one', folder);
  assert.equal(await readRuntimeFile(name, folder), 'two', 'another peer has written it meanwhile');
  await removeRuntimeFile(name, 'two', folder);
  assert.deepEqual(await listRuntimeFiles('.invite', folder), []);
});

test('C2 what others may have written, and what leads elsewhere, is neither read nor written', async () => {
  await using temporary = await temporaryFolder();
  const folder = path.join(temporary.path, 'run');
  await mkdir(folder, { mode: 0o700 });
  await writeFile(path.join(folder, 'wide'), 'x', { mode: 0o600 });
  await chmod(path.join(folder, 'wide'), 0o644);
  assert.equal(await readRuntimeFile('wide', folder), null);
  await writeFile(path.join(temporary.path, 'elsewhere'), 'x', { mode: 0o600 });
  await symlink(path.join(temporary.path, 'elsewhere'), path.join(folder, 'link'));
  assert.equal(await readRuntimeFile('link', folder), null);
  await chmod(folder, 0o770);
  await assert.rejects(writeRuntimeFile('own', 'x', folder), { code: 'unwritable-file', message: /mode 0700/ });
  await symlink(folder, path.join(temporary.path, 'way'));
  await assert.rejects(writeRuntimeFile('own', 'x', path.join(temporary.path, 'way')), { code: 'unwritable-file' });
});

test('the runtime folder is the one of XDG, else one below the home', () => {
  assert.equal(runtimeFolder({ XDG_RUNTIME_DIR: '/run/user/7' }), '/run/user/7/chordial');
  assert.match(runtimeFolder({ XDG_RUNTIME_DIR: 'relative' }), /\.local\/state\/chordial\/run$/);
});
