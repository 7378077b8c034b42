import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { BlockTable } from './block-table.ts';
import { Catalog } from './catalog.ts';
import type { Claim } from './claim-table.ts';
import { indexedTables } from './indexed-tables.ts';
import { minRowsBytes, StorageShares } from './storage-shares.ts';

const gibibyte = 2 ** 30;
const claimOf = (publisher: string, name = 'a', sequence = 1): Claim => ({ publisher, name, sequence, replicas: 3 });

function scene(quotaBytes = gibibyte, share: number | null = null) {
  const catalog = new Catalog(':memory:');
  const { claims, records, counts, index } = indexedTables(catalog, 3);
  const table = new BlockTable(catalog, claims, index);
  const shares = new StorageShares({ counts, quotaBytes, self: 'self', shareOf: () => share });
  const add = async (size: number, ...all: readonly Claim[]) => {
    const bytes = new Uint8Array(randomBytes(32));
    const cid = cidOfBlock(rawCodec, bytes);
    const key = randomBytes(32).toString('hex');
    await table.add({ key, cid, size }, all);
    return key;
  };
  return { catalog, claims, records, counts, table, shares, add };
}

test('H5 blocks are charged once to each publisher that claims them, and no more when the last claim goes', async () => {
  const { claims, counts, catalog, table, add } = scene();
  const key = await add(1000, claimOf('P'), claimOf('P', 'b'), claimOf('Q'));
  await add(50, claimOf('P'));
  assert.deepEqual([counts.usageOf('P').blocks, counts.usageOf('Q').blocks], [1050, 1000]);
  assert.equal(counts.usageOf('P').uncommitted, 1050);
  const [first] = claims.byName('P', 'a');
  await catalog.write(() => claims.confirm(first!, null, 5));
  assert.deepEqual({ ...counts.usageOf('P'), rows: 0 }, { rows: 0, blocks: 1050, uncommitted: 0 });
  // The charge goes over to the put that still claims the block.
  await catalog.write(() => claims.drop(first!, 10));
  assert.deepEqual({ ...counts.usageOf('P'), rows: 0 }, { rows: 0, blocks: 1000, uncommitted: 1000 });
  await table.remove([key]);
  assert.deepEqual([counts.usageOf('P').blocks, counts.usageOf('Q').blocks], [0, 0]);
  for (const name of ['a', 'b'])
    for (const publisher of ['P', 'Q'])
      for (const put of claims.byName(publisher, name)) await catalog.write(() => claims.drop(put, 10));
  assert.deepEqual(counts.total(), { rows: 0, blocks: 0, uncommitted: 0 });
});

test('H4 who hands a put on stands for it until it is known to be committed, or comes from its publisher', async () => {
  const { claims, counts, catalog, table, add } = scene();
  const key = await add(1000, { ...claimOf('P'), via: 'H' });
  await add(10, { ...claimOf('P', 'b'), via: 'H' });
  assert.deepEqual([counts.usageOf('H').blocks, counts.usageOf('P').blocks], [1010, 0]);
  await table.claim([{ key, claims: [claimOf('P')] }]);
  assert.deepEqual([counts.usageOf('H').blocks, counts.usageOf('P').blocks], [10, 1000]);
  await catalog.write(() => claims.confirm(claims.byName('P', 'b')[0]!, null, 1));
  assert.deepEqual([counts.usageOf('H').blocks, counts.usageOf('H').rows, counts.usageOf('P').blocks], [0, 0, 1010]);
});

test('H5 rows of records are counted as they come, change and go', async () => {
  const { records, counts } = scene();
  const row = { kind: 'name', publisher: 'P', subject: Buffer.alloc(4), key: '00'.repeat(32), expiry: null };
  await records.put([{ ...row, sequence: 1, bytes: Buffer.alloc(100) }]);
  const first = counts.usageOf('P').rows;
  await records.put([{ ...row, sequence: 2, bytes: Buffer.alloc(700) }]);
  assert.equal(counts.usageOf('P').rows, first + 600);
  assert.equal(counts.total().rows, first + 600);
  await records.remove([row]);
  assert.equal(counts.total().rows, 0);
});

