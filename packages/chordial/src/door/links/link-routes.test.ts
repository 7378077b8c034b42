import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { SmallPeer } from '../../../test/fixtures/small-peer.ts';
import { cidOfBlock, parseCid, rawCodec } from '../../content/cid.ts';
import type { LinkId } from '../../links/link-address.ts';
import type { LinkWish, MadeLink } from '../../links/links.ts';
import { type RunningDoor, startDoor } from '../door.ts';
import { linkService } from './link-routes.ts';

const day = 86_400_000;
const person = { Accept: 'text/html,*/*;q=0.8' };
const header = '89504e470d0a1a0a0000000d494844520000010000000100';
const png = Buffer.concat([Buffer.from(header, 'hex'), Buffer.alloc(300_000, 5)]);

/** A door over a peer without a ring. */
class OpenDoor implements AsyncDisposable {
  readonly peer: SmallPeer;
  readonly bugs: Error[];
  readonly #door: RunningDoor;
  readonly #folder: string;

  private constructor(peer: SmallPeer, door: RunningDoor, { folder, bugs }: { folder: string; bugs: Error[] }) {
    this.peer = peer;
    this.#door = door;
    this.#folder = folder;
    this.bugs = bugs;
  }

  static async open(): Promise<OpenDoor> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-test-'));
    const peer = await SmallPeer.open(folder);
    const bugs: Error[] = [];
    const listen = { host: '127.0.0.1', port: 0 };
    const door = await startDoor({ listen, services: [linkService], peer: () => peer, onBug: (bug) => bugs.push(bug) });
    return new OpenDoor(peer, door, { folder, bugs });
  }

  async link(name: string, bytes: Uint8Array, more: Partial<LinkWish> = {}): Promise<MadeLink> {
    const { cid, size } = await this.peer.files.put(name, [bytes] as unknown as AsyncIterable<Uint8Array>);
    return this.peer.links.createLink({ type: 'file', name, cid: parseCid(cid), size, timeToLive: day, ...more });
  }

  async linkFolder(name: string, files: Readonly<Record<string, string>>): Promise<MadeLink> {
    const cid = cidOfBlock(rawCodec, Buffer.from(name));
    const entries = Object.entries(files).map(([one, content]) => {
      const bytes = Buffer.from(content);
      return { path: one, bytes, cid: cidOfBlock(rawCodec, bytes).toString() };
    });
    this.peer.addFolder(name, cid.toString(), entries);
    return this.peer.links.createLink({ type: 'directory', name, cid, size: 99, timeToLive: day });
  }

  get(route: string, headers: Record<string, string> = {}, init: RequestInit = {}): Promise<Response> {
    return fetch(this.#door.shown().url + route, { redirect: 'manual', headers, ...init });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#door.close();
    await rm(this.#folder, { recursive: true });
    assert.deepEqual(this.bugs, []);
  }
}

async function page(response: Response): Promise<string> {
  assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
  return response.text();
}

test('B13 a link is a page for people and bytes for programs, whole, by range and unchanged', async () => {
  await using door = await OpenDoor.open();
  const { path: at, id } = await door.link('summer “photo”.png', png);
  const shown = await page(await door.get(at, person));
  for (const part of ['summer “photo”.png', '300 kB', 'small sent you', '<img src="', `${at}?download`, 'curl -L -o'])
    assert.ok(shown.includes(part), part);
  assert.equal(shown.includes('<script'), false);
  for (const route of [at, `/s/${id}`, `${at}?download`]) {
    const whole = await door.get(route, route.endsWith('?download') ? person : {});
    assert.deepEqual(Buffer.from(await whole.arrayBuffer()), png, route);
    assert.equal(whole.headers.get('content-type'), 'application/octet-stream');
    assert.match(
      whole.headers.get('content-disposition') ?? '',
      /^attachment; filename=".*"; filename\*=UTF-8''summer%20/,
    );
    assert.match(whole.headers.get('content-security-policy') ?? '', /^sandbox/);
  }
  const head = await door.get(at, {}, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(png.length)]);
  const tag = head.headers.get('etag') ?? '';
  const rest = await door.get(at, { Range: 'bytes=300000-', 'If-Range': tag });
  assert.equal(rest.status, 206);
  assert.deepEqual(Buffer.from(await rest.arrayBuffer()), png.subarray(300_000));
  assert.equal((await door.get(at, { Range: 'bytes=300000-', 'If-Range': '"other"' })).status, 200);
  assert.equal((await door.get(at, { Range: `bytes=${png.length}-` })).status, 416);
  assert.equal((await door.get(at, { 'If-None-Match': tag })).status, 304);
  const view = await door.get(`${at}?view`);
  assert.equal(view.headers.get('content-type'), 'image/png');
  assert.match(view.headers.get('content-disposition') ?? '', /^inline/);
  assert.equal((await door.get(`/s/${id}/other.png`)).status, 404);
  assert.equal((await door.get(`${at}/below`)).status, 404);
});

