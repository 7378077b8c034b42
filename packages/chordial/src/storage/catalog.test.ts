import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isError } from '../../test/contracts/errors.ts';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { Catalog } from './catalog.ts';

async function withCatalog(run: (catalog: Catalog, file: string) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'catalog.db');
  const catalog = new Catalog(file);
  try {
    await run(catalog, file);
  } finally {
    catalog.close();
  }
}

describe('Catalog', () => {
  it('keeps settings over a restart', async () => {
    await withCatalog(async (catalog, file) => {
      assert.ok(catalog.isNew);
      await catalog.setSetting('quota', { bytes: 5 });
      await catalog.setSetting('gone', 1);
      await catalog.setSetting('gone', undefined);
      catalog.close();
      const again = new Catalog(file);
      assert.ok(!again.isNew);
      assert.deepEqual(again.setting('quota'), { bytes: 5 });
      assert.equal(again.setting('gone'), undefined);
      again.close();
    });
  });

  it('gathers writes in one transaction, and resolves them when it is committed', async () => {
    await withCatalog(async (catalog, file) => {
      await catalog.setSetting('first', 1);
      let ran = 0;
      const writes = Array.from({ length: 100 }, (_, i) =>
        catalog.write(() => [ran++, catalog.database.isTransaction, i]),
      );
      assert.equal(ran, 0);
      await writes[0];
      assert.equal(ran, 100);
      const values = await Promise.all(writes);
      assert.deepEqual(values[99], [99, true, 99]);
      await catalog.setSetting('seen', true);
      const other = new Catalog(file);
      assert.equal(other.setting('seen'), true);
      other.close();
    });
  });

  it('commits at once when 256 writes wait', async () => {
    await withCatalog(async (catalog) => {
      await catalog.setSetting('just', 'committed');
      let ran = 0;
      const writes = Array.from({ length: 256 }, () => catalog.write(() => ran++));
      assert.equal(ran, 256);
      await Promise.all(writes);
    });
  });

  it('a write that fails undoes itself and no other', async () => {
    await withCatalog(async (catalog) => {
      const failure = new Error('wrong');
      const insert = (name: string) => catalog.database.prepare('INSERT INTO settings VALUES (?, ?)').run(name, '1');
      const outcomes = await Promise.allSettled([
        catalog.write(() => insert('a')),
        catalog.write(() => {
          insert('b');
          throw failure;
        }),
        catalog.write(() => insert('a')),
        catalog.write(() => insert('c')),
      ]);
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
      );
      assert.deepEqual(
        ['a', 'b', 'c'].map((name) => catalog.setting(name)),
        [1, undefined, 1],
      );
    });
  });

  it('close commits what waits', async () => {
    await withCatalog(async (catalog, file) => {
      const written = catalog.setSetting('late', 1);
      catalog.close();
      await written;
      const again = new Catalog(file);
      assert.equal(again.setting('late'), 1);
      again.close();
      assert.throws(() => catalog.write(() => 0), isError('internal'));
    });
  });

  it('a damaged file is broken-data-folder with its name and the remedy', async () => {
    await using folder = await temporaryFolder();
    const file = path.join(folder.path, 'catalog.db');
    await fs.writeFile(file, 'this is no database, it is only a text of some length '.repeat(200));
    assert.throws(() => new Catalog(file), isError('broken-data-folder', /catalog\.db is damaged.*Move it/));
  });

  it('a catalogue of a later version is refused', async () => {
    await withCatalog(async (catalog, file) => {
      catalog.database.exec('PRAGMA user_version = 99');
      catalog.close();
      assert.throws(() => new Catalog(file), isError('broken-data-folder', /version 99/));
    });
  });

  it('damage anywhere is either harmless at opening or told as broken-data-folder', async () => {
    await using folder = await temporaryFolder();
    const file = path.join(folder.path, 'catalog.db');
    const catalog = new Catalog(file);
    for (let i = 0; i < 50; i++)
      await catalog.write(() =>
        catalog.database.prepare('INSERT INTO settings VALUES (?, ?)').run(`s${i}`, '1'.repeat(500)),
      );
    catalog.close();
    const good = await fs.readFile(file);
    const damaged = path.join(folder.path, 'damaged.db');
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length - 100),
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        async (at, rubbish) => {
          // A database that could not be opened takes its own files away when it is collected.
          for (const name of await fs.readdir(folder.path))
            if (name.startsWith('damaged')) await fs.rm(path.join(folder.path, name), { force: true });
          const bytes = Buffer.from(good);
          bytes.set(rubbish, at);
          await fs.writeFile(damaged, bytes);
          try {
            new Catalog(damaged).close();
          } catch (error) {
            assert.ok(isError('broken-data-folder')(error), String(error));
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
