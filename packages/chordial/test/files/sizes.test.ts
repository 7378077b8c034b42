import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { encodeDirectoryNode, encodeFileNode } from '../../src/content/unixfs.ts';
import { FolderHandle } from '../../src/storage/folder-handle.ts';
import { getFolder } from '../../src/transfer/get-folder.ts';
import { isError } from '../contracts/errors.ts';
import { temporaryFolder } from '../contracts/temporary-folder.ts';
import { type DataPeer, dataNetwork } from '../fixtures/data-network.ts';
import { countProcessorTime } from '../fixtures/processor-time.ts';

const leafBytes = 64 * 1024;

/** Three blocks that form a file of 64 GiB, at all peers. */
async function hugeFile(peers: readonly DataPeer[]): Promise<{ cid: CID; size: number }> {
  const bytes = Buffer.alloc(leafBytes, 'x');
  const leaf = { cid: cidOfBlock(rawCodec, bytes), bytes };
  const level = (cid: CID, size: number) =>
    encodeFileNode(Array.from({ length: 1024 }, () => ({ cid, size, storedBytes: size })));
  const below = level(leaf.cid, leafBytes);
  const top = level(below.cid, leafBytes * 1024);
  for (const { blocks } of peers) await blocks.put([leaf, below, top]);
  return { cid: top.cid, size: leafBytes * 1024 * 1024 };
}

test('M2 content that is larger than its name says is refused by get, stat and stream, with nothing written', async () => {
  await using folder = await temporaryFolder();
  const { peers, close } = await dataNetwork(3);
  const [liar, reader] = peers as [DataPeer, DataPeer];
  const { cid, size } = await hugeFile(peers);
  const names = liar.names;
  const publish = (name: string, root: CID, type: 'file' | 'directory') =>
    names.publish({ name, cid: root, size: 12, type, sha256: null, blocks: 3 }, names.nextSequence(name), null);
  await publish('12 bytes', cid, 'file');
  const small = encodeDirectoryNode([{ name: 'huge', cid, size: 12 }]);
  for (const { blocks } of peers) await blocks.put([small]);
  await publish('12 bytes in a folder', small.cid, 'directory');

  for (const name of ['12 bytes']) {
    const target = join(folder.path, name);
    await assert.rejects(reader.files.getPath({ name }, target), isError('bad-content'));
    await assert.rejects(reader.files.stat({ name }), isError('bad-content'));
    assert.equal(existsSync(target), false);
  }
  assert.deepEqual(await readdir(folder.path), []);
  // As the command line gets folders: refused by the sum, before the huge file is asked for.
  const listed = await reader.files.resolve({ name: '12 bytes in a folder' });
  await using above = await FolderHandle.open(await realpath(folder.path));
  const source = { size: listed.size, entries: reader.files.walk(listed.cid), fetch: () => assert.fail('fetched') };
  await assert.rejects(getFolder(source, above, 'a folder'), isError('bad-content'));
  assert.equal(existsSync(join(folder.path, 'a folder')), false);
  await assert.rejects(reader.files.stat({ name: '12 bytes in a folder' }), isError('bad-content'));
  const { size: announced } = await reader.files.resolve({ name: '12 bytes' });
  await assert.rejects(async () => {
    for await (const _ of reader.files.read(cid.toString(), { start: 0, end: 12, size: announced }));
  }, isError('bad-content'));
  assert.equal((await reader.files.resolve({ cid: cid.toString() })).size, size);
  await close();
});

test('M3 a path in a folder of a thousand million entries is found by its parts, or not there, and a walk ends with its asker', async () => {
  const { peers, close } = await dataNetwork(1);
  const [peer] = peers as [DataPeer];
  const bytes = Buffer.from('x');
  const leaf = { cid: cidOfBlock(rawCodec, bytes), bytes };
  let top = leaf.cid;
  await peer.blocks.put([leaf]);
  for (let level = 0; level < 3; level++) {
    const folder = encodeDirectoryNode(Array.from({ length: 1000 }, (_, n) => ({ name: `n${n}`, cid: top, size: 1 })));
    await peer.blocks.put([folder]);
    top = folder.cid;
  }
  const { files } = peer;
  const cid = top.toString();
  const spent = countProcessorTime();
  assert.deepEqual(await files.entryAt(cid, ['n999', 'n999', 'n999']), {
    path: 'n999/n999/n999',
    cid: leaf.cid.toString(),
    size: 1,
    type: 'file',
  });
  assert.equal((await files.entryAt(cid, ['n0', 'n1']))?.type, 'directory');
  for (const absent of [['m'], ['n0', 'm'], ['n0', 'n0', 'n0', 'n0'], Array.from({ length: 2000 }, () => 'n0')]) {
    assert.equal(await files.entryAt(cid, absent), null);
  }
  assert.ok(spent() < 5000);
  const asker = new AbortController();
  let entries = 0;
  await assert.rejects(async () => {
    for await (const _ of files.walk(cid, asker.signal)) if (++entries === 2000) asker.abort();
  }, isError('interrupted'));
  assert.ok(entries < 4000, `${entries} entries`);
  await close();
});
