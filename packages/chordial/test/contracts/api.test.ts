/** The API against its OpenAPI document: calls every operation and validates every response, errors included. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { OpenApiDocument } from '../../src/api/open-api.ts';
import type { LinkedContent, MadeCode } from '../../src/client/answers.ts';
import { parseCode } from '../../src/codes/code.ts';
import { beginBody, confirmBody, readBegun, readTold } from '../../src/codes/code-json.ts';
import { readTarget } from '../../src/codes/code-target.ts';
import { Asking } from '../../src/codes/exchange.ts';
import { cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { createIdentity } from '../../src/network/identity.ts';
import { readCar, writeCar } from '../fixtures/dag-content.ts';
import { dataNetwork } from '../fixtures/data-network.ts';
import { markedFile } from '../fixtures/marked.ts';
import { ServedPeer, testKey } from '../fixtures/served-peer.ts';
import { otherPublisher } from '../fixtures/small-peer.ts';
import { ApiContract } from './api-contract.ts';
import { temporaryFolder } from './temporary-folder.ts';

const json = { 'Content-Type': 'application/json' };
const tus = { 'Tus-Resumable': '1.0.0' };

async function contractOf(served: ServedPeer): Promise<ApiContract> {
  return new ApiContract((await (await served.fetch('/openapi.json')).json()) as OpenApiDocument);
}

/** Calls operations and validates each response; a GET is repeated as HEAD where there is one. */
class Caller {
  readonly contract: ApiContract;
  readonly #served: ServedPeer;

  constructor(served: ServedPeer, contract: ApiContract) {
    this.#served = served;
    this.contract = contract;
  }

  async call(operation: string, status: number, given: RequestInit & { route?: string } = {}): Promise<Response> {
    const [method = '', told = ''] = operation.split(' ');
    const { route = told, ...init } = given;
    const response = await this.#served.fetch(route, { ...init, method });
    assert.equal(response.status, status, `${operation} ${route}: ${response.status}`);
    const isStream = (response.headers.get('content-type') ?? '').startsWith('text/event-stream');
    await this.contract.check(operation, isStream ? response : response.clone());
    if (isStream) await response.body?.cancel();
    const head = `HEAD ${told}`;
    // Ranges apply to GET only.
    const headStatus = status === 206 || status === 416 ? 200 : status;
    if (method === 'GET' && this.contract.operations.includes(head)) await this.call(head, headStatus, given);
    return response;
  }

  json(operation: string, status: number, body: unknown, route?: string): Promise<Response> {
    const init = { headers: json, body: JSON.stringify(body) };
    return this.call(operation, status, route === undefined ? init : { ...init, route });
  }
}

