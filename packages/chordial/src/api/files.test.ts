import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { ServedPeer, servedToken } from '../../test/fixtures/served-peer.ts';
import { otherPublisher, smallPeerId } from '../../test/fixtures/small-peer.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';

/** Above Fastify's limit for parsed bodies, over several reads, and no multiple of anything. */
const bigBytes = 3 * 1024 * 1024 + 17;

async function problem(response: Response): Promise<{ code: string; status: number; detail: string; title: string }> {
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  const body = (await response.json()) as { code: string; status: number; detail: string; title: string; type: string };
  assert.deepEqual(Object.keys(body).sort(), ['code', 'detail', 'status', 'title', 'type']);
  assert.equal(body.status, response.status);
  return body;
}

test('A12 a program puts a file at a peer and gets it back', async () => {
  await using served = await ServedPeer.open();
  const bytes = new Uint8Array(bigBytes).map((_, index) => index * 7);
  const put = await served.put('big file.bin', bytes);
  assert.equal(put.status, 201);
  const result = (await put.json()) as Record<string, unknown>;
  assert.deepEqual(Object.keys(result).sort(), ['cid', 'copies', 'name', 'publisher', 'size']);
  assert.equal(result['size'], bigBytes);
  assert.equal(put.headers.get('location'), '/api/v1/files/big%20file.bin');
  const got = await served.fetch('/api/v1/files/big%20file.bin');
  assert.equal(got.status, 200);
  assert.deepEqual(new Uint8Array(await got.arrayBuffer()), bytes);
  assert.equal(got.headers.get('etag'), `"${result['cid']}"`);
  assert.equal(got.headers.get('content-length'), String(bigBytes));
  assert.equal(got.headers.get('accept-ranges'), 'bytes');
  assert.equal(got.headers.get('x-content-type-options'), 'nosniff');
});

test('A12 bodies of any type are taken as bytes, also JSON, and the empty one', async () => {
  await using served = await ServedPeer.open();
  const headers = { 'Content-Type': 'application/json' };
  const put = await served.fetch('/api/v1/files/a.json', { method: 'PUT', body: '{broken', headers });
  assert.equal(put.status, 201);
  assert.equal(await (await served.fetch('/api/v1/files/a.json')).text(), '{broken');
  assert.equal((await served.fetch('/api/v1/files/nothing', { method: 'PUT' })).status, 201);
  const empty = await served.fetch('/api/v1/files/nothing');
  assert.equal(empty.headers.get('content-length'), '0');
  assert.equal(await empty.text(), '');
});