test('B13 HTML is shown as its source and never sent as HTML', async () => {
  await using door = await OpenDoor.open();
  const { path: at } = await door.link('<b>.html', Buffer.from('<script>alert(1)</script>'));
  const shown = await page(await door.get(at, person));
  assert.ok(shown.includes('&#60;script&#62;alert(1)'));
  assert.equal(shown.includes('<b>.html') || shown.includes('<script>alert'), false);
  for (const query of ['?view', '?download', ''])
    assert.equal((await door.get(at + query)).headers.get('content-type'), 'application/octet-stream');
});

test('B13 a folder is listed, its files are single, and all of it is one ZIP that breaks when a file breaks', async () => {
  await using door = await OpenDoor.open();
  const { path: at } = await door.linkFolder('my folder', { 'a.txt': 'bytes of a', 'b & c.txt': 'bytes of b' });
  const listing = await page(await door.get(at, person));
  assert.ok(
    listing.includes(`${at}/b%20%26%20c.txt`) && listing.includes('b &#38; c.txt') && listing.includes('2 entries'),
  );
  assert.ok((await page(await door.get(`${at}.zip`, person))).includes('Download all as ZIP'));
  assert.equal(await (await door.get(`${at}/a.txt`)).text(), 'bytes of a');
  assert.ok((await page(await door.get(`${at}/a.txt`, person))).includes('bytes of a'));
  assert.equal((await door.get(`${at}/c.txt`)).status, 404);
  for (const route of [`${at}.zip`, at]) {
    const zip = await door.get(route);
    assert.equal(zip.headers.get('content-type'), 'application/zip');
    assert.match(zip.headers.get('content-disposition') ?? '', /my folder\.zip"/);
    const bytes = Buffer.from(await zip.arrayBuffer());
    assert.equal(Number(zip.headers.get('content-length')), bytes.length);
    assert.ok(bytes.includes('my folder/b & c.txt') && bytes.includes('bytes of a'));
  }
  const large = 'large '.repeat(60_000);
  const breaking = await door.linkFolder('breaking', { large, small: '' });
  door.peer.breaksIn = cidOfBlock(rawCodec, Buffer.from(large)).toString();
  const broken = await door.get(`${breaking.path}.zip`);
  assert.equal(broken.status, 200);
  await assert.rejects(broken.arrayBuffer());
  door.peer.hasNoSource = true;
  const away = await door.get(`${at}.zip`);
  assert.equal(away.status, 503);
  assert.match(await away.text(), /Those who keep it cannot be reached now/);
});

test('B13 unknown, taken back, expired, malformed and foreign look alike', async () => {
  await using door = await OpenDoor.open();
  const gone = await door.link('gone.txt', Buffer.from('1'));
  await door.peer.links.removeLink(gone.id);
  const short = await door.link('short.txt', Buffer.from('2'), { timeToLive: 1000 });
  assert.equal((await door.get(short.path)).status, 200);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const known = await door.link('known.txt', Buffer.from('3'));
  const long = `/s/${'a'.repeat(5000)}`;
  const seen = new Set<string>();
  const { id } = known;
  for (const route of [
    gone.path,
    short.path,
    '/s/aaaaaaaaaaaaaaaa',
    '/s/x',
    `/s/${id}/wrong`,
    '/s/%00',
    '/s/%ff',
    long,
    '/nothing',
  ]) {
    const answer = await door.get(route, person);
    assert.equal(answer.status, 404, route);
    seen.add(JSON.stringify([[...answer.headers].filter(([name]) => name !== 'date'), await answer.text()]));
  }
  assert.equal(seen.size, 1);
});

test('B13 a password is asked by a form, kept by a cookie, given by curl -u, and guessed five times a minute', async () => {
  await using door = await OpenDoor.open();
  const { path: at, id } = await door.link('diary.txt', Buffer.from('dear diary'), { password: 'right' });
  assert.equal(at, `/s/${id}`);
  const form = await page(await door.get(at, person));
  assert.ok(form.includes('type="password"') && !form.includes('diary'));
  assert.equal((await door.get(`/s/${id}/diary.txt`, person)).status, 200);
  const bare = await door.get(at);
  assert.deepEqual(
    [bare.status, bare.headers.get('www-authenticate')],
    [401, 'Basic realm="chordial", charset="UTF-8"'],
  );
  const basic = (text: string) => ({ Authorization: `Basic ${Buffer.from(`:${text}`).toString('base64')}` });
  assert.equal(await (await door.get(at, basic('right'))).text(), 'dear diary');
  const post = (password: string, route = at) =>
    door.get(route, person, { method: 'POST', headers: person, body: new URLSearchParams({ password }) });
  const entered = await post('right');
  assert.deepEqual([entered.status, entered.headers.get('location')], [303, at]);
  // An id that was typed.
  assert.equal((await post('right', `/s/${id.toUpperCase()}`)).headers.get('location'), at);
  const cookie = entered.headers.get('set-cookie') ?? '';
  assert.match(
    cookie,
    new RegExp(`^chordial-ticket=[\\w-]{22}; Path=/s/${id}; Max-Age=3600; HttpOnly; SameSite=Strict$`),
  );
  const ticket = { Cookie: cookie.split(';', 1)[0] ?? '' };
  assert.ok((await page(await door.get(at, { ...person, ...ticket }))).includes('dear diary'));
  const other = await door.link('other.txt', Buffer.from('x'), { password: 'right' });
  assert.equal((await door.get(other.path, ticket)).status, 401);

  const began = performance.now();
  const wrong = await Promise.all(Array.from({ length: 8 }, (_, index) => post(`wrong ${index}`)));
  assert.deepEqual(wrong.map(({ status }) => status).sort(), [403, 403, 403, 403, 403, 429, 429, 429]);
  assert.ok(performance.now() - began > 900);
  const refused = wrong.find(({ status }) => status === 403)!;
  assert.ok((await page(refused)).includes('This is not the password.'));
  assert.equal((await post('right')).status, 429);
  // Who is in stays in.
  assert.equal((await door.get(at, ticket)).status, 200);
  assert.equal((await door.get(at, basic('right'))).status, 200);
});

test('B13 a link that may be fetched once is fetched once, and what begins again after a break is no further fetch', async () => {
  await using door = await OpenDoor.open();
  const { path: at } = await door.link('once.bin', png, { times: 1 });
  const shown = await page(await door.get(at, person));
  assert.equal(shown.includes('<img'), false);
  assert.equal(
    (await door.get(`${at}?view`, {}, { method: 'HEAD' })).headers.get('content-type'),
    'application/octet-stream',
  );
  assert.equal((await door.get(at, { Range: 'bytes=0-99' })).status, 206);
  const rest = await door.get(at, { Range: 'bytes=100-' });
  assert.equal((await rest.arrayBuffer()).byteLength, png.length - 100);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await door.get(at)).status, 404);
  assert.equal((await door.get(at, person)).status, 404);
});