test('A12 every operation of the OpenAPI document is called and every response validated', async () => {
  await using served = await ServedPeer.open();
  const door = { url: 'http://127.0.0.1:8443', services: ['links'] };
  served.peer.doors = {
    own: { ...door, address: '127.0.0.1:8443', tls: null, requests: 0, connections: 0 },
    find: async () => [{ ...door, contact: null, fingerprint: null }],
    at: async () => null,
  };
  const caller = new Caller(served, await contractOf(served));
  const put = await caller.call('PUT /api/v1/files/{name}', 201, { route: '/api/v1/files/a%20b', body: 'hello' });
  await callCodes(caller);
  await caller.call('GET /api/v1/history', 200, { route: '/api/v1/history?of=rates&span=hour' });
  await caller.call('GET /api/v1/settings', 200);
  await caller.json('PATCH /api/v1/settings', 200, { settings: {} });
  const { cid } = (await put.json()) as { cid: string };
  const bytes: readonly (readonly [string, string])[] = [
    ['GET /api/v1/files/{name}', '/api/v1/files/a%20b'],
    ['GET /api/v1/content/{cid}', `/api/v1/content/${cid}`],
    ['GET /download/{name}', '/download/a%20b'],
  ];
  for (const [operation, route] of bytes) {
    await caller.call(operation, 200, { route });
    await caller.call(operation, 206, { route, headers: { Range: 'bytes=1-2' } });
    await caller.call(operation, 304, { route, headers: { 'If-None-Match': `"x", "${cid}"` } });
    await caller.call(operation, 416, { route, headers: { Range: 'bytes=9-' } });
    const other = await caller.call(operation, 200, { route, headers: { Range: 'bytes=1-2', 'If-Range': '"other"' } });
    assert.equal(await other.text(), 'hello');
    await caller.call(operation, 206, { route, headers: { Range: 'bytes=-2', 'If-Range': `"${cid}"` } });
  }
  await previews(caller);
  await caller.call('GET /api/v1/files', 200);
  await caller.call('GET /api/v1/files', 200, { route: '/api/v1/files?all=true&sort=copies' });
  await caller.json('POST /api/v1/content/copies', 200, { cids: [cid] });
  const again = `/api/v1/content/${cid}/put`;
  await caller.json('POST /api/v1/content/{cid}/put', 201, { name: 'a copy' }, again);
  await caller.json('POST /api/v1/content/{cid}/put', 201, { name: 'a copy' }, again);
  const files = [{ cid, name: 'one.txt' }, { name: 'a b' }];
  const zip = await caller.json('POST /api/v1/zips', 201, { name: 'two.zip', files });
  const { id } = (await zip.json()) as { id: string };
  await caller.call('GET /api/v1/zips/{id}', 200, { route: `/api/v1/zips/${id}` });
  await caller.call('GET /api/v1/zips/{id}', 404, { route: '/api/v1/zips/other' });
  const removal = await caller.json('POST /api/v1/removals', 201, { names: ['a b'], milliseconds: 60_000 });
  const { id: begun } = (await removal.json()) as { id: string };
  await caller.call('GET /api/v1/removals', 200);
  await caller.call('DELETE /api/v1/removals/{id}', 204, { route: `/api/v1/removals/${begun}` });
  await caller.call('DELETE /api/v1/removals/{id}', 404, { route: `/api/v1/removals/${begun}` });
  await caller.call('GET /api/v1/files/{name}/stat', 200, { route: '/api/v1/files/a%20b/stat' });
  await caller.call('GET /api/v1/content/{cid}/stat', 200, { route: `/api/v1/content/${cid}/stat` });
  for (const route of [
    '/api/v1/node',
    '/api/v1/storage',
    '/api/v1/peers',
    '/api/v1/stats',
    '/api/v1/ring',
    '/api/v1/ring/digest',
    '/api/v1/ring/recording',
    '/api/v1/health',
    '/api/v1/key',
  ]) {
    await caller.call(`GET ${route}`, 200);
  }
  const browsed = `/api/v1/peers/${served.peer.status().id}/files`;
  await caller.call('GET /api/v1/peers/{id}/files', 200, { route: browsed });
  await caller.call('PUT /api/v1/peers/{id}/name', 200, {
    route: `/api/v1/peers/${otherPublisher}/name`,
    headers: { 'Content-Type': 'application/json' },
    body: '{"name":"Anna"}',
  });
  await caller.call('GET /api/v1/lookup/{wanted}', 200, { route: '/api/v1/lookup/key%3A0a' });
  for (const route of ['/healthz', '/readyz', '/metrics']) await caller.call(`GET ${route}`, 200);
  await caller.call('GET /api/v1/events', 200);
  await search(caller);
  await putFolder(caller);
  await cars(caller);
  await trees(caller, served);
  await transfers(caller);
  await uploads(caller);
  await links(caller);
  await caller.json('POST /api/v1/machine/folders', 200, { path: '/', key: testKey });
  await caller.json('POST /api/v1/shares', 201, { path: '/srv/music', key: testKey });
  await caller.call('GET /api/v1/shares', 200);
  await caller.json('DELETE /api/v1/shares', 200, { path: '/srv/music' });
  await caller.call('DELETE /api/v1/files/{name}', 204, { route: '/api/v1/files/a%20b' });
  await caller.json('POST /api/v1/invites', 201, { timeToLive: 60_000 });
  await caller.json('POST /api/v1/invites', 400, { timeToLive: 1 });
  await caller.json('POST /api/v1/invites', 201, { uses: 3, rights: ['store', 'publish', 'invite'] });
  await caller.json('POST /api/v1/invites', 400, { rights: ['admin'] });
  await caller.json('POST /api/v1/invites', 201, { share: 0.05 });
  await caller.json('POST /api/v1/invites', 400, { share: 0 });
  await caller.call('GET /api/v1/invites', 200);
  await caller.call('DELETE /api/v1/invites/{invite}', 204, { route: '/api/v1/invites/an-invite' });
  await caller.call('DELETE /api/v1/invites/{invite}', 404, { route: '/api/v1/invites/another' });
  await caller.call('GET /api/v1/limits', 200);
  await caller.json('PUT /api/v1/limits', 200, { limit: '512k:2M', milliseconds: 60_000 });
  await caller.json('PUT /api/v1/limits', 200, { limit: '08:00,1M 20:00,stop' });
  await caller.json('PUT /api/v1/limits', 200, { limit: null });
  for (const limit of ['0', '', 'x'.repeat(5000), 5]) await caller.json('PUT /api/v1/limits', 400, { limit });
  await caller.json('PUT /api/v1/limits', 400, { limit: null, milliseconds: 60_000 });
  await caller.call('GET /api/v1/members', 200);
  const member = '/api/v1/members/other';
  await caller.call('DELETE /api/v1/members/{member}', 200, { route: `${member}?purge=true&admitted=false` });
  await caller.call('DELETE /api/v1/members/{member}', 404, { route: '/api/v1/members/unknown' });
  for (const [body, status] of [
    ['{"publish":false,"share":null}', 200],
    ['{"share":2}', 400],
  ] as const) {
    const headers = { 'Content-Type': 'application/json' };
    await caller.call('PATCH /api/v1/members/{member}', status, { route: member, headers, body });
  }
  await caller.call('PUT /api/v1/members/{member}/admission', 200, { route: `${member}/admission` });
  await caller.call('PUT /api/v1/members/{member}/admin', 200, { route: `${member}/admin` });
  await caller.call('DELETE /api/v1/members/{member}/admin', 200, { route: `${member}/admin` });
  await caller.json('POST /api/v1/members/recovery', 200, { key: 'right' });
  await caller.json('POST /api/v1/members/recovery', 400, { key: 'wrong' });
  await caller.call('GET /api/v1/proof', 200, { route: `/api/v1/proof?nonce=${'ab'.repeat(32)}` });
  const { token } = (await (await caller.call('POST /api/v1/session/links', 201)).json()) as { token: string };
  await caller.json('POST /api/v1/session', 204, { token });
  await caller.json('POST /api/v1/session', 401, { token });
  await caller.call('DELETE /api/v1/session', 204);
  await caller.json('POST /api/v1/node/join', 200, { address: '127.0.0.1:5001' });
  await caller.json('POST /api/v1/node/leave', 204, { force: true });
  assert.deepEqual(
    caller.contract.operations.filter((operation) => !caller.contract.called.has(operation)),
    [],
    'operations that no one called',
  );
  assert.deepEqual(served.bugs, []);
});

