import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { GroupCommit } from './group-commit.ts';

/** A database whose flushes wait to be let through; `flushes` holds those that wait. */
async function withHeldDisk(
  run: (held: {
    readonly commits: GroupCommit;
    readonly flushes: PromiseWithResolvers<void>[];
    readonly insert: (value: number) => Promise<unknown>;
    readonly values: () => readonly unknown[];
  }) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'some.db');
  const database = new DatabaseSync(file);
  const flushes: PromiseWithResolvers<void>[] = [];
  const commits = new GroupCommit(
    database,
    file,
    (error) => new Error('explained', { cause: error }),
    async (log) => {
      assert.ok(fs.fstatSync(log).size > 0, 'what is flushed is the log that was written');
      const flush = Promise.withResolvers<void>();
      flushes.push(flush);
      await flush.promise;
    },
  );
  database.exec('CREATE TABLE numbers (value INTEGER NOT NULL)');
  const insert = (value: number) =>
    commits.write(() => database.prepare('INSERT INTO numbers VALUES (?)').run(value).changes);
  const values = () =>
    database
      .prepare('SELECT value FROM numbers')
      .all()
      .map(({ value }) => value);
  try {
    await run({ commits, flushes, insert, values });
  } finally {
    for (const flush of flushes) flush.resolve();
    commits.close();
  }
}

async function reached(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('GroupCommit', () => {
  it('tells of a write only when the log is flushed, though it is seen before', async () => {
    await withHeldDisk(async ({ flushes, insert, values }) => {
      let told = false;
      const written = insert(1).then(() => {
        told = true;
      });
      await reached(() => flushes.length === 1);
      assert.deepEqual(values(), [1]);
      assert.equal(told, false);
      flushes[0]?.resolve();
      await written;
    });
  });

  it('commits while a flush is in progress; the next flush serves all of them', async () => {
    await withHeldDisk(async ({ flushes, insert, values }) => {
      const first = insert(1);
      await reached(() => flushes.length === 1);
      const second = insert(2);
      await reached(() => values().length === 2);
      const third = insert(3);
      await reached(() => values().length === 3);
      assert.equal(flushes.length, 1);
      flushes[0]?.resolve();
      await first;
      await reached(() => flushes.length === 2);
      flushes[1]?.resolve();
      await Promise.all([second, third]);
      assert.equal(flushes.length, 2);
    });
  });

  it('durable waits for the flush of what is committed', async () => {
    await withHeldDisk(async ({ commits, flushes, insert }) => {
      await commits.durable();
      const written = insert(1);
      await reached(() => flushes.length === 1);
      let isDurable = false;
      const durable = commits.durable().then(() => {
        isDurable = true;
      });
      flushes[0]?.resolve();
      await written;
      // The flush in progress may have passed it by: only the next one counts.
      await reached(() => flushes.length === 2);
      assert.equal(isDurable, false);
      flushes[1]?.resolve();
      await durable;
    });
  });

  it('after a flush that failed nothing is promised any more', async () => {
    await withHeldDisk(async ({ commits, flushes, insert }) => {
      const written = insert(1);
      await reached(() => flushes.length === 1);
      flushes[0]?.reject(new Error('EIO'));
      await assert.rejects(written, /explained/);
      await assert.rejects(insert(2), /explained/);
      await assert.rejects(commits.durable(), /explained/);
    });
  });

  it('close flushes what a slow flush still holds up', async () => {
    await withHeldDisk(async ({ commits, flushes, insert }) => {
      const written = insert(1);
      await reached(() => flushes.length === 1);
      commits.close();
      assert.equal(await written, 1);
    });
  });

  it('folds its log in sooner where the disk has little room', async () => {
    for (const isPlenty of [false, true]) {
      await using folder = await temporaryFolder();
      const file = path.join(folder.path, 'some.db');
      const database = new DatabaseSync(file);
      const commits = new GroupCommit(database, file, (error) => error);
      database.exec('CREATE TABLE pieces (bytes BLOB NOT NULL)');
      commits.hasRoom(isPlenty);
      const piece = new Uint8Array(512 * 1024);
      for (let count = 0; count < 16; count++)
        await commits.write(() => database.prepare('INSERT INTO pieces VALUES (?)').run(piece).changes);
      const logBytes = fs.statSync(`${file}-wal`).size;
      assert.equal(logBytes > 6 * 1024 * 1024, isPlenty, `${logBytes} bytes`);
      commits.close();
    }
  });
});
