/** What strangers may do at a door that listens by TLS, in HTTP/2 and 1.1. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type ClientHttp2Stream, constants } from 'node:http2';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { startDoor } from '../../src/door/door.ts';
import { maxRequestsPerNetwork } from '../../src/door/limits.ts';
import type { DoorService } from '../../src/door/service.ts';
import { freshPair, OpenDoor, writePair } from '../fixtures/open-door.ts';
import { SmallPeer } from '../fixtures/small-peer.ts';
import { withFolder } from '../fixtures/temporary-folder.ts';
import { until } from '../fixtures/until.ts';

const release: (() => void)[] = [];

const service: DoorService = {
  name: 'links',
  routes: (app, { checkToken }) => {
    app.get('/hello', async () => 'hello');
    app.post('/echo', async ({ body }) => body);
    app.get('/wait', async () => {
      await new Promise<void>((resolve) => release.push(resolve));
      return 'done';
    });
    app.get('/stream', async (_request, reply) => reply.send(Readable.from(endless(), { objectMode: false })));
    app.get('/secret', async (request) => checkToken(request, { scope: 'dav', writes: false }).id);
    app.put('/secret', async (request) => checkToken(request, { scope: 'dav', writes: true }).id);
    app.get('/fails', async () => {
      throw new Error('a secret of the inside');
    });
  },
};

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(64 * 1024);
}

function outcome(stream: ClientHttp2Stream): Promise<unknown> {
  return new Promise((resolve) => {
    stream.once('response', (headers) => resolve(headers[':status']));
    stream.once('error', () => resolve('ended'));
    stream.once('close', () => resolve('ended'));
  });
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

async function get(door: OpenDoor, route: string, headers: Record<string, string> = {}): Promise<Answer> {
  const session = door.session();
  try {
    const stream = session.request({ ':path': route, ...headers });
    const [answered] = (await once(stream, 'response')) as [Record<string, unknown>];
    return { status: Number(answered[':status']), body: await text(stream), headers: answered };
  } finally {
    session.destroy();
  }
}

test('a door speaks HTTP/2 and 1.1 on one port, and swaps its certificate while connections go on', async () => {
  const [first, second] = [freshPair(), freshPair()];
  await using door = await OpenDoor.open([service], { tls: first });
  const session = door.session();
  await once(session, 'connect');
  assert.equal((await get(door, '/hello')).body, 'hello');
  assert.match(
    await door.say('GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 200[\s\S]*hello$/,
  );
  const before = door.door.shown().tls?.fingerprint;

  await writePair(door.folder, { certificate: second.certificate, key: first.key });
  await until(() => door.door.shown().tls?.fault !== null, 6000);
  assert.match(door.events.at(-1)?.text ?? '', /key values mismatch.*The door keeps the one before/);
  assert.equal((await get(door, '/hello')).status, 200);
  for (const file of ['expired', 'nonsense']) {
    await writePair(door.folder, file === 'expired' ? await expiredPair() : { certificate: 'x', key: 'y' });
    await until(() => door.door.shown().tls?.fault?.includes(file === 'expired' ? 'expired' : 'PEM') === true, 6000);
    assert.equal(door.door.shown().tls?.fingerprint, before);
  }
  await writePair(door.folder, second);
  await until(() => door.door.shown().tls?.fault === null, 6000);
  assert.notEqual(door.door.shown().tls?.fingerprint, before);
  const socket = connectTls({ port: door.port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const shown = socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase();
  assert.equal(shown, door.door.shown().tls?.fingerprint);
  socket.destroy();
  const old = session.request({ ':path': '/hello' });
  assert.equal(await text(old), 'hello');
  session.destroy();
});

test('a door with an expired certificate does not start', () =>
  withFolder(async (folder) => {
    await writePair(folder, await expiredPair());
    const tls = { certificate: path.join(folder, 'c.pem'), key: path.join(folder, 'k.pem') };
    const listen = { host: '127.0.0.1', port: 0 };
    await assert.rejects(startDoor({ listen, services: [], peer: () => null, tls }), {
      code: 'bad-configuration',
      message: /c\.pem \(it expired on 2021-01-01/,
    });
  }));

test('hostile requests end as they should, and the door goes on', async () => {
  await using door = await OpenDoor.open([service], { tls: freshPair() });
  const status = async (request: string) => /^HTTP\/1\.1 (\d+)/.exec(await door.say(request))?.[1] ?? 'closed';
  const cases: readonly (readonly [string, string])[] = [
    ['CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', 'closed'],
    ['GET /hello HTTP/1.1\r\n\r\n', '400'],
    ['GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', '400'],
    ['GET /hello HTTP/9.9\r\nHost: a\r\n\r\n', '400'],
    ['\x16\x03\x01\x00\x00', '400'],
    ['POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', '400'],
    ['POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd', '400'],
    ['POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n', '400'],
    ['POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n', '413'],
    [`GET /hello HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '400'],
    [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, '400'],
    ['GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n', '404'],
    ['GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n', '404'],
    ['GET //hello HTTP/1.1\r\nHost: a\r\n\r\n', '404'],
    ['GET /hello%00 HTTP/1.1\r\nHost: a\r\n\r\n', '404'],
    ['GET /%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n', '404'],
    ['GET http://169.254.169.254/ HTTP/1.1\r\nHost: a\r\n\r\n', '404'],
    ['TRACE /hello HTTP/1.1\r\nHost: a\r\n\r\n', '404'],
    ['POST /hello HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\n\r\n', '403'],
    ['GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n', '200'],
  ];
  for (const [request, expected] of cases) assert.equal(await status(request), expected, request.slice(0, 90));

  const bug = await get(door, '/fails');
  assert.equal(bug.status, 500);
  assert.doesNotMatch(bug.body, /secret of the inside/);
  assert.deepEqual(
    door.bugs.map(({ message }) => message),
    ['a secret of the inside'],
  );
  assert.equal((await get(door, '/hello')).body, 'hello');
});

test('HTTP/2: streams, resets, headers and CONNECT are bounded, and another visitor is served meanwhile', async () => {
  await using door = await OpenDoor.open([service], { tls: freshPair() });
  const session = door.session();
  await once(session, 'remoteSettings');
  assert.equal(session.remoteSettings.maxConcurrentStreams, 64);
  assert.equal(await outcome(session.request({ ':method': 'CONNECT', ':authority': 'a:443' })), 405);
  const refused = await outcome(session.request({ ':path': '/hello', x: 'x'.repeat(15_000), y: 'y'.repeat(15_000) }));
  assert.ok(refused === 431 || refused === 'ended', String(refused));

  const attacker = door.session();
  await once(attacker, 'connect');
  let sent = 0;
  for (; sent < 1000 && !attacker.destroyed; sent += 20) {
    const streams = Array.from({ length: 20 }, () => attacker.request({ ':path': '/wait' }).on('error', () => {}));
    await pause(2);
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    await pause(2);
  }
  assert.ok(sent < 1000, `closed after ${sent}`);
  await until(() => door.door.shown().requests === 0, 2000);
  assert.equal((await get(door, '/hello')).body, 'hello');
  session.destroy();
});

test('without a proxy no visitor says that it comes from elsewhere', async () => {
  await using door = await OpenDoor.open([service], { tls: freshPair() });
  const session = door.session();
  const waiting = Array.from({ length: maxRequestsPerNetwork }, (_, index) =>
    session.request({ ':path': '/wait', 'x-forwarded-for': `203.0.113.${index}` }),
  );
  await until(() => door.door.shown().requests === maxRequestsPerNetwork, 3000);
  assert.equal((await get(door, '/hello', { 'x-forwarded-for': '198.51.100.1' })).status, 429);
  for (const done of release.splice(0)) done();
  await Promise.all(waiting.map((stream) => text(stream)));
  session.destroy();
});

test('requests at once are counted per network, and those beyond get 429 with Retry-After', async () => {
  await using door = await OpenDoor.open([service], { tls: freshPair(), url: 'https://files.example.org' });
  const visitor = { 'x-forwarded-for': '203.0.113.5' };
  const session = door.session();
  const waiting = Array.from({ length: maxRequestsPerNetwork }, () =>
    session.request({ ':path': '/wait', ...visitor }),
  );
  await until(() => door.door.shown().requests === maxRequestsPerNetwork, 3000);
  const refused = await get(door, '/hello', visitor);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers['retry-after'], '10');
  // The same /64 is the same visitor, another one is not.
  const others = Array.from({ length: 3 }, (_, index) =>
    Array.from({ length: maxRequestsPerNetwork }, () => {
      const stream = sessionOf(index).request({ ':path': '/wait', 'x-forwarded-for': `2001:db8:0:${index}::1` });
      stream.on('error', () => {});
      return stream;
    }),
  ).flat();
  function sessionOf(index: number) {
    sessions[index] ??= door.session();
    return sessions[index];
  }
  await until(() => door.door.shown().requests === 256, 3000);
  assert.equal((await get(door, '/hello', { 'x-forwarded-for': '2001:db8:0:0::2' })).status, 429);
  assert.equal((await get(door, '/hello', { 'x-forwarded-for': '198.51.100.1' })).status, 429);
  for (const done of release.splice(0)) done();
  await Promise.all([...waiting, ...others].map((stream) => text(stream)));
  await until(() => door.door.shown().requests === 0, 3000);
  assert.equal((await get(door, '/hello', visitor)).status, 200);
  for (const one of [session, ...sessions]) one.destroy();
});
const sessions: ReturnType<OpenDoor['session']>[] = [];

test('hundreds of connections that say nothing leave a visitor its place', async () => {
  await using door = await OpenDoor.open([service], { tls: freshPair() });
  const sockets = Array.from({ length: 400 }, () => door.bare());
  await until(() => door.door.shown().connections >= 300, 8000);
  assert.equal((await get(door, '/hello')).body, 'hello');
  for (const one of sockets) one.destroy();
  await until(() => door.door.shown().connections === 0, 5000);
});

test('who does not take an answer holds no memory for it, and is told from one who does', async () => {
  await using door = await OpenDoor.open([service], { tls: freshPair() });
  const slow = Array.from({ length: 8 }, () => {
    const stream = door.session().request({ ':path': '/stream' });
    stream.pause();
    return stream;
  });
  await Promise.all(slow.map((stream) => once(stream, 'response')));
  const before = process.memoryUsage().rss;
  await pause(500);
  assert.ok(process.memoryUsage().rss - before < 100 * 1024 * 1024);
  assert.equal((await get(door, '/hello')).status, 200);
  for (const stream of slow) stream.session?.destroy();
  await until(() => door.door.shown().requests === 0, 3000);
});

test('a token is asked for, checked, and guesses are slowed per network', async () => {
  const peer = await withFolder((folder) => SmallPeer.open(folder));
  await using door = await OpenDoor.open([service], { tls: freshPair(), peer, url: 'https://files.example.org' });
  const { text: token, id } = await peer.tokens.create({ scope: 'dav', isReadOnly: true, timeToLive: null });
  const { text: foreign } = await peer.tokens.create({ scope: 'links', isReadOnly: false, timeToLive: null });
  const basic = (password: string) => `Basic ${Buffer.from(`any:${password}`).toString('base64')}`;
  const asked = (authorization: string, from: string, more: Record<string, string> = {}) =>
    get(door, '/secret', { ...(authorization !== '' && { authorization }), 'x-forwarded-for': from, ...more });
  const none = await asked('', '203.0.113.1');
  assert.equal(none.status, 401);
  assert.match(String(none.headers['www-authenticate']), /^Basic realm="chordial"/);
  assert.equal((await asked(`Bearer ${token}`, '203.0.113.1')).body, id);
  assert.equal((await asked(basic(token), '203.0.113.1')).body, id);
  assert.equal((await asked(basic(token), '203.0.113.1', { ':method': 'PUT' })).status, 403);
  assert.equal((await asked(basic(foreign), '203.0.113.1')).status, 401);
  for (let guess = 0; guess < 4; guess++)
    assert.equal((await asked(`Bearer ${id}-${'A'.repeat(24)}`, '203.0.113.1')).status, 401);
  assert.equal((await asked(`Bearer ${token}`, '203.0.113.1')).status, 429, 'a right one too: else guessing goes on');
  assert.equal((await asked(`Bearer ${token}`, '203.0.113.2')).status, 200);
  for (let guess = 0; guess < 5; guess++) await asked('Bearer x', `2001:db8::${guess}`);
  assert.equal((await asked(`Bearer ${token}`, '2001:db8::99')).status, 429);
  assert.equal((await asked(`Bearer ${token}`, '2001:db8:0:1::99')).status, 200);
  await peer.tokens.remove(id);
  assert.equal((await asked(`Bearer ${token}`, '203.0.113.2')).status, 401);
});

test('a download lasts longer than a body may, in both versions of HTTP', async (t) => {
  await using door = await OpenDoor.open([service], { tls: freshPair() });
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const session = door.session();
  const stream = session.request({ ':path': '/stream' });
  await once(stream, 'data');
  const socket = connectTls({ port: door.port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.write('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  t.mock.timers.tick(600_000);
  for (const one of [stream, socket]) for (let piece = 0; piece < 200; piece++) await once(one, 'data');
  assert.equal(door.door.shown().requests, 2);
  session.destroy();
  socket.destroy();
});

async function expiredPair() {
  const folder = path.join(import.meta.dirname, '../fixtures');
  const pem = await readFile(path.join(folder, 'expired-certificate.pem'), 'utf8');
  const at = pem.indexOf('-----BEGIN PRIVATE KEY');
  return { certificate: pem.slice(0, at), key: pem.slice(at) };
}