async function search(caller: Caller): Promise<void> {
  const started = await caller.json('POST /api/v1/search', 201, { query: 'a' });
  const { queryId } = (await started.json()) as { queryId: string };
  const route = `/api/v1/search/${queryId}`;
  const found = (await (await caller.call('GET /api/v1/search/{queryId}', 200, { route })).json()) as { total: number };
  assert.equal(found.total, 1);
  await caller.call('GET /api/v1/search/{queryId}', 200, { route, headers: { Accept: 'text/event-stream' } });
}

async function trees(caller: Caller, served: ServedPeer): Promise<void> {
  const network = await dataNetwork(1, {}, { rule: { replicas: 1, writeQuorum: 1 } });
  try {
    served.peer.trees = network.peers[0]!.trees;
    const route = '/api/v1/trees/notes';
    const operation = 'PUT /api/v1/trees/{name}';
    await caller.call(operation, 201, { route: `${route}?path=a/b.txt&modified=1000`, body: 'b' });
    const put = await caller.call(operation, 200, {
      route: `${route}?path=a/b.txt&executable=true`,
      body: 'b, changed',
    });
    const headers = { 'If-Match': '"other"' };
    await caller.call(operation, 412, { route: `${route}?path=a/b.txt`, headers, body: 'b' });
    const found = await caller.call('GET /api/v1/trees/{name}', 200, { route: `${route}?path=a&limit=1` });
    const { entries } = (await found.json()) as { entries: readonly { cid: string }[] };
    assert.equal(put.headers.get('etag'), `"${entries[0]?.cid}"`);
    const change = 'POST /api/v1/trees/{name}';
    await caller.json(change, 204, { action: 'create', path: 'c' }, route);
    await caller.json(change, 204, { action: 'copy', path: 'a', to: 'notes/c/a' }, route);
    await caller.json(change, 400, { action: 'move', path: 'a' }, route);
    await caller.json(change, 409, { action: 'move', path: 'a', to: 'notes/c' }, route);
    await caller.call('DELETE /api/v1/trees/{name}', 204, { route: `${route}?path=a` });
    await network.peers[0]!.trees.published('notes');
    await caller.call('GET /api/v1/trees/{name}/versions', 200, { route: `${route}/versions` });
    const restore = 'POST /api/v1/trees/{name}/restore';
    await caller.json(restore, 200, { time: new Date().toISOString() }, `${route}/restore`);
    await caller.json(restore, 404, { time: '2000-01-01' }, `${route}/restore`);
    await caller.json(restore, 400, { time: 'yesterday' }, `${route}/restore`);
  } finally {
    await network.close();
  }
}

