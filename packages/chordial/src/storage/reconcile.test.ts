import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base58btc } from 'multiformats/bases/base58';
import { type Block, blockKey, cidOfBlock, maxBlockBytes, rawCodec, verifyBlock } from '../content/cid.ts';
import { BlockTable } from './block-table.ts';
import { Catalog } from './catalog.ts';
import { FileRows } from './file-rows.ts';
import { indexedTables } from './indexed-tables.ts';
import { type BlockFile, blockFileName } from './large-blocks.ts';
import { type Reconciled, type ReconciledBlocks, reconcile, rowsAtOpening } from './reconcile.ts';

const blockOf = (text: string, size = 100): Block => {
  const bytes = Buffer.alloc(size, text);
  return { cid: cidOfBlock(rawCodec, bytes), bytes };
};
const [one, two, three] = [blockOf('one'), blockOf('two'), blockOf('three')];
const shelfOf = ({ cid }: Block) => blockKey(cid).slice(0, 2);

/** Files and catalogue as a crash left them. */
async function afterACrash(run: (left: Left) => Promise<void>): Promise<void> {
  const catalog = new Catalog(':memory:');
  const table = new BlockTable(catalog, indexedTables(catalog, 3).claims);
  const durable: string[] = [];
  const read: string[] = [];
  const shelves = new Map(
    Array.from({ length: 256 }, (_, number) => [number.toString(16).padStart(2, '0'), new Map<string, Uint8Array>()]),
  );
  const bytesOf = ({ key, cid }: BlockFile) => shelves.get(key.slice(0, 2))?.get(blockFileName(cid));
  const files: ReconciledBlocks = {
    async *list() {
      for (const [shelf, found] of shelves) yield { shelf, names: new Set(found.keys()) };
    },
    sizeOf: async (file) => bytesOf(file)?.length ?? null,
    isWhole: async (file) => {
      read.push(file.key);
      const bytes = bytesOf(file);
      return bytes !== undefined && verifyBlock(file.cid, bytes);
    },
    removeStray: async (shelf, name) => shelves.get(shelf)?.delete(name) === true,
    makeDurable: async ({ key }) => {
      assert.equal(table.find(key), null, 'a row promises that its file is durable');
      durable.push(key);
    },
  };
  await run({
    table,
    durable,
    read,
    stray: (block, { shelf = shelfOf(block), name = blockFileName(block.cid) } = {}) =>
      void shelves.get(shelf)?.set(name, block.bytes),
    row: ({ cid, bytes }, isSmall = false) =>
      table.add({ key: blockKey(cid), cid, size: bytes.length }, [], isSmall ? bytes : null),
    reconciled: (quotaBytes = 1e9) => reconcile(files, rowsAtOpening(table, new FileRows(catalog), quotaBytes)),
    names: () => [...shelves.values()].flatMap((found) => [...found.keys()]).sort(),
  });
  catalog.close();
}

interface Left {
  readonly table: BlockTable;
  readonly durable: readonly string[];
  /** Keys of the files whose bytes were read. */
  readonly read: readonly string[];
  stray(block: Block, place?: { readonly shelf?: string; readonly name?: string }): void;
  row(block: Block, isSmall?: boolean): Promise<void>;
  reconciled(quotaBytes?: number): Promise<Reconciled>;
  names(): readonly string[];
}

test('case 18 a whole file without a row is made durable and adopted with its size', async () => {
  await afterACrash(async ({ stray, row, reconciled, table, durable, names }) => {
    stray(one);
    stray(two);
    await row(two);
    assert.deepEqual(await reconciled(), { adopted: 1, removed: 0, lost: 0 });
    assert.equal(table.find(blockKey(one.cid))?.size, one.bytes.length);
    assert.deepEqual(durable, [blockKey(one.cid)]);
    assert.deepEqual(names(), [blockFileName(one.cid), blockFileName(two.cid)].sort());
    assert.deepEqual(await reconciled(), { adopted: 0, removed: 0, lost: 0 });
  });
});

test('case 18 rows whose files the disk lost are dropped, and others stay', async () => {
  await afterACrash(async ({ stray, row, reconciled, table }) => {
    for (const block of [one, two, three]) await row(block);
    stray(two);
    assert.deepEqual(await reconciled(), { adopted: 0, removed: 0, lost: 2 });
    assert.equal(table.find(blockKey(one.cid)), null);
    assert.notEqual(table.find(blockKey(two.cid)), null);
  });
});

test('case 18 a file that is no whole block in its place, by its one name, is removed', async () => {
  await afterACrash(async ({ stray, row, reconciled, table, names, durable, read }) => {
    stray({ cid: one.cid, bytes: one.bytes.subarray(1) });
    stray(two, { shelf: shelfOf(two) === '00' ? '01' : '00' });
    stray(two, { name: two.cid.toString(base58btc) });
    stray(two, { name: 'no block' });
    stray(blockOf('too large', maxBlockBytes + 1));
    // Its bytes are in the catalogue.
    stray(three);
    await row(three, true);
    assert.deepEqual(await reconciled(), { adopted: 0, removed: 6, lost: 0 });
    assert.deepEqual(names(), []);
    assert.deepEqual(durable, []);
    assert.deepEqual([...read].sort(), [one, three].map(({ cid }) => blockKey(cid)).sort());
    assert.equal(table.find(blockKey(two.cid)), null);
    assert.notEqual(table.find(blockKey(three.cid)), null);
  });
});

test('case 18 a block is adopted once, from its place, up to the largest there may be', async () => {
  const largest = blockOf('largest', maxBlockBytes);
  for (const place of [{ shelf: shelfOf(two) === '00' ? '01' : '00' }, { name: two.cid.toString(base58btc) }])
    await afterACrash(async ({ stray, reconciled, names }) => {
      stray(two);
      stray(two, place);
      stray(largest);
      assert.deepEqual(await reconciled(), { adopted: 2, removed: 1, lost: 0 });
      assert.deepEqual(names(), [blockFileName(two.cid), blockFileName(largest.cid)].sort());
    });
});

test('case 18 what is adopted fits the quota beside the blocks that stay, and lost ones make room', async () => {
  await afterACrash(async ({ stray, row, reconciled, table }) => {
    stray(one);
    await row(one);
    stray(two);
    stray(three);
    assert.deepEqual(await reconciled(299), { adopted: 1, removed: 1, lost: 0 });
    assert.equal(table.totals().bytes, 200);
  });
  await afterACrash(async ({ stray, reconciled }) => {
    for (const block of [one, two, three]) stray(block);
    assert.deepEqual(await reconciled(300), { adopted: 3, removed: 0, lost: 0 });
  });
  await afterACrash(async ({ stray, row, reconciled }) => {
    const shelves = new Map([one, two, three].map((block) => [shelfOf(block), block] as const));
    const [first, last] = [...shelves.keys()].sort().flatMap((shelf) => shelves.get(shelf) ?? []);
    await row(first!);
    stray(last!);
    assert.deepEqual(await reconciled(100), { adopted: 1, removed: 0, lost: 1 });
  });
});
