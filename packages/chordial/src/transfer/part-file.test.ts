import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type BigIntStats, constants, rmSync } from 'node:fs';
import promises, {
  type FileHandle,
  link,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, mock, test } from 'node:test';
import { noAttributes } from '../content/attributes.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { LeafPool, leafBytes } from '../content/leaf-pool.ts';
import { FolderHandle } from '../storage/folder-handle.ts';
import { markOf } from './file-mark.ts';
import { PartFile, partName, removeMarked } from './part-file.ts';

const leaves = 64;
const size = leaves * leafBytes + 5;

/** Large enough to go past the cache; most of it is a hole. */
async function inFolder(run: (folder: FolderHandle, target: string, leaf: Uint8Array) => Promise<void>): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'chordial-part-')));
  try {
    const leaf = new LeafPool().take();
    randomBytes(leafBytes).copy(leaf);
    await using opened = await FolderHandle.open(folder);
    await run(opened, join(folder, 'file'), leaf);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function bytesAt(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Without the difference in the message, which takes minutes to find in a leaf. */
function assertSame(bytes: Buffer, expected: Uint8Array): void {
  assert.ok(bytes.equals(expected), 'other bytes');
}

const part = partName('file');
const plain = { force: false, attributes: noAttributes };
const unwritable = { code: 'unwritable-file' };
const inTheWay = { code: 'already-exists' };
const names = (folder: FolderHandle) => readdir(folder.path);
const textOf = (folder: FolderHandle, name = 'file') => readFile(join(folder.path, name), 'utf8');

/** A call of the system that answers as the test says, until it is disposed of. */
function answering(
  name: 'link' | 'lstat' | 'open' | 'statfs',
  answer: (...given: readonly unknown[]) => unknown,
): Disposable & { readonly calls: () => number } {
  const faked = mock.method(promises, name, (async (...given: readonly unknown[]) => answer(...given)) as never);
  syncBuiltinESMExports();
  return {
    calls: () => faked.mock.callCount(),
    [Symbol.dispose]: () => {
      faked.mock.restore();
      syncBuiltinESMExports();
    },
  };
}

interface OpenFile {
  readonly file: FileHandle;
  readonly isDirect: boolean;
}

/** Files that are opened from now on, which the test may change, until it is disposed of. */
function opening(change: (opened: OpenFile) => void): Disposable {
  const really = promises.open;
  return answering('open', async (path, flags, mode) => {
    const file = await really(path as string, flags as number, mode as number);
    change({ file, isDirect: (Number(flags) & constants.O_DIRECT) !== 0 });
    return file;
  });
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

test('a part file has one short hidden name for each target', () => {
  assert.match(part, /^\.[0-9a-f]{32}\.part$/);
  assert.notEqual(partName('other'), part);
  assert.equal(partName('x'.repeat(255)).length, part.length);
});

test('case 18 two gets of this process into one file are refused, into others not', () =>
  inFolder(async (folder) => {
    for (const make of [
      () => PartFile.open(folder, 'file', { size: 5 }),
      () => PartFile.create(folder, 'file', { size: 5 }),
    ]) {
      const first = await make();
      await assert.rejects(make(), inTheWay);
      await (await PartFile.open(folder, 'other', { size: 5 })).close();
      await first.close();
      await (await make()).drop();
    }
    // One that failed to open bars none.
    await mkdir(join(folder.path, part));
    await assert.rejects(PartFile.open(folder, 'file', { size: 5 }), unwritable);
    await rm(join(folder.path, part), { recursive: true });
    await (await PartFile.open(folder, 'file', { size: 5 })).close();
  }));

test('case 18 an empty part file goes when it is closed, one with bytes stays for a later attempt', () =>
  inFolder(async (folder) => {
    const empty = await PartFile.open(folder, 'file', { size: 5 });
    assert.deepEqual(await names(folder), [part]);
    await empty.close();
    assert.deepEqual(await names(folder), []);
    const begun = await PartFile.open(folder, 'file', { size: 5 });
    await begun.write(Buffer.from('by'), 0);
    await begun.close();
    assert.deepEqual(await names(folder), [part]);
    const again = await PartFile.open(folder, 'file', { size: 5 });
    await again.close();
    assert.deepEqual(await names(folder), [part]);
    await (await PartFile.open(folder, 'file', { size: 5 })).drop();
    assert.deepEqual(await names(folder), []);
  }));

test('case 18 of an earlier attempt only blocks whose bytes are right count', () =>
  inFolder(async (folder) => {
    await writeFile(join(folder.path, part), 'onetwothr');
    const resumed = await PartFile.open(folder, 'file', { size: 12 });
    const cidOf = (text: string) => cidOfBlock(rawCodec, Buffer.from(text));
    assert.equal(await resumed.holds(cidOf('one'), 0, 3), true);
    assert.equal(await resumed.holds(cidOf('thr'), 6, 3), true);
    assert.equal(await resumed.holds(cidOf('one'), 3, 3), false);
    assert.equal(await resumed.holds(cidOf('thr\0'), 6, 4), false);
    assert.equal(await resumed.holds(cidOf('thre'), 6, 4), false);
    await resumed.write(Buffer.from('hree'), 7);
    assert.equal(await resumed.holds(cidOf('three'), 6, 5), false, 'what this attempt wrote is no earlier one');
    await resumed.drop();
  }));

test('case 18 zeros are a hole where nothing was, and overwrite what was there', () =>
  inFolder(async (folder) => {
    const zeros = Buffer.alloc(300_000);
    const fresh = await PartFile.open(folder, 'file', { size: zeros.length });
    await fresh.write(zeros, 0);
    await fresh.write(Buffer.alloc(0), 0);
    assert.equal((await stat(join(folder.path, part))).size, 0);
    await fresh.finish(zeros.length, plain);
    await fresh.close();
    assert.ok((await readFile(join(folder.path, 'file'))).equals(zeros));
    await writeFile(join(folder.path, part), 'old bytes');
    const resumed = await PartFile.open(folder, 'file', { size: 9 });
    await resumed.write(Buffer.alloc(3), 0);
    await resumed.write(Buffer.from('\0\0\0'), 6);
    await resumed.finish(9, { ...plain, force: true });
    await resumed.close();
    assert.equal(await textOf(folder), '\0\0\0 by\0\0\0');
    // A single byte anywhere makes it data.
    for (const at of [0, 1, 65_535, 65_536, 150_000, 299_999]) {
      const bytes = Buffer.alloc(300_000);
      bytes[at] = 1;
      const sparse = await PartFile.open(folder, 'file', { size: bytes.length });
      await sparse.write(bytes, 0);
      await sparse.finish(bytes.length, { ...plain, force: true });
      await sparse.close();
      assert.ok((await readFile(join(folder.path, 'file'))).equals(bytes), `byte ${at}`);
    }
  }));

test('case 18 a target that is there stays unless it is to be replaced', () =>
  inFolder(async (folder) => {
    await writeFile(join(folder.path, 'file'), 'theirs');
    const grown = await PartFile.open(folder, 'file', { size: 4 });
    await grown.write(Buffer.from('ours'), 0);
    await assert.rejects(grown.finish(4, plain), inTheWay);
    assert.equal(await textOf(folder), 'theirs');
    assert.equal(await textOf(folder, part), 'ours');
    await grown.finish(4, { ...plain, force: true });
    await grown.close();
    assert.deepEqual([await textOf(folder), await names(folder)], ['ours', ['file']]);
  }));

test('case 18 without hard links the target is looked for before the part file gets its name', () =>
  inFolder(async (folder) => {
    for (const code of ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EIO']) {
      const grown = await PartFile.open(folder, 'file', { size: 4 });
      await grown.write(Buffer.from('ours'), 0);
      {
        using _ = answering('link', () => {
          throw failure(code);
        });
        if (code === 'EIO') await assert.rejects(grown.finish(4, plain), unwritable);
        else {
          await writeFile(join(folder.path, 'file'), 'theirs');
          await assert.rejects(grown.finish(4, plain), inTheWay, code);
          assert.equal(await textOf(folder), 'theirs');
          await rm(join(folder.path, 'file'));
          await grown.finish(4, plain);
          assert.equal(await textOf(folder), 'ours');
          await rm(join(folder.path, 'file'));
        }
      }
      await grown.drop();
    }
  }));

test('case 18 a file has the time and the executable bit of the one that was published', () =>
  inFolder(async (folder) => {
    const modified = Date.parse('2020-02-02T02:02:02Z');
    for (const executable of [true, false]) {
      const grown = await PartFile.open(folder, 'file', { size: 1 });
      await grown.write(Buffer.from('x'), 0);
      await grown.finish(1, { force: true, attributes: { ...noAttributes, modified, executable } });
      await grown.close();
      const status = await stat(join(folder.path, 'file'));
      assert.equal(status.mtimeMs, modified);
      assert.equal((status.mode & 0o100) !== 0, executable);
    }
    const before = Date.now() - 2000;
    const grown = await PartFile.open(folder, 'file', { size: 1 });
    await grown.finish(1, { ...plain, force: true });
    await grown.close();
    assert.ok((await stat(join(folder.path, 'file'))).mtimeMs > before);
  }));

test('case 18 a part file that another program took away becomes no target', () =>
  inFolder(async (folder) => {
    const grown = await PartFile.open(folder, 'file', { size: 4 });
    await grown.write(Buffer.from('ours'), 0);
    await rename(join(folder.path, part), join(folder.path, 'taken'));
    await assert.rejects(grown.finish(4, { ...plain, force: true }), unwritable);
    await writeFile(join(folder.path, part), 'another');
    await assert.rejects(grown.finish(4, { ...plain, force: true }), unwritable);
    await grown.drop();
    assert.deepEqual(await names(folder), [part, 'taken'], 'what is not its own stays');
  }));

test('case 18 only the very file that was meant grows on', () =>
  inFolder(async (folder) => {
    const at = join(folder.path, part);
    const markAt = async (path: string) => markOf(await stat(path, { bigint: true }));
    await writeFile(at, 'some');
    await writeFile(join(folder.path, 'another'), 'some');
    const mark = await markAt(at);
    const other = await markAt(join(folder.path, 'another'));
    await assert.rejects(PartFile.open(folder, 'file', { size: 4, mark: other }), unwritable);
    const right = await PartFile.open(folder, 'file', { size: 4, mark });
    assert.deepEqual(right.mark, mark);
    assert.equal(right.path, at);
    await right.close();
    await link(at, join(folder.path, 'link'));
    await assert.rejects(PartFile.open(folder, 'file', { size: 4, mark }), unwritable, 'it has a second name');
    await rm(at);
    await assert.rejects(PartFile.open(folder, 'file', { size: 4, mark }), unwritable);
    assert.ok(!(await names(folder)).includes(part), 'none is made in its place');
    await symlink('another', at);
    await assert.rejects(PartFile.open(folder, 'file', { size: 4 }), unwritable, 'links are not followed');
  }));

test('case 18 a file of another user does not grow on', (context) =>
  inFolder(async (folder) => {
    const at = join(folder.path, part);
    await writeFile(at, 'some');
    const mark = markOf(await stat(at, { bigint: true }));
    const own = process.geteuid;
    context.after(() => Object.assign(process, { geteuid: own }));
    process.geteuid = () => 4_000_000;
    await assert.rejects(PartFile.open(folder, 'file', { size: 4, mark }), unwritable);
    Reflect.set(process, 'geteuid', undefined);
    await (await PartFile.open(folder, 'file', { size: 4, mark })).close();
  }));

test('case 18 small files written to one folder look at its room once in 16 MiB', () =>
  inFolder(async (folder) => {
    using looks = answering('statfs', () => ({ blocks: 1e9, bavail: 1e9, bsize: 4096 }));
    const mebibyte = 2 ** 20;
    for (const [size, calls] of [
      [10, 1],
      [8 * mebibyte, 1],
      [8 * mebibyte - 10, 1],
      [1, 2],
    ] as const) {
      await (await PartFile.create(folder, 'file', { size })).drop();
      assert.equal(looks.calls(), calls, `${size}`);
    }
  }));

test('no file stays open when a large part file is closed', () =>
  inFolder(async (folder) => {
    const openFiles = async () => (await readdir('/proc/self/fd')).length;
    const before = await openFiles();
    await (await PartFile.open(folder, 'file', { size })).close();
    await (await PartFile.open(folder, 'file', { size })).drop();
    await assert.rejects(PartFile.open(folder, 'file', { size, mark: { device: '1', inode: '1' } }), unwritable);
    assert.equal(await openFiles(), before);
  }));

test('case 18 a part file that was left behind is removed, one that is being written is waited for', () =>
  inFolder(async (folder) => {
    const at = join(folder.path, part);
    const left = async (secondsAgo: number) => {
      await writeFile(at, 'left');
      await utimes(at, new Date(), new Date(Date.now() - secondsAgo * 1000));
    };
    await left(11);
    const created = await PartFile.create(folder, 'file', { size: 4 });
    assert.equal((await stat(at)).size, 0);
    await created.drop();
    await left(9.9);
    const controller = new AbortController();
    const waiting = PartFile.create(folder, 'file', { size: 4, signal: controller.signal });
    await assert.rejects(PartFile.create(folder, 'file', { size: 4 }), inTheWay);
    await (await waiting).drop();
    await left(0);
    controller.abort();
    await assert.rejects(PartFile.create(folder, 'file', { size: 4, signal: controller.signal }), unwritable);
    assert.equal(await textOf(folder, part), 'left');
  }));

test('case 18 what is no file in the place of the part file is left alone', () =>
  inFolder(async (folder) => {
    const at = join(folder.path, part);
    await mkdir(at);
    await assert.rejects(PartFile.create(folder, 'file', { size: 4 }), inTheWay);
    await removeMarked(folder, part, markOf(await stat(at, { bigint: true })));
    assert.deepEqual(await names(folder), [part]);
    await removeMarked(folder, 'absent', markOf(await stat(at, { bigint: true })));
  }));

test('case 18 an empty part file is kept for another process, and removed when that wrote nothing', () =>
  inFolder(async (folder) => {
    const at = join(folder.path, part);
    const created = await PartFile.create(folder, 'file', { size: 0 });
    await created.keepEmpty();
    const other = await PartFile.open(folder, 'file', { size: 4, mark: created.mark });
    await other.write(Buffer.from('some'), 0);
    await other.close();
    await created.dropIfEmpty();
    assert.equal(await textOf(folder, part), 'some');
    await writeFile(at, '');
    await created.dropIfEmpty();
    assert.deepEqual(await names(folder), []);
    await created.dropIfEmpty();
  }));

test('case 18 a twentieth of the disk stays free, at most 1 GiB', () =>
  inFolder(async (folder) => {
    const full = { code: 'disk-full' };
    const disk = { blocks: 1000, bavail: 100, bsize: 1000 };
    using looks = answering('statfs', () => disk);
    const opens = async (bytes: number) => (await PartFile.open(folder, 'file', { size: bytes })).drop();
    await opens(50_000);
    await assert.rejects(opens(50_001), {
      ...full,
      message: /has 100000 bytes left on its disk, and 50001 are to come; 50000 are left free/,
    });
    assert.deepEqual(await names(folder), [], 'no empty file is left');
    // One that another process made to be written stays.
    const kept = await PartFile.create(folder, 'file', { size: 0 });
    await kept.keepEmpty();
    await assert.rejects(PartFile.open(folder, 'file', { size: 50_001, mark: kept.mark }), full);
    assert.deepEqual(await names(folder), [part]);
    await kept.dropIfEmpty();
    disk.bavail = 0;
    await opens(0);
    disk.blocks = 0;
    await opens(1e6);
    const gibibyte = 2 ** 30;
    Object.assign(disk, { blocks: 1000 * gibibyte, bsize: 1, bavail: 3 * gibibyte });
    await opens(2 * gibibyte);
    await assert.rejects(opens(2 * gibibyte + 1), full);
    assert.equal(looks.calls(), 7);
    // What an earlier attempt has on the disk already needs no more room.
    await writeFile(join(folder.path, part), randomBytes(8192));
    Object.assign(disk, { blocks: 1000, bsize: 1000, bavail: 50 });
    await opens(8192);
    await writeFile(join(folder.path, part), 'begun');
    await assert.rejects(opens(50_000), full);
    assert.equal(await textOf(folder, part), 'begun', 'an earlier attempt goes on when there is room');
    await rm(join(folder.path, part));
    // Before more is written than was looked for, it looks again.
    disk.bavail = 60;
    const created = await PartFile.create(folder, 'file', { size: 10_000 });
    disk.bavail = 51;
    await created.write(Buffer.from('some'), 0);
    await created.drop();
    disk.bavail = 50;
    await assert.rejects(PartFile.create(folder, 'other', { size: 17 * 2 ** 20 }), full);
    assert.deepEqual(await names(folder), []);
  }));

test('case 18 a file that grows looks at the room of its disk once in 256 MiB', () =>
  inFolder(async (folder) => {
    const disk = { blocks: 1e9, bavail: 1e9, bsize: 4096 };
    using looks = answering('statfs', () => disk);
    const bytes = Buffer.alloc(16 * 2 ** 20, 1);
    const grown = await PartFile.open(folder, 'file', { size: bytes.length });
    for (let count = 0; count < 16; count++) await grown.write(bytes, 0);
    assert.equal(looks.calls(), 1);
    await grown.write(Buffer.from('x'), 0);
    assert.equal(looks.calls(), 2);
    for (let count = 0; count < 16; count++) await grown.write(bytes, 0);
    disk.bavail = 0;
    await assert.rejects(grown.write(Buffer.from('x'), 0), { code: 'disk-full' });
    await grown.drop();
  }));

test('case 18 what a system call writes only in part is written to its end', () =>
  inFolder(async (folder) => {
    using _ = opening(({ file }) => {
      const write = file.write.bind(file) as (...given: unknown[]) => Promise<unknown>;
      mock.method(file, 'write', (bytes: Uint8Array, from: number, length: number, at: number) =>
        write(bytes, from, from === 0 ? 3 : length, at),
      );
    });
    const grown = await PartFile.open(folder, 'file', { size: 14 });
    await grown.write(Buffer.from('last bytes'), 4);
    await grown.write(Buffer.from('firs'), 0);
    await grown.finish(14, plain);
    await grown.close();
    assert.equal(await textOf(folder), 'firslast bytes');
  }));

test('case 18 a file that was written to its end keeps its length, without a call', () =>
  inFolder(async (folder) => {
    let truncated = 0;
    using _ = opening(({ file }) => {
      mock.method(file, 'truncate', async () => {
        truncated += 1;
      });
    });
    const grown = await PartFile.open(folder, 'file', { size: 6 });
    await grown.write(Buffer.from('end'), 3);
    await grown.write(Buffer.from('the'), 0);
    await grown.finish(6, plain);
    await grown.close();
    assert.equal(truncated, 0);
    assert.equal(await textOf(folder), 'theend');
  }));

test('case 18 a write that fails says which file cannot be written', () =>
  inFolder(async (folder) => {
    const kept = await PartFile.create(folder, 'file', { size: 0 });
    await kept.keepEmpty();
    await assert.rejects(kept.write(Buffer.from('x'), 0), unwritable, 'its file is closed');
    await kept.dropIfEmpty();
  }));

test('case 18 nothing gets its name in a folder that was moved away', (context) =>
  inFolder(async (folder) => {
    const grown = await PartFile.open(folder, 'file', { size: 4 });
    await grown.write(Buffer.from('ours'), 0);
    context.mock.method(folder, 'checkIsThere', () => {
      throw failure('ENOTDIR');
    });
    await assert.rejects(grown.finish(4, { ...plain, force: true }), unwritable);
    await grown.close();
    assert.deepEqual(await names(folder), [part]);
  }));

test('case 18 a part file that goes while it is looked at is in the way of none', () =>
  inFolder(async (folder) => {
    const at = join(folder.path, part);
    await writeFile(at, 'theirs');
    {
      using _ = answering('lstat', () => {
        rmSync(at);
        throw failure('ENOENT');
      });
      const created = await PartFile.create(folder, 'file', { size: 4 });
      await created.keepEmpty();
    }
    {
      using _ = answering('lstat', () => {
        throw failure('EIO');
      });
      await assert.rejects(PartFile.create(folder, 'file', { size: 4 }), unwritable);
    }
    const status: BigIntStats = await stat(at, { bigint: true });
    rmSync(at);
    using _ = answering('lstat', () => status);
    await removeMarked(folder, part, markOf(status));
  }));

describe('the part file of a large file', () => {
  it('bypasses the page cache from 64 MiB on', () =>
    inFolder(async (folder, _target, leaf) => {
      for (const [bytes, writes] of [
        [64 * 2 ** 20 - 1, 0],
        [64 * 2 ** 20, 1],
      ] as const) {
        let direct = 0;
        using _ = opening(({ file, isDirect }) => {
          if (!isDirect) return;
          const write = file.write.bind(file) as (...given: unknown[]) => Promise<unknown>;
          mock.method(file, 'write', (...given: unknown[]) => {
            direct += 1;
            return write(...given);
          });
        });
        const grown = await PartFile.open(folder, 'file', { size: bytes });
        await grown.write(leaf, leafBytes);
        await grown.write(Buffer.from('no page'), 0);
        assert.equal(direct, writes, `${bytes}`);
        assertSame(await bytesAt(grown.path, leafBytes, leafBytes), leaf);
        await grown.drop();
      }
    }));

  it('uses the cache where the disk refuses to go without it, and fails where it fails', () =>
    inFolder(async (folder, _target, leaf) => {
      for (const code of ['EINVAL', 'EIO']) {
        let direct = 0;
        using _ = opening(({ file, isDirect }) => {
          if (!isDirect) return;
          mock.method(file, 'write', async () => {
            direct += 1;
            throw failure(code);
          });
        });
        const grown = await PartFile.open(folder, 'file', { size });
        for (const offset of [0, leafBytes]) {
          if (code === 'EIO') await assert.rejects(grown.write(leaf, offset), unwritable);
          else {
            await grown.write(leaf, offset);
            assertSame(await bytesAt(grown.path, offset, leafBytes), leaf);
          }
        }
        assert.equal(direct, code === 'EIO' ? 2 : 1);
        await grown.drop();
      }
    }));

  it('takes whole leaves, pieces and the short end, each where it belongs', () =>
    inFolder(async (folder, target, leaf) => {
      const part = await PartFile.open(folder, 'file', { size });
      const piece = Buffer.from('piece');
      await Promise.all([part.write(leaf, 3 * leafBytes), part.write(leaf, 0), part.write(piece, leaves * leafBytes)]);
      await part.write(piece, 2 * leafBytes - 2);
      await part.finish(size, { force: false, attributes: noAttributes });
      await part.close();
      assert.equal((await stat(target)).size, size);
      assertSame(await bytesAt(target, 0, leafBytes), leaf);
      assertSame(await bytesAt(target, 3 * leafBytes, leafBytes), leaf);
      assert.deepEqual(await bytesAt(target, 2 * leafBytes - 2, 5), piece);
      assert.deepEqual(await bytesAt(target, leaves * leafBytes, 5), piece);
    }));

  it('takes leaves at places that are no whole pages the ordinary way, and whole leaves after that too', () =>
    inFolder(async (folder, target, leaf) => {
      const part = await PartFile.open(folder, 'file', { size });
      await Promise.all([part.write(leaf, 7), part.write(leaf, 2 * leafBytes + 9)]);
      await part.write(leaf, 4 * leafBytes);
      await part.finish(size, { force: false, attributes: noAttributes });
      await part.close();
      for (const offset of [7, 2 * leafBytes + 9, 4 * leafBytes]) {
        assertSame(await bytesAt(target, offset, leafBytes), leaf);
      }
    }));

  it('overwrites what an earlier attempt left in the cache', () =>
    inFolder(async (folder, _target, leaf) => {
      await writeFile(join(folder.path, partName('file')), randomBytes(2 * leafBytes));
      const part = await PartFile.open(folder, 'file', { size });
      await bytesAt(part.path, 0, 2 * leafBytes);
      await part.write(leaf, leafBytes);
      assertSame(await bytesAt(part.path, leafBytes, leafBytes), leaf);
      await part.close();
    }));

  for (const [what, before, bytes] of [
    ['that ends in zeros', 0, Buffer.concat([Buffer.from('piece'), Buffer.alloc(9)])],
    ['of which an earlier attempt left more', 100, Buffer.from('piece')],
  ] as const)
    it(`gives a file ${what} its size`, () =>
      inFolder(async (folder, target) => {
        await writeFile(join(folder.path, partName('file')), randomBytes(before));
        const part = await PartFile.open(folder, 'file', { size: bytes.length });
        await part.write(bytes.subarray(0, 5), 0);
        await part.write(bytes.subarray(5), 5);
        await part.finish(bytes.length, { force: false, attributes: noAttributes });
        await part.close();
        assert.deepEqual(await bytesAt(target, 0, 200), bytes);
      }));
});
