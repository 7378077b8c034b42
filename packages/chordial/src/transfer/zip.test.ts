import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { type ZipEntry, ZipLength, zip } from './zip.ts';

const modified = Date.UTC(2020, 1, 2, 3, 4, 6);

function entry(path: string, size: number, more: Partial<ZipEntry> = {}): ZipEntry {
  return { path, size, type: 'file', modified, executable: false, ...more };
}

async function* listed(entries: readonly ZipEntry[]): AsyncGenerator<ZipEntry> {
  yield* entries;
}

async function* filled({ path, size }: ZipEntry): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(64 * 1024, path);
  for (let left = size; left > 0; left -= piece.length) yield piece.subarray(0, Math.min(left, piece.length));
}

async function all(parts: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const kept: Uint8Array[] = [];
  for await (const part of parts) kept.push(Uint8Array.from(part));
  return kept;
}

async function written(entries: readonly ZipEntry[]): Promise<Buffer> {
  const bytes = Buffer.concat(await all(zip(listed(entries), filled)));
  const length = new ZipLength();
  for (const one of entries) length.add(one);
  assert.equal(length.bytes, bytes.length);
  return bytes;
}

/** As an unpacker reads it: from the end to the directory, from there to the files. */
function unpacked(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const end = bytes.length - 22;
  assert.equal(bytes.readUInt32LE(end), 0x06054b50);
  let count = bytes.readUInt16LE(end + 10);
  let at = bytes.readUInt32LE(end + 16);
  if (count === 0xffff) {
    assert.equal(bytes.readUInt32LE(end - 20), 0x07064b50);
    const large = Number(bytes.readBigUInt64LE(end - 12));
    assert.equal(bytes.readUInt32LE(large), 0x06064b50);
    count = Number(bytes.readBigUInt64LE(large + 32));
    at = Number(bytes.readBigUInt64LE(large + 48));
  }
  const files = new Map<string, Buffer>();
  for (let index = 0; index < count; index++) {
    assert.equal(bytes.readUInt32LE(at), 0x02014b50);
    const [name, extra] = [bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30)];
    const size = bytes.readUInt32LE(at + 24);
    const start = bytes.readUInt32LE(at + 42);
    assert.equal(bytes.readUInt32LE(start), 0x04034b50);
    const body = start + 30 + bytes.readUInt16LE(start + 26) + bytes.readUInt16LE(start + 28);
    const content = bytes.subarray(body, body + size);
    assert.equal(crc32(content), bytes.readUInt32LE(at + 16));
    files.set(bytes.toString('utf8', at + 46, at + 46 + name), content);
    at += 46 + name + extra;
  }
  return files;
}

test('a ZIP holds folders, empty, small and large files, and has the length that was told before', async () => {
  const entries = [
    entry('d', 0, { type: 'directory' }),
    entry('d/empty', 0),
    entry('d/small', 5, { executable: true }),
    entry('d/größer', 700_000),
    entry('d/..\\evil\n', 3),
  ];
  const files = unpacked(await written(entries));
  assert.deepEqual([...files.keys()], ['d/', 'd/empty', 'd/small', 'd/größer', 'd/.._evil_']);
  for (const one of entries.slice(1, 4)) {
    const content = Buffer.concat(await all(filled(one)));
    assert.deepEqual(files.get(one.path), content);
  }
});

test('a ZIP of more than 65 535 files says how many in its large form', async () => {
  const entries = Array.from({ length: 66_000 }, (_, index) => entry(`d/${index}`, 1));
  assert.equal(unpacked(await written(entries)).size, 66_000);
});

test('the length of files beyond 4 GiB counts their large fields', () => {
  const length = new ZipLength();
  length.add(entry('a', 5 * 2 ** 30));
  length.add(entry('b', 1));
  const first = 30 + 1 + 9 + 20 + 5 * 2 ** 30 + 24;
  const second = 30 + 1 + 9 + 1;
  const central = 46 + 1 + 9 + 4 + 16 + 46 + 1 + 9 + 4 + 8;
  assert.equal(length.bytes, first + second + central + 76 + 22);
});

test('a file of another size than announced breaks the ZIP', async () => {
  for (const [size, found] of [
    [5, 4],
    [5, 6],
    [300_000, 299_999],
    [300_000, 300_001],
  ] as const) {
    const broken = zip(listed([entry('a', size)]), () => filled(entry('a', found)));
    await assert.rejects(all(broken), { code: 'bad-content' });
  }
});
