import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';
import { sharedRing } from './shared-ring.ts';

/** The first test lists all of its names. */
const ring = sharedRing(2);

const route = (name: string): string => `/api/v1/files/${encodeURIComponent(name)}`;

test('A22 B1 names: 255 bytes, odd to look at, or like numbers and CIDs are kept; what no folder can hold is refused', async () => {
  const { network, peers } = await ring();
  const [first, second = first] = peers;
  const likeCid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
  const good = [
    'a'.repeat(255),
    'ä'.repeat(127),
    ' ',
    '100% of %2F',
    '-rf',
    'new\u2028line',
    '日本語 🎉',
    '2067',
    '..a',
  ];
  for (const name of [...good, likeCid]) {
    const put = await first.request(route(name), { method: 'PUT', body: name });
    assert.equal(put.status, 201, `${name}: ${await put.clone().text()}`);
    assert.equal(await (await second.request(route(name))).text(), name);
  }
  // As an argument it is the CID, with name: the name.
  const byName = await network.command(['get', `name:${likeCid}`, '-o', '-'], second);
  assert.equal(byName.text, likeCid);
  const byCid = await network.command(['get', likeCid, '-o', '-'], second);
  // Whether content exists cannot be known: the running peers do not have it.
  assert.equal(byCid.exit, 1, byCid.stderr);
  assert.match(byCid.stderr, /No live peer handed over block .*Try again when more peers are up/);

  const decomposed = 'Zoe\u0308.txt';
  assert.equal((await first.request(route(decomposed), { method: 'PUT', body: 'one file' })).status, 201);
  assert.equal(await (await second.request(route('Zo\u00eb.txt'))).text(), 'one file');

  for (const [name, reason] of [
    ['a/b', /contains a \\"\/\\"/],
    ['..', /means a folder/],
    ['.', /means a folder/],
    ['a'.repeat(256), /256 bytes in UTF-8, and at most 255/],
    ['ä'.repeat(128), /256 bytes in UTF-8, and at most 255/],
    ['bell\u0007', /control character/],
    ['nul\0', /NUL/],
  ] as const) {
    // A URL parser resolves dot segments, encoded or not, so these two go through the command line alone.
    if (!name.startsWith('.')) {
      const refused = await first.request(route(name), { method: 'PUT', body: 'x' });
      const text = await refused.text();
      assert.equal(refused.status, 400, text);
      assert.match(text, reason);
      assert.match(text, /"bad-name".*|Choose another/);
    }
    if (name.includes('\0')) continue;
    const put = await network.command(['put', '-', '--name', name, '--json'], first, { input: 'x' });
    assert.equal(put.exit, 2, put.stderr);
    assert.match(put.stderr, /"bad-name"/);
    assert.match(put.stderr, reason);
  }
  const { files } = await second.json<{ files: { name: string }[] }>('/api/v1/files?all=true&limit=1000');
  const expected = [...good, likeCid, decomposed.normalize()];
  assert.deepEqual(files.map(({ name }) => name).sort(), expected.sort());
});

test('A22 A7 an empty file, an absent one, a malformed CID, a file that vanished', async () => {
  const {
    network,
    peers: [peer],
  } = await ring();
  const at = (name: string) => path.join(network.folder, name);
  await writeFile(at('empty'), '');
  assert.equal((await network.command(['put', 'empty'], peer)).exit, 0);
  assert.equal((await network.command(['get', 'empty', '-o', 'copy'], peer)).exit, 0);
  assert.equal((await readFile(at('copy'))).length, 0);

  const absent = await network.command(['get', 'nothing', '-o', 'never'], peer);
  assert.equal(absent.exit, 3);
  assert.match(absent.stderr, /^chordial: .*"nothing".*chordial ls --all/);
  assert.equal(existsSync(at('never')) || existsSync(at('never.part')), false);
  const problem = await peer.request('/api/v1/content/bafynonsense');
  assert.equal(problem.status, 400);
  assert.match(await problem.text(), /"bad-cid"/);

  await writeFile(at('gone'), 'x');
  await rm(at('gone'));
  const vanished = await network.command(['put', 'gone', '--json'], peer);
  assert.equal(vanished.exit, 1);
  assert.match(vanished.stderr, /"unreadable-file".*there is no such file/);
  const below = await network.command(['get', 'empty', '-o', 'copy/below', '--json'], peer);
  assert.equal(below.exit, 1, below.stderr);
  assert.match(below.stderr, /"unwritable-file".*copy/);
  const { files } = await peer.json<{ files: { name: string }[] }>('/api/v1/files?limit=1000');
  const listed = files.map(({ name }) => name);
  assert.deepEqual(
    ['empty', 'nothing', 'gone'].filter((name) => listed.includes(name)),
    ['empty'],
  );
});

