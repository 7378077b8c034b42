import assert from 'node:assert/strict';
import files, { constants, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, it, mock, test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { isPageAligned, LeafPool, leafBytes, unpooledBuffer } from '../content/leaf-pool.ts';
import {
  flushFile,
  flushFolder,
  flushFolderAtOnce,
  makeFolderDurably,
  openPastTheCache,
  SharedFlush,
  writeFileDurably,
  writeFlushed,
} from './durable-file.ts';

type Done = (error: Error | null) => void;
const failed = (code: string) => Object.assign(new Error(code), { code });
const openFiles = () => readdirSync('/proc/self/fd').length;

/** Notes what is flushed, as `what` says of its path; the disk fails where `what` throws. */
function watchFlushes(what: (file: string) => void): Disposable {
  const note = (file: number) => what(readlinkSync(`/proc/self/fd/${file}`));
  const noted = (file: number, done: Done) => {
    try {
      note(file);
      setImmediate(done, null);
    } catch (error) {
      setImmediate(done, error as Error);
    }
  };
  const mocks = [
    mock.method(files, 'fdatasync', noted),
    mock.method(files, 'fsync', noted),
    mock.method(files, 'fsyncSync', note),
  ];
  return {
    [Symbol.dispose]: () => {
      for (const each of mocks) each.mock.restore();
    },
  };
}

/** Whether the file system of the folder takes direct writes: some do not. */
async function takesDirectWrites(folder: string): Promise<boolean> {
  const { O_DIRECT, O_WRONLY, O_CREAT } = constants;
  const file = path.join(folder, 'direct?');
  const opened = await fs.open(file, O_WRONLY | O_CREAT | O_DIRECT).catch(() => null);
  await opened?.close();
  await fs.rm(file, { force: true });
  return opened !== null;
}

type Write = (file: number, bytes: Uint8Array, offset: number) => number;

/** The system takes what `write` says. */
function watchWrites(write: Write): Disposable {
  const fake = { [promisify.custom]: async (...all: Parameters<Write>) => ({ bytesWritten: write(...all) }) };
  const before = files.write;
  files.write = Object.assign(() => assert.fail('not by callback'), fake) as never;
  return {
    [Symbol.dispose]: () => {
      files.write = before;
    },
  };
}

test('case 18 a file has its new name when its bytes are flushed, and that is told when the folder is', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'file');
  await writeFileDurably(file, Buffer.from('one'));
  const flushed: string[] = [];
  using _ = watchFlushes((each) => flushed.push(`${path.basename(each)}: ${readFileSync(file, 'utf8')}`));
  await writeFileDurably(file, Buffer.from('two'));
  assert.deepEqual(flushed, [`file.${process.pid}.new: one`, `${path.basename(folder.path)}: two`]);
});

test('case 18 what cannot be flushed does not replace a file, and no file stays open', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'file');
  await writeFileDurably(file, Buffer.from('one'));
  const before = openFiles();
  {
    using _ = watchFlushes(() => {
      throw failed('EIO');
    });
    await assert.rejects(writeFileDurably(file, Buffer.from('two')), { code: 'EIO' });
    assert.deepEqual(await fs.readdir(folder.path), ['file']);
    await assert.rejects(flushFolder(folder.path), { code: 'EIO' });
    await assert.rejects(flushFile(file), { code: 'EIO' });
    assert.throws(() => flushFolderAtOnce(folder.path), { code: 'EIO' });
  }
  assert.equal(readFileSync(file, 'utf8'), 'one');
  assert.equal(openFiles(), before);
});

test('case 18 a folder or file is flushed itself, and closed', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'file');
  await fs.writeFile(file, 'bytes');
  const before = openFiles();
  const flushed: string[] = [];
  {
    using _ = watchFlushes((each) => flushed.push(each));
    await flushFile(file);
    await flushFolder(folder.path);
    flushFolderAtOnce(folder.path);
  }
  assert.deepEqual(flushed, [file, folder.path, folder.path]);
  assert.equal(openFiles(), before);
  await assert.rejects(flushFile(path.join(folder.path, 'absent')), { code: 'ENOENT' });
});

test('case 18 a file is written to its end, however little the system takes at once', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'file');
  using _ = watchWrites((opened, bytes, offset) =>
    files.writeSync(opened, bytes, offset, Math.min(4, bytes.length - offset)),
  );
  await writeFlushed(file, Buffer.from('some more bytes'));
  assert.equal(readFileSync(file, 'utf8'), 'some more bytes');
});

