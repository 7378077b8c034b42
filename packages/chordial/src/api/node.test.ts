import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { markedFile, markedPart } from '../../test/fixtures/marked.ts';
import { ServedPeer, testKey } from '../../test/fixtures/served-peer.ts';

const json = { 'Content-Type': 'application/json' };

function post(served: ServedPeer, route: string, body: unknown): Promise<Response> {
  return served.fetch(route, { method: 'POST', headers: json, body: JSON.stringify(body) });
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { code: string }).code;
}

test('A10 the node shows id, neighbours, fingers and the port that is really bound', async () => {
  await using served = await ServedPeer.open();
  const node = (await (await served.fetch('/api/v1/node')).json()) as Record<string, unknown>;
  const fields = [
    'api',
    'bits',
    'clock',
    'door',
    'fingers',
    'hosts',
    'id',
    'lan',
    'listen',
    'members',
    'name',
    'network',
    'portMapping',
    'predecessor',
    'reach',
    'replicas',
  ];
  assert.deepEqual(
    Object.keys(node).sort(),
    [...fields, 'ringId', 'state', 'successors', 'virtualNodes', 'zone'].sort(),
  );
  assert.equal(node['api'], served.api.address);
});

test('A10 who polls leaves the fingers out', async () => {
  await using served = await ServedPeer.open();
  const node = (await (await served.fetch('/api/v1/node?fingers=none')).json()) as { fingers: unknown; ringId: string };
  assert.deepEqual(node.fingers, []);
  assert.equal(node.ringId, '0b');
  assert.equal(await codeOf(await served.fetch('/api/v1/node?fingers=some')), 'bad-request');
});

test('A18 peers come with the age of their last heartbeat', async () => {
  await using served = await ServedPeer.open();
  const { peers } = (await (await served.fetch('/api/v1/peers')).json()) as { peers: Record<string, unknown>[] };
  assert.equal(peers[0]?.['heartbeatAge'], 0.4);
  assert.equal((await served.fetch('/api/v1/stats')).status, 200);
});

test('A12 storage and lookup answer with the fields of the specification', async () => {
  await using served = await ServedPeer.open();
  await served.put('a', 'x');
  const storage = (await (await served.fetch('/api/v1/storage?role=primary')).json()) as Record<string, unknown>;
  assert.deepEqual(Object.keys(storage).sort(), ['blocks', 'bytes', 'cachedBlocks', 'cachedBytes', 'cursor', 'names']);
  assert.equal(await codeOf(await served.fetch('/api/v1/storage?role=other')), 'bad-request');
  const lookup = (await (await served.fetch('/api/v1/lookup/key%3A0a')).json()) as Record<string, unknown>;
  assert.deepEqual(Object.keys(lookup).sort(), ['asked', 'hops', 'key', 'milliseconds', 'owner', 'replicas']);
});

test('A3 join takes an address, and a wrong or unreachable one is told', async () => {
  await using served = await ServedPeer.open();
  assert.equal((await post(served, '/api/v1/node/join', { address: '127.0.0.1:5001' })).status, 200);
  assert.deepEqual(served.peer.joined, ['127.0.0.1:5001']);
  assert.equal(await codeOf(await post(served, '/api/v1/node/join', { address: 'nowhere' })), 'bad-address');
  assert.equal(await codeOf(await post(served, '/api/v1/node/join', { address: '127.0.0.1:9' })), 'join-failed');
  assert.equal(await codeOf(await post(served, '/api/v1/node/join', {})), 'bad-request');
  const broken = await served.fetch('/api/v1/node/join', { method: 'POST', headers: json, body: '{' });
  assert.equal(await codeOf(broken), 'bad-request');
});

test('A4 leave without a body is not forced; a forced one is carried out and announced', async () => {
  await using served = await ServedPeer.open();
  assert.equal(await codeOf(await served.fetch('/api/v1/node/leave', { method: 'POST' })), 'last-peer');
  assert.equal(served.leaves, 0);
  assert.equal((await post(served, '/api/v1/node/leave', { force: true })).status, 204);
  assert.equal(served.peer.left, 'forced');
  assert.equal(served.leaves, 1);
});

test('B7 a peer that is starting is serving but not ready', async () => {
  await using served = await ServedPeer.open();
  assert.equal((await served.fetch('/readyz')).status, 200);
  served.shown = null;
  assert.equal((await served.fetch('/healthz')).status, 200);
  assert.equal(await codeOf(await served.fetch('/readyz')), 'not-a-member');
  assert.equal(await codeOf(await served.fetch('/api/v1/node')), 'not-a-member');
  assert.equal((await served.fetch('/')).status, 200);
});