test('H5 a stranger has an eighth and a sixteenth uncommitted, who gives as much has what fits, this host all', () => {
  const { shares } = scene();
  const refused = { code: 'publisher-full' };
  assert.equal(shares.roomFor('client'), gibibyte / 16);
  assert.throws(() => shares.checkBlocks('client', gibibyte / 16 + 1), refused);
  shares.gives('equal', gibibyte);
  shares.checkBlocks('equal', 900 * 2 ** 20);
  shares.gives('small', gibibyte / 32);
  assert.equal(shares.roomFor('small'), gibibyte / 16);
  shares.checkBlocks('self', 2 ** 40);
});

test('H5 a certificate says how much, also that it is less', async () => {
  const { shares, add, claims, catalog } = scene(gibibyte, 1 / 100);
  shares.gives('P', gibibyte);
  assert.throws(() => shares.checkBlocks('P', gibibyte / 50), { code: 'publisher-full' });
  await add(Math.floor(gibibyte / 100) - 1000, claimOf('P'));
  await catalog.write(() => claims.confirm(claims.byName('P', 'a')[0]!, null, 1));
  assert.ok(shares.roomFor('P') <= 1001);
});

test('H5 rows have a sixteenth of the quota, at least 8 MiB, of which one publisher has an eighth', () => {
  const { shares } = scene(1_000_000);
  shares.checkRows('P', minRowsBytes / 8);
  assert.throws(() => shares.checkRows('P', minRowsBytes / 8 + 1), { code: 'publisher-full' });
  shares.checkRows('self', minRowsBytes * 2);
  const large = scene(16 * gibibyte).shares;
  large.gives('equal', 16 * gibibyte);
  large.checkRows('equal', gibibyte - 1);
  assert.throws(() => large.checkRows('equal', gibibyte + 1), { code: 'publisher-full' });
});

const full = { code: 'publisher-full' };
const mebibyte = 2 ** 20;
const quotaBytes = 1600;

/** Shares of a quota of 1600 bytes where publisher P has used so much; of the 8 MiB for rows all together `rowsOfAll`. */
function used(
  usage: { readonly blocks?: number; readonly uncommitted?: number; readonly rows?: number } = {},
  {
    share = null,
    rowsOfAll = 0,
    quota = quotaBytes,
  }: Readonly<{ share?: number | null; rowsOfAll?: number; quota?: number }> = {},
) {
  const none = { rows: 0, blocks: 0, uncommitted: 0 };
  const asked: string[] = [];
  const shares = new StorageShares({
    counts: {
      usageOf: (owner) => (owner === 'P' ? { ...none, ...usage } : none),
      total: () => ({ ...none, rows: rowsOfAll }),
    },
    quotaBytes: quota,
    self: 'self',
    shareOf: () => share,
  });
  shares.askAbout = (owner) => asked.push(owner);
  return { shares, asked };
}

test('H5 what is stored already, and what of it is not committed, is deducted', () => {
  assert.equal(used().shares.roomFor('P'), 100);
  assert.equal(used({ uncommitted: 30, blocks: 30 }).shares.roomFor('P'), 70);
  assert.equal(used({ blocks: 150 }).shares.roomFor('P'), 50);
  assert.equal(used({ blocks: 250 }).shares.roomFor('P'), 0);
  assert.equal(used().shares.roomFor('self'), Number.POSITIVE_INFINITY);
  // A put that is tried again has what its earlier try left.
  assert.equal(used({ uncommitted: 30, blocks: 30 }).shares.roomOf('P', 40), 70);
  assert.equal(used({ uncommitted: 30, blocks: 30 }).shares.roomOf('P', 1000), 100);
});

test('H5 who gives has eight times that in all, and as much as that uncommitted', () => {
  for (const [blocks, gives, room] of [
    [0, 20, 100],
    [0, 50, 100],
    [0, 150, 150],
    [250, 50, 100],
    [350, 50, 50],
    [1100, 150, 100],
  ] as const) {
    const { shares } = used({ blocks });
    shares.gives('P', 1);
    shares.gives('P', gives);
    assert.equal(shares.roomFor('P'), room, `${blocks} stored, ${gives} given`);
    shares.checkBlocks('P', room);
    assert.throws(() => shares.checkBlocks('P', room + 1), full);
  }
});

