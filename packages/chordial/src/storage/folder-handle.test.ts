import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, realpath, rename, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { dataFolderAround, isDataFolder, openDataFolder } from './data-folder.ts';
import { escapedName, FolderHandle } from './folder-handle.ts';

describe('FolderHandle', () => {
  it('M1 stays in its folder when a link takes the place of it or of one above, and follows none on the way', async () => {
    await using temporary = await temporaryFolder();
    const base = await realpath(temporary.path);
    await mkdir(path.join(base, 'a', 'b'), { recursive: true });
    await mkdir(path.join(base, 'private', 'b'), { recursive: true });
    await writeFile(path.join(base, 'a', 'b', 'file'), 'shared');
    await writeFile(path.join(base, 'private', 'b', 'file'), 'private');
    await using outer = await FolderHandle.open(path.join(base, 'a'));
    await using inner = await outer.folder('b');
    await rename(path.join(base, 'a'), path.join(base, 'away'));
    await symlink(path.join(base, 'private'), path.join(base, 'a'));
    if (process.platform === 'linux') assert.equal((await inner.smallFile('file', 100))?.toString(), 'shared');
    else await assert.rejects(inner.smallFile('file', 100), { code: 'ENOTDIR' });
    await assert.rejects(FolderHandle.open(path.join(base, 'a', 'b')), { code: 'ENOTDIR' });
    await symlink(path.join(base, 'private', 'b', 'file'), path.join(base, 'away', 'b', 'link'));
    await using moved = await FolderHandle.open(path.join(base, 'away', 'b'));
    await assert.rejects(moved.file('link'), { code: 'ELOOP' });
  });

  it('M8 is not held up by a pipe, and reads nothing but small regular files', async () => {
    await using temporary = await temporaryFolder();
    const base = await realpath(temporary.path);
    execFileSync('mkfifo', [path.join(base, 'pipe')]);
    await writeFile(path.join(base, 'large'), 'x'.repeat(101));
    await mkdir(path.join(base, 'folder'));
    await using folder = await FolderHandle.open(base);
    assert.equal(await folder.smallFile('pipe', 100), null);
    assert.equal(await folder.smallFile('large', 100), null);
    assert.equal((await folder.smallFile('large', 101))?.length, 101);
    assert.equal(await folder.smallFile('folder', 100), null);
  });

  it('case 11 lists names as text, and those that are no UTF-8 escaped', async () => {
    await using temporary = await temporaryFolder();
    const base = await realpath(temporary.path);
    await writeFile(path.join(base, 'plain ü'), '');
    await writeFile(Buffer.concat([Buffer.from(`${base}/caf`), Buffer.from([0xe9]), Buffer.from('.txt')]), '');
    await using folder = await FolderHandle.open(base);
    const { entries, misnamed } = await folder.list();
    assert.deepEqual([entries.map(({ name }) => name), misnamed], [['plain ü'], ['caf\\xe9.txt']]);
    assert.equal(entries[0]?.isFile(), true);
    assert.equal(escapedName(Buffer.from('a\u001b[1m\u00e9😀')), 'a\\x1b[1mé😀');
  });
});

describe('isDataFolder', () => {
  it('case 3 knows a data folder of any peer by its format file, and what lies in it', async () => {
    await using temporary = await temporaryFolder();
    const base = await realpath(temporary.path);
    const data = await openDataFolder(path.join(base, 'data'));
    assert.equal(await isDataFolder(data.path), true);
    assert.equal(await dataFolderAround(path.join(data.path, 'blocks', 'aa')), data.path);
    await writeFile(path.join(base, 'format'), 'of something else');
    assert.equal(await isDataFolder(base), false);
    assert.equal(await dataFolderAround(base), null);
    await data.close();
  });
});
