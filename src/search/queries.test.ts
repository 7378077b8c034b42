import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hit } from './hit.ts';
import { Queries, RunningQuery } from './queries.ts';

function query(id: string, hits: number): RunningQuery {
  const running = new RunningQuery(id, 'x', 'words', 0);
  running.add(Array.from({ length: hits }, () => ({}) as Hit));
  return running;
}

test('ended queries are forgotten, the oldest first, when there are too many or too many hits', () => {
  const queries = new Queries();
  for (const id of ['a', 'b', 'c']) {
    const running = query(id, 90_000);
    queries.add(running);
    running.finish({ failure: null, answered: 0, missed: 0 });
  }
  assert.throws(() => queries.get('a'), /Search again/);
  assert.equal(queries.get('c').hits.length, 90_000);
  const running = query('running', 1);
  queries.add(running);
  for (let count = 0; count < 70; count++) queries.add(query(`more ${count}`, 1));
  assert.equal(running.ending.signal.aborted, true, 'with none that has ended the oldest is ended');
});