test('B13 of a sealed link a door gives the page, the sealed bytes and what programs need, and knows no name', async () => {
  await using door = await OpenDoor.open();
  const sealed = { fileKey: new Uint8Array(16), size: 5 };
  const { path: at, id } = await door.link('tax.pdf', png, { sealed });
  assert.match(at, /^\/s\/[a-z2-7]{16}#[\w-]{22}$/);
  const answer = await door.get(`/s/${id}`, person);
  assert.match(answer.headers.get('content-security-policy') ?? '', /script-src 'self'; connect-src 'self'/);
  const shown = await page(answer);
  assert.ok(shown.includes('data-part="') && shown.includes('<noscript>') && !shown.includes('tax'));
  for (const route of [`/s/${id}`, `/s/${id}/content.age`, `/s/${id}?download`]) {
    const bytes = await door.get(route);
    assert.deepEqual(Buffer.from(await bytes.arrayBuffer()), png, route);
    assert.match(bytes.headers.get('content-disposition') ?? '', new RegExp(`filename="${id}\\.age"`));
  }
  assert.equal((await door.get(`/s/${id}/tax.pdf`)).status, 404);
  assert.equal((await door.get(`/s/${id}/open/x/tax.pdf`)).status, 404);
  const described = (await (await door.get(`/s/${id}`, { Accept: 'application/json' })).json()) as Record<
    string,
    unknown
  >;
  assert.deepEqual(
    [described['name'], described['size'], described['bytes']],
    [null, png.length, `/s/${id}/content.age`],
  );
  assert.match(String(described['sealed']), /^[\w-]+$/);
  const plain = await door.link('a.txt', png);
  const told = (await (await door.get(plain.path, { Accept: 'application/json' })).json()) as Record<string, unknown>;
  assert.deepEqual([told['name'], told['bytes'], told['sealed']], ['a.txt', plain.path, null]);
  const worker = await door.get('/opener-worker.js');
  assert.equal(worker.headers.get('content-security-policy'), "default-src 'none'; connect-src 'self'");
});

test('ids that lead nowhere are limited, and a known link is not hindered by another address', async () => {
  await using door = await OpenDoor.open();
  const statuses = new Map<number, number>();
  for (let index = 0; index < 70; index++) {
    const { status } = await door.get(
      `/s/${String(index)
        .padStart(16, 'a')
        .replace(/[0189]/g, 'b')}` as `/s/${LinkId}`,
    );
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  assert.ok((statuses.get(404) ?? 0) >= 60);
  assert.ok((statuses.get(429) ?? 0) >= 5);
});