async function previews(caller: Caller): Promise<void> {
  const body = Buffer.from('GIF89a\x01\0\x01\0..', 'latin1');
  const put = await caller.call('PUT /api/v1/files/{name}', 201, { route: '/api/v1/files/dot.txt', body });
  const { cid } = (await put.json()) as { cid: string };
  const route = `/api/v1/previews/${cid}`;
  await caller.call('GET /api/v1/previews/{cid}', 200, { route });
  const bytes = { route: `${route}/bytes?filename=dot.txt` };
  const operation = 'GET /api/v1/previews/{cid}/bytes';
  await caller.call(operation, 200, bytes);
  await caller.call(operation, 206, { ...bytes, headers: { Range: 'bytes=1-2' } });
  await caller.call(operation, 304, { ...bytes, headers: { 'If-None-Match': `"${cid}"` } });
  await caller.call(operation, 416, { ...bytes, headers: { Range: 'bytes=99-' } });
}

async function putFolder(caller: Caller): Promise<void> {
  const body = Buffer.concat([
    Buffer.from('{"path":"x","type":"file"}\n'),
    Buffer.from([0, 0, 0, 1]),
    Buffer.from('x'),
  ]);
  const end = Buffer.from([0, 0, 0, 0, ...Buffer.from('{"end":true}\n')]);
  const headers = { 'Content-Type': 'application/octet-stream' };
  const route = '/api/v1/folders/folder';
  const put = await caller.call('PUT /api/v1/folders/{name}', 201, {
    route,
    headers,
    body: Buffer.concat([body, end]),
  });
  const { cid } = (await put.json()) as { cid: string };
  await caller.call('GET /api/v1/content/{cid}/entries', 200, { route: `/api/v1/content/${cid}/entries?page=1` });
  await caller.call('PUT /api/v1/folders/{name}', 400, { route, headers, body });
}

async function cars(caller: Caller): Promise<void> {
  const bytes = Buffer.from('hello');
  const leaf = { cid: cidOfBlock(rawCodec, bytes), bytes };
  const headers = { 'Content-Type': 'application/vnd.ipld.car' };
  const asked = { route: '/api/v1/cars/imported', headers };
  await caller.call('PUT /api/v1/cars/{name}', 201, { ...asked, body: writeCar([leaf.cid], [leaf]) });
  await caller.call('PUT /api/v1/cars/{name}', 400, { ...asked, body: Buffer.from('no CAR') });
  const route = `/api/v1/content/${leaf.cid}/car`;
  const exported = await caller.call('GET /api/v1/content/{cid}/car', 200, { route });
  assert.deepEqual(readCar(Buffer.from(await exported.arrayBuffer())).cids, [leaf.cid.toString()]);
}

async function transfers(caller: Caller): Promise<void> {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'a');
  await writeFile(file, 'hello');
  const started = await caller.json('POST /api/v1/transfers', 201, {
    kind: 'put',
    name: 'c',
    key: testKey,
    ...(await markedFile(file)),
  });
  const { id } = (await started.json()) as { id: string };
  const route = `/api/v1/transfers/${id}`;
  await caller.call('GET /api/v1/transfers/{id}', 200, { route: `${route}?wait=5000` });
  await caller.call('GET /api/v1/transfers', 200);
  await caller.json('PATCH /api/v1/transfers/{id}', 200, { state: 'paused' }, route);
  await caller.call('DELETE /api/v1/transfers/{id}', 204, { route });
}

