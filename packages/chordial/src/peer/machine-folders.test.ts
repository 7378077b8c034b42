import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { isError } from '../../test/contracts/errors.ts';
import { ServedPeer, testKey } from '../../test/fixtures/served-peer.ts';
import { withFolder } from '../../test/fixtures/temporary-folder.ts';
import { type MachineFolders, machineFolders } from './machine-folders.ts';

test('folders of the machine are told to its own user alone, in natural order, without hidden ones and links', () =>
  withFolder(async (folder) => {
    for (const name of ['10', '2', '.hidden', 'deep']) await mkdir(path.join(folder, name));
    await mkdir(path.join(folder, 'deep', 'er'));
    await writeFile(path.join(folder, 'file'), 'x');
    await symlink('deep', path.join(folder, 'link'));
    const { folders, parent, isCut } = await machineFolders(folder);
    assert.deepEqual(
      [folders.map(({ name }) => name), parent, isCut],
      [['2', '10', 'deep'], path.dirname(folder), false],
    );
    const all = await machineFolders(folder, true);
    assert.deepEqual(
      all.folders.map(({ name }) => name),
      ['.hidden', '2', '10', 'deep'],
    );
    assert.equal((await machineFolders('/')).parent, null);
    assert.ok(path.isAbsolute((await machineFolders(null)).path));
    for (const bad of ['relative', `${folder}/../x`, `${folder}/`, `${folder}\0`])
      await assert.rejects(machineFolders(bad), isError('bad-request'));
    for (const none of ['link', 'link/er', 'file', 'absent'])
      await assert.rejects(machineFolders(path.join(folder, none)), isError('unreadable-file'), none);

    await using served = await ServedPeer.open();
    const ask = (body: object) =>
      served.fetch('/api/v1/machine/folders', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    const told = (await (await ask({ path: folder, key: testKey })).json()) as MachineFolders;
    assert.equal(told.folders.length, 3);
    const hidden = await ask({ path: folder, hidden: true, key: testKey });
    assert.equal(((await hidden.json()) as MachineFolders).folders.length, 4);
    assert.equal((await ask({ path: folder })).status, 403);
    assert.equal((await ask({ path: folder, key: 'guessed' })).status, 403);
  }));
