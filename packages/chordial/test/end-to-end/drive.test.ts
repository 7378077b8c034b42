/** The drive: WebDAV at the door of a real peer, as clients use it and as attackers do. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { DriveFixture } from './drive-fixture.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

let drive: DriveFixture;
/** Without `/dav/`. */
let base = '';

before(async () => {
  drive = await DriveFixture.open();
  base = drive.address.replace(/\/dav\/$/, '');
});
after(() => drive?.[Symbol.asyncDispose]());

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly secret?: string;
}

async function dav(method: string, path: string, { headers = {}, body, secret = drive.password }: Sent = {}) {
  const authorization = `Basic ${Buffer.from(`chordial:${secret}`).toString('base64')}`;
  const response = await fetch(base + path, {
    method,
    headers: { Authorization: authorization, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function statusOf(method: string, path: string, sent: Sent = {}): Promise<number> {
  return (await dav(method, path, sent)).status;
}

const lockBody = (scope: string): string =>
  `<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>me</D:owner></D:lockinfo>`;

test('B9 a file that is written to the drive is read there and, when published, everywhere; the tree says what is in it', async () => {
  assert.equal(await statusOf('MKCOL', '/dav/mine/letters/'), 201);
  const bytes = randomBytes(3_000_000);
  const put = await dav('PUT', '/dav/mine/letters/a%20b.bin', { body: bytes, headers: { 'X-OC-Mtime': '1600000000' } });
  assert.deepEqual([put.status, put.headers.get('x-oc-mtime')], [201, 'accepted']);
  const etag = put.headers.get('etag') ?? '';
  assert.match(etag, /^"baf/);
  const found = await dav('PROPFIND', '/dav/mine/letters/', { headers: { Depth: '1' } });
  assert.equal(found.status, 207);
  for (const part of ['/dav/mine/letters/a%20b.bin', '3000000', 'Sun, 13 Sep 2020 12:26:40 GMT'])
    assert.ok(found.text.includes(part), found.text);
  const range = await dav('GET', '/dav/mine/letters/a%20b.bin', { headers: { Range: 'bytes=0-4' } });
  assert.deepEqual([range.status, range.headers.get('content-range')], [206, 'bytes 0-4/3000000']);
  assert.equal(await statusOf('GET', '/dav/mine/letters/a%20b.bin', { headers: { 'If-None-Match': etag } }), 304);
  const hash = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
  await until('another peer has it', async () => {
    const got = await drive.other.request('/api/v1/files/letters?path=a%20b.bin');
    return got.status === 200 && hash(new Uint8Array(await got.arrayBuffer())) === hash(bytes);
  });
  for (const path of ['/dav/network/letters/a%20b.bin', '/dav/search/letters/letters/a%20b.bin']) {
    const size = await dav('HEAD', path);
    assert.deepEqual([size.status, size.headers.get('content-length')], [200, '3000000'], path);
  }
  const quota = await dav('PROPFIND', '/dav/mine/', {
    headers: { Depth: '0' },
    body: '<propfind xmlns="DAV:"><prop><quota-available-bytes/><quota-used-bytes/></prop></propfind>',
  });
  assert.match(quota.text, /quota-available-bytes>\d{6,}</);
});

test('B9 only what is one’s own can be changed, and what is refused changes nothing', async () => {
  assert.equal(await statusOf('MKCOL', '/dav/mine/box'), 201);
  assert.equal(await statusOf('PUT', '/dav/mine/box/kept.txt', { body: 'kept' }), 201);
  const away = { headers: { Destination: 'http://elsewhere.example/dav/mine/x' } };
  const outside = { headers: { Destination: `${base}/dav/network/x` } };
  const inside = { headers: { Destination: `${base}/dav/mine/box/in/it` } };
  const deep = '<a>'.repeat(100) + '</a>'.repeat(100);
  const entities = '<!DOCTYPE a [<!ENTITY b "c">]><propfind xmlns="DAV:"><allprop/>&b;</propfind>';
  const cases: readonly (readonly [number, string, string, Sent?])[] = [
    [401, 'PROPFIND', '/dav/', { secret: 'wrong' }],
    [403, 'PUT', '/dav/network/x', { body: 'x' }],
    [403, 'PUT', '/dav/x', { body: 'x' }],
    [403, 'MKCOL', '/dav/shares/x'],
    [403, 'DELETE', '/dav/mine/'],
    [404, 'DELETE', '/dav/mine/box/none'],
    [404, 'GET', '/dav/nothing/'],
    [405, 'MKCOL', '/dav/mine/box'],
    [405, 'PUT', '/dav/mine/box', { body: 'x' }],
    [409, 'MKCOL', '/dav/mine/none/below'],
    [409, 'PUT', '/dav/mine/none/x', { body: 'x' }],
    [415, 'MKCOL', '/dav/mine/new', { body: '<x/>' }],
    [502, 'COPY', '/dav/mine/box', away],
    [403, 'COPY', '/dav/mine/box', outside],
    [403, 'COPY', '/dav/mine/box', inside],
    [403, 'MOVE', '/dav/mine/box', { headers: { Destination: `${base}/dav/mine/box/box` } }],
    [412, 'COPY', '/dav/mine/box', { headers: { Destination: `${base}/dav/mine/letters`, Overwrite: 'F' } }],
    [400, 'COPY', '/dav/mine/box'],
    [403, 'PROPFIND', '/dav/mine/', { headers: { Depth: 'infinity' } }],
    [400, 'PROPFIND', '/dav/mine/', { headers: { Depth: '7' } }],
    [400, 'PROPFIND', '/dav/mine/', { headers: { Depth: '0' }, body: '<propfind xmlns="DAV:"><allprop>' }],
    [400, 'PROPFIND', '/dav/mine/', { headers: { Depth: '0' }, body: deep }],
    [400, 'PROPFIND', '/dav/mine/', { headers: { Depth: '0' }, body: entities }],
    [400, 'PROPFIND', '/dav/mine/', { headers: { Depth: '0' }, body: '<x xmlns="DAV:"/>' }],
    [413, 'PROPFIND', '/dav/mine/', { headers: { Depth: '0' }, body: `<a>${'x'.repeat(70_000)}</a>` }],
    [400, 'PROPPATCH', '/dav/mine/box/kept.txt', { body: '' }],
    [400, 'PUT', '/dav/mine/box/a%2Fb', { body: 'x' }],
    [400, 'PUT', '/dav/mine/box/a%00b', { body: 'x' }],
    [400, 'PUT', '/dav/mine/box/a%07b', { body: 'x' }],
    [404, 'PUT', '/dav/mine/box/%ff', { body: 'x' }],
    [400, 'PUT', `/dav/mine/box/${'n'.repeat(300)}`, { body: 'x' }],
    [400, 'PUT', '/dav/mine/box/kept.txt', { body: 'x', headers: { 'Content-Range': 'bytes 0-0/4' } }],
    [412, 'PUT', '/dav/mine/box/kept.txt', { body: 'x', headers: { 'If-None-Match': '*' } }],
    [412, 'PUT', '/dav/mine/box/kept.txt', { body: 'x', headers: { 'If-Match': '"other"' } }],
    [412, 'PUT', '/dav/mine/box/kept.txt', { body: 'x', headers: { If: '(<urn:uuid:none>)' } }],
    [400, 'PUT', '/dav/mine/box/kept.txt', { body: 'x', headers: { If: 'nonsense' } }],
    [400, 'LOCK', '/dav/mine/box/kept.txt', { body: '<lockinfo xmlns="DAV:"/>' }],
    [400, 'LOCK', '/dav/mine/box/kept.txt', { body: lockBody('exclusive'), headers: { Depth: '1' } }],
    [409, 'UNLOCK', '/dav/mine/box/kept.txt', { headers: { 'Lock-Token': '<urn:uuid:none>' } }],
    [400, 'UNLOCK', '/dav/mine/box/kept.txt'],
    [403, 'PUT', '/dav/mine/box/kept.txt', { body: 'x', headers: { Origin: 'https://evil.example' } }],
  ];
  for (const [status, method, path, sent] of cases)
    assert.equal(
      await statusOf(method, path, sent),
      status,
      `${method} ${path} ${JSON.stringify(sent ?? {}).slice(0, 200)}`,
    );
  // As it is written: fetch would resolve it.
  for (const path of ['/dav/mine/box/%2e%2e', '/dav/mine/../../x', '/dav/mine/box/kept.txt#part'])
    assert.equal(await sentRaw('DELETE', path), 400, path);
  await cutOff('/dav/mine/box/kept.txt');
  await cutOff('/dav/mine/box/fresh.txt');
  assert.equal((await dav('GET', '/dav/mine/box/kept.txt')).text, 'kept');
  assert.equal(await statusOf('GET', '/dav/mine/box/fresh.txt'), 404);
  const readOnly = await drive.network.command(['drive', '--read-only', '--json'], drive.own);
  const { password: secret } = JSON.parse(readOnly.text) as { password: string };
  assert.equal(await statusOf('GET', '/dav/mine/box/kept.txt', { secret }), 200);
  assert.equal(await statusOf('PUT', '/dav/mine/box/kept.txt', { secret, body: 'x' }), 403);
});

function raw(method: string, path: string, headers: Readonly<Record<string, string | number>> = {}) {
  const { hostname, port } = new URL(base);
  const authorization = `Basic ${Buffer.from(`chordial:${drive.password}`).toString('base64')}`;
  return plainRequest({ hostname, port, path, method, headers: { ...headers, Authorization: authorization } });
}

async function sentRaw(method: string, path: string): Promise<number | undefined> {
  const [response] = (await once(raw(method, path).end(), 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

/** A body that ends before its length. */
async function cutOff(path: string): Promise<void> {
  const sent = raw('PUT', path, { 'Content-Length': 1000 });
  sent.on('error', () => undefined);
  await new Promise<void>((resolve) => sent.write('begun', () => resolve()));
  sent.destroy();
}

test('B9 locks are told, hold against others, and are given back', async () => {
  await dav('MKCOL', '/dav/mine/locked');
  await dav('PUT', '/dav/mine/locked/file', { body: 'one' });
  const lock = await dav('LOCK', '/dav/mine/locked', {
    body: lockBody('exclusive'),
    headers: { Timeout: 'Second-60' },
  });
  assert.equal(lock.status, 200);
  const token = lock.headers.get('lock-token') ?? '';
  assert.match(token, /^<urn:uuid:/);
  const told = await dav('PROPFIND', '/dav/mine/locked/file', { headers: { Depth: '0' } });
  assert.ok(told.text.includes(token.slice(1, -1)));
  assert.equal(await statusOf('PUT', '/dav/mine/locked/file', { body: 'two' }), 423);
  assert.equal(await statusOf('DELETE', '/dav/mine/locked'), 423);
  assert.equal(await statusOf('LOCK', '/dav/mine/locked/file', { body: lockBody('shared') }), 423);
  const ours = { If: `<${base}/dav/mine/locked> (${token})` };
  assert.equal(await statusOf('PUT', '/dav/mine/locked/file', { body: 'two', headers: ours }), 204);
  assert.equal(await statusOf('LOCK', '/dav/mine/locked', { headers: { If: `(${token})` } }), 200);
  assert.equal(await statusOf('UNLOCK', '/dav/mine/locked', { headers: { 'Lock-Token': token } }), 204);
  assert.equal(await statusOf('PUT', '/dav/mine/locked/file', { body: 'three' }), 204);
});

test('B9 a lock token gives right to who took the lock alone, though others see it', async () => {
  const second = await drive.network.command(['drive', '--json'], drive.own);
  const { password: secret } = JSON.parse(second.text) as { password: string };
  assert.notEqual(secret, drive.password);
  await dav('MKCOL', '/dav/mine/held');
  await dav('PUT', '/dav/mine/held/file', { body: 'one' });
  const lock = await dav('LOCK', '/dav/mine/held/file', { body: lockBody('exclusive') });
  const token = lock.headers.get('lock-token') ?? '';
  const headers = { If: `(${token})` };
  assert.equal(await statusOf('PUT', '/dav/mine/held/file', { body: 'two', headers, secret }), 423);
  assert.equal(await statusOf('LOCK', '/dav/mine/held/file', { headers, secret }), 412);
  assert.equal(await statusOf('PUT', '/dav/mine/held/file', { body: 'two', headers }), 204);
  assert.equal(await statusOf('UNLOCK', '/dav/mine/held/file', { headers: { 'Lock-Token': token } }), 204);
});

test('B9 nothing in a folder takes the place of the folder: what is copied would go with it', async () => {
  await dav('MKCOL', '/dav/mine/around');
  await dav('MKCOL', '/dav/mine/around/in');
  await dav('PUT', '/dav/mine/around/kept', { body: 'kept' });
  for (const method of ['COPY', 'MOVE'])
    for (const name of ['in', 'kept']) {
      const headers = { Destination: `${base}/dav/mine/around` };
      assert.equal(await statusOf(method, `/dav/mine/around/${name}`, { headers }), 403, `${method} ${name}`);
    }
  assert.equal((await dav('GET', '/dav/mine/around/kept')).text, 'kept');
});

test('B9 of two that put a name which is not there yet, one does', async () => {
  for (const name of ['first', 'letters/first']) {
    const headers = { 'If-None-Match': '*' };
    const sent = ['one', 'two'].map((text) => dav('PUT', `/dav/mine/${name}`, { body: text.repeat(100_000), headers }));
    const statuses = (await Promise.all(sent)).map(({ status }) => status).sort();
    assert.deepEqual(statuses, [201, 412], name);
  }
});

test('B9 of two that copy or move where nothing may be replaced, one does', async () => {
  await dav('MKCOL', '/dav/mine/sources');
  for (const kind of ['file', 'folder'])
    for (const at of ['only', 'sources/only'])
      for (const method of ['COPY', 'MOVE']) {
        const to = `${at}-${kind}-${method}`;
        const sent = ['one', 'two'].map(async (name) => {
          const from = `/dav/mine/sources/${name}`;
          if (kind === 'folder') await dav('MKCOL', from);
          await dav('PUT', kind === 'folder' ? `${from}/in` : from, { body: name });
          return () => statusOf(method, from, { headers: { Destination: `${base}/dav/mine/${to}`, Overwrite: 'F' } });
        });
        const statuses = await Promise.all((await Promise.all(sent)).map((send) => send()));
        assert.deepEqual(statuses.sort(), [201, 412], to);
        for (const name of ['one', 'two']) await dav('DELETE', `/dav/mine/sources/${name}`);
      }
});

test('B9 what is put while it is moved away, or where a lock makes a file, stays', async () => {
  await dav('MKCOL', '/dav/mine/moved');
  for (const [from, to] of [
    ['top', 'top2'],
    ['moved/below', 'below2'],
    ['top3', 'moved/top3'],
  ] as const)
    for (const wait of [0, 20, 50]) {
      await dav('PUT', `/dav/mine/${from}`, { body: new Uint8Array(4_000_000) });
      const moving = dav('MOVE', `/dav/mine/${from}`, { headers: { Destination: `${base}/dav/mine/${to}` } });
      await new Promise((resume) => setTimeout(resume, wait));
      const { status: put, text: said } = await dav('PUT', `/dav/mine/${from}`, { body: 'second' });
      await moving;
      // Refused when it began before the name went: then its sender knows.
      assert.ok([201, 204, 409].includes(put), `${from} ${wait}: ${put} ${said}`);
      const there = await Promise.all([from, to].map((one) => dav('GET', `/dav/mine/${one}`)));
      assert.ok(
        put === 409 || there.some(({ text }) => text === 'second'),
        `${from} ${wait}: ${there.map(({ status }) => status)}`,
      );
    }
  for (const at of ['moved/made', 'made'])
    for (let index = 0; index < 6; index++) {
      const path = `/dav/mine/${at}${index}`;
      const locking = dav('LOCK', path, { body: lockBody('exclusive') });
      const put = await statusOf('PUT', path, { body: 'put' });
      await locking;
      const { text } = await dav('GET', path);
      assert.equal(text, put === 423 ? '' : 'put', `${path} ${put}`);
    }
});

/** What is below a path of the drive, by path; of a file its text. */
async function contentOf(path: string): Promise<Record<string, string>> {
  const { text } = await dav('PROPFIND', `${path}/`, { headers: { Depth: '1' } });
  const content: Record<string, string> = {};
  for (const [, href = ''] of text.matchAll(/<D:response><D:href>([^<]*)</g)) {
    if (href === `${path}/`) continue;
    if (!href.endsWith('/')) content[href.slice(path.length + 1)] = (await dav('GET', href)).text;
    else
      for (const [name, of] of Object.entries(await contentOf(href.slice(0, -1))))
        content[href.slice(path.length + 1) + name] = of;
  }
  return content;
}

test('B9 folders change places with whole own ones in one step, and what was there is replaced', async () => {
  const place = (method: string, from: string, to: string) =>
    statusOf(method, `/dav/mine/${from}`, { headers: { Destination: `${base}/dav/mine/${to}` } });
  await dav('MKCOL', '/dav/mine/places');
  await dav('MKCOL', '/dav/mine/places/in');
  for (const name of ['a', 'in/b']) await dav('PUT', `/dav/mine/places/${name}`, { body: name });
  const all = { a: 'a', 'in/b': 'in/b' };
  await dav('PUT', '/dav/mine/places2', { body: 'a file that is replaced' });
  assert.equal(await place('COPY', 'places', 'places2'), 204);
  assert.deepEqual(await contentOf('/dav/mine/places2'), all);
  assert.equal(await place('COPY', 'places/in', 'places3'), 201);
  assert.equal(await place('MOVE', 'places2', 'places3/all'), 201);
  assert.deepEqual(await contentOf('/dav/mine/places3'), { b: 'in/b', 'all/a': 'a', 'all/in/b': 'in/b' });
  assert.equal(await statusOf('GET', '/dav/mine/places2'), 404);
  assert.equal(await place('MOVE', 'places3/all/in', 'places2'), 201);
  assert.equal(await place('MOVE', 'places2', 'places'), 204);
  assert.deepEqual(await contentOf('/dav/mine/places'), { b: 'in/b' });
  const { text: mine } = await dav('PROPFIND', '/dav/mine/', { headers: { Depth: '1' } });
  const shown = [...mine.matchAll(/<D:href>\/dav\/mine\/(places[^<]*)</g)].map(([, name]) => name).sort();
  assert.deepEqual(shown, ['places/', 'places3/']);
  const namesThere = async () => {
    const names: string[] = [];
    for (const name of ['places', 'places2', 'places3'])
      if ((await drive.other.request(`/api/v1/files/${name}/stat`)).status === 200) names.push(name);
    return names;
  };
  await until('others see it', async () => {
    const got = await drive.other.request('/api/v1/files/places?path=b');
    const isNew = got.status === 200 && (await got.text()) === 'in/b';
    return isNew && (await namesThere()).join(' ') === 'places places3';
  });
});

/** Asks the drive of a peer that has just started. */
async function askerOf(network: NetworkFixture, own: PeerProcess) {
  const { text } = await network.command(['drive', '--json'], own);
  const { url, password: secret } = JSON.parse(text) as { url: string; password: string };
  const at = url.replace(/\/dav\/$/, '');
  const authorization = `Basic ${Buffer.from(`chordial:${secret}`).toString('base64')}`;
  const ask = async (method: string, where: string, { body, headers }: Sent = {}) =>
    fetch(at + where, {
      method,
      headers: { Authorization: authorization, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  const place = (method: 'COPY' | 'MOVE', from: string, to: string) =>
    ask(method, from, { headers: { Destination: `${at}/dav/mine/${to}` } });
  return { ask, place };
}

test('B9 a peer that is killed right after whole folders changed places finishes that when it is back', async () => {
  await using network = await NetworkFixture.open();
  const flags = ['--door', '127.0.0.1:0', '--serve', 'dav'];
  let own = await network.start({ flags });
  const other = await network.start({ join: own });
  await until('one ring', () => network.isIdeal([own, other]), 30_000);
  const { ask, place } = await askerOf(network, own);
  for (const name of ['a', 'b', 'c']) {
    await ask('MKCOL', `/dav/mine/${name}`);
    await ask('PUT', `/dav/mine/${name}/of-${name}`, { body: name });
  }
  await ask('PUT', '/dav/mine/d', { body: 'd' });
  const there = async () => {
    const { files } = (await (await other.request('/api/v1/files?all=true')).json()) as { files: { name: string }[] };
    return files.map(({ name }) => name).sort();
  };
  await until('all is published', async () => (await there()).join(' ') === 'a b c d');
  assert.equal((await place('MOVE', '/dav/mine/a', 'b')).status, 204);
  assert.equal((await place('MOVE', '/dav/mine/b', 'c/b')).status, 201);
  assert.equal((await place('COPY', '/dav/mine/c', 'd')).status, 204);
  await own.kill9();
  own = await network.restart(own, { flags });
  const again = await askerOf(network, own);
  const text = async (path: string) => (await again.ask('GET', path)).text();
  for (const path of ['c/b/of-a', 'd/b/of-a', 'd/of-c'])
    assert.equal(await text(`/dav/mine/${path}`), path.at(-1), path);
  for (const path of ['a', 'b']) assert.equal((await again.ask('GET', `/dav/mine/${path}`)).status, 404, path);
  await until('others see it', async () => {
    const got = await other.request('/api/v1/files/d?path=b/of-a');
    return got.status === 200 && (await got.text()) === 'a' && (await there()).join(' ') === 'c d';
  });
});

test('B9 what is replaced by a copy that fails is as it was', async () => {
  await using network = await NetworkFixture.open();
  const own = await network.start({ flags: ['--door', '127.0.0.1:0', '--serve', 'dav'] });
  const other = await network.start({ join: own });
  await until('one ring', () => network.isIdeal([own, other]), 30_000);
  const theirs = path.join(network.folder, 'theirs');
  await mkdir(path.join(theirs, 'in'), { recursive: true });
  for (let index = 0; index < 20; index++)
    await writeFile(path.join(theirs, index % 2 === 0 ? `${index}` : `in/${index}`), randomBytes(300_000));
  const { ask, place } = await askerOf(network, own);
  await ask('MKCOL', '/dav/mine/box');
  for (const name of ['box/in', 'whole']) {
    await ask('MKCOL', `/dav/mine/${name}`);
    await ask('PUT', `/dav/mine/${name}/kept`, { body: 'kept' });
  }
  await ask('PUT', '/dav/mine/plain', { body: 'kept' });
  // Each block is at one of the two.
  const put = await network.command(['put', theirs, '--replicas', '1'], other);
  assert.equal(put.exit, 0, put.stderr);
  assert.equal((await place('COPY', '/dav/network/theirs', 'box/first')).status, 201);
  assert.equal((await ask('HEAD', '/dav/mine/box/first/in/1')).headers.get('content-length'), '300000');
  for (let index = 0; index < 20; index++)
    await writeFile(path.join(theirs, index % 2 === 0 ? `${index}` : `in/${index}`), randomBytes(300_000));
  const again = await network.command(['put', theirs, '--replicas', '1'], other);
  assert.equal(again.exit, 0, again.stderr);
  await other.kill9();
  for (const to of ['box/in', 'whole', 'plain']) {
    const { status } = await place('COPY', '/dav/network/theirs', to);
    assert.ok(status >= 400, `${to}: ${status}`);
  }
  for (const name of ['box/in/kept', 'whole/kept', 'plain'])
    assert.equal(await (await ask('GET', `/dav/mine/${name}`)).text(), 'kept', name);
});

test('B9 namespaces and locks that are told again and again keep no one waiting', async () => {
  await dav('MKCOL', '/dav/mine/told');
  for (let index = 0; index < 8; index++) await dav('PUT', `/dav/mine/told/${index}`, { body: 'x' });
  const names = '<a:b/>'.repeat(4000);
  const long = `<D:propfind xmlns:D="DAV:" xmlns:a="${"'".repeat(30_000)}"><D:prop>${names}</D:prop></D:propfind>`;
  const headers = { Depth: '1' };
  assert.equal(await statusOf('PROPFIND', '/dav/mine/told/', { headers, body: long }), 400);
  const many = `<D:propfind xmlns:D="DAV:" xmlns:a="urn:a"><D:prop>${names}</D:prop></D:propfind>`;
  assert.equal(await statusOf('PROPFIND', '/dav/mine/told/', { headers, body: many }), 207);
  const shared = lockBody('shared').replace('me', 'm'.repeat(2000));
  const locks = await Promise.all(
    Array.from({ length: 40 }, () => statusOf('LOCK', '/dav/mine/told', { body: shared })),
  );
  assert.equal(locks.filter((status) => status === 200).length, 32);
  const { text } = await dav('PROPFIND', '/dav/mine/told/', { headers });
  assert.ok(text.length < 9 * 32 * 3000, String(text.length));
});

test('B9 of properties that are set at the same time each stays', async () => {
  await dav('MKCOL', '/dav/mine/kept');
  const names = Array.from({ length: 8 }, (_, index) => `n${index}`);
  const set = (name: string) =>
    `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:${name} xmlns:x="urn:x">1</x:${name}></D:prop></D:set></D:propertyupdate>`;
  const told = await Promise.all(names.map((name) => dav('PROPPATCH', '/dav/mine/kept', { body: set(name) })));
  for (const { text } of told) assert.match(text, /200 OK/);
  const { text } = await dav('PROPFIND', '/dav/mine/kept', { headers: { Depth: '0' } });
  for (const name of names) assert.ok(text.includes(`${name} `), name);
});

test('B9 a copy by Finder: an empty file, a lock, the bytes, its litter, and the unlock', async () => {
  const finder = { 'User-Agent': 'WebDAVFS/3.0.0 Darwin/23.0.0' };
  await dav('MKCOL', '/dav/mine/finder');
  const options = await fetch(`${base}/dav/mine/`, { method: 'OPTIONS', headers: finder });
  assert.deepEqual([options.status, options.headers.get('dav')], [200, '1, 2, 3']);
  for (const name of ['photo.jpg', '._photo.jpg']) {
    const path = `/dav/mine/finder/${name}`;
    assert.equal(await statusOf('PROPFIND', path, { headers: { ...finder, Depth: '0' } }), 404);
    assert.equal(await statusOf('PUT', path, { headers: finder, body: '' }), 201);
    const lock = await dav('LOCK', path, {
      headers: { ...finder, Depth: '0', Timeout: 'Second-600' },
      body: lockBody('exclusive'),
    });
    const token = lock.headers.get('lock-token') ?? '';
    const headers = { ...finder, If: `(${token})`, 'X-Expected-Entity-Length': '5' };
    assert.equal(await statusOf('PUT', path, { headers, body: 'bytes' }), 204);
    assert.equal(await statusOf('UNLOCK', path, { headers: { ...finder, 'Lock-Token': token } }), 204);
  }
  assert.equal((await dav('GET', '/dav/mine/finder/photo.jpg')).text, 'bytes');
});

test('B9 a copy by Explorer: Digest over plain HTTP, its properties, a rename', async () => {
  await dav('MKCOL', '/dav/mine/explorer');
  const path = '/dav/mine/explorer/New%20file.txt';
  assert.equal((await digest('PUT', path, 'bytes')).status, 201);
  const first = await digest('PROPPATCH', path, win32);
  assert.deepEqual([first.status, /200 OK/.test(first.text)], [207, true]);
  const told = await dav('PROPFIND', path, { headers: { Depth: '0' } });
  assert.match(told.text, /Win32LastModifiedTime[^>]*>Tue, 01 Dec 2026 08:00:00 GMT</);
  const destination = { Destination: `${base}/dav/mine/explorer/Renamed.txt`, Overwrite: 'F' };
  assert.equal((await digest('MOVE', path, undefined, destination)).status, 201);
  const kept = await dav('PROPFIND', '/dav/mine/explorer/Renamed.txt', { headers: { Depth: '0' } });
  assert.match(kept.text, /Win32LastModifiedTime/);
});

const win32 = `<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop><Z:Win32LastModifiedTime>Tue, 01 Dec 2026 08:00:00 GMT</Z:Win32LastModifiedTime></D:prop></D:set></D:propertyupdate>`;

/** With an answer to the challenge, which is used once. */
async function digest(method: string, path: string, body?: string, headers: Readonly<Record<string, string>> = {}) {
  const asked = await fetch(base + path, { method: 'PROPFIND' });
  const [, nonce = ''] = /nonce="([^"]+)"/.exec(asked.headers.get('www-authenticate') ?? '') ?? [];
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const secret = md5(`chordial:chordial:${drive.password}`);
  const response = md5(`${secret}:${nonce}:00000001:abc:auth:${md5(`${method}:${path}`)}`);
  const authorization = `Digest username="chordial", realm="chordial", nonce="${nonce}", uri="${path}", qop=auth, nc=00000001, cnonce="abc", response="${response}"`;
  const init = {
    method,
    headers: { Authorization: authorization, ...headers },
    ...(body === undefined ? {} : { body }),
  };
  const answer = await fetch(base + path, init);
  const again = await fetch(base + path, { method, headers: init.headers });
  assert.equal(again.status, 401, 'an answer counts once');
  return { status: answer.status, text: await answer.text() };
}