async function links(caller: Caller): Promise<void> {
  const made = await caller.json('POST /api/v1/links', 201, { name: 'a b' });
  const { id } = (await made.json()) as { id: string };
  await caller.call('GET /api/v1/links', 200);
  await caller.call('GET /api/v1/links/{id}/content', 200, { route: `/api/v1/links/${id}/content` });
  await caller.call('DELETE /api/v1/links/{id}', 204, { route: `/api/v1/links/${id}` });
  await caller.call('GET /api/v1/links/{id}/content', 404, { route: `/api/v1/links/${id}/content` });
  const token = await caller.json('POST /api/v1/tokens', 201, { for: 'dav', readOnly: true });
  const route = `/api/v1/tokens/${((await token.json()) as { id: string }).id}`;
  await caller.call('GET /api/v1/tokens', 200);
  await caller.call('DELETE /api/v1/tokens/{id}', 204, { route });
  const { text } = (await (await caller.json('POST /api/v1/key/export', 200, { key: testKey })).json()) as {
    text: string;
  };
  await caller.json('POST /api/v1/key/export', 403, { key: 'of another user' });
  await caller.json('POST /api/v1/key/import', 200, { key: testKey, text });
  await caller.json('POST /api/v1/codes', 201, { name: 'a b' });
  const zeros = (bytes: number) => Buffer.alloc(bytes).toString('base64url');
  const session = { session: zeros(16), point: zeros(32), turn: { sender: 0, guardian: 0 } };
  await caller.json('POST /api/v1/codes/{number}', 404, session, '/api/v1/codes/999');
  const confirm = { guardian: createIdentity().host, exchange: zeros(16), confirmation: zeros(64) };
  await caller.json('POST /api/v1/codes/{number}/confirm', 503, confirm, '/api/v1/codes/999/confirm');
}

async function uploads(caller: Caller): Promise<void> {
  await caller.call('OPTIONS /api/v1/uploads', 204);
  const metadata = { 'Upload-Length': '5', 'Upload-Metadata': `filename ${btoa('d')}` };
  const create = () => caller.call('POST /api/v1/uploads', 201, { headers: { ...tus, ...metadata } });
  const route = (await create()).headers.get('location') ?? '';
  await caller.call('HEAD /api/v1/uploads/{upload}', 200, { route, headers: tus });
  const pieces = { ...tus, 'Upload-Offset': '0', 'Content-Type': 'application/offset+octet-stream' };
  await caller.call('PATCH /api/v1/uploads/{upload}', 415, { route, headers: { ...pieces, ...json }, body: 'hello' });
  await caller.call('PATCH /api/v1/uploads/{upload}', 204, { route, headers: pieces, body: 'hello' });
  const other = (await create()).headers.get('location') ?? '';
  await caller.call('DELETE /api/v1/uploads/{upload}', 204, { route: other, headers: tus });
}

test('A22 wrong methods, types, sizes and values get problem documents with their own codes', async () => {
  await using served = await ServedPeer.open();
  const refused = async (route: string, init: RequestInit): Promise<readonly unknown[]> => {
    const response = await served.fetch(route, init);
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
    const { code, status } = (await response.json()) as { code: string; status: number };
    assert.equal(status, response.status);
    return [status, code, response.headers.get('allow')];
  };
  const post = (headers: Record<string, string>, body: string): RequestInit => ({ method: 'POST', headers, body });
  assert.deepEqual(await refused('/api/v1/node', { method: 'DELETE' }), [405, 'method-not-allowed', 'GET, HEAD']);
  const methods = 'DELETE, GET, HEAD, PUT';
  assert.deepEqual(await refused('/api/v1/files/a', { method: 'PATCH' }), [405, 'method-not-allowed', methods]);
  assert.deepEqual(await refused('/api/v1/events', { method: 'PUT' }), [405, 'method-not-allowed', 'GET']);
  assert.deepEqual(await refused('/api/v1/nothing', {}), [404, 'no-such-route', null]);
  assert.deepEqual(await refused('/api/v1/search', post({ 'Content-Type': 'text/xml' }, '<a/>')), [
    415,
    'unsupported-type',
    null,
  ]);
  assert.deepEqual(await refused('/api/v1/search', post(json, `"${'x'.repeat(70_000)}"`)), [413, 'too-large', null]);
  assert.deepEqual(await refused('/api/v1/search', post(json, '{"query":1,')), [400, 'bad-request', null]);
  assert.deepEqual(await refused('/api/v1/files?limit=0', {}), [400, 'bad-request', null]);
  assert.deepEqual(await refused('/api/v1/files/absent', {}), [404, 'not-found', null]);
  assert.equal((await served.raw('/api/v1/events', {}, 'HEAD')).status, 405);
});

