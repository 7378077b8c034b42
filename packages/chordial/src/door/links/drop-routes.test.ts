import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { OpenDoor } from '../../../test/fixtures/open-door.ts';
import { SmallLinkRecords, smallLinks } from '../../../test/fixtures/small-links.ts';
import { SmallPeer } from '../../../test/fixtures/small-peer.ts';
import { withFolder } from '../../../test/fixtures/temporary-folder.ts';
import { linkService } from './link-routes.ts';

const box = { type: 'drop', name: 'Inbox', cid: null, size: 1000, timeToLive: 3_600_000 } as const;

function withDoor(check: (door: OpenDoor, peer: SmallPeer) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const peer = await SmallPeer.open(folder);
    await using door = await OpenDoor.open([linkService], { peer });
    await check(door, peer);
    assert.deepEqual(door.bugs, []);
  });
}

const announced = (name: string, size: number) => ({
  'Tus-Resumable': '1.0.0',
  'Upload-Length': String(size),
  'Upload-Metadata': `filename ${Buffer.from(name).toString('base64')}`,
});

test('B18 a file of a terminal is taken whole, named after what it is, and not beyond the room or the length', () =>
  withDoor(async (door, peer) => {
    const { path, id } = await peer.links.createLink(box);
    const put = (name: string, body: string, headers: Record<string, string> = {}) =>
      fetch(`${door.url}${path}/${encodeURIComponent(name)}`, { method: 'PUT', body, headers });
    assert.equal((await put('a ä.txt', 'hello')).status, 201);
    assert.equal((await put('a ä.txt', 'again')).status, 201);
    assert.deepEqual([...peer.kept.keys()], ['Inbox - a ä.txt', 'Inbox - a ä (2).txt']);
    assert.equal((await put('large', 'x'.repeat(1001))).status, 413);
    assert.equal((await put('more', 'x'.repeat(991))).status, 507);
    assert.equal((await put('../x', 'x')).status, 400);
    // What curl sends to go on with a file, and bytes that are not those of the file.
    assert.equal((await put('rest', 'lo', { 'Content-Range': 'bytes 3-4/5' })).status, 400);
    assert.equal((await put('packed', 'x', { 'Content-Encoding': 'gzip' })).status, 415);
    const made = await fetch(`${door.url}/s/${id}/.uploads`, { method: 'POST', headers: announced('packed', 1) });
    const piece = { ...announced('', 0), 'Upload-Offset': '0', 'Content-Type': 'application/offset+octet-stream' };
    const place = door.url + made.headers.get('location');
    const packed = { ...piece, 'Content-Encoding': 'gzip' };
    assert.equal((await fetch(place, { method: 'PATCH', headers: packed, body: 'x' })).status, 415);
    assert.equal((await fetch(place, { method: 'DELETE', headers: piece })).status, 204);
    const form = await fetch(`${door.url}/s/${id}`, { headers: { Accept: 'text/html' } });
    const page = await form.text();
    assert.match(page, /room for 990 B/);
    assert.doesNotMatch(page, /a ä|Inbox/, 'what others sent, and where to');
    assert.match(form.headers.get('content-security-policy') ?? '', /script-src 'sha256-[^']+'; connect-src 'self'/);
    await peer.links.removeLink(id);
    assert.equal((await put('late', 'x')).status, 404);
    assert.equal(
      peer.uploads.inBox(id).every(({ result }) => result !== null),
      true,
    );
  }));

test('B18 a password is asked for by the uploads too, and uploads of one box are nothing to another or to the API', () =>
  withDoor(async (door, peer) => {
    const locked = await peer.links.createLink({ ...box, password: 'open' });
    const other = await peer.links.createLink(box);
    const create = (id: string, more: Record<string, string> = {}) =>
      fetch(`${door.url}/s/${id}/.uploads`, { method: 'POST', headers: { ...announced('a', 5), ...more } });
    assert.equal((await create(locked.id)).status, 401);
    const credentials = { Authorization: `Basic ${Buffer.from(':open').toString('base64')}` };
    const made = await create(locked.id, credentials);
    assert.equal(made.status, 201);
    const place = made.headers.get('location') ?? '';
    assert.match(place, new RegExp(`^/s/${locked.id}/\\.uploads/[0-9a-f-]{36}$`));
    const head = (route: string, more = {}) =>
      fetch(door.url + route, { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0', ...more } });
    assert.equal((await head(place)).status, 401);
    assert.equal((await head(place, credentials)).headers.get('upload-offset'), '0');
    assert.equal((await head(place.replace(locked.id, other.id))).status, 404);
    assert.equal((await create('aaaaaaaaaaaaaaaa')).status, 404);
  }));

test('B18 the box of another member is not taken here: the page says where it is', () =>
  withDoor(async (door, peer) => {
    const records = new SmallLinkRecords('another' as HostId);
    const { path, id } = await smallLinks(records, 'anna').createLink(box);
    peer.links.readLink = (wanted) => smallLinks(records, 'anna').readLink(wanted);
    const page = async () => {
      const answer = await fetch(door.url + path, { headers: { Accept: 'text/html' } });
      return [answer.status, await answer.text()] as const;
    };
    assert.equal((await page())[0], 503);
    const found = { contact: null, url: 'https://anna.example', services: ['links'], fingerprint: null };
    peer.doors = { ...peer.doors, at: async (host) => (host === ('another' as HostId) ? found : null) };
    const [status, text] = await page();
    assert.equal(status, 200);
    assert.match(text, new RegExp(`href="https://anna\\.example/s/${id}"`));
    const put = await fetch(`${door.url}${path}/x`, { method: 'PUT', body: 'x' });
    assert.equal(put.status, 404);
  }));
