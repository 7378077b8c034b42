import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { crashBlock, crashClaim, crashRecord, crashReplicas } from '../../test/contracts/crash-writer.ts';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { verifyBlock } from '../content/cid.ts';
import { Catalog } from './catalog.ts';
import { openDataFolder } from './data-folder.ts';
import { DiskBlockStore } from './disk-block-store.ts';
import { openIndexedTables } from './indexed-tables.ts';
import { recordSet } from './item-index.ts';

const writer = fileURLToPath(new URL('../../test/contracts/crash-writer.ts', import.meta.url));

interface Told {
  readonly put: Set<number>;
  /** Begun, perhaps not finished: such a block may be there or not. */
  readonly deleting: Set<number>;
  readonly deleted: Set<number>;
}

interface Life {
  readonly first: number;
  readonly lines: number;
  readonly half?: number;
}

/** Lets a writer run until it has told `lines` steps, or killed itself, and kills it. */
async function crash(folder: string, told: Told, { first, lines, half = -1 }: Life): Promise<void> {
  const child = spawn(process.execPath, [writer, folder, String(first), String(half)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let seen = 0;
  // Read to the end: what was told before the kill still counts.
  for await (const line of createInterface({ input: child.stdout })) {
    const [step, n] = line.split(' ');
    told[step as keyof Told].add(Number(n));
    seen += 1;
    if (seen === lines) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  assert.equal(signal, 'SIGKILL');
}

async function checkAll(folder: string, told: Told): Promise<void> {
  await using data = await openDataFolder(folder);
  const catalog = new Catalog(data.file('catalog.db'));
  const { claims, records, index } = await openIndexedTables(catalog, crashReplicas);
  const store = await DiskBlockStore.open({ folder, catalog, claims, index, quotaBytes: 1e12 });
  for (const n of told.put) {
    const { cid, bytes } = crashBlock(n);
    const found = await store.get(cid);
    if (!told.deleting.has(n)) {
      assert.deepEqual(found, bytes, `block ${n} was acknowledged and is not there`);
      const claimed = store.claimsOf(cid).map(({ idleSeconds, ...claim }) => claim);
      assert.deepEqual(claimed, [crashClaim(n)], `block ${n} has lost its claim`);
    }
    assert.ok(records.find(crashRecord(n)), `record ${n} was acknowledged and is not there`);
  }
  for (const n of told.deleted)
    assert.equal(await store.get(crashBlock(n).cid), null, `block ${n} was deleted and is there`);
  let bytes = 0;
  const { items } = await store.keys('all', null, 10_000);
  for (const { cid, size } of items) {
    const found = await store.get(cid);
    assert.ok(found !== null && found.length === size && verifyBlock(cid, found), `${cid} is served broken`);
    bytes += size;
  }
  assert.deepEqual([items.length, bytes], [store.count(), store.bytes()]);
  const indexed = index
    .sets()
    .reduce((sum, set) => (set === recordSet ? sum : sum + index.fingerprint(set, 'all').count), 0);
  assert.equal(indexed, items.length);
  let files = 0;
  for (const shelf of await fs.readdir(path.join(folder, 'blocks')))
    files += (await fs.readdir(path.join(folder, 'blocks', shelf))).length;
  const small = catalog.database.prepare('SELECT count(*) AS count FROM small_blocks').get()?.['count'];
  assert.equal(files + Number(small), items.length);
  await store.close();
  catalog.close();
}

describe('kill -9', () => {
  it('B4 B12 loses nothing that was acknowledged, in the middle of a collection too, and leaves nothing half-written, whenever it comes', async () => {
    await using folder = await temporaryFolder();
    const told: Told = { put: new Set(), deleting: new Set(), deleted: new Set() };
    for (const [life, lines] of [1, 40, 150, 333].entries()) {
      await crash(folder.path, told, { first: life * 10_000, lines });
      await checkAll(folder.path, told);
    }
    assert.ok(told.put.size > 150 && told.deleted.size > 100, `${told.put.size} put, ${told.deleted.size} freed`);
  });

  it('B4 in the middle of a write leaves no trace of that block', async () => {
    await using folder = await temporaryFolder();
    const told: Told = { put: new Set(), deleting: new Set(), deleted: new Set() };
    for (const [life, half] of [1, 30].entries()) {
      await crash(folder.path, told, { first: life * 10_000, lines: Number.POSITIVE_INFINITY, half });
      await checkAll(folder.path, told);
    }
  });
});