test('H5 a share of a certificate counts in place of what is given', () => {
  const small = used({}, { share: 1 / 32 }).shares;
  small.gives('P', 1000);
  assert.equal(small.roomFor('P'), 50);
  assert.equal(used({ blocks: 1000 }, { share: 1 }).shares.roomFor('P'), 100);
  assert.equal(used({ blocks: 1550 }, { share: 1 }).shares.roomFor('P'), 50);
});

test('H5 only where the default is too little does it matter what the owner gives', () => {
  const { shares } = used();
  shares.gives('P', 1000);
  assert.equal(shares.isTight('P', 100), false);
  assert.equal(shares.isTight('P', 101), true);
  assert.equal(shares.isTight('self', 1e9), false);
  assert.equal(used({}, { share: 1 / 32 }).shares.isTight('P', 1e9), false);
});

test('H5 of the hosts whose quota is known the one heard longest ago is forgotten', () => {
  const { shares } = used();
  const knows = (host: string) => shares.roomFor(host) === 150;
  for (let count = 0; count < 16_384; count++) shares.gives(`host ${count}`, 150);
  shares.gives('host 1', 150);
  assert.ok(knows('host 0'), 'what is known already needs no room');
  shares.gives('one more', 150);
  shares.gives('two more', 150);
  const known = ['host 0', 'host 1', 'host 2', 'host 3', 'one more', 'two more'].filter(knows);
  assert.deepEqual(known, ['host 1', 'host 3', 'one more', 'two more']);
});

test('H5 rows of one publisher have an eighth of 8 MiB, and its quota is asked for once half of that is used', () => {
  const { shares, asked } = used();
  shares.checkRows('P', mebibyte / 2);
  assert.deepEqual(asked, []);
  shares.checkRows('P', mebibyte / 2 + 1);
  assert.deepEqual(asked, ['P']);
  shares.checkRows('P', mebibyte);
  assert.throws(() => shares.checkRows('P', mebibyte + 1), full);
  assert.throws(() => used({ rows: mebibyte }).shares.checkRows('P', 1), full);
  const unasked = used();
  unasked.shares.askAbout = null;
  unasked.shares.checkRows('P', mebibyte);
  unasked.shares.checkRows('self', 9 * mebibyte);
  // A sixteenth of a large quota is more.
  const large = used({}, { quota: 256 * mebibyte }).shares;
  large.checkRows('P', 2 * mebibyte);
  assert.throws(() => large.checkRows('P', 2 * mebibyte + 1), full);
});

test('H5 rows of a publisher that gives, or has a certificate, have more, and never more than there is', () => {
  const { shares } = used();
  shares.gives('P', 4 * mebibyte);
  shares.checkRows('P', 2 * mebibyte);
  assert.throws(() => shares.checkRows('P', 2 * mebibyte + 1), full);
  shares.gives('P', 100 * mebibyte);
  shares.checkRows('P', 8 * mebibyte);
  assert.throws(() => shares.checkRows('P', 8 * mebibyte + 1), full);
  const certified = used({}, { share: 1 / 4 });
  certified.shares.gives('P', 100 * mebibyte);
  certified.shares.checkRows('P', 2 * mebibyte);
  assert.throws(() => certified.shares.checkRows('P', 2 * mebibyte + 1), full);
  assert.deepEqual(certified.asked, []);
});

test('H5 rows of all publishers together have no more than their part', () => {
  const { shares } = used({}, { rowsOfAll: 7.5 * mebibyte });
  shares.checkRows('P', mebibyte / 2);
  assert.throws(() => shares.checkRows('P', mebibyte / 2 + 1), { code: 'quota-full' });
  assert.equal(used({}, { rowsOfAll: 50 }).shares.rowBytes, 50);
  assert.equal(used({}, { rowsOfAll: 150 }).shares.rowBytes, 100);
});
