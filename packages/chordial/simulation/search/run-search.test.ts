import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChordialError } from '../../src/errors.ts';
import { measureSearch } from './run-search.ts';

test('A16 on a simulated ring index and broadcast find everything, each peer is asked once, and flooding costs more', async () => {
  const { rows } = await measureSearch({ peers: 150, files: 1500, queries: 40, seed: 1 });
  const [words, broadcast, ...floods] = rows;
  assert.equal(words?.recall, 1);
  assert.equal(broadcast?.recall, 1);
  for (const row of rows) assert.equal(row.wrongHits, 0);
  assert.equal(broadcast.duplicates, 0);
  // A question to every other peer, its answer, and hits from peers with matches.
  assert.equal(broadcast.messages >= 2 * 149, true, `${broadcast.messages}`);
  const complete = floods.find(({ recall }) => recall === 1);
  assert.equal(complete !== undefined && complete.messages > broadcast.messages, true, JSON.stringify(floods));
  assert.equal(words.messages < broadcast.messages / 5, true, `${words.messages}`);
});

test('A16 under churn nearly everything is still found, and the same seed gives the same figures', async () => {
  const options = { peers: 100, files: 1000, queries: 30, seed: 2, churn: 1 };
  const first = await measureSearch(options);
  const second = await measureSearch(options);
  assert.deepEqual(first.rows, second.rows);
  assert.equal(first.rows[0]!.recall > 0.98, true, `${first.rows[0]!.recall}`);
  assert.equal(first.rows[1]!.recall > 0.95, true, `${first.rows[1]!.recall}`);
});

test('a search simulation without peers or with a million is refused', async () => {
  await assert.rejects(measureSearch({ peers: 0, seed: 1 }), ChordialError);
  await assert.rejects(measureSearch({ peers: 1_000_000, seed: 1 }), /give 1 to/);
});
