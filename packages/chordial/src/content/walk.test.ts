import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CID } from 'multiformats/cid';
import { isError } from '../../test/contracts/errors.ts';
import { turnsWhile } from '../../test/fixtures/turns.ts';
import { type Block, cidOfBlock, rawCodec } from './cid.ts';
import type { DirectoryContent } from './directory-reader.ts';
import { openContent } from './reader.ts';
import { encodeDirectoryNode, encodeFileNode } from './unixfs.ts';
import { treeBlocks, walkFolder } from './walk.ts';

class Tree {
  readonly held = new Map<string, Block>();
  fetched = 0;
  readonly fetch = async function* (this: Tree, cids: readonly CID[]): AsyncGenerator<Block> {
    for (const cid of cids) {
      this.fetched += 1;
      const block = this.held.get(cid.toString());
      if (block !== undefined) yield block;
    }
  }.bind(this);

  add(block: Block): CID {
    this.held.set(block.cid.toString(), block);
    return block.cid;
  }

  leaf(text: string): CID {
    const bytes = Buffer.from(text);
    return this.add({ cid: cidOfBlock(rawCodec, bytes), bytes });
  }

  /** A folder that names one thing so many times. */
  folder(times: number, cid: CID, size: number): CID {
    return this.add(encodeDirectoryNode(Array.from({ length: times }, (_, n) => ({ name: `n${n}`, cid, size }))));
  }

  async open(cid: CID): Promise<DirectoryContent> {
    const content = await openContent(cid, this.fetch);
    assert.equal(content.type, 'directory');
    return content as DirectoryContent;
  }
}

describe('walkFolder', () => {
  it('M3 ends at a bound where four blocks name a thousand million entries, and fetches none of them again', async () => {
    const tree = new Tree();
    let cid = tree.leaf('x');
    for (let level = 0; level < 3; level++) cid = tree.folder(1000, cid, 1);
    const content = await tree.open(cid);
    tree.fetched = 0;
    let entries = 0;
    await assert.rejects(async () => {
      for await (const _ of walkFolder(content, tree.fetch, undefined, 20_000)) entries += 1;
    }, isError('bad-content'));
    assert.equal(entries, 20_000);
    assert.ok(tree.fetched <= 20, `${tree.fetched} fetches`);
    const { blocks, size } = await treeBlocks(cid, tree.fetch);
    assert.deepEqual([blocks.length, size], [4, 1000 ** 3]);
  });

  it('M3 ends when its signal fires', async () => {
    const tree = new Tree();
    const cid = tree.folder(1000, tree.folder(1000, tree.leaf('x'), 1), 1);
    const leaving = new AbortController();
    let entries = 0;
    await assert.rejects(async () => {
      for await (const _ of walkFolder(await tree.open(cid), tree.fetch, leaving.signal)) {
        entries += 1;
        if (entries === 10) leaving.abort();
      }
    }, isError('interrupted'));
    assert.equal(entries, 10);
  });

  it('M3 goes no deeper than folders are', async () => {
    const tree = new Tree();
    let cid = tree.leaf('x');
    for (let level = 0; level < 70; level++) cid = tree.folder(1, cid, 1);
    await assert.rejects(async () => {
      for await (const _ of walkFolder(await tree.open(cid), tree.fetch));
    }, isError('bad-content'));
  });
});

describe('treeBlocks', () => {
  it('M2 adds up what is really there', async () => {
    const tree = new Tree();
    const leaf = tree.leaf('four');
    const file = tree.add(encodeFileNode([1, 2].map(() => ({ cid: leaf, size: 4, storedBytes: 4 }))));
    const folder = tree.add(
      encodeDirectoryNode([
        { name: 'a', cid: leaf, size: 4 },
        { name: 'b', cid: file, size: 100 },
      ]),
    );
    assert.deepEqual([(await treeBlocks(folder, tree.fetch)).size, (await treeBlocks(file, tree.fetch)).size], [12, 8]);
    assert.equal((await treeBlocks(leaf, tree.fetch)).size, 4);
    const lying = tree.add(encodeFileNode([{ cid: file, size: 12, storedBytes: 8 }]));
    await assert.rejects(treeBlocks(lying, tree.fetch), isError('bad-content'));
  });
});

describe('treeBlocks', () => {
  it('B9 finds the blocks of very many files without holding up the event loop', async () => {
    const tree = new Tree();
    const folders = Array.from({ length: 20 }, (_, folder) =>
      tree.add(
        encodeDirectoryNode(
          Array.from({ length: 500 }, (_, file) => ({
            name: `${file}`,
            cid: cidOfBlock(rawCodec, Buffer.from(`${folder} ${file}`)),
            size: 1,
          })),
        ),
      ),
    );
    const root = tree.add(encodeDirectoryNode(folders.map((cid, place) => ({ name: `f${place}`, cid, size: 500 }))));
    const { result, turns } = await turnsWhile(() => treeBlocks(root, tree.fetch));
    const { blocks, size } = result;
    assert.deepEqual([blocks.length, size], [10_021, 10_000]);
    assert.ok(turns > 15, `${turns} turns`);
  });
});
