/** What is done with lists of files: ZIPs, removals with a way back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServedPeer } from '../../test/fixtures/served-peer.ts';
import { until } from '../../test/fixtures/until.ts';

async function post(served: ServedPeer, route: string, body: unknown): Promise<Response> {
  const headers = { 'Content-Type': 'application/json' };
  return served.fetch(route, { method: 'POST', headers, body: JSON.stringify(body) });
}

interface Zip {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  readonly entries: number;
}

test('A12 files are fetched as one ZIP of a length known before, and what is wrong is said before it begins', async () => {
  await using served = await ServedPeer.open();
  const cids: string[] = [];
  for (const [name, text] of [
    ['one.txt', 'first'],
    ['two.txt', 'second'],
  ] as const)
    cids.push(((await (await served.put(name, text)).json()) as { cid: string }).cid);
  const [first = ''] = cids;
  const files = [{ cid: first, name: 'One.txt' }, { name: 'one.txt' }, { cid: cids[1], name: 'x/../y' }];
  const refused = await post(served, '/api/v1/zips', { files });
  assert.deepEqual([refused.status, ((await refused.json()) as { code: string }).code], [400, 'bad-name']);
  const made = await post(served, '/api/v1/zips', { files: files.slice(0, 2) });
  assert.equal(made.status, 201);
  const zip = (await made.json()) as Zip;
  assert.deepEqual([zip.name, zip.entries], ['One.txt.zip', 2]);
  const head = await served.fetch(`/api/v1/zips/${zip.id}`, { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), String(zip.bytes));
  for (let time = 0; time < 2; time += 1) {
    const got = await served.fetch(`/api/v1/zips/${zip.id}`);
    assert.equal(got.headers.get('content-type'), 'application/zip');
    const bytes = Buffer.from(await got.arrayBuffer());
    assert.equal(bytes.length, zip.bytes);
    for (const part of ['One.txt', 'one (2).txt', 'first']) assert.ok(bytes.includes(part), part);
  }
  assert.equal((await served.stranger(`/api/v1/zips/${zip.id}`)).status, 401);
  assert.equal((await post(served, '/api/v1/zips', { files: [{ name: 'none.txt' }] })).status, 404);
  for (const bad of [{}, { files: [] }, { files: [{}] }, { files: [{ cid: 'no CID', name: 'a' }] }])
    assert.equal((await post(served, '/api/v1/zips', bad)).status, 400, JSON.stringify(bad));
  const many = Array.from({ length: 2001 }, () => ({ cid: first }));
  assert.equal((await post(served, '/api/v1/zips', { files: many })).status, 400);
});

test('A12 a removal waits, is undone whole, and leaves what was put under the name since', async () => {
  await using served = await ServedPeer.open();
  for (const name of ['a', 'b', 'c']) await served.put(name, `text of ${name}`);
  const remove = (names: readonly string[], milliseconds: number) =>
    post(served, '/api/v1/removals', { names, milliseconds });
  const list = async () =>
    (
      (await (await served.fetch('/api/v1/removals')).json()) as {
        removals: { id: string; names: string[]; state: string; failures: { name: string }[] }[];
      }
    ).removals;
  assert.equal((await remove(['a', 'other'], 60_000)).status, 404);
  assert.deepEqual(await list(), [], 'all or none');
  const { id } = (await (await remove(['a', 'b', 'a'], 60_000)).json()) as { id: string };
  assert.deepEqual((await list())[0]?.names.sort(), ['a', 'b']);
  const undo = () => served.fetch(`/api/v1/removals/${id}`, { method: 'DELETE' });
  assert.equal((await undo()).status, 204);
  assert.equal((await undo()).status, 404);
  assert.equal((await served.fetch('/api/v1/files/a')).status, 200);
  const begun = await remove(['a', 'c'], 300);
  assert.equal(begun.status, 201);
  await served.put('c', 'another text');
  await until('it is carried out', async () => (await list())[0]?.state === 'failed');
  assert.deepEqual(
    (await list())[0]?.failures.map(({ name }) => name),
    ['c'],
    'it says what stays',
  );
  assert.equal((await served.fetch('/api/v1/files/a')).status, 404);
  assert.equal(await (await served.fetch('/api/v1/files/c')).text(), 'another text');
  for (let count = 0; count < 32; count += 1) assert.equal((await remove(['b'], 60_000)).status, 201);
  assert.equal((await remove(['b'], 60_000)).status, 503);
});
