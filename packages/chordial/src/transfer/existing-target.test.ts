import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { buildFile } from '../content/builder.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { FolderHandle } from '../storage/folder-handle.ts';
import { hasContent, isThereAlready, whatIsAt } from './existing-target.ts';

test('case 18 a target of the same size counts as the content only when its bytes are the same', async () => {
  await using folder = await temporaryFolder();
  const target = path.join(folder.path, 'target');
  await using opened = await FolderHandle.open(await realpath(folder.path));
  for (const size of [1, 3000, 2 * 1024 * 1024 + 5]) {
    const bytes = new Uint8Array(randomBytes(size));
    const { cid, sha256 } = await buildFile(Readable.from([bytes.slice()]), async () => undefined);
    await writeFile(target, bytes);
    assert.equal(await hasContent(opened, 'target', { cid, size, sha256 }), true);
    // Cut otherwise by another tool, the hash of the whole decides.
    const another = cidOfBlock(rawCodec, Buffer.from('another tree'));
    assert.equal(await hasContent(opened, 'target', { cid: another, size, sha256 }), true);
    assert.equal(await hasContent(opened, 'target', { cid: another, size, sha256: null }), false);
    for (const at of [0, size - 1]) {
      const wrong = Uint8Array.from(bytes);
      wrong[at] = wrong[at]! ^ 1;
      await writeFile(target, wrong);
      assert.equal(await hasContent(opened, 'target', { cid, size, sha256 }), false, `byte ${at} of ${size}`);
      assert.equal(await hasContent(opened, 'target', { cid, size, sha256: null }), false, `byte ${at} of ${size}`);
    }
    await writeFile(target, bytes.subarray(1));
    assert.equal(await hasContent(opened, 'target', { cid, size, sha256 }), false);
  }
});

const bytes = Buffer.from('wanted');
const wanted = { cid: cidOfBlock(rawCodec, bytes), size: bytes.length, sha256: null };

test('case 18 what is at the target of a get is told apart, and links are not followed', async () => {
  await using folder = await temporaryFolder();
  await using opened = await FolderHandle.open(await realpath(folder.path));
  await writeFile(path.join(folder.path, 'file'), bytes);
  await mkdir(path.join(folder.path, 'folder'));
  await symlink('file', path.join(folder.path, 'link'));
  assert.deepEqual(await Promise.all(['file', 'folder', 'link', 'absent'].map((base) => whatIsAt(opened, base))), [
    'file',
    'folder',
    'something else',
    'nothing',
  ]);
  await assert.rejects(whatIsAt(opened, 'file/below'), { code: 'unwritable-file' });
});

test('case 18 a get is done where the bytes are there, and replaces others only when told to', async () => {
  await using folder = await temporaryFolder();
  const at = await realpath(folder.path);
  await using opened = await FolderHandle.open(at);
  assert.equal(await isThereAlready(opened, 'absent', wanted, false), false);
  await writeFile(path.join(at, 'same'), bytes);
  await writeFile(path.join(at, 'other'), 'others');
  const openFiles = () => readdirSync('/proc/self/fd').length;
  const before = openFiles();
  for (const force of [false, true]) assert.equal(await isThereAlready(opened, 'same', wanted, force), true);
  assert.equal(await isThereAlready(opened, 'other', wanted, true), false);
  await assert.rejects(isThereAlready(opened, 'other', wanted, false), {
    code: 'already-exists',
    message: /\/other .*--force/,
  });
  assert.equal(openFiles(), before);
});

test('case 18 a folder or a link in the place of a file is never replaced', async () => {
  await using folder = await temporaryFolder();
  const at = await realpath(folder.path);
  await using opened = await FolderHandle.open(at);
  await mkdir(path.join(at, 'folder'));
  await writeFile(path.join(at, 'same'), bytes);
  await symlink('same', path.join(at, 'link'));
  for (const force of [false, true]) {
    await assert.rejects(isThereAlready(opened, 'folder', wanted, force), {
      code: 'already-exists',
      message: / is a folder,/,
    });
    await assert.rejects(isThereAlready(opened, 'link', wanted, force), {
      code: 'already-exists',
      message: / is a link /,
    });
  }
});

test('case 18 a target that cannot be read is told as such', async () => {
  await using folder = await temporaryFolder();
  await using opened = await FolderHandle.open(await realpath(folder.path));
  await assert.rejects(hasContent(opened, 'absent', wanted), { code: 'unreadable-file' });
  await symlink('absent', path.join(folder.path, 'link'));
  await assert.rejects(hasContent(opened, 'link', wanted), { code: 'unreadable-file' });
});
