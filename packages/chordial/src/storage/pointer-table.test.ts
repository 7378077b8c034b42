import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { blockKey, cidOfBlock, rawCodec } from '../content/cid.ts';
import { BlockTable } from './block-table.ts';
import { Catalog } from './catalog.ts';
import { ClaimTable } from './claim-table.ts';
import { PointerTable } from './pointer-table.ts';

const cids = [1, 2, 3].map((byte) => cidOfBlock(rawCodec, Uint8Array.of(byte)));
const keys = cids.map(blockKey);
const day = 24 * 3600 * 1000;

function inMemory() {
  const clock = { now: 1_800_000_000_000, wallTime: () => clock.now };
  const catalog = new Catalog(':memory:', clock);
  const blocks = new BlockTable(catalog, new ClaimTable(catalog));
  return { clock, catalog, blocks, pointers: new PointerTable(catalog) };
}

test('B12 a pointer ends when the block itself arrives, and none is taken for a block that is there', async () => {
  const { catalog, blocks, pointers } = inMemory();
  await pointers.put([
    { key: keys[0]!, holder: 'a' },
    { key: keys[1]!, holder: 'b' },
  ]);
  assert.deepEqual(
    keys.map((key) => pointers.holder(key)),
    ['a', 'b', null],
  );
  await blocks.add({ key: keys[0]!, cid: cids[0]!, size: 1 });
  await pointers.put([{ key: keys[0]!, holder: 'c' }]);
  assert.deepEqual(
    keys.map((key) => pointers.holder(key)),
    [null, 'b', null],
  );
  assert.equal(pointers.count(), 1);
  catalog.close();
});

test('B12 a pointer that no one has told for a day is forgotten, one told again is not', async () => {
  const { clock, catalog, pointers } = inMemory();
  await pointers.put(keys.slice(0, 2).map((key) => ({ key, holder: 'a' })));
  clock.now += day / 2;
  await pointers.put([{ key: keys[1]!, holder: 'a' }]);
  clock.now += day / 2 + 1;
  assert.deepEqual(
    keys.map((key) => pointers.holder(key)),
    [null, 'a', null],
  );
  await pointers.put([{ key: keys[2]!, holder: 'b' }]);
  assert.equal(pointers.count(), 2);
  catalog.close();
});

test('B12 pointers outlive a restart', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-pointers-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'catalog.sqlite');
  const first = new Catalog(file);
  await new PointerTable(first).put([{ key: keys[0]!, holder: 'a' }]);
  first.close();
  const second = new Catalog(file);
  assert.equal(new PointerTable(second).holder(keys[0]!), 'a');
  second.close();
});
