import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Catalog } from './catalog.ts';
import { FolderTable, type LeftPart } from './folder-table.ts';

const cid = Uint8Array.of(1);

interface Opened extends Disposable {
  readonly catalog: Catalog;
  readonly table: FolderTable;
  /** All statements so far. */
  readonly asked: ReadonlySet<string>;
}

function opened(): Opened {
  const catalog = new Catalog(':memory:');
  const asked = new Set<string>();
  const database = new Proxy(catalog.database, {
    get: (target, name) => {
      if (name !== 'prepare') return Reflect.get(target, name);
      return (sql: string) => {
        asked.add(sql);
        return target.prepare(sql);
      };
    },
  });
  const write = <T>(change: () => T): Promise<T> => catalog.write(change);
  const { wallTime } = catalog;
  const table = new FolderTable({
    database,
    write,
    wallTime,
    setting: (name) => catalog.setting(name),
    settings: (prefix) => catalog.settings(prefix),
    putSetting: (name, value) => catalog.putSetting(name, value),
  });
  return { catalog, table, asked, [Symbol.dispose]: () => catalog.close() };
}

function fileOf(part: number) {
  return { cid, size: 1, stored: 1, modified: null, executable: false, part };
}

async function fill(table: FolderTable, parent: number, count: number): Promise<void> {
  await table.write(() => {
    for (let part = 1; part <= count; part++) table.placeFile(parent, `file ${part}`, fileOf(part));
  });
}

async function allEnding(table: FolderTable): Promise<readonly number[]> {
  for (let at: LeftPart | null = { left: -1, part: -1 }; at !== null; ) {
    const behind: LeftPart = at;
    at = await table.write(() => table.dropUnneeded(behind, 100));
  }
  return table.ending(1000);
}

test('B9 no statement reads all rows, however many files there are', async () => {
  using one = opened();
  const { catalog, table, asked } = one;
  const top = await table.write(() => table.addFolder(0, 'top', 1));
  const part = await table.newPart(1);
  await fill(table, top, 3);
  await table.write(() => {
    table.partPut(part, 1);
    const below = table.addFolder(top, 'below', 1);
    table.built(below, fileOf(part), 1, 1);
    table.move(below, top, 'moved');
    table.moveVersions('top', 'new');
    table.setSize(below, 1);
    table.addVersion('new', { time: 1, began: 1, cid, size: 1, attributes: null });
    table.detach(below);
  });
  table.tops();
  table.children(top, '', 10);
  table.changedIn(top);
  table.heightOf(top, 64);
  table.isWithin(top, top);
  table.hasVersion('new', cid);
  table.keptBytes();
  await table.write(() => table.sweep(10, 1));
  await allEnding(table);
  await table.dropPart(part);
  await table.partEnded(part);
  await table.dropUnfinished();
  const plans = [...asked].map((sql) => ({
    sql,
    plan: catalog.database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...Array.from(sql.matchAll(/\?/g), () => 0))
      .map(({ detail }) => String(detail)),
  }));
  assert.ok(plans.length > 20);
  assert.deepEqual(
    plans.filter(({ plan }) => plan.some((step) => /^SCAN folder_(nodes|parts)/.test(step))),
    [],
  );
});

test('B9 a large folder that was removed is cleaned up in steps, each of a bounded number of rows', async () => {
  using one = opened();
  const { catalog, table } = one;
  const top = await table.write(() => table.addFolder(0, 'top', 1));
  const files = 250;
  await fill(table, top, files);
  const rows = () => Number(catalog.database.prepare('SELECT count(*) AS count FROM folder_nodes').get()?.['count']);
  const removed = () =>
    Number(catalog.database.prepare('SELECT count(*) AS count FROM folder_nodes WHERE parent < 0').get()?.['count']);
  await table.write(() => table.detach(top));
  let before = { rows: rows(), removed: removed() };
  for (let steps = 0; before.rows > 0; steps++) {
    assert.ok(steps < 20, 'it comes to an end');
    await table.write(() => table.sweep(40, 1));
    const now = { rows: rows(), removed: removed() };
    assert.ok(before.rows - now.rows <= 40 && now.removed - before.removed <= 40, JSON.stringify({ before, now }));
    before = now;
  }
});

test('B9 a part stays while a folder needs it, though another that was built with it has gone', async () => {
  using one = opened();
  const { table } = one;
  const top = await table.write(() => table.addFolder(0, 'top', 1));
  const gone = await table.write(() => table.addFolder(top, 'gone', 1));
  const part = await table.newPart(1);
  await table.write(() => {
    table.partPut(part, 1);
    table.detach(gone);
  });
  while (await table.write(() => table.sweep(10, 1)));
  await table.write(() => {
    for (const node of [gone, top]) table.built(node, fileOf(part), 1, 1);
  });
  assert.deepEqual(await allEnding(table), []);
  await table.write(() => table.detach(top));
  while (await table.write(() => table.sweep(10, 1)));
  assert.deepEqual(await allEnding(table), [part]);
});

test('B9 levels of folders are counted by one statement, and no further than needed', async () => {
  using one = opened();
  const { table } = one;
  let at = await table.write(() => table.addFolder(0, 'top', 1));
  const top = at;
  await fill(table, top, 2);
  assert.equal(table.heightOf(top, 65), 1);
  for (let level = 2; level <= 5; level++) at = await table.write(() => table.addFolder(at, 'in', 1));
  assert.equal(table.heightOf(top, 65), 5);
  assert.equal(table.heightOf(top, 3), 3);
});
