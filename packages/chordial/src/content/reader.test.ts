import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encode, prepare } from '@ipld/dag-pb';
import fc from 'fast-check';
import { UnixFS } from 'ipfs-unixfs';
import type { CID } from 'multiformats/cid';
import { isError } from '../../test/contracts/errors.ts';
import { ChordialError } from '../errors.ts';
import { buildFile } from './builder.ts';
import { type Block, cidOfBlock, dagPbCodec, parseCid, rawCodec } from './cid.ts';
import { buildDirectory } from './directory.ts';
import { DirectoryContent } from './directory-reader.ts';
import { FileContent, type LeafReference, verifyLeaf } from './file-reader.ts';
import { openContent, openPath } from './reader.ts';
import { decodeUnixfs, encodeDirectoryNode, encodeFileNode, encodeShardNode } from './unixfs.ts';

class Blocks {
  readonly held = new Map<string, Block>();
  fetched = 0;
  readonly put = async (block: Block): Promise<void> => void this.held.set(block.cid.toString(), block);
  readonly fetch = async function* (this: Blocks, cids: readonly CID[]): AsyncGenerator<Block> {
    assert.ok(cids.length <= 16);
    // Backwards: readers must not count on the order.
    for (const cid of cids.toReversed()) {
      this.fetched += 1;
      const block = this.held.get(cid.toString());
      if (block !== undefined) yield block;
    }
  }.bind(this);
  add(block: Block): CID {
    this.held.set(block.cid.toString(), block);
    return block.cid;
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const small = { leafBytes: 4, linksPerNode: 3 };

async function putFile(blocks: Blocks, bytes: Uint8Array): Promise<CID> {
  async function* source() {
    yield bytes;
  }
  return (await buildFile(source(), blocks.put, small)).cid;
}

async function leavesOf(blocks: Blocks, root: CID, start?: number, end?: number): Promise<LeafReference[]> {
  const content = await openContent(root, blocks.fetch);
  assert.ok(content instanceof FileContent);
  return collect(content.leaves(start, end));
}

function bytesOf(blocks: Blocks, leaf: LeafReference): Uint8Array {
  return leaf.inline ?? blocks.held.get(leaf.cid.toString())?.bytes ?? new Uint8Array(0);
}

function dagPb(data: Uint8Array, links: { Name?: string; Hash: CID; Tsize?: number }[] = []): Block {
  const bytes = encode(prepare({ Data: data, Links: links }));
  return { cid: cidOfBlock(dagPbCodec, bytes), bytes };
}

describe('reading a file', () => {
  it('B2 names exactly the leaves that hold a range, in order, and fetches no node beside it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(400), fc.nat(420), fc.nat(420), async (size, a, b) => {
        const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 7) & 0xff);
        const blocks = new Blocks();
        const root = await putFile(blocks, bytes);
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        const leaves = await leavesOf(blocks, root, start, end);
        const got = Buffer.concat(leaves.map((leaf) => bytesOf(blocks, leaf)));
        const first = leaves[0]?.offset ?? start;
        assert.deepEqual(got.subarray(start - first, end - first), Buffer.from(bytes.subarray(start, end)));
        let position = first;
        for (const leaf of leaves) {
          assert.equal(leaf.offset, position);
          assert.equal(leaf.length, bytesOf(blocks, leaf).length);
          assert.ok(leaf.offset < end && leaf.offset + leaf.length > start);
          position += leaf.length;
        }
      }),
      { numRuns: 60 },
    );
  });

  it('fetches a path of nodes for one byte, not the tree', async () => {
    const blocks = new Blocks();
    const root = await putFile(
      blocks,
      Uint8Array.from({ length: 4 * 81 }, (_, i) => i & 0xff),
    );
    await leavesOf(blocks, root, 100, 101);
    assert.equal(blocks.fetched, 4);
  });

  it('reads leaves of other tools that stand inside nodes', async () => {
    const blocks = new Blocks();
    const leaf = (text: string) => {
      const block = dagPb(new UnixFS({ type: 'file', data: Buffer.from(text) }).marshal());
      return { cid: blocks.add(block), size: text.length, storedBytes: block.bytes.length };
    };
    const root = blocks.add(encodeFileNode([leaf('abc'), leaf('de')]));
    const leaves = await leavesOf(blocks, root);
    assert.deepEqual(
      leaves.map(({ offset, length }) => [offset, length]),
      [
        [0, 3],
        [3, 2],
      ],
    );
    assert.equal(Buffer.concat(leaves.map((l) => l.inline ?? new Uint8Array(0))).toString(), 'abcde');
  });

  it('reads identity CIDs from themselves', async () => {
    const leaves = await leavesOf(new Blocks(), parseCid('bafkqaddimvwgy3zao5xxe3debi'));
    assert.equal(Buffer.from(leaves[0]?.inline ?? []).toString(), 'hello world\n');
    assert.deepEqual(await leavesOf(new Blocks(), parseCid('bafkqaaa')), []);
  });
});

