import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hit } from './hit.ts';
import { Queries, queryLine, RunningQuery } from './queries.ts';

function query(id: string, hits: number): RunningQuery {
  const running = new RunningQuery(id, 'x', 'words', 0);
  const source = { host: 'a' };
  running.add(Array.from({ length: hits }, () => ({ source }) as unknown as Hit));
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

test('A25 A23 a query that was asked, answered or forwarded is shown, newest first, and told in plain words', () => {
  const lines: string[] = [];
  const queries = new Queries((query) => lines.push(queryLine(query).text));
  const seen = { id: 'q', time: 0, query: 'summer', hash: null, responses: 1 } as const;
  queries.note({ ...seen, role: 'asked' });
  queries.note({ ...seen, role: 'answered', responses: 0 });
  queries.note({ ...seen, role: 'forwarded', query: '', responses: 2 });
  assert.deepEqual(lines, [
    'Searched for "summer": 1 hit.',
    'Answered a search for "summer": 0 hits.',
    'Passed a search for everything on to 2 peers.',
  ]);
  assert.deepEqual(
    queries.recent().map(({ role }) => role),
    ['forwarded', 'answered', 'asked'],
  );
});

test('A25 rough: one content is one row with all who have it, the verified and the usual name and the put first', () => {
  const running = new RunningQuery('id', 'x', 'words', 0);
  const hit = (host: string, isShared: boolean, name = 'a', root = 'cid') =>
    ({ name, root, size: root === 'empty' ? 0 : 1, isShared, source: { host, addresses: [] } }) as unknown as Hit;
  const [put, shared, forged] = [hit('one', false), hit('one', true), hit('two', false)];
  running.add([shared, forged]);
  running.add([hit('one', false, 'b', 'other'), put]);
  const holders = (place: number) => running.rows[place]!.map(({ source, isShared }) => `${source.host} ${isShared}`);
  assert.equal(running.rows.length, 2);
  assert.deepEqual(holders(0), ['two false', 'one false', 'one true']);
  running.verified([put, shared]);
  assert.deepEqual(holders(0), ['one false', 'one true', 'two false']);
  assert.deepEqual(running.changes, [0, 0, 1, 0, 0, 0]);
  assert.equal(running.hits.length, 4);
  running.add([hit('three', false, 'misleading'), hit('four', true, 'misleading')]);
  assert.deepEqual(holders(0).slice(0, 2), ['one false', 'one true'], 'the verified name stays');
  running.add([hit('one', false, 'p', 'empty'), hit('one', false, 'q', 'empty')]);
  assert.equal(running.rows.length, 4, 'empty files are not one');
  for (let name = 0; name < 100; name++) running.add([hit('flooder', true, `${name}`, 'flooded')]);
  running.add([hit('honest', true, 'a', 'flooded')]);
  assert.equal(running.rows[4]!.length, 5);
});
