import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Catalog } from '../storage/catalog.ts';
import { type JournalEntry, TransferJournal } from './transfer-journal.ts';

function entry(id: string, started: string, state: JournalEntry['state'] = 'running'): JournalEntry {
  const request = { kind: 'put', reference: id, path: `/${id}`, nonce: null } as const;
  return { id, request, state, mark: null, error: null, result: null, bytesDone: 0, bytesTotal: null, started };
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

test('A22 the list that an earlier version kept becomes entries of their own', async () => {
  const catalog = new Catalog(':memory:');
  await catalog.setSetting('transfers', [entry('old', '2026-01-01'), entry('both', '2026-01-02')]);
  const journal = new TransferJournal(catalog);
  await journal.save(entry('both', '2026-01-02', 'done'));
  const known = [
    ['old', 'running'],
    ['both', 'done'],
  ];
  const shown = () => journal.load().map(({ id, state }) => [id, state]);
  assert.deepEqual(shown(), known);
  await journal.convert();
  assert.equal(catalog.setting('transfers'), undefined);
  assert.deepEqual(shown(), known);
  catalog.close();
});