test('A12 HEAD tells size, CID and publisher without the bytes', async () => {
  await using served = await ServedPeer.open();
  await served.put('a', 'hello');
  const head = await served.fetch('/api/v1/files/a', { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-length'), '5');
  assert.equal(head.headers.get('x-chordial-publisher'), smallPeerId);
  assert.equal(head.headers.get('x-chordial-type'), 'file');
  assert.equal((await served.fetch('/api/v1/files/b', { method: 'HEAD' })).status, 404);
});

test('A12 content of more than ?most= bytes is only described', async () => {
  await using served = await ServedPeer.open();
  await served.put('a', 'hello');
  const sent = await served.fetch('/api/v1/files/a?most=5');
  assert.deepEqual([sent.status, await sent.text()], [200, 'hello']);
  const told = await served.fetch('/api/v1/files/a?most=4');
  assert.deepEqual([told.status, told.headers.get('x-chordial-size'), await told.text()], [204, '5', '']);
  assert.equal(told.headers.get('x-chordial-cid'), sent.headers.get('x-chordial-cid'));
  assert.equal((await served.fetch('/api/v1/files/absent?most=4')).status, 404);
  assert.equal((await served.fetch('/api/v1/files/a?most=-1')).status, 400);
});

test('A12 a range is answered with 206, one behind the end with 416', async () => {
  await using served = await ServedPeer.open();
  await served.put('a', '0123456789');
  const ask = (range: string) => served.fetch('/api/v1/files/a', { headers: { Range: range } });
  for (const [range, text, told] of [
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=8-100', '89', 'bytes 8-9/10'],
  ] as const) {
    const part = await ask(range);
    assert.equal(part.status, 206, range);
    assert.equal(part.headers.get('content-range'), told);
    assert.equal(await part.text(), text);
  }
  const outside = await ask('bytes=10-');
  assert.equal(outside.status, 416);
  assert.equal(outside.headers.get('content-range'), 'bytes */10');
  assert.equal((await problem(outside)).code, 'range-not-satisfiable');
  for (const ignored of ['bytes=0-1,3-4', 'lines=1-2', 'bytes=5-2']) {
    const whole = await ask(ignored);
    assert.equal(whole.status, 200, ignored);
    assert.equal(await whole.text(), '0123456789');
  }
});

test('A12 conditions: 304 for the same CID, the whole when If-Range names another', async () => {
  await using served = await ServedPeer.open();
  const { cid } = (await (await served.put('a', '0123456789')).json()) as { cid: string };
  const same = await served.fetch('/api/v1/files/a', { headers: { 'If-None-Match': `W/"x", "${cid}"` } });
  assert.equal(same.status, 304);
  const other = await served.fetch('/api/v1/files/a', { headers: { 'If-None-Match': '"x"' } });
  assert.equal(other.status, 200);
  const stale = await served.fetch('/api/v1/files/a', { headers: { Range: 'bytes=0-1', 'If-Range': '"x"' } });
  assert.equal(stale.status, 200);
  const fresh = await served.fetch('/api/v1/files/a', { headers: { Range: 'bytes=0-1', 'If-Range': `"${cid}"` } });
  assert.equal(fresh.status, 206);
});

test('A7 an absent name is answered with a 404 problem that names it', async () => {
  await using served = await ServedPeer.open();
  for (const route of ['/api/v1/files/absent', '/api/v1/files/absent/stat', '/download/absent']) {
    const told = await problem(await served.fetch(route));
    assert.equal(told.code, 'not-found');
    assert.match(told.detail, /absent/);
  }
  await served.put('mine', 'x');
  const foreign = await served.fetch(`/api/v1/files/mine?publisher=${otherPublisher}`);
  assert.equal((await problem(foreign)).code, 'not-found');
});

test('A22 names that no folder could hold and CIDs that are none are refused', async () => {
  await using served = await ServedPeer.open();
  for (const name of ['a%2Fb', 'a%00b', 'a%0Ab', 'x'.repeat(256), '%F0%9F%92%A9'.repeat(64)]) {
    const told = await problem(await served.fetch(`/api/v1/files/${name}`, { method: 'PUT', body: 'x' }));
    assert.equal(told.code, 'bad-name', name);
  }
  assert.equal(served.peer.kept.size, 0);
  assert.equal((await problem(await served.fetch('/api/v1/files/%FF'))).code, 'bad-request');
  assert.equal((await problem(await served.fetch('/api/v1/content/nonsense'))).code, 'bad-cid');
  assert.equal((await problem(await served.fetch('/api/v1/files/a?unknown=1'))).code, 'bad-request');
  assert.equal((await problem(await served.fetch('/api/v1/files?limit=0'))).code, 'bad-request');
  assert.equal((await problem(await served.fetch('/api/v1/nothing'))).code, 'no-such-route');
});

test('A22 a body that is cut off publishes nothing', async () => {
  await using served = await ServedPeer.open();
  const failed = Promise.withResolvers<{ code: string }>();
  const put = served.peer.files.put.bind(served.peer.files);
  served.peer.files.put = (name, source, options) =>
    put(name, source, options).catch((error) => {
      failed.resolve(error);
      throw error;
    });
  const port = Number(new URL(served.api.url).port);
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `PUT /api/v1/files/half HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${servedToken}\r\nContent-Length: 1000\r\n\r\nonly this`,
    () => socket.end(() => socket.destroy()),
  );
  assert.equal((await failed.promise).code, 'body-cut-off');
  assert.equal(served.peer.kept.size, 0);
});

test('B1 content is read by CID in any base, and never changes', async () => {
  await using served = await ServedPeer.open();
  const { cid } = (await (await served.put('a', 'hello')).json()) as { cid: string };
  const got = await served.fetch(`/api/v1/content/${cid}`);
  assert.equal(await got.text(), 'hello');
  assert.match(got.headers.get('cache-control') ?? '', /private.*immutable/);
  assert.equal(cid, cidOfBlock(rawCodec, Buffer.from('hello')).toString());
  const named = await served.fetch(`/api/v1/content/${cid}?filename=a%20song.txt`);
  assert.equal(await named.text(), 'hello');
  assert.match(named.headers.get('content-disposition') ?? '', /filename="a song\.txt"/);
});

test('A12 a folder is listed as JSON and an entry of it is picked with path', async () => {
  await using served = await ServedPeer.open();
  const bytes = Buffer.from('inside');
  const cid = cidOfBlock(rawCodec, bytes).toString();
  const folder = cidOfBlock(rawCodec, Buffer.from('stands for a folder')).toString();
  served.peer.addFolder('photos', folder, [{ path: 'deep/a.txt', bytes, cid }]);
  const answer = await served.fetch('/api/v1/files/photos');
  assert.equal(answer.headers.get('x-chordial-size'), '6');
  const listing = (await answer.json()) as Record<string, unknown>;
  assert.deepEqual(listing, {
    name: 'photos',
    cid: folder,
    type: 'directory',
    size: 6,
    entries: [{ path: 'deep/a.txt', cid, size: 6, type: 'file' }],
  });
  const inside = await served.fetch('/api/v1/files/photos?path=deep/a.txt');
  assert.equal(await inside.text(), 'inside');
  assert.match(inside.headers.get('content-disposition') ?? '', /filename="a.txt"/);
  assert.equal(await (await served.fetch(`/api/v1/content/${folder}?path=deep/a.txt`)).text(), 'inside');
  assert.equal((await problem(await served.fetch('/api/v1/files/photos?path=deep/b'))).code, 'not-found');
});

test('A22 without a live source the answer is a problem, and a break midway breaks the connection', async () => {
  await using served = await ServedPeer.open();
  const { cid } = (await (await served.put('a', new Uint8Array(bigBytes))).json()) as { cid: string };
  served.peer.hasNoSource = true;
  assert.equal((await problem(await served.fetch('/api/v1/files/a'))).code, 'no-live-source');
  served.peer.hasNoSource = false;
  served.peer.breaksIn = cid;
  const broken = await served.fetch('/api/v1/files/a');
  await assert.rejects(broken.arrayBuffer());
  assert.deepEqual(served.bugs, []);
});

test('A12 files are listed page by page, described, removed', async () => {
  await using served = await ServedPeer.open();
  for (const name of ['a', 'b', 'c']) await served.put(name, name);
  const first = (await (await served.fetch('/api/v1/files?limit=2')).json()) as { files: unknown[]; cursor: string };
  assert.equal(first.files.length, 2);
  const second = await served.fetch(`/api/v1/files?limit=2&cursor=${first.cursor}`);
  assert.equal(((await second.json()) as { cursor: null }).cursor, null);
  const stat = (await (await served.fetch('/api/v1/files/a/stat')).json()) as Record<string, unknown>;
  for (const field of ['name', 'cid', 'size', 'blocks', 'copies', 'holders', 'publisher'])
    assert.ok(field in stat, field);
  assert.equal((await served.fetch('/api/v1/files/a', { method: 'DELETE' })).status, 204);
  assert.equal((await problem(await served.fetch('/api/v1/files/a', { method: 'DELETE' }))).code, 'not-found');
});

test('A17 /download gives what this peer publishes, under a name that cannot break out of the header', async () => {
  await using served = await ServedPeer.open();
  const name = 'naïve "quoted" ☃.txt';
  await served.put(name, 'hello');
  const got = await served.fetch(`/download/${encodeURIComponent(name)}`);
  assert.equal(await got.text(), 'hello');
  assert.equal(
    got.headers.get('content-disposition'),
    `attachment; filename="nai_ve _quoted_ _.txt"; filename*=UTF-8''${encodeURIComponent(name)}`,
  );
});
