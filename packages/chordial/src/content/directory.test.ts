import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { importer } from 'ipfs-unixfs-importer';
import type { CID } from 'multiformats/cid';
import { isError } from '../../test/contracts/errors.ts';
import { turnsWhile } from '../../test/fixtures/turns.ts';
import { type Block, cidOfBlock, rawCodec } from './cid.ts';
import { buildDirectory, maxPlainDirectoryBytes } from './directory.ts';
import { DirectoryContent } from './directory-reader.ts';
import { openContent } from './reader.ts';
import type { DirectoryEntry } from './unixfs.ts';

const leaf = new TextEncoder().encode('x');

function entriesNamed(names: readonly string[]): DirectoryEntry[] {
  return names.map((name) => ({ name, cid: cidOfBlock(rawCodec, leaf), size: leaf.length }));
}

async function build(entries: readonly DirectoryEntry[]) {
  const blocks = new Map<string, Block>();
  const built = await buildDirectory(entries, async (block) => void blocks.set(block.cid.toString(), block));
  const fetch = async function* (cids: readonly CID[]) {
    for (const cid of cids) yield blocks.get(cid.toString()) as Block;
  };
  return { built, blocks, fetch };
}

async function oracle(names: readonly string[]) {
  const files = names.map((name) => ({ path: `root/${name}`, content: leaf }));
  let last: { cid: CID; size: bigint } | undefined;
  for await (const result of importer(files, { put: async (cid) => cid }, { profile: 'unixfs-v1-2025' })) last = result;
  assert.ok(last);
  return last;
}

/** Each link of a 15-byte name takes 36 (CID) + 2, 15 + 2, 2 and a head of 2 bytes. */
function namesFor(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `file-${String(i).padStart(10, '0')}`);
}

describe('buildDirectory', () => {
  it('B1 gives the empty folder the test vector of the profile', async () => {
    const { built } = await build([]);
    assert.equal(built.cid.toString(), 'bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354');
  });

  it('B1 gives a small folder the CID that other tools give, in whatever order its entries come', async () => {
    const names = ['b', 'a', 'ä', 'Z', '10', '9', '文件'];
    const expected = await oracle(names);
    for (const order of [names, names.toReversed()]) {
      const { built } = await build(entriesNamed(order));
      assert.equal(built.cid.toString(), expected.cid.toString());
      assert.equal(BigInt(built.size), expected.size);
    }
  });

  it('B1 shards strictly above 256 KiB of block, with the CIDs that other tools give on both sides', async () => {
    const perLink = (await sizeOfPlain(2)) - (await sizeOfPlain(1));
    const most = Math.floor((maxPlainDirectoryBytes - (await sizeOfPlain(0))) / perLink);
    // A longer last name fills the plain node to exactly the threshold.
    const spare = maxPlainDirectoryBytes - (await sizeOfPlain(most));
    const exact = namesFor(most).with(-1, `file-${'9'.repeat(10 + spare)}`);
    for (const [names, blocks] of [
      [exact, 1],
      [exact.with(-1, `${exact.at(-1)}9`), null],
      [namesFor(most + 1), null],
    ] as const) {
      const { built } = await build(entriesNamed(names));
      const expected = await oracle(names);
      assert.equal(built.cid.toString(), expected.cid.toString());
      assert.equal(BigInt(built.size), expected.size);
      if (blocks === null) assert.ok(built.blocks > 1);
      else assert.equal(built.blocks, blocks);
    }
  });

  it('B1 a sharded folder reads back whole, and finds each entry by its name', async () => {
    const names = namesFor(6000);
    const { built, fetch } = await build(entriesNamed(names));
    const folder = await openContent(built.cid, fetch);
    assert.ok(folder instanceof DirectoryContent);
    const listed: string[] = [];
    for await (const entry of folder.entries()) listed.push(entry.name);
    assert.deepEqual(listed.sort(), names.toSorted());
    for (const name of names.filter((_, i) => i % 97 === 0)) assert.equal((await folder.entry(name))?.name, name);
    assert.equal(await folder.entry('absent'), null);
    assert.equal(await folder.entry('..'), null);
  });

  it('case 9: names of a folder read back as they are, a byte order mark at their beginning included', async () => {
    const odd = ['\ufeff', '\ufeffx', '\ufeff\ufeffx', 'x\ufeff', 'x', `\ufeff${'é'.repeat(120)}`, '\x12\ufeff'];
    for (const names of [odd, [...odd, ...namesFor(6000)]]) {
      const { built, fetch } = await build(entriesNamed(names));
      const folder = await openContent(built.cid, fetch);
      assert.ok(folder instanceof DirectoryContent);
      const listed: string[] = [];
      for await (const entry of folder.entries()) listed.push(entry.name);
      assert.deepEqual(listed.sort(), names.toSorted());
      for (const name of odd) assert.equal((await folder.entry(name))?.name, name);
    }
  });

  it('B9 a folder of very many entries is built without holding up the event loop', async () => {
    const { result, turns } = await turnsWhile(() => build(entriesNamed(namesFor(10_000))));
    assert.ok(result.built.blocks > 256);
    assert.ok(turns > 20, `${turns} turns`);
  });

  it('refuses names that cannot be in a folder, and doubles', async () => {
    for (const names of [['..'], ['a/b'], [''], ['a\0'], ['x'.repeat(256)], ['a', 'a']]) {
      await assert.rejects(build(entriesNamed(names)), isError('bad-name'));
    }
  });
});

async function sizeOfPlain(count: number): Promise<number> {
  const { blocks } = await build(entriesNamed(namesFor(count)));
  return [...blocks.values()][0]?.bytes.length ?? 0;
}
