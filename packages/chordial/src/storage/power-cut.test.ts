import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { before, describe, it } from 'node:test';
import { crashBlock, crashClaim, crashRecord, crashReplicas } from '../../test/contracts/crash-writer.ts';
import { PowerCut } from '../../test/contracts/power-cut.ts';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { blockKey } from '../content/cid.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import { Catalog } from './catalog.ts';
import { openDataFolder } from './data-folder.ts';
import { DiskBlockStore } from './disk-block-store.ts';
import { flushFolder, writeFileDurably, writeFlushed } from './durable-file.ts';
import { GroupCommit } from './group-commit.ts';
import { openIndexedTables } from './indexed-tables.ts';
import { blockFileName } from './large-blocks.ts';

let layer: PowerCut;
before(() => {
  layer = PowerCut.install();
});

/** The same numbers at every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** From nothing that was not flushed to nearly all of it. */
const chances = [0, 0.5, 0.9];

async function afterACut(folder: string, check: (left: string) => void | Promise<void>): Promise<void> {
  for (const [seed, chance] of chances.entries()) {
    await using left = await temporaryFolder();
    const target = path.join(left.path, 'left');
    layer.cutTo(folder, target, numbers(seed), chance);
    await check(target);
  }
}

describe('case 18 a power cut', () => {
  it('leaves a file that was replaced durably, past the cache and through it', async () => {
    await using folder = await temporaryFolder();
    layer.trust(folder.path);
    const leaf = new LeafPool().take().fill(7);
    await writeFlushed(path.join(folder.path, 'direct'), leaf);
    await writeFlushed(path.join(folder.path, 'cached'), Buffer.from('some bytes'));
    await flushFolder(folder.path);
    await writeFileDurably(path.join(folder.path, 'replaced'), Buffer.from('one'));
    await writeFileDurably(path.join(folder.path, 'replaced'), Buffer.from('two'));
    await afterACut(folder.path, (left) => {
      assert.ok(fs.readFileSync(path.join(left, 'direct')).equals(leaf));
      assert.equal(fs.readFileSync(path.join(left, 'cached'), 'utf8'), 'some bytes');
      assert.equal(fs.readFileSync(path.join(left, 'replaced'), 'utf8'), 'two');
    });
  });

  it('takes what was never flushed: the layer bites', async () => {
    await using folder = await temporaryFolder();
    await using left = await temporaryFolder();
    layer.trust(folder.path);
    fs.writeFileSync(path.join(folder.path, 'file'), 'bytes');
    layer.cutTo(folder.path, path.join(left.path, 'nothing'), () => 0.5, 0);
    assert.deepEqual(fs.readdirSync(path.join(left.path, 'nothing')), []);
    await flushFolder(folder.path);
    layer.cutTo(folder.path, path.join(left.path, 'name'), () => 0.5, 0);
    assert.equal(fs.readFileSync(path.join(left.path, 'name', 'file'), 'utf8'), '');
  });

  it('leaves what a closing catalogue has told of, before its log is folded in', async () => {
    await using folder = await temporaryFolder();
    layer.trust(folder.path);
    const file = path.join(folder.path, 'some.db');
    const database = new DatabaseSync(file);
    const slow = Promise.withResolvers<void>();
    const commits = new GroupCommit(
      database,
      file,
      (error) => error,
      () => slow.promise,
    );
    database.exec('CREATE TABLE numbers (value INTEGER NOT NULL)');
    const other = new DatabaseSync(file);
    other.exec('BEGIN; SELECT * FROM numbers;');
    const written = commits.write(() => database.prepare('INSERT INTO numbers VALUES (1)').run().changes);
    commits.close();
    assert.equal(await written, 1);
    await afterACut(folder.path, (left) => {
      const found = new DatabaseSync(path.join(left, 'some.db'));
      assert.deepEqual(
        found
          .prepare('SELECT value FROM numbers')
          .all()
          .map(({ value }) => value),
        [1],
      );
      found.close();
    });
    other.close();
    slow.resolve();
  });

  it('leaves a block that was adopted after a crash of the process', async () => {
    await using folder = await temporaryFolder();
    layer.trust(folder.path);
    const { cid, bytes } = crashBlock(1);
    const name = path.join('blocks', blockKey(cid).slice(0, 2), blockFileName(cid));
    const open = async (use: (store: DiskBlockStore) => Promise<void>): Promise<void> => {
      const catalog = new Catalog(path.join(folder.path, 'catalog.db'));
      await use(await DiskBlockStore.open({ folder: folder.path, catalog, quotaBytes: 1e12, smallBytes: 0 }));
      catalog.close();
    };
    await open(async () => fs.writeFileSync(path.join(folder.path, name), bytes));
    await open(async (store) => {
      assert.deepEqual(await store.claim([{ cid, claims: [crashClaim(1)] }]), [bytes.length]);
      await afterACut(folder.path, (left) => assert.ok(fs.readFileSync(path.join(left, name)).equals(bytes)));
    });
  });

  it('leaves every block, claim, record and setting that was acknowledged, whenever it comes', async () => {
    await using folder = await temporaryFolder();
    layer.trust(folder.path);
    const where = path.join(folder.path, 'a', 'data');
    const data = await openDataFolder(where);
    const catalog = new Catalog(data.file('catalog.db'));
    const { claims, records, index } = await openIndexedTables(catalog, crashReplicas);
    const store = await DiskBlockStore.open({ folder: where, catalog, claims, index, quotaBytes: 1e12 });
    const told = { put: new Set<number>(), deleting: new Set<number>() };
    let next = 0;
    let isOver = false;
    const write = async (): Promise<void> => {
      while (!isOver) {
        const n = next++;
        const block = crashBlock(n);
        const claimed = store.put([{ ...block, claims: [crashClaim(n)] }]);
        await Promise.all([claimed, records.put([crashRecord(n)]), catalog.setSetting(`cut.${n}`, n)]);
        told.put.add(n);
        if (n % 3 !== 0) continue;
        told.deleting.add(n);
        await store.delete([block.cid]);
      }
    };
    const writers = Array.from({ length: 4 }, write);
    const cuts: { readonly left: string; readonly put: readonly number[] }[] = [];
    await using lefts = await temporaryFolder();
    try {
      for (const [seed, chance] of [0, 0.5, 0.9, 0, 0.5, 0.9].entries()) {
        const before = told.put.size;
        while (told.put.size < before + 15) await new Promise((resolve) => setImmediate(resolve));
        // The log is folded in again and again from now on, not only beyond 16 MiB.
        if (seed === 1) catalog.database.exec('PRAGMA wal_autocheckpoint = 40');
        const left = path.join(lefts.path, String(seed));
        cuts.push({ left, put: [...told.put] });
        layer.cutTo(folder.path, left, numbers(seed), chance);
      }
    } finally {
      isOver = true;
      await Promise.all(writers);
      await store.close();
      catalog.close();
      await data.close();
    }
    for (const { left, put } of cuts) {
      const kept = put.filter((n) => !told.deleting.has(n));
      await checkLeft(path.join(left, 'a', 'data'), put, kept);
    }
  });
});

async function checkLeft(folder: string, acknowledged: readonly number[], kept: readonly number[]): Promise<void> {
  await using data = await openDataFolder(folder);
  const catalog = new Catalog(data.file('catalog.db'));
  try {
    const { claims, records, index } = await openIndexedTables(catalog, crashReplicas);
    const store = await DiskBlockStore.open({ folder, catalog, claims, index, quotaBytes: 1e12 });
    for (const n of kept) {
      const { cid, bytes } = crashBlock(n);
      assert.deepEqual(await store.get(cid), bytes, `block ${n} was acknowledged and is not there`);
      assert.deepEqual(
        store.claimsOf(cid).map(({ name }) => name),
        [crashClaim(n).name],
        `block ${n} has lost its claim`,
      );
    }
    for (const n of acknowledged) {
      assert.ok(records.find(crashRecord(n)), `record ${n} was acknowledged and is not there`);
      assert.equal(catalog.setting(`cut.${n}`), n);
    }
    await store.close();
  } finally {
    catalog.close();
  }
}