test('the pages of a list follow by cursor and omit nothing', async () => {
  await using served = await ServedPeer.open();
  for (const name of ['a', 'b', 'c', 'd', 'e']) await served.put(name, name);
  const names: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await (await served.fetch(`/api/v1/files?limit=2${after}`)).json()) as {
      files: { name: string }[];
      cursor: string | null;
    };
    assert.equal(page.files.length <= 2, true);
    names.push(...page.files.map(({ name }) => name));
    cursor = page.cursor;
  }
  assert.deepEqual(names, ['a', 'b', 'c', 'd', 'e']);
});

test('B7 metrics are in Prometheus format, and labels have bounded values', async () => {
  await using served = await ServedPeer.open();
  await served.put('secret name', 'x');
  const response = await served.fetch('/metrics');
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  const sample = /^[a-z_]+(\{[a-z]+="[a-z0-9.-]+"(,[a-z]+="[a-z0-9.-]+")*\})? -?[0-9.e+-]+$/;
  const lines = text.split('\n').filter((line) => line !== '');
  for (const line of lines) assert.equal(/^# (HELP|TYPE) [a-z_]+ ./.test(line) || sample.test(line), true, line);
  assert.match(text, /^chordial_stored_blocks 1$/m);
  assert.match(text, /^chordial_http_requests_total\{status="2xx"\} 1$/m);
  assert.equal(text.includes('secret'), false);
  assert.equal(text.includes(served.peer.status().id), false);
  served.shown = null;
  const starting = await (await served.fetch('/metrics')).text();
  assert.match(starting, /^chordial_member 0$/m);
});

/** From the code of a file to what it leads to, as `receive` goes. */
async function callCodes(caller: Caller): Promise<void> {
  const body = { name: 'a b', as: 'b.txt', timeToLive: 60_000, times: 3 };
  const made = (await (await caller.json('POST /api/v1/codes', 201, body)).json()) as MadeCode;
  await caller.json('POST /api/v1/codes', 404, { name: 'no such file' });
  const { code } = parseCode(made.code);
  const asking = new Asking(code, randomBytes);
  const begin = beginBody(asking.question, { sender: 0, guardian: 0 });
  const route = `/api/v1/codes/${code.number}`;
  const begun = readBegun(await (await caller.json('POST /api/v1/codes/{number}', 200, begin, route)).json());
  await caller.json('POST /api/v1/codes/{number}', 404, begin, `/api/v1/codes/${(code.number % 999) + 1}`);
  const confirmed = confirmBody(begun, asking.confirm(begun, begun.pointBytes)!);
  const confirm = 'POST /api/v1/codes/{number}/confirm';
  const told = readTold(await (await caller.json(confirm, 200, confirmed, `${route}/confirm`)).json());
  const target = readTarget(asking.open(told) ?? new Uint8Array(0));
  assert.equal(target?.path, made.link.path);
  const wrong = new Asking({ ...code, words: 'zoo-zoo-zoo' }, randomBytes);
  const again = readBegun(
    await (await caller.json('POST /api/v1/codes/{number}', 200, beginBody(wrong.question, begin.turn), route)).json(),
  );
  await caller.json(confirm, 403, confirmBody(again, wrong.confirm(again, again.pointBytes)!), `${route}/confirm`);
  const content = 'GET /api/v1/links/{id}/content';
  const given = { route: `/api/v1/links/${made.link.id}/content` };
  const shown = (await (await caller.call(content, 200, given)).json()) as LinkedContent;
  assert.deepEqual([shown.name, shown.sealed], ['b.txt', null]);
  await caller.call(content, 404, { route: '/api/v1/links/aaaaaaaaaaaaaaaa/content' });
}
