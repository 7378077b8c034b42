import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { isError } from '../../test/contracts/errors.ts';
import { partPrefix } from '../content/name.ts';
import { Catalog } from './catalog.ts';
import type { Page } from './key-range.ts';
import { type RecordRow, RecordTable } from './record-table.ts';

function row(over: Partial<RecordRow> = {}): RecordRow {
  const subject = over.subject ?? new TextEncoder().encode('subject');
  const bytes = Uint8Array.of(1, 2, 3);
  return {
    kind: 'name',
    publisher: '12D3KooWa',
    subject,
    key: hash('sha256', subject, 'hex'),
    sequence: 1,
    expiry: null,
    bytes,
    ...over,
  };
}

function numbered(count: number, over: Partial<RecordRow> = {}): RecordRow[] {
  return Array.from({ length: count }, (_, i) => row({ subject: Buffer.from(`subject ${i}`), ...over }));
}

function collect<T>(page: (cursor: string | null) => Page<T>): T[] {
  const all: T[] = [];
  for (let cursor: string | null = null; ; ) {
    const { items, cursor: next } = page(cursor);
    all.push(...items);
    if (next === null) return all;
    cursor = next;
  }
}

describe('RecordTable', () => {
  let catalog: Catalog;
  let table: RecordTable;
  before(() => {
    catalog = new Catalog(':memory:');
    table = new RecordTable(catalog);
  });
  after(() => catalog.close());

  it('gives back what was put, whole', async () => {
    const put = row({ subject: Buffer.from('whole'), sequence: 1_790_000_000_123, expiry: 99 });
    assert.deepEqual(await table.put([put]), [true]);
    const found = table.find(put);
    assert.deepEqual({ ...found, subject: Buffer.from(found!.subject) }, put);
    assert.equal(table.find(row({ subject: Buffer.from('other') })), null);
  });

  it('M7 gives rows of a key in turns of their publishers, each once, however many one has', async () => {
    const key = hash('sha256', 'in turns', 'hex');
    const counts: Readonly<Record<string, number>> = { aaa: 25, bbb: 1, ccc: 10, ddd: 11 };
    for (const [publisher, count] of Object.entries(counts))
      await table.put(numbered(count, { publisher, key, kind: 'posting' }));
    const all = [...table.inTurns(key, 'posting', 10)];
    const publishers = all.map((one) => one.publisher);
    assert.equal(new Set(all.map(({ publisher, subject }) => publisher + Buffer.from(subject))).size, 47);
    assert.equal(all.length, 47);
    const first = (publisher: string, count: number) => Array.from({ length: count }, () => publisher);
    assert.deepEqual(publishers, [
      ...[...first('aaa', 10), ...first('bbb', 1), ...first('ccc', 10), ...first('ddd', 10)],
      ...[...first('aaa', 10), ...first('ddd', 1), ...first('aaa', 5)],
    ]);
    assert.deepEqual([...table.inTurns(hash('sha256', 'nothing', 'hex'), 'posting', 10)], []);
  });

  it('keeps the newest sequence, in whatever order they come and at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(1000), { minLength: 1 }), fc.uuid(), async (sequences, id) => {
        const rows = sequences.map((sequence) =>
          row({ subject: Buffer.from(id), sequence, bytes: Buffer.from(String(sequence)) }),
        );
        await Promise.all(rows.map((one) => table.put([one])));
        const found = table.find(rows[0]!);
        assert.equal(found?.sequence, Math.max(...sequences));
        assert.equal(Buffer.from(found!.bytes).toString(), String(found?.sequence));
        assert.deepEqual(await table.put([found!]), [false]);
      }),
      { numRuns: 20 },
    );
  });

  it('keeps the same bytes wherever two with one sequence come in, in whatever order', async () => {
    const identity = { subject: Buffer.from('twice'), sequence: 7 };
    const [lesser, greater] = ['a', 'b'].map((bytes) => row({ ...identity, bytes: Buffer.from(bytes) }));
    assert.deepEqual(await table.put([lesser!, greater!, lesser!, greater!]), [true, true, false, false]);
    assert.equal(Buffer.from(table.find(lesser!)!.bytes).toString(), 'b');
  });

  it('pages through a key, a publisher and an arc, each row once', async () => {
    const key = hash('sha256', 'shared', 'hex');
    const publishers = Array.from({ length: 10 }, (_, i) => `12D3KooWp${i}`);
    await table.put(publishers.map((publisher) => row({ publisher, key, kind: 'posting' })));
    await table.put(numbered(25, { publisher: '12D3KooWmany', kind: 'posting' }));
    assert.deepEqual(
      collect((cursor) => table.get(key, 'posting', cursor, 3)).map(({ publisher }) => publisher),
      publishers,
    );
    assert.equal(table.get(key, 'name', null, 3).items.length, 0);
    await table.put(numbered(9, { publisher: '12D3KooWmany', kind: 'name' }));
    const names = collect((cursor) => table.namesOf('12D3KooWmany', cursor, 4));
    assert.deepEqual([names.length, new Set(names.map(({ kind }) => kind))], [9, new Set(['name'])]);
    const part = Buffer.from(`${partPrefix}1`);
    await table.put([row({ publisher: '12D3KooWmany', kind: 'name', subject: part })]);
    assert.deepEqual(
      collect((cursor) => table.namesOf('12D3KooWmany', cursor, 4)),
      names,
      'parts of folders that change are no names that are listed',
    );
    const all = collect((cursor) => table.range('all', cursor, 7));
    assert.equal(all.length, table.count());
    const keys = all.map((one) => one.key);
    assert.deepEqual(keys, keys.toSorted());
    fc.assert(
      fc.property(fc.nat(keys.length - 1), fc.nat(keys.length - 1), (a, b) => {
        const [from, upTo] = [keys[a]!, keys[b]!];
        const found = collect((cursor) => table.range({ after: from, upTo }, cursor, 6)).map((one) => one.key);
        const turned = [...keys.filter((k) => k > from), ...keys.filter((k) => k <= from)];
        const inside =
          from < upTo ? turned.filter((k) => k > from && k <= upTo) : turned.filter((k) => k > from || k <= upTo);
        assert.deepEqual(found, inside);
      }),
    );
  });

  it('refuses cursors that are none', () => {
    for (const cursor of ['', 'x', 'a.b.c', '.....']) {
      assert.throws(() => table.namesOf('p', cursor, 5), isError('bad-request'));
      assert.throws(() => table.range('all', `${cursor}zz`, 5), isError('bad-request'));
    }
  });

  it('removes rows, and those that expired, no more at once than asked', async () => {
    const old = { publisher: '12D3KooWold', expiry: 1000 };
    await table.put([...numbered(10, { ...old, kind: 'posting' }), ...numbered(10, { ...old, kind: 'name' })]);
    assert.equal(await table.expire(999, 100), 0);
    assert.equal(await table.expire(1000, 4), 4);
    assert.equal(await table.expire(1000, 100), 6, 'names stay');
    const [one] = numbered(1, { publisher: '12D3KooWmany', kind: 'posting' });
    await table.remove([one!]);
    assert.equal(table.find(one!), null);
  });

  it('finds what is there now, whatever was found before it changed', async () => {
    const one = row({ subject: Buffer.from('asked again'), kind: 'posting', expiry: 10 });
    const sequence = () => table.find(one)?.sequence ?? null;
    const seen = [sequence()];
    await table.put([one]);
    seen.push(sequence());
    await table.put([{ ...one, sequence: 2 }]);
    seen.push(sequence());
    await table.remove([one]);
    seen.push(sequence());
    await table.put([one]);
    seen.push(sequence());
    await table.removeExactly([one]);
    seen.push(sequence());
    await table.put([one]);
    seen.push(sequence());
    await table.expire(10, 1000);
    seen.push(sequence());
    assert.deepEqual(seen, [null, 1, 2, null, 1, null, 1, null]);
  });

  it('forgets what it found inside a change that was undone', async () => {
    const one = row({ subject: Buffer.from('undone') });
    await table.put([one]);
    const undone = catalog.write(() => {
      catalog.database.exec("UPDATE records SET sequence = 9 WHERE subject = CAST('undone' AS BLOB)");
      assert.equal(table.find(one)?.sequence, 9);
      throw new Error('undone');
    });
    await assert.rejects(undone, /^Error: undone$/);
    assert.equal(table.find(one)?.sequence, 1);
  });

  it('pages through all of one publisher, of every kind, while they are removed', async () => {
    const table = new RecordTable(new Catalog(':memory:'));
    for (const kind of ['name', 'posting'])
      for (const publisher of ['a', 'b']) await table.put(numbered(7, { publisher, kind }));
    let pages = 0;
    for (let after: number | null = 0; after !== null; pages++) {
      const { rows, last } = table.ofPublisher('a', after, 4);
      await table.remove(rows);
      after = last;
    }
    assert.equal(pages, 5, 'the last one finds nothing');
    assert.deepEqual([table.countOf('a'), table.countOf('b')], [0, 14]);
  });

  it('counts the records of each publisher through replacements, removals and expiry', async () => {
    const table = new RecordTable(new Catalog(':memory:'));
    const counts = () => ['a', 'b'].map((publisher) => table.countOf(publisher));
    await table.put([
      ...numbered(3, { publisher: 'a' }),
      ...numbered(2, { publisher: 'b', kind: 'posting', expiry: 50 }),
    ]);
    assert.deepEqual(counts(), [3, 2]);
    await table.put(numbered(3, { publisher: 'a', sequence: 2 }));
    await table.put(numbered(3, { publisher: 'a', sequence: 1 }));
    assert.deepEqual(counts(), [3, 2]);
    await table.removeExactly(numbered(2, { publisher: 'a', sequence: 2 }));
    await table.expire(50, 10);
    assert.deepEqual(counts(), [1, 0]);
  });
});
