import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ChordialError } from '../../src/errors.ts';
import { partName } from '../../src/transfer/part-file.ts';
import { dataNetwork } from '../fixtures/data-network.ts';

const MiB = 1 << 20;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chordial-files-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function* bytesOf(bytes: Uint8Array) {
  for (let start = 0; start < bytes.length; start += 60_000) yield bytes.subarray(start, start + 60_000);
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

const code = (wanted: string) => (error: unknown) => error instanceof ChordialError && error.code === wanted;

test('A6 a stream with a declared size gives the same file as one without, even if the size is too small', async () => {
  const { peers, close } = await dataNetwork(3);
  const content = randomBytes(200_000);
  const { cid } = await peers[0]!.files.put('unsaid', bytesOf(content));
  for (const size of [content.length, content.length + 1, 100_000, 0]) {
    const put = await peers[0]!.files.put(`said ${size}`, bytesOf(content), { size });
    assert.deepEqual([put.cid, put.size], [cid, content.length]);
  }
  assert.ok(content.equals(await collect(peers[2]!.files.read(cid))));
  const empty = await peers[0]!.files.put('empty', bytesOf(new Uint8Array()), { size: 0 });
  assert.equal(empty.size, 0);
  await close();
});

for (const size of [0, 1, MiB - 1, MiB, MiB + 1, 20 * MiB]) {
  test(`A6 A7 a file of ${size} bytes put at one peer is fetched from any other`, async () => {
    const { peers, close } = await dataNetwork(5);
    const content = randomBytes(size);
    const put = await peers[0]!.files.put('a file', bytesOf(content));
    assert.equal(put.size, size);
    assert.equal(put.copies, 3);
    for (const [index, peer] of peers.entries()) {
      const path = join(folder, `size-${size}-${index}`);
      const got = await peer.files.getPath({ name: 'a file' }, path);
      assert.equal(got.unchanged, false);
      assert.equal(got.sha256, hash('sha256', content));
      assert.ok(content.equals(await readFile(path)));
      assert.ok(content.equals(await collect(peer.files.read(put.cid))));
    }
    await close();
  });
}

test('A7 a range of a file is read without the rest', async () => {
  const { peers, close } = await dataNetwork(3);
  const content = randomBytes(3 * MiB + 5);
  const { cid } = await peers[0]!.files.put('ranged', bytesOf(content));
  for (const [start, end] of [
    [0, 1],
    [MiB - 1, MiB + 1],
    [2 * MiB, 3 * MiB + 5],
    [7, 7],
  ] as const) {
    assert.ok(content.subarray(start, end).equals(await collect(peers[1]!.files.read(cid, { start, end }))));
  }
  await assert.rejects(
    collect(peers[1]!.files.read(cid, { start: 0, end: content.length + 1 })),
    code('range-not-satisfiable'),
  );
  await close();
});

test('A7 get of an absent name says not found', async () => {
  const { peers, close } = await dataNetwork(4);
  await assert.rejects(peers[2]!.files.getPath({ name: 'nothing' }, join(folder, 'nothing')), code('not-found'));
  await assert.rejects(stat(join(folder, 'nothing.part')));
  await close();
});

test('A7 a target with the same bytes is unchanged, one with other bytes kept unless forced', async () => {
  const { peers, close } = await dataNetwork(3);
  const content = randomBytes(MiB + 77);
  await peers[0]!.files.put('target', bytesOf(content));
  const path = join(folder, 'target');
  await writeFile(path, content);
  assert.equal((await peers[1]!.files.getPath({ name: 'target' }, path)).unchanged, true);
  await writeFile(path, 'other');
  await assert.rejects(peers[1]!.files.getPath({ name: 'target' }, path), code('already-exists'));
  assert.equal(await readFile(path, 'utf8'), 'other');
  await peers[1]!.files.getPath({ name: 'target' }, path, { force: true });
  assert.ok(content.equals(await readFile(path)));
  await close();
});

test('A8 a file stays readable when any two of its holders are dead', async () => {
  const { peers, network, close } = await dataNetwork(6);
  const content = randomBytes(4 * MiB);
  await peers[0]!.files.put('survives', bytesOf(content));
  for (const dead of [1, 2]) network.setHealth(peers[dead]!.contact.host, 'dead');
  const path = join(folder, 'survives');
  await peers[5]!.files.getPath({ name: 'survives' }, path);
  assert.ok(content.equals(await readFile(path)));
  await close();
});

test('B2 a holder that dies during a get is replaced by another', async () => {
  const { peers, network, close } = await dataNetwork(4);
  const content = randomBytes(20 * MiB);
  await peers[0]!.files.put('dying', bytesOf(content));
  const path = join(folder, 'dying');
  let killed = false;
  await peers[3]!.files.getPath({ name: 'dying' }, path, {
    progress: ({ bytesDone }) => {
      if (bytesDone > 4 * MiB && !killed) {
        killed = true;
        network.setHealth(peers[1]!.contact.host, 'dead');
      }
    },
  });
  assert.ok(killed);
  assert.ok(content.equals(await readFile(path)));
  await close();
});

test('B2 wrong bytes are never delivered: a lying holder is skipped and reported', async () => {
  const { peers, close } = await dataNetwork(4);
  const content = randomBytes(6 * MiB);
  await peers[0]!.files.put('lied about', bytesOf(content));
  // The asker has no block, and the first place of most blocks lies.
  const own = peers[2]!.blocks;
  await own.delete((await own.keys('all', null, 100)).items.map((item) => item.cid));
  peers[1]!.blocks.lies = true;
  let lies = 0;
  const { get } = peers[1]!.blocks;
  peers[1]!.blocks.get = (cid) => {
    lies += 1;
    return get.call(peers[1]!.blocks, cid);
  };
  const path = join(folder, 'lied about');
  await peers[2]!.files.getPath({ name: 'lied about' }, path);
  assert.ok(content.equals(await readFile(path)));
  assert.equal(
    peers[2]!.reports.some((line) => line.startsWith('wrong-bytes')),
    lies > 0,
  );
  await close();
});

test('B2 an interrupted get resumes without fetching verified blocks again', async () => {
  const { peers, close } = await dataNetwork(3);
  const content = randomBytes(12 * MiB);
  const { cid } = await peers[0]!.files.put('resumed', bytesOf(content));
  // The asker's own copies would hide fetches.
  const [own] = [peers[2]!.blocks];
  const page = await own.keys('all', null, 1000);
  await own.delete(page.items.map((item) => item.cid));
  const path = join(folder, 'resumed');
  const part = Buffer.concat([content.subarray(0, 5 * MiB), randomBytes(MiB), content.subarray(6 * MiB, 7 * MiB + 9)]);
  await writeFile(join(folder, partName('resumed')), part);
  const fetched: string[] = [];
  for (const peer of peers.slice(0, 2)) {
    const { get } = peer.blocks;
    peer.blocks.get = (wanted) => {
      fetched.push(wanted.toString());
      return get.call(peer.blocks, wanted);
    };
  }
  await peers[2]!.files.getPath({ cid }, path);
  assert.ok(content.equals(await readFile(path)));
  assert.equal(new Set(fetched).size, 12 - 6 + 1);
  await close();
});

test('B4 an interrupted put resumes without sending existing blocks again', async () => {
  const { peers, close } = await dataNetwork(4);
  const content = randomBytes(12 * MiB);
  async function* breaking() {
    yield* bytesOf(content.subarray(0, 9 * MiB + 10));
    throw new Error('the caller went away');
  }
  await assert.rejects(peers[0]!.files.put('twice', breaking()), code('body-cut-off'));
  await assert.rejects(peers[1]!.files.resolve({ name: 'twice' }), code('not-found'));
  const stored: string[] = [];
  for (const peer of peers) {
    const { put } = peer.blocks;
    peer.blocks.put = async (blocks) => {
      for (const block of blocks) if ((await peer.blocks.size(block.cid)) === null) stored.push(block.cid.toString());
      return put.call(peer.blocks, blocks);
    };
  }
  await peers[0]!.files.put('twice', bytesOf(content));
  // Up to four leaves were still being hashed when the source broke.
  assert.ok(new Set(stored).size <= 12 + 1 - 5, `${new Set(stored).size} blocks stored again`);
  await close();
});
