import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import promises, {
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

const part = partName('file');
const plain = { force: false, attributes: noAttributes };
const unwritable = { code: 'unwritable-file' };
const inTheWay = { code: 'already-exists' };
const names = (folder: FolderHandle) => readdir(folder.path);
const textOf = (folder: FolderHandle, name = 'file') => readFile(join(folder.path, name), 'utf8');

/** A call of the system that answers as the test says, until it is disposed of. */
function answering<Name extends 'link' | 'statfs'>(
  name: Name,
  answer: () => unknown,
): Disposable & { readonly calls: () => number } {
  const faked = mock.method(promises, name, (async () => answer()) as never);
  syncBuiltinESMExports();
  return {
    calls: () => faked.mock.callCount(),
    [Symbol.dispose]: () => {
      faked.mock.restore();
      syncBuiltinESMExports();
    },
  };
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
          throw Object.assign(new Error(code), { code });
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
  }));

test('case 18 small files written to one folder look at its room once in 16 MiB', () =>
  inFolder(async (folder) => {
    using looks = answering('statfs', () => ({ blocks: 1e9, bavail: 1e9, bsize: 4096 }));
    const mebibyte = 2 ** 20;
    for (const [size, calls] of [
      [10, 1],
      [8 * mebibyte, 1],
      [8 * mebibyte - 20, 1],
      [11, 2],
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
    await assert.rejects(opens(50_001), full);
    assert.deepEqual(await names(folder), [], 'no empty file is left');
    disk.bavail = 0;
    await opens(0);
    disk.blocks = 0;
    await opens(1e6);
    const gibibyte = 2 ** 30;
    Object.assign(disk, { blocks: 1000 * gibibyte, bsize: 1, bavail: 3 * gibibyte });
    await opens(2 * gibibyte);
    await assert.rejects(opens(2 * gibibyte + 1), full);
    assert.equal(looks.calls(), 6);
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

describe('the part file of a large file', () => {
  it('takes whole leaves, pieces and the short end, each where it belongs', () =>
    inFolder(async (folder, target, leaf) => {
      const part = await PartFile.open(folder, 'file', { size });
      const piece = Buffer.from('piece');
      await Promise.all([part.write(leaf, 3 * leafBytes), part.write(leaf, 0), part.write(piece, leaves * leafBytes)]);
      await part.write(piece, 2 * leafBytes - 2);
      await part.finish(size, { force: false, attributes: noAttributes });
      await part.close();
      assert.equal((await stat(target)).size, size);
      assert.deepEqual(await bytesAt(target, 0, leafBytes), Buffer.from(leaf));
      assert.deepEqual(await bytesAt(target, 3 * leafBytes, leafBytes), Buffer.from(leaf));
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
        assert.deepEqual(await bytesAt(target, offset, leafBytes), Buffer.from(leaf));
      }
    }));

  it('overwrites what an earlier attempt left in the cache', () =>
    inFolder(async (folder, _target, leaf) => {
      await writeFile(join(folder.path, partName('file')), randomBytes(2 * leafBytes));
      const part = await PartFile.open(folder, 'file', { size });
      await bytesAt(part.path, 0, 2 * leafBytes);
      await part.write(leaf, leafBytes);
      assert.deepEqual(await bytesAt(part.path, leafBytes, leafBytes), Buffer.from(leaf));
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