test('A22 a body that is cut off publishes nothing and leaves the peer healthy', async () => {
  await using network = await NetworkFixture.open();
  const peer = await network.start();
  assert.equal((await peer.request(route('kept'), { method: 'PUT', body: 'before' })).status, 201);
  for (const name of ['new', 'kept']) await sendHalf(peer, name, 8 * 1024 * 1024);
  await until('the peer answers', async () => (await peer.request('/readyz')).ok);
  assert.equal((await peer.request(route('new'))).status, 404);
  assert.equal(await (await peer.request(route('kept'))).text(), 'before');
  const body = randomBytes(8 * 1024 * 1024);
  assert.equal((await peer.request(route('new'), { method: 'PUT', body })).status, 201);
  assert.ok(body.equals(Buffer.from(await (await peer.request(route('new'))).arrayBuffer())));
});

test('A22 JSON that is broken, wrong or too large is refused with a reason', async () => {
  const {
    peers: [peer],
  } = await ring();
  const post = (where: string, body: string) =>
    peer.request(where, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  for (const [where, body, status, code] of [
    ['/api/v1/transfers', '{"kind":', 400, 'bad-request'],
    ['/api/v1/transfers', '[]', 400, 'bad-request'],
    ['/api/v1/transfers', '{"kind":"put","name":"x","path":"/etc/hostname","surprise":1}', 400, 'bad-request'],
    ['/api/v1/node/join', '{"address":"nowhere"}', 400, 'bad-address'],
    ['/api/v1/nothing', '{}', 404, 'no-such-route'],
  ] as const) {
    const answer = await post(where, body);
    const problem = (await answer.json()) as { code: string; detail: string };
    assert.deepEqual([answer.status, problem.code], [status, code], problem.detail);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    assert.ok(problem.detail.length > 20, problem.detail);
  }
  // It is refused by its length, before any of it has come.
  const length = 64 * 1024 * 1024;
  const head = `POST /api/v1/node/join HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n`;
  const tooLarge = await answerTo(peer, head);
  assert.match(tooLarge, /^HTTP\/1\.1 413 .*"too-large"/s);
  assert.equal((await peer.request('/readyz')).status, 200);
});

test('A22 A7 two puts of one name at once: one of the two is the file, whole, at every peer', async () => {
  const { peers } = await ring();
  const [first, second = first] = peers;
  const bodies = [randomBytes(3_000_000), randomBytes(2_000_000)];
  const puts = await Promise.all(bodies.map((body) => first.request(route('raced'), { method: 'PUT', body })));
  assert.deepEqual(
    puts.map(({ status }) => status),
    [201, 201],
  );
  const read = async (peer: PeerProcess) => Buffer.from(await (await peer.request(route('raced'))).arrayBuffer());
  const [here, there] = [await read(first), await read(second)];
  assert.ok(here.equals(there) && bodies.some((body) => body.equals(here)));
});

/** Declares a length, sends half and disconnects. */
async function sendHalf(peer: PeerProcess, name: string, bytes: number): Promise<void> {
  const { hostname, port, host } = new URL(peer.apiUrl);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  const head = `PUT ${route(name)} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${peer.token}\r\nContent-Length: ${bytes}\r\n\r\n`;
  await new Promise((resolve) => socket.write(head, resolve));
  await new Promise((resolve) => socket.write(randomBytes(bytes / 2), resolve));
  socket.resetAndDestroy();
}

/** The response to a request of only these lines. */
async function answerTo(peer: PeerProcess, head: string): Promise<string> {
  const { hostname, port, host } = new URL(peer.apiUrl);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  socket.write(`${head}Host: ${host}\r\nAuthorization: Bearer ${peer.token}\r\n\r\n`);
  let answer = '';
  try {
    await until('an answer', async () => {
      answer += socket.read() ?? '';
      return answer.includes('}');
    });
  } finally {
    socket.destroy();
  }
  return answer;
}