test('case 18 where the file system refuses direct writes, before or amid the bytes, the cache is used', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'file');
  const leaf = new LeafPool(65_536).take().fill(7);
  const direct: boolean[] = [];
  for (const taken of [0, 4096]) {
    let left = taken;
    {
      using _ = watchWrites((opened, bytes, offset) => {
        const isDirect =
          (Number.parseInt(/flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${opened}`, 'utf8'))![1]!, 8) &
            constants.O_DIRECT) !==
          0;
        direct.push(isDirect);
        if (!isDirect) return files.writeSync(opened, bytes, offset);
        if (left === 0) throw failed('EINVAL');
        left = 0;
        return files.writeSync(opened, bytes, offset, taken);
      });
      await writeFlushed(file, leaf);
    }
    assert.ok(readFileSync(file).equals(leaf));
  }
  const isTaken = await takesDirectWrites(folder.path);
  assert.deepEqual(direct, isTaken ? [true, false, true, true, false] : [false, false]);
  using _ = watchWrites(() => {
    throw failed('EIO');
  });
  const before = openFiles();
  await assert.rejects(writeFlushed(file, leaf), { code: 'EIO' });
  assert.equal(openFiles(), before);
});

test('case 18 a disk that fails under direct writes is told, not written to through the cache', async () => {
  await using folder = await temporaryFolder();
  const open = files.open as (file: string, flags: number, mode: number, done: Done) => void;
  const mocked = mock.method(files, 'open', (file: string, flags: number, mode: number, done: Done) => {
    if ((flags & constants.O_DIRECT) === 0) open(file, flags, mode, done);
    else done(failed('EIO'));
  });
  try {
    const leaf = new LeafPool(65_536).take().fill(7);
    await assert.rejects(writeFlushed(path.join(folder.path, 'file'), leaf), { code: 'EIO' });
    assert.deepEqual(await fs.readdir(folder.path), []);
  } finally {
    mocked.mock.restore();
  }
});

test('case 18 each folder that was missing is made private, with its name flushed; one that is there stays as it is', async () => {
  await using folder = await temporaryFolder();
  const flushed: string[] = [];
  using _ = watchFlushes((each) => flushed.push(path.relative(folder.path, each)));
  const deep = path.join(folder.path, 'a', 'b', 'c');
  await makeFolderDurably(deep);
  assert.deepEqual(flushed, ['', 'a', path.join('a', 'b')]);
  for (const made of ['a', 'a/b', 'a/b/c'])
    assert.equal((await fs.stat(path.join(folder.path, made))).mode & 0o777, 0o700);
  await makeFolderDurably(deep, 0o755);
  assert.equal(flushed.length, 3);
  assert.equal((await fs.stat(deep)).mode & 0o777, 0o700);
  await makeFolderDurably(path.join(folder.path, 'open', 'too'), 0o755);
  for (const made of ['open', 'open/too'])
    assert.equal((await fs.stat(path.join(folder.path, made))).mode & 0o777, 0o755 & ~process.umask());
  await makeFolderDurably('/');
});

test('case 18 a folder cannot be where a file is, nor below one', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'file');
  await fs.writeFile(file, '');
  await assert.rejects(makeFolderDurably(file), { code: 'EEXIST' });
  await assert.rejects(makeFolderDurably(path.join(file, 'below')), { code: 'ENOTDIR' });
  await assert.rejects(makeFolderDurably('/proc/absent/folder'), { code: 'ENOENT' });
});

test('case 18 a file opened past the cache is the one that was open, whatever has its name by then', async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'file');
  const isTaken = await takesDirectWrites(folder.path);
  const opened = await fs.open(file, 'w');
  await fs.rename(file, path.join(folder.path, 'moved'));
  await fs.writeFile(file, 'another');
  const direct = await openPastTheCache(opened);
  assert.equal(direct !== null, isTaken);
  const leaf = new LeafPool(65_536).take().fill(7);
  await direct?.write(leaf, 0, leaf.length, 0);
  await direct?.close();
  await opened.close();
  assert.equal(readFileSync(path.join(folder.path, 'moved')).equals(leaf), isTaken);
  assert.equal(readFileSync(file, 'utf8'), 'another');
  assert.equal(await openPastTheCache(opened), null, 'a file that is closed');
});

test('case 18 a flush begins at once when none is in progress, and of those that wait there is one', async () => {
  const running: PromiseWithResolvers<void>[] = [];
  const shared = new SharedFlush(() => {
    const flush = Promise.withResolvers<void>();
    running.push(flush);
    return flush.promise;
  });
  const first = shared.flush();
  assert.equal(running.length, 1);
  const [second, third] = [shared.flush(), shared.flush()];
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(running.length, 1);
  running[0]?.resolve();
  await first;
  assert.equal(running.length, 2);
  const fourth = shared.flush();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(running.length, 2, 'not amid the second');
  running[1]?.reject(failed('EIO'));
  for (const failing of [second, third]) await assert.rejects(failing, { code: 'EIO' });
  assert.equal(running.length, 3);
  running[2]?.resolve();
  await fourth;
  void shared.flush();
  assert.equal(running.length, 4, 'nothing is in progress');
});

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
      syscall: 'open',
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