describe('hostile content', () => {
  const raw = (text: string): Block => ({ cid: cidOfBlock(rawCodec, Buffer.from(text)), bytes: Buffer.from(text) });
  const part = (block: Block, size = block.bytes.length) => ({ cid: block.cid, size, storedBytes: size });

  it('B2 bytes that do not match the CID are refused', async () => {
    const blocks = new Blocks();
    const root = await putFile(blocks, new Uint8Array(100));
    blocks.held.set(root.toString(), { cid: root, bytes: Buffer.from('wrong') });
    await assert.rejects(openContent(root, blocks.fetch), isError('bad-content', /do not match/));
  });

  it('a block that does not come is told', async () => {
    await assert.rejects(
      openContent(cidOfBlock(dagPbCodec, new Uint8Array(1)), new Blocks().fetch),
      isError('no-live-source'),
    );
  });

  it('sizes that do not add up are refused', async () => {
    const blocks = new Blocks();
    const inner = encodeFileNode([part(raw('abcd'))]);
    blocks.add(inner);
    const root = blocks.add(encodeFileNode([part(inner, 400)]));
    await assert.rejects(leavesOf(blocks, root), isError('bad-content', /holds 4 bytes where 400/));
    const huge = blocks.add(encodeFileNode([part(raw('abcd'), 3 * 1024 * 1024)]));
    await assert.rejects(leavesOf(blocks, huge), isError('bad-content', /more than a block/));
    const beyond = new UnixFS({ type: 'file', blockSizes: [2n ** 60n, 2n ** 60n] });
    const endless = blocks.add(
      dagPb(
        beyond.marshal(),
        [1, 2].map(() => ({ Name: '', Hash: inner.cid, Tsize: 1 })),
      ),
    );
    await assert.rejects(leavesOf(blocks, endless), isError('bad-content', /more than any file/));
    const unsized = blocks.add(dagPb(new UnixFS({ type: 'file' }).marshal(), [{ Hash: inner.cid }]));
    await assert.rejects(leavesOf(blocks, unsized), isError('bad-content', /1 links but 0 sizes/));
  });

  it('B2 a leaf is verified, and a wrong source told from a wrong file', () => {
    const { cid, bytes } = raw('abcd');
    const leaf = { cid, offset: 0, length: 4, inline: null };
    assert.ok(verifyLeaf(leaf, bytes));
    assert.ok(!verifyLeaf(leaf, Buffer.from('abce')));
    assert.throws(() => verifyLeaf({ ...leaf, length: 5 }, bytes), isError('bad-content', /4 bytes where 5/));
  });

  it('trees too deep or too wide, folders inside files, links and unknown codecs are refused', async () => {
    const blocks = new Blocks();
    let node = encodeFileNode([part(raw('a'))]);
    for (let depth = 0; depth < 9; depth++) {
      blocks.add(node);
      node = encodeFileNode([part(node, 1)]);
    }
    await assert.rejects(leavesOf(blocks, blocks.add(node)), isError('bad-content', /deeper/));
    const wide = blocks.add(encodeFileNode(Array.from({ length: 1025 }, () => part(raw('a')))));
    await assert.rejects(leavesOf(blocks, wide), isError('bad-content', /1025 links/));
    const folder = encodeDirectoryNode([]);
    blocks.add(folder);
    await assert.rejects(
      leavesOf(blocks, blocks.add(encodeFileNode([part(folder, 5)]))),
      isError('bad-content', /no part of a file/),
    );
    const symlink = blocks.add(dagPb(new UnixFS({ type: 'symlink', data: Buffer.from('/etc/passwd') }).marshal()));
    await assert.rejects(openContent(symlink, blocks.fetch), isError('bad-content', /symlink/));
    const cbor = blocks.add({ cid: cidOfBlock(0x71, Buffer.from([0xa0])), bytes: Buffer.from([0xa0]) });
    await assert.rejects(openContent(cbor, blocks.fetch), isError('bad-content', /codec/));
  });

  it('a tree of nodes without bytes ends at once', async () => {
    const blocks = new Blocks();
    let node = encodeFileNode([]);
    for (let depth = 0; depth < 7; depth++) {
      blocks.add(node);
      const child = node;
      node = encodeFileNode(Array.from({ length: 1000 }, () => part(child, 0)));
    }
    assert.deepEqual(await leavesOf(blocks, blocks.add(node)), []);
  });

  it('folder entries that would lead out, or come twice, and broken shards are refused', async () => {
    const blocks = new Blocks();
    const list = async (root: CID) => {
      const folder = await openContent(root, blocks.fetch);
      assert.ok(folder instanceof DirectoryContent);
      return collect(folder.entries());
    };
    const entry = (name: string, cid = raw('a').cid) => ({ name, cid, size: 1 });
    for (const name of ['..', '.', '', '../x', 'a/b', 'a\0']) {
      await assert.rejects(
        list(blocks.add(encodeDirectoryNode([entry(name)]))),
        isError('bad-content', /has an entry/),
        name,
      );
    }
    await assert.rejects(
      list(blocks.add(encodeDirectoryNode([entry('a'), entry('a')]))),
      isError('bad-content', /twice/),
    );
    const field = Uint8Array.of(1);
    await assert.rejects(
      list(blocks.add(encodeShardNode(field, [entry('zz..')]))),
      isError('bad-content', /without a place/),
    );
    await assert.rejects(
      list(blocks.add(encodeShardNode(field, [entry('00..')]))),
      isError('bad-content', /has an entry/),
    );
    const plain = blocks.add(encodeDirectoryNode([]));
    await assert.rejects(
      list(blocks.add(encodeShardNode(field, [entry('00', plain)]))),
      isError('bad-content', /no shard/),
    );
    let deep = encodeShardNode(field, [entry('00x')]);
    for (let depth = 0; depth < 9; depth++) {
      blocks.add(deep);
      deep = encodeShardNode(field, [entry('00', deep.cid)]);
    }
    await assert.rejects(list(blocks.add(deep)), isError('bad-content', /deeper/));
  });

  it('no bytes make the decoder throw anything but bad-content', () => {
    const cidOf = (bytes: Uint8Array) => ({ cid: cidOfBlock(dagPbCodec, bytes), bytes });
    const onlyBadContent = (bytes: Uint8Array) => {
      try {
        decodeUnixfs(cidOf(bytes));
      } catch (error) {
        assert.ok(error instanceof ChordialError && error.code === 'bad-content', String(error));
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), onlyBadContent), { numRuns: 300 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (data) =>
        onlyBadContent(encode(prepare({ Data: data, Links: [] }))),
      ),
      { numRuns: 300 },
    );
    const good = encodeFileNode([part(raw('abcd')), part(raw('efgh'))]).bytes;
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        const mutated = good.slice();
        mutated[at] = value;
        onlyBadContent(mutated);
        onlyBadContent(good.subarray(0, at));
      }),
      { numRuns: 500 },
    );
  });
});

describe('reading a path', () => {
  it('B1 follows folders, and names what is absent', async () => {
    const blocks = new Blocks();
    const file = await putFile(blocks, Buffer.from('hello'));
    const inner = await buildDirectory([{ name: 'file', cid: file, size: 5 }], blocks.put);
    const outer = await buildDirectory([{ name: 'inner', cid: inner.cid, size: inner.size }], blocks.put);
    const found = await openPath(outer.cid, ['inner', 'file'], blocks.fetch);
    assert.ok(found instanceof FileContent && found.size === 5);
    assert.equal((await openPath(outer.cid, [], blocks.fetch)).type, 'directory');
    await assert.rejects(
      openPath(outer.cid, ['inner', 'nothing'], blocks.fetch),
      isError('not-found', /"nothing" is not in the folder .*\/inner/),
    );
    await assert.rejects(
      openPath(outer.cid, ['inner', 'file', 'below'], blocks.fetch),
      isError('not-found', /below a file/),
    );
  });
});
