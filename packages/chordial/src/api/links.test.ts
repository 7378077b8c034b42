import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServedPeer } from '../../test/fixtures/served-peer.ts';
import type { Link, MadeLink } from '../client/answers.ts';
import { parseLinkId } from '../links/link-address.ts';

async function call<Answer>(served: ServedPeer, method: string, route: string, body?: unknown) {
  const response = await served.fetch(route, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as Answer & { code?: string } };
}

function openDoor({ peer }: ServedPeer, services: readonly string[] = ['links']): void {
  const url = 'https://door.example:8443';
  const own = { address: '127.0.0.1:8443', url, services, tls: null, requests: 0, connections: 0 };
  const found = { contact: null, url, services, fingerprint: null };
  peer.doors = {
    own,
    at: async () => null,
    find: async (service) => [found].filter((door) => door.services.includes(service)),
  };
}

test('B13 a link is made, listed with what was fetched, and taken back', async () => {
  await using served = await ServedPeer.open();
  await served.fetch('/api/v1/files/a%20%C3%A4%26b.txt', { method: 'PUT', body: 'hello' });
  const without = await call(served, 'POST', '/api/v1/links', { name: 'a ä&b.txt' });
  assert.deepEqual([without.status, without.body.code], [409, 'no-door']);
  assert.deepEqual((await call<{ links: Link[] }>(served, 'GET', '/api/v1/links')).body.links, []);
  openDoor(served, ['gateway']);
  assert.equal((await call(served, 'POST', '/api/v1/links', { name: 'a ä&b.txt' })).body.code, 'no-door');
  openDoor(served);
  const made = await call<MadeLink>(served, 'POST', '/api/v1/links', { name: 'a ä&b.txt', times: 3 });
  assert.equal(made.status, 201);
  const { id, url, cid, created, expires } = made.body;
  assert.equal(url, `https://door.example:8443/s/${id}/a%20%C3%A4%26b.txt`);
  assert.equal(Date.parse(expires) - Date.parse(created), 7 * 86_400_000);
  const timeToLive = 60_000;
  const other = await call<MadeLink>(served, 'POST', '/api/v1/links', { cid, password: 'p', timeToLive });
  assert.equal(other.body.url, `https://door.example:8443/s/${other.body.id}`);
  const named = await call<MadeLink>(served, 'POST', '/api/v1/links', { cid, as: 'b.txt' });
  assert.equal(named.body.url, `https://door.example:8443/s/${named.body.id}/b.txt`);
  assert.equal((await call(served, 'DELETE', `/api/v1/links/${named.body.id}`)).status, 204);
  assert.equal((await call(served, 'POST', '/api/v1/links', { cid, as: 'a/b' })).body.code, 'bad-name');
  const box = await call<MadeLink>(served, 'POST', '/api/v1/links', { drop: 'Inbox', most: 1000 });
  assert.deepEqual([box.body.type, box.body.size, box.body.cid], ['drop', 1000, null]);
  const link = await served.peer.links.readLink(parseLinkId(id)!);
  served.peer.links.beginFetch(link!, true)?.ended({ bytes: 5, isComplete: true });
  const { links } = (await call<{ links: Link[] }>(served, 'GET', '/api/v1/links')).body;
  assert.deepEqual(new Set(links.map((one) => one.id)), new Set([id, other.body.id, box.body.id]));
  const listed = links.find((one) => one.id === id);
  assert.deepEqual([listed?.fetched, listed?.fetches[0]?.bytes, listed?.times], [1, 5, 3]);
  assert.equal(listed?.url, url);
  assert.equal((await call(served, 'DELETE', `/api/v1/links/${id}`)).status, 204);
  for (const gone of [id, 'no-link', 'a'.repeat(16)])
    assert.equal((await call(served, 'DELETE', `/api/v1/links/${gone}`)).body.code, 'not-found');
});

test('B18 uploads into a drop box that is taken back end with it', async () => {
  await using served = await ServedPeer.open();
  openDoor(served);
  const { uploads, dropBoxes } = served.peer;
  const [gone, open] = await Promise.all(
    ['Inbox', 'Outbox'].map(async (drop) => {
      const { id } = (await call<MadeLink>(served, 'POST', '/api/v1/links', { drop, most: 1000 })).body;
      await dropBoxes.create({ id, folder: drop, most: 1000 }, { name: 'a', size: 10, mark: null });
      return id;
    }),
  );
  assert.equal((await call(served, 'DELETE', `/api/v1/links/${gone}`)).status, 204);
  assert.deepEqual([uploads.inBox(gone!).length, uploads.inBox(open!).length], [0, 1]);
});

test('B13 what no link can be is refused', async () => {
  await using served = await ServedPeer.open();
  openDoor(served);
  await served.fetch('/api/v1/files/x', { method: 'PUT', body: 'hello' });
  const refused = async (body: unknown) => (await call(served, 'POST', '/api/v1/links', body)).body.code;
  assert.equal(await refused({ name: 'absent' }), 'not-found');
  const bad = [
    {},
    { name: 'x', drop: 'y' },
    { name: '' },
    { name: 'x', times: 0 },
    { name: 'x', timeToLive: 999 },
    { name: 'x', timeToLive: 367 * 86_400_000 },
    { name: 'x', password: '' },
    { name: 'x', password: 'x'.repeat(1025) },
    { name: 'x', most: 0 },
    { name: 'x', other: 1 },
  ];
  for (const body of bad) assert.equal(await refused(body), 'bad-request', JSON.stringify(body));
  assert.equal(await refused({ name: 'x', password: 'ä'.repeat(1000) }), 'bad-usage');
  assert.equal(await refused({ drop: 'x', times: 3 }), 'bad-usage');
  assert.equal(await refused({ drop: '../x' }), 'bad-name');
});
