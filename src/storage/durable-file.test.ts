import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { isPageAligned, LeafPool, leafBytes, unpooledBuffer } from '../content/leaf-pool.ts';
import { flushFolder, SharedFlush, writeFileDurably, writeFlushed } from './durable-file.ts';

describe('writeFileDurably', () => {
  it('replaces a file, with the mode asked for, and leaves nothing beside it', async () => {
    await using folder = await temporaryFolder();
    const file = path.join(folder.path, 'file');
    await writeFileDurably(file, Buffer.from('one'));
    await writeFileDurably(file, Buffer.from('two'), 0o640);
    assert.equal(await fs.readFile(file, 'utf8'), 'two');
    assert.equal((await fs.stat(file)).mode & 0o777, 0o640);
    assert.deepEqual(await fs.readdir(folder.path), ['file']);
  });

  it('leaves the old file and nothing else when it cannot be replaced', async () => {
    await using folder = await temporaryFolder();
    const inTheWay = path.join(folder.path, 'folder');
    await fs.mkdir(inTheWay);
    await assert.rejects(writeFileDurably(inTheWay, Buffer.from('x')));
    assert.deepEqual(await fs.readdir(folder.path), ['folder']);
    await assert.rejects(writeFileDurably(path.join(folder.path, 'absent', 'file'), Buffer.from('x')), {
      code: 'ENOENT',
    });
  });
});

describe('writeFlushed', () => {
  it('writes the same file past the cache and through it, over a longer one too', async () => {
    await using folder = await temporaryFolder();
    const leaf = new LeafPool().take();
    crypto.getRandomValues(leaf.subarray(0, 65_536));
    leaf.set(leaf.subarray(0, 65_536), leafBytes - 65_536);
    assert.ok(isPageAligned(leaf));
    const copy = unpooledBuffer(leafBytes);
    copy.set(leaf);
    assert.ok(!isPageAligned(copy) && !isPageAligned(leaf.subarray(0, 4096)));
    const [direct, cached, part] = ['direct', 'cached', 'part'].map((name) => path.join(folder.path, name));
    await fs.writeFile(direct!, Buffer.alloc(leafBytes + 10));
    await writeFlushed(direct!, leaf);
    await writeFlushed(cached!, copy);
    await writeFlushed(part!, leaf.subarray(0, 1000));
    assert.ok((await fs.readFile(direct!)).equals(leaf));
    assert.ok((await fs.readFile(cached!)).equals(leaf));
    assert.ok((await fs.readFile(part!)).equals(leaf.subarray(0, 1000)));
  });

  it('says what is in the way', async () => {
    await using folder = await temporaryFolder();
    const absent = path.join(folder.path, 'absent', 'file');
    await assert.rejects(writeFlushed(absent, new LeafPool().take()), { code: 'ENOENT' });
  });
});

describe('SharedFlush', () => {
  it('shares a flush among those who ask before it begins, never one in progress', async () => {
    await using folder = await temporaryFolder();
    const shared = new SharedFlush(() => flushFolder(folder.path));
    const first = shared.flush();
    const second = shared.flush();
    assert.notEqual(second, first);
    assert.equal(shared.flush(), second);
    await first;
    await second;
    const later = shared.flush();
    assert.notEqual(later, second);
    await later;
  });

  it('tells its failure to all who asked, and tries again for the next', async () => {
    await using folder = await temporaryFolder();
    const absent = path.join(folder.path, 'absent');
    const shared = new SharedFlush(() => flushFolder(absent));
    const outcomes = await Promise.allSettled([shared.flush(), shared.flush(), shared.flush()]);
    assert.ok(outcomes.every(({ status }) => status === 'rejected'));
    await fs.mkdir(absent);
    await shared.flush();
  });
});
