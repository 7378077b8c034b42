import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, mock, type TestContext, test } from 'node:test';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { until } from '../../test/fixtures/until.ts';
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

const inMemory = ':memory:';

/** A database in memory, and time that the test lets pass. */
function atRest({ mock: mocks }: TestContext) {
  let now = 1000;
  mocks.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
  mocks.method(performance, 'now', () => now);
  const database = new DatabaseSync(inMemory);
  const commits = new GroupCommit(database, inMemory, (error) => new Error('explained', { cause: error }));
  database.exec('CREATE TABLE numbers (value INTEGER NOT NULL)');
  const insert = database.prepare('INSERT INTO numbers VALUES (?)');
  /** When the changes of each commit ran. */
  const ran: number[] = [];
  const write = (value: number) =>
    commits.write(() => {
      ran.push(now);
      return insert.run(value).changes;
    });
  const values = () =>
    database
      .prepare('SELECT value FROM numbers')
      .all()
      .map(({ value }) => value);
  const pass = (time: number) => {
    for (let passed = 0; passed < time; passed++) {
      now += 1;
      mocks.timers.tick(1);
    }
  };
  return { database, commits, write, values, ran, pass };
}

test('A1 a write alone is committed at once, those that follow together 10 ms later', async (context) => {
  const { write, ran, values, pass } = atRest(context);
  const first = write(1);
  assert.deepEqual(values(), [], 'not within the call');
  pass(1);
  assert.equal(await first, 1);
  const others = [write(2), write(3)];
  pass(8);
  others.push(write(4));
  pass(1);
  assert.deepEqual(ran, [1001]);
  pass(5);
  await Promise.all(others);
  assert.deepEqual(ran, [1001, 1011, 1011, 1011]);
  pass(9);
  const last = write(5);
  pass(1);
  await last;
  assert.equal(ran.at(-1), 1025, 'the last commit was long ago');
});

test('A1 under load commits are 25 ms apart, and 10 ms again when it is over', async (context) => {
  const { write, ran, pass } = atRest(context);
  const load = async (count: number): Promise<void> => {
    const writes = Array.from({ length: count }, (_, value) => write(value));
    pass(1);
    await Promise.all(writes);
  };
  const nextAfter = async (): Promise<number> => {
    const from = ran.at(-1)!;
    const next = write(0);
    pass(40);
    await next;
    return ran.at(-1)! - from;
  };
  await load(24);
  assert.equal(await nextAfter(), 10);
  pass(2000);
  await load(25);
  assert.equal(await nextAfter(), 25);
  pass(2000);
  await load(47);
  pass(98);
  // Half of it is forgotten after 100 ms: the next one makes 24.
  const commit = write(0);
  pass(2);
  await commit;
  assert.equal(await nextAfter(), 25);
  pass(2000);
  await load(40);
  pass(98);
  const quiet = write(0);
  pass(2);
  await quiet;
  assert.equal(await nextAfter(), 10);
});

test('A1 256 writes do not wait for one another, nor for time', async (context) => {
  const { write, ran, values, pass } = atRest(context);
  const writes = Array.from({ length: 255 }, (_, value) => write(value));
  assert.equal(ran.length, 0);
  writes.push(write(255));
  assert.equal(values().length, 256);
  writes.push(write(256));
  assert.equal(values().length, 256, 'the next waits again');
  pass(30);
  assert.equal((await Promise.all(writes)).length, 257);
  assert.equal(ran.length, 257);
});

test('A1 a write that fails is undone alone, and its caller is told why', async (context) => {
  const { commits, database, write, values, pass } = atRest(context);
  const before = write(1);
  const failing = commits.write(() => {
    database.exec('INSERT INTO numbers VALUES (2)');
    throw new Error('no');
  });
  const after = write(3);
  const told = assert.rejects(failing, /explained/);
  const seen = commits.changes;
  pass(1);
  await Promise.all([before, after, told]);
  assert.deepEqual(values(), [1, 3]);
  assert.equal(commits.changes, seen + 3, 'what was read amid it may be undone');
});

test('A1 when the whole transaction is lost every caller is told, and the next is written', async (context) => {
  const { commits, database, write, values, pass } = atRest(context);
  const first = write(1);
  const fatal = commits.write(() => {
    // As a full disk does.
    database.exec('ROLLBACK');
    throw new Error('full');
  });
  const told = Promise.all([first, fatal].map((each) => assert.rejects(each, /explained/)));
  const seen = commits.changes;
  pass(1);
  await told;
  assert.ok(commits.changes > seen);
  assert.deepEqual(values(), []);
  const next = write(2);
  pass(40);
  assert.equal(await next, 1);
  assert.deepEqual(values(), [2]);
});

test('A1 a transaction that cannot be committed is undone, and the next is written', async (context) => {
  const { commits, database, write, values, pass } = atRest(context);
  database.exec(
    'PRAGMA foreign_keys = ON; CREATE TABLE children (parent INTEGER REFERENCES parents(id) DEFERRABLE INITIALLY DEFERRED); CREATE TABLE parents (id INTEGER PRIMARY KEY)',
  );
  const failing = commits.write(() => database.exec('INSERT INTO children VALUES (7)'));
  const told = assert.rejects(failing, /explained/);
  const seen = commits.changes;
  pass(1);
  await told;
  assert.ok(commits.changes > seen + 1);
  assert.equal(database.isTransaction, false);
  const next = write(2);
  pass(40);
  await next;
  assert.deepEqual(values(), [2]);
});

