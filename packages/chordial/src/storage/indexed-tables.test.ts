import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { blockKey, cidOfBlock, rawCodec } from '../content/cid.ts';
import { BlockTable } from './block-table.ts';
import { Catalog } from './catalog.ts';
import { type IndexedTables, openIndexedTables } from './indexed-tables.ts';
import { blockSet, recordSet } from './item-index.ts';
import { type RecordRow, RecordTable } from './record-table.ts';

const blocks = Array.from({ length: 20 }, (_, number) => {
  const cid = cidOfBlock(rawCodec, Buffer.from(`block ${number}`));
  return { key: blockKey(cid), cid, size: 8 };
});

const row = (number: number, sequence = 1, expiry: number | null = null): RecordRow => ({
  kind: 'posting',
  publisher: `peer ${number}`,
  subject: Uint8Array.of(number),
  key: blocks[number]!.key,
  sequence,
  expiry,
  bytes: Buffer.from(`${number} ${sequence}`),
});

const claim = { publisher: 'peer', name: 'n', sequence: 1, replicas: 5 };

function digestsOf({ index }: IndexedTables): readonly string[] {
  return index.items(recordSet, 'all', null, 100).items.map(({ digest, record }) => `${record} ${digest}`);
}

test('the index follows what happens to records, and names the row of each', async () => {
  const catalog = new Catalog(':memory:');
  const tables = await openIndexedTables(catalog, 3);
  const { records, index } = tables;
  await records.put([row(1), row(2), row(3, 1, 50), row(4)]);
  const before = digestsOf(tables);
  await records.put([row(1)]);
  assert.deepEqual(digestsOf(tables), before);
  await records.put([row(1, 2)]);
  assert.notDeepEqual(digestsOf(tables), before);
  for (const { record } of index.items(recordSet, 'all', null, 100).items) assert.ok(records.byRow(record!));
  assert.equal(await records.expire(60, 10), 1);
  assert.equal(await records.removeExactly([row(1), row(2)]), 1);
  await records.remove([row(4)]);
  assert.equal(index.fingerprint(recordSet, 'all').count, 1);
  assert.equal(records.byRow(index.items(recordSet, 'all', null, 1).items[0]!.record!)?.sequence, 2);
  catalog.close();
});

test('a block moves to another set with the claims on it, and goes with its row', async () => {
  const catalog = new Catalog(':memory:');
  const { claims, index } = await openIndexedTables(catalog, 3);
  const table = new BlockTable(catalog, claims, index);
  await table.add(blocks[0]!);
  await table.add(blocks[1]!, [claim]);
  assert.deepEqual(index.sets(), [blockSet(3), blockSet(5)]);
  await table.claim([{ key: blocks[0]!.key, claims: [claim] }]);
  assert.deepEqual([index.sets(), index.fingerprint(blockSet(5), 'all').count], [[blockSet(5)], 2]);
  await table.remove(blocks.map(({ key }) => key));
  assert.deepEqual(index.sets(), []);
  catalog.close();
});

test('a catalogue without its index gets it at the first opening, and another r changes it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'chordial-index-'));
  const file = path.join(folder, 'catalog.sqlite');
  try {
    const old = new Catalog(file);
    const insert = old.database.prepare('INSERT INTO blocks (key, cid, size, added) VALUES (?, ?, ?, 0)');
    for (const { key, cid, size } of blocks) insert.run(Buffer.from(key, 'hex'), cid.bytes, size);
    await new RecordTable(old).put([row(1), row(2)]);
    old.close();
    for (const copies of [3, 3, 2]) {
      const catalog = new Catalog(file);
      const { index, records } = await openIndexedTables(catalog, copies);
      assert.deepEqual(index.sets(), [recordSet, blockSet(copies)]);
      assert.equal(index.fingerprint(blockSet(copies), 'all').count, blocks.length);
      for (const { record } of index.items(recordSet, 'all', null, 9).items) assert.ok(records.byRow(record!));
      catalog.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a transaction that fails leaves the index as it was', async () => {
  const catalog = new Catalog(':memory:');
  const { index } = await openIndexedTables(catalog, 3);
  const before = index.fingerprint(blockSet(3), 'all');
  const failing = catalog.write(() => {
    index.addBlock(blocks[0]!.key, blocks[0]!.cid);
    index.addBlock(randomBytes(32).toString('hex'), blocks[1]!.cid);
    throw new Error('the change failed');
  });
  await assert.rejects(failing, /the change failed/);
  assert.deepEqual(index.fingerprint(blockSet(3), 'all'), before);
  assert.deepEqual(index.sets(), []);
  catalog.close();
});
