import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ServedPeer } from '../../test/fixtures/served-peer.ts';

const tus = { 'Tus-Resumable': '1.0.0' };

function create(served: ServedPeer, name: string, length: number): Promise<Response> {
  const metadata = `filename ${Buffer.from(name).toString('base64')}`;
  const headers = { ...tus, 'Upload-Length': String(length), 'Upload-Metadata': metadata };
  return served.fetch('/api/v1/uploads', { method: 'POST', headers });
}

function patch(served: ServedPeer, place: string, offset: number, body: Uint8Array<ArrayBuffer>): Promise<Response> {
  const headers = { ...tus, 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' };
  return served.fetch(place, { method: 'PATCH', headers, body });
}

async function offsetOf(served: ServedPeer, place: string): Promise<number> {
  const response = await served.fetch(place, { method: 'HEAD', headers: tus });
  assert.equal(response.status, 200);
  return Number(response.headers.get('upload-offset'));
}

test('B6 an upload in pieces is put when its last byte has come, and says so', async () => {
  await using served = await ServedPeer.open();
  const bytes = randomBytes(100_000);
  const created = await create(served, 'a photo.jpg', bytes.length);
  assert.equal(created.status, 201);
  const place = created.headers.get('location') ?? '';
  assert.equal((await patch(served, place, 0, bytes.subarray(0, 60_000))).headers.get('upload-offset'), '60000');
  assert.equal(await offsetOf(served, place), 60_000);
  const wrong = await patch(served, place, 0, bytes.subarray(0, 60_000));
  assert.equal(wrong.status, 409);
  const last = await patch(served, place, 60_000, bytes.subarray(60_000));
  assert.equal(last.status, 204);
  assert.equal(last.headers.get('upload-offset'), '100000');
  assert.equal(last.headers.get('chordial-copies'), '3');
  const got = await served.fetch('/api/v1/files/a%20photo.jpg');
  assert.deepEqual(Buffer.from(await got.arrayBuffer()), bytes);
  assert.equal(await offsetOf(served, place), bytes.length);
});

test('B6 an upload that could not be published asks for its last byte again', async () => {
  await using served = await ServedPeer.open();
  const { files } = served.peer;
  const putPath = files.putPath.bind(files);
  files.putPath = () => Promise.reject(new Error('no copies'));
  const place = (await create(served, 'a', 10)).headers.get('location') ?? '';
  assert.equal((await patch(served, place, 0, Buffer.from('0123456789'))).status, 500);
  assert.equal(await offsetOf(served, place), 9);
  files.putPath = putPath;
  assert.equal((await patch(served, place, 9, Buffer.from('9'))).status, 204);
  assert.equal(await (await served.fetch('/api/v1/files/a')).text(), '0123456789');
});

test('B6 an empty file is put at once; more bytes than announced, other versions and bad names are refused', async () => {
  await using served = await ServedPeer.open();
  assert.equal((await create(served, 'empty', 0)).headers.get('upload-offset'), '0');
  assert.equal((await served.fetch('/api/v1/files/empty')).status, 200);
  assert.equal((await create(served, 'a/b', 1)).status, 400);
  const place = (await create(served, 'b', 3)).headers.get('location') ?? '';
  assert.equal((await patch(served, place, 0, Buffer.from('abcd'))).status, 413);
  assert.equal((await served.fetch(place, { method: 'HEAD', headers: { 'Tus-Resumable': '0.2' } })).status, 400);
  assert.equal((await served.fetch(place, { method: 'DELETE', headers: tus })).status, 204);
  assert.equal((await served.fetch(place, { method: 'HEAD', headers: tus })).status, 404);
});
