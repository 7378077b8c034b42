import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ServedPeer, servedToken } from '../../test/fixtures/served-peer.ts';

const authorization = `Authorization: Bearer ${servedToken}`;

interface Told {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

async function refused(response: Response): Promise<readonly [number, string]> {
  const { status, code, detail } = (await response.json()) as Told;
  assert.equal(status, response.status);
  assert.ok(detail.length > 40, detail);
  return [status, code];
}

function put(
  served: ServedPeer,
  headers: Record<string, string>,
  body: NonNullable<RequestInit['body']> = 'new',
  name = 'a',
): Promise<Response> {
  return served.fetch(`/api/v1/files/${name}`, { method: 'PUT', headers, body });
}

async function contentOf(served: ServedPeer, name = 'a'): Promise<string> {
  return (await served.fetch(`/api/v1/files/${name}`)).text();
}

/** The answer to a request written as it is. */
async function exchange(served: ServedPeer, request: string): Promise<string> {
  const socket = connect(Number(new URL(served.api.url).port), '127.0.0.1');
  socket.write(request);
  return text(socket);
}

test('case 12 a put under conditions changes nothing when they do not hold', async () => {
  await using served = await ServedPeer.open();
  const { cid } = (await (await served.put('a', 'old')).json()) as { cid: string };
  const failed = [412, 'precondition-failed'];
  assert.deepEqual(await refused(await put(served, { 'If-None-Match': '*' })), failed);
  assert.deepEqual(await refused(await put(served, { 'If-None-Match': `"x", W/"${cid}"` })), failed);
  assert.deepEqual(await refused(await put(served, { 'If-Match': '"x"' })), failed);
  assert.deepEqual(await refused(await put(served, { 'If-Match': `W/"${cid}"` })), failed);
  assert.deepEqual(await refused(await put(served, { 'If-Match': '*' }, 'new', 'absent')), failed);
  const { headers } = await served.fetch('/api/v1/files/a');
  const past = new Date(Date.parse(headers.get('last-modified') ?? '') - 1000).toUTCString();
  assert.deepEqual(await refused(await put(served, { 'If-Unmodified-Since': past })), failed);
  assert.equal(await contentOf(served), 'old');
  assert.equal((await served.fetch('/api/v1/files/absent')).status, 404);
  assert.equal((await put(served, { 'If-None-Match': '*' }, 'first', 'absent')).status, 201);
  assert.equal((await put(served, { 'If-None-Match': '"x"' })).status, 201);
  const etag = (await served.fetch('/api/v1/files/a')).headers.get('etag') ?? '';
  const replaced = await put(served, { 'If-Match': `"x", ${etag}`, 'If-Unmodified-Since': past }, 'newer');
  assert.equal(replaced.status, 201);
  assert.equal(await contentOf(served), 'newer');
});

test('case 12 of two puts at once that each want to be the first one is', async () => {
  await using served = await ServedPeer.open();
  const bodies = ['one', 'two', 'three', 'four'];
  const answers = await Promise.all(bodies.map((body) => put(served, { 'If-None-Match': '*' }, body)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 412, 412, 412]);
  assert.equal(await contentOf(served), bodies[answers.findIndex(({ status }) => status === 201)]);
});

test('case 12 a removal under conditions removes only what it means', async () => {
  await using served = await ServedPeer.open();
  const { cid } = (await (await served.put('a', 'old')).json()) as { cid: string };
  const remove = (headers: Record<string, string>) => served.fetch('/api/v1/files/a', { method: 'DELETE', headers });
  assert.deepEqual(await refused(await remove({ 'If-Match': '"x"' })), [412, 'precondition-failed']);
  assert.equal(await contentOf(served), 'old');
  assert.equal((await remove({ 'If-Match': `"${cid}"` })).status, 204);
});

test('case 12 a body that is a part, a form or coded is refused, and nothing is kept of it', async () => {
  await using served = await ServedPeer.open();
  assert.deepEqual(await refused(await put(served, { 'Content-Range': 'bytes 0-2/10' })), [400, 'bad-request']);
  const form = new FormData();
  form.set('file', new Blob(['bytes']), 'a.txt');
  assert.deepEqual(await refused(await put(served, {}, form)), [415, 'unsupported-type']);
  const coded = await put(served, { 'Content-Encoding': 'gzip' }, Uint8Array.from(gzipSync('bytes')));
  assert.equal(coded.headers.get('accept-encoding'), 'identity');
  assert.deepEqual(await refused(coded), [415, 'unsupported-type']);
  const head = `PUT /api/v1/files/a HTTP/1.1\r\nHost: localhost\r\n${authorization}\r\nConnection: close\r\n`;
  const both = await exchange(served, `${head}Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`);
  assert.match(both, /^HTTP\/1\.1 501 .*"code":"unsupported-coding"/s);
  assert.equal((await served.fetch('/api/v1/files/a')).status, 404);
  assert.equal((await put(served, { 'Content-Encoding': 'identity' })).status, 201);
});

test('case 12 other routes heed the same headers', async () => {
  await using served = await ServedPeer.open();
  const ask = (route: string, method: string, headers: Record<string, string>, body?: string) =>
    served.fetch(route, { method, headers, ...(body === undefined ? {} : { body }) });
  const json = { 'Content-Type': 'application/json' };
  const search = (headers: Record<string, string>) =>
    ask('/api/v1/search', 'POST', { ...json, ...headers }, '{"query":"a"}');
  assert.deepEqual(await refused(await search({ 'Content-Encoding': 'gzip' })), [415, 'unsupported-type']);
  assert.deepEqual(await refused(await search({ 'Content-Range': 'bytes 0-1/2' })), [400, 'bad-request']);
  assert.deepEqual(await refused(await search({ 'If-Match': '"x"' })), [412, 'precondition-failed']);
  const tus = { 'Tus-Resumable': '1.0.0', 'Upload-Length': '5', 'Upload-Metadata': `filename ${btoa('a')}` };
  const place = (await ask('/api/v1/uploads', 'POST', tus)).headers.get('location') ?? '';
  const piece = { ...tus, 'Upload-Offset': '0', 'Content-Type': 'application/offset+octet-stream' };
  for (const [header, value, status] of [
    ['Content-Encoding', 'gzip', 415],
    ['Content-Range', 'bytes 0-4/5', 400],
    ['If-Match', '"x"', 412],
    ['If-None-Match', '*', 412],
  ] as const) {
    assert.equal((await ask(place, 'PATCH', { ...piece, [header]: value }, 'hello')).status, status, header);
  }
  assert.equal((await ask(place, 'DELETE', { ...tus, 'If-Match': '"x"' })).status, 412);
  assert.equal((await ask(place, 'PATCH', { ...piece, 'If-Match': '*' }, 'hello')).status, 204);
  assert.deepEqual(await refused(await ask('/api/v1/node', 'GET', { 'If-Match': '"x"' })), [
    412,
    'precondition-failed',
  ]);
  assert.equal((await ask('/api/v1/files/none', 'GET', { 'If-Match': '"x"' })).status, 404);
  assert.equal((await ask('/', 'GET', { 'If-Match': '"x"' })).status, 412);
  assert.deepEqual(served.bugs, []);
});

test('case 12 a body that is refused is never asked for, one that is taken is', async () => {
  await using served = await ServedPeer.open();
  await served.put('a', 'old');
  const head = (headers: string) =>
    `PUT /api/v1/files/a HTTP/1.1\r\nHost: localhost\r\n${authorization}\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n${headers}\r\n`;
  assert.match(await exchange(served, head('If-None-Match: *\r\n')), /^HTTP\/1\.1 412 /);
  assert.match(await exchange(served, `${head('')}new`), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
  const body = '{"query":"a"}';
  const search = `POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\n${authorization}\r\nConnection: close\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  assert.match(await exchange(served, search), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
  const other = head('').replace('100-continue', 'something-else');
  assert.match(await exchange(served, `${other}new`), /^HTTP\/1\.1 417 /);
});

test('rough: onionshare#804 reading heeds If-Match, times and ranges as RFC 9110 has them', async () => {
  await using served = await ServedPeer.open();
  const { cid } = (await (await served.put('a', '0123456789')).json()) as { cid: string };
  for (const route of ['/api/v1/files/a', `/api/v1/content/${cid}`, '/download/a']) {
    const ask = async (headers: Record<string, string>, method = 'GET') => {
      const answer = await served.raw(route, headers, method);
      return [answer.status, answer.headers['content-range'] ?? answer.headers['content-length'], answer.body] as const;
    };
    assert.deepEqual(await ask({ Range: 'bytes=2-4' }, 'HEAD'), [200, '10', ''], route);
    assert.equal((await ask({ Range: 'bytes=99-' }, 'HEAD'))[0], 200);
    assert.equal((await ask({ 'If-Match': '"x"' }))[0], 412);
    assert.equal((await ask({ 'If-Match': '"x"' }, 'HEAD'))[0], 412);
    assert.equal((await ask({ 'If-Match': `"x", "${cid}"`, Range: 'bytes=0-1' }))[0], 206);
    assert.equal((await ask({ 'If-Match': `"${cid}"`, 'If-None-Match': '*' }))[0], 304);
    const far = '9'.repeat(30);
    assert.deepEqual(await ask({ Range: `bytes=8-${far}` }), [206, 'bytes 8-9/10', '89']);
    assert.deepEqual(await ask({ Range: `bytes=-${far}` }), [206, 'bytes 0-9/10', '0123456789']);
    assert.equal((await ask({ Range: `bytes=${far}-` }))[0], 416);
  }
  const { headers } = await served.fetch('/api/v1/files/a');
  const modified = headers.get('last-modified') ?? '';
  const past = new Date(Date.parse(modified) - 1000).toUTCString();
  const get = async (given: Record<string, string>) => (await served.raw('/api/v1/files/a', given)).status;
  assert.equal(await get({ 'If-Modified-Since': modified }), 304);
  assert.equal(await get({ 'If-Modified-Since': past }), 200);
  assert.equal(await get({ 'If-Modified-Since': modified, 'If-None-Match': '"x"' }), 200);
  assert.equal(await get({ 'If-Unmodified-Since': modified }), 200);
  assert.equal(await get({ 'If-Unmodified-Since': past }), 412);
  assert.equal(await get({ 'If-Unmodified-Since': 'yesterday' }), 200);
  await served.put('nothing', '');
  assert.equal((await served.raw('/api/v1/files/nothing', { Range: 'bytes=-5' })).status, 200);
});

test('rough: an empty cursor is that of the first page, in every list', async () => {
  await using served = await ServedPeer.open();
  await served.put('a', 'x');
  for (const route of [
    '/api/v1/files?limit=1',
    '/api/v1/storage?role=primary',
    `/api/v1/peers/${served.peer.status().id}/files?`,
  ]) {
    const first = await (await served.fetch(route)).json();
    assert.deepEqual(await (await served.fetch(`${route}&cursor=`)).json(), first, route);
  }
});