test('B6 a transfer is started, watched to its end, listed', async () => {
  await using served = await ServedPeer.open();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-test-'));
  try {
    const file = path.join(folder, 'a');
    await writeFile(file, 'hello');
    const started = await post(served, '/api/v1/transfers', {
      kind: 'put',
      name: 'a',
      key: testKey,
      ...(await markedFile(file)),
    });
    assert.equal(started.status, 201);
    const { id } = (await started.json()) as { id: string };
    const done = (await (await served.fetch(`/api/v1/transfers/${id}?wait=5000`)).json()) as Record<string, unknown>;
    assert.equal(done['state'], 'done');
    const get = { kind: 'get', name: 'a', key: testKey, ...(await markedPart(`${file}.copy`)) };
    const got = (await (await post(served, '/api/v1/transfers', get)).json()) as { id: string };
    await served.fetch(`/api/v1/transfers/${got.id}?wait=5000`);
    assert.equal(await readFile(`${file}.copy`, 'utf8'), 'hello');
    const { transfers } = (await (await served.fetch('/api/v1/transfers')).json()) as { transfers: unknown[] };
    assert.equal(transfers.length, 2);
    const paused = await served.fetch(`/api/v1/transfers/${id}`, {
      method: 'PATCH',
      headers: json,
      body: '{"state":"paused"}',
    });
    assert.equal(((await paused.json()) as { state: string }).state, 'paused');
    assert.equal((await served.fetch(`/api/v1/transfers/${id}`, { method: 'DELETE' })).status, 204);
    assert.equal(await codeOf(await served.fetch('/api/v1/transfers/t99')), 'not-found');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('A22 C3 transfers that name no path or no file, or come without the key of the user, are refused', async () => {
  await using served = await ServedPeer.open();
  const shown = { key: testKey, mark: { device: '1', inode: '1' } };
  const refused = async (body: object) => codeOf(await post(served, '/api/v1/transfers', { ...shown, ...body }));
  const plain = { kind: 'put', name: 'a', path: '/tmp/a' };
  assert.equal(await refused({ ...plain, key: 'guessed' }), 'forbidden-origin');
  for (const missing of [{ key: undefined }, { mark: undefined }])
    assert.equal(await refused({ ...plain, ...missing }), 'bad-request');
  assert.equal(await refused({ kind: 'put', name: 'a', path: 'relative' }), 'bad-request');
  assert.equal(await refused({ kind: 'put', path: '/tmp/a' }), 'bad-request');
  assert.equal(await refused({ kind: 'put', name: 'a/b', path: '/tmp/a' }), 'bad-name');
  assert.equal(await refused({ kind: 'get', cid: 'x', path: '/tmp/a' }), 'bad-cid');
  assert.equal(await refused({ kind: 'move', name: 'a', path: '/tmp/a' }), 'bad-request');
  assert.equal(await refused({ kind: 'put', name: 'a', path: '/tmp/a', surprise: true }), 'bad-request');
});

test('A12 the OpenAPI document lists the routes with their parameters', async () => {
  await using served = await ServedPeer.open();
  const document = (await (await served.fetch('/openapi.json')).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { parameters?: { name: string; in: string }[]; responses: object }>>;
  };
  assert.equal(document.openapi, '3.1.0');
  for (const [route, methods] of [
    ['/api/v1/files/{name}', ['put', 'get', 'head', 'delete']],
    ['/api/v1/files', ['get']],
    ['/api/v1/files/{name}/stat', ['get']],
    ['/api/v1/content/{cid}', ['get', 'head']],
    ['/api/v1/transfers', ['get', 'post']],
    ['/api/v1/transfers/{id}', ['get', 'patch', 'delete']],
    ['/api/v1/node', ['get']],
    ['/api/v1/node/join', ['post']],
    ['/api/v1/node/leave', ['post']],
    ['/api/v1/storage', ['get']],
    ['/api/v1/lookup/{wanted}', ['get']],
    ['/api/v1/peers', ['get']],
    ['/api/v1/events', ['get']],
    ['/download/{name}', ['get', 'head']],
    ['/healthz', ['get']],
    ['/readyz', ['get']],
  ] as const) {
    for (const method of methods) assert.ok(document.paths[route]?.[method], `${method} ${route}`);
  }
  const get = document.paths['/api/v1/files/{name}']?.['get'];
  assert.deepEqual(
    get?.parameters?.map((one) => `${one.in} ${one.name}`),
    [
      'path name',
      'query publisher',
      'query path',
      'query most',
      'query raw',
      'header X-Chordial-Passphrase',
      'header Range',
      'header If-Range',
      'header If-None-Match',
    ],
  );
});
