import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Catalog } from '../storage/catalog.ts';
import { type JournalEntry, TransferJournal } from './transfer-journal.ts';

function entry(id: string, started: string, state: JournalEntry['state'] = 'running'): JournalEntry {
  const request = { kind: 'put', reference: { name: id }, path: `/${id}`, mark: { device: '1', inode: '2' } } as const;
  return { id, request, state, error: null, result: null, bytesDone: 0, bytesTotal: null, started };
}

test('A22 transfers are known again in the order of their start, each in its last state', async () => {
  const catalog = new Catalog(':memory:');
  const journal = new TransferJournal(catalog);
  await Promise.all([
    journal.save(entry('b', '2026-01-02')),
    journal.save(entry('a', '2026-01-03')),
    journal.save(entry('c', '2026-01-01')),
    journal.save(entry('b', '2026-01-02', 'paused')),
    journal.save(entry('b', '2026-01-02', 'done')),
  ]);
  await journal.forget('c');
  const again = new TransferJournal(catalog);
  assert.deepEqual(
    again.load().map(({ id, state }) => [id, state]),
    [
      ['b', 'done'],
      ['a', 'running'],
    ],
  );
  catalog.close();
});

test('case 15 what is no entry of a transfer is left out, the others are known', async () => {
  const catalog = new Catalog(':memory:');
  const journal = new TransferJournal(catalog);
  await journal.save(entry('a', '2026-01-01'));
  const whole = entry('b', '2026-01-02');
  const garbage = [null, 5, 'x', [], {}, { ...whole, request: null }, { ...whole, state: 'x' }, { ...whole, id: 'c' }];
  for (const [index, value] of garbage.entries()) await catalog.setSetting(`transfers/${index}`, value);
  await catalog.write(() =>
    catalog.database.prepare('INSERT INTO settings (name, value) VALUES (?, ?)').run('transfers/cut', '{"id":"cut'),
  );
  assert.deepEqual(
    journal.load().map(({ id }) => id),
    ['a'],
  );
  catalog.close();
});