test('A1 closing commits what waits; then nothing is written, and closing again does no harm', async (context) => {
  const { commits, write, ran, pass } = atRest(context);
  const written = write(1);
  commits.close();
  assert.equal(await written, 1);
  assert.throws(() => write(2), { code: 'internal' });
  commits.close();
  commits.hasRoom(true);
  pass(100);
  assert.equal(ran.length, 1);
});

test('A1 the log is folded in after 4 MB, or 16 where there is plenty of room', (context) => {
  const { commits, database } = atRest(context);
  const pages = () => database.prepare('PRAGMA wal_autocheckpoint').get()?.['wal_autocheckpoint'];
  assert.equal(pages(), 1000);
  commits.hasRoom(true);
  assert.equal(pages(), 4000);
  commits.hasRoom(false);
  assert.equal(pages(), 1000);
});

test('case 18 a flush that fails while closing is told, and no file stays open', async () => {
  await withHeldDisk(async ({ commits, flushes, insert }) => {
    const written = insert(1);
    await until(() => flushes.length === 1);
    const sync = mock.method(fs, 'fdatasyncSync', () => {
      throw new Error('EIO');
    });
    try {
      const told = assert.rejects(written, /explained/);
      commits.close();
      await told;
    } finally {
      sync.mock.restore();
    }
    assert.ok(
      fs.readdirSync('/proc/self/fd').every((file) => {
        try {
          return !fs.readlinkSync(`/proc/self/fd/${file}`).includes('some.db');
        } catch {
          return true;
        }
      }),
    );
  });
});

test('case 18 the name of the log is made durable with the first flush, and once', async () => {
  await withHeldDisk(async ({ flushes, insert }) => {
    const folders: number[] = [];
    const sync = mock.method(fs, 'fsync', (file: number, done: (error: Error | null) => void) => {
      folders.push(file);
      setImmediate(done, null);
    });
    try {
      for (const value of [0, 1]) {
        const written = insert(value);
        await until(() => flushes.length === value + 1);
        assert.equal(folders.length, value);
        flushes[value]?.resolve();
        await written;
        assert.equal(folders.length, 1);
      }
    } finally {
      sync.mock.restore();
    }
  });
});

test('case 18 closing makes the name of a log durable that no flush has made so, and only that', async (context) => {
  for (const isNamed of [false, true])
    await withHeldDisk(async ({ commits, flushes, insert }) => {
      if (isNamed) {
        const named = insert(0);
        await until(() => flushes.length === 1);
        flushes[0]?.resolve();
        await named;
      }
      const written = insert(1);
      const before = isNamed ? 1 : 0;
      await until(() => flushes.length === before + 1);
      const sync = mock.method(fs, 'fsyncSync');
      commits.close();
      sync.mock.restore();
      await written;
      assert.equal(sync.mock.callCount(), isNamed ? 0 : 1);
    });
  const { commits, write } = atRest(context);
  const sync = context.mock.method(fs, 'fsyncSync');
  const written = write(1);
  commits.close();
  await written;
  assert.equal(sync.mock.callCount(), 0, 'memory has no name');
});

describe('GroupCommit', () => {
  it('tells of a write only when the log is flushed, though it is seen before', async () => {
    await withHeldDisk(async ({ flushes, insert, values }) => {
      let told = false;
      const written = insert(1).then(() => {
        told = true;
      });
      await until(() => flushes.length === 1);
      assert.deepEqual(values(), [1]);
      assert.equal(told, false);
      flushes[0]?.resolve();
      await written;
    });
  });

  it('commits while a flush is in progress; the next flush serves all of them', async () => {
    await withHeldDisk(async ({ flushes, insert, values }) => {
      const first = insert(1);
      await until(() => flushes.length === 1);
      const second = insert(2);
      await until(() => values().length === 2);
      const third = insert(3);
      await until(() => values().length === 3);
      assert.equal(flushes.length, 1);
      flushes[0]?.resolve();
      await first;
      await until(() => flushes.length === 2);
      flushes[1]?.resolve();
      await Promise.all([second, third]);
      assert.equal(flushes.length, 2);
    });
  });

  it('durable waits for the flush of what is committed', async () => {
    await withHeldDisk(async ({ commits, flushes, insert }) => {
      await commits.durable();
      const written = insert(1);
      await until(() => flushes.length === 1);
      let isDurable = false;
      const durable = commits.durable().then(() => {
        isDurable = true;
      });
      flushes[0]?.resolve();
      await written;
      // The flush in progress may have passed it by: only the next one counts.
      await until(() => flushes.length === 2);
      assert.equal(isDurable, false);
      flushes[1]?.resolve();
      await durable;
    });
  });

  it('after a flush that failed nothing is promised any more', async () => {
    await withHeldDisk(async ({ commits, flushes, insert }) => {
      const written = insert(1);
      await until(() => flushes.length === 1);
      flushes[0]?.reject(new Error('EIO'));
      await assert.rejects(written, /explained/);
      await assert.rejects(insert(2), /explained/);
      await assert.rejects(commits.durable(), /explained/);
    });
  });

  it('close flushes what a slow flush still holds up', async () => {
    await withHeldDisk(async ({ commits, flushes, insert }) => {
      const written = insert(1);
      await until(() => flushes.length === 1);
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
