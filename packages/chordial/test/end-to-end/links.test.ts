/** Real peers: links made at a peer without a door, served at two doors of others, and the sender killed. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Link, MadeLink, NodeStatus } from '../../src/client/answers.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

/** Two seconds until a door reads the record again, and what a machine takes that does much else. */
const goneWithin = 20_000;
const odd = "Ünï 'cödé' & 100% #1 (ä).txt";
const long = `${'ж'.repeat(125)}.txt`;

let network: NetworkFixture;
let sender: PeerProcess;
let others: readonly PeerProcess[];
let doors: readonly string[];

before(async () => {
  network = await NetworkFixture.open();
  const flags = ['--door', '127.0.0.1:0', '--serve', 'links'];
  const first = await network.start({ flags });
  others = [first, await network.start({ join: first, flags }), await network.start({ join: first })];
  sender = await network.start({ join: first });
  doors = await Promise.all(
    others.slice(0, 2).map(async (peer) => (await peer.json<NodeStatus>('/api/v1/node')).door!.url),
  );
  await until('one ring', () => network.isIdeal([...others, sender]), 60_000);
});
after(() => network?.[Symbol.asyncDispose]());

async function put(name: string, content: string | Uint8Array): Promise<void> {
  const body = typeof content === 'string' ? content : Uint8Array.from(content);
  const put = await sender.request(`/api/v1/files/${encodeURIComponent(name)}`, { method: 'PUT', body });
  assert.equal(put.status, 201, await put.text());
}

async function linkTo(name: string, terms: Readonly<Record<string, unknown>> = {}): Promise<MadeLink> {
  const body = JSON.stringify({ name, ...terms });
  const headers = { 'Content-Type': 'application/json' };
  const made = await sender.request('/api/v1/links', { method: 'POST', body, headers });
  assert.equal(made.status, 201);
  return (await made.json()) as MadeLink;
}

/** At each door, whatever door the URL names. */
function atDoors({ path: place }: Pick<Link, 'path'>, init: RequestInit = {}): Promise<readonly Response[]> {
  return Promise.all(doors.map((door) => fetch(`${door}${place}`, init)));
}

async function bytesAt(link: Pick<Link, 'path'>): Promise<readonly Buffer[]> {
  const answers = await atDoors(link);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
  return Promise.all(answers.map(async (answer) => Buffer.from(await answer.arrayBuffer())));
}

const listed = async (): Promise<readonly Link[]> => (await sender.json<{ links: Link[] }>('/api/v1/links')).links;

test('B13 a link works at every door while its sender is dead, and is gone at every door soon after it was taken back', async () => {
  const photo = randomBytes(3_000_000);
  await put('photo.jpg', photo);
  const qr = path.join(network.folder, 'qr.png');
  const printed = await network.command(['link', 'photo.jpg', '--expires', '1d', '--qr', '--qr-file', qr], sender);
  // The URL is out: the record must be on a write quorum by now.
  await sender.kill9();
  assert.equal(printed.exit, 0, printed.stderr);
  const url = printed.text.split('\n')[0]!;
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/s\/[a-z2-7]{16}\/photo\.jpg$/);
  assert.ok(doors.some((door) => url.startsWith(door)));
  assert.match(printed.text, /█/);
  assert.equal((await readFile(qr)).readUInt32BE(0), 0x89504e47);
  const shown = await network.command(['door', '--qr'], others[0]);
  assert.match(shown.text, new RegExp(`^door +${doors[0]}\n[^█]+█`));
  const link = { path: new URL(url).pathname };
  for (const bytes of await bytesAt(link)) assert.ok(bytes.equals(photo));
  const [part] = await atDoors(link, { headers: { Range: 'bytes=1000000-1000009' } });
  assert.ok(Buffer.from(await part!.arrayBuffer()).equals(photo.subarray(1_000_000, 1_000_010)));
  sender = await network.restart(sender, { join: others[0]! });
  // Doors that have just read the record.
  await Promise.all((await atDoors(link)).map((answer) => answer.arrayBuffer()));
  const taken = await network.command(['unlink', url], sender);
  assert.equal(taken.exit, 0, taken.stderr);
  await until(
    'it is gone at every door',
    async () => (await atDoors(link)).every(({ status }) => status === 404),
    goneWithin,
  );
  assert.equal((await network.command(['unlink', url], sender)).exit, 3);
  assert.deepEqual(await listed(), []);
});

test('B13 odd names, two links to one file, a folder, a password, times and a removed file', async () => {
  for (const name of [odd, long]) {
    await put(name, name);
    const link = await linkTo(name);
    for (const bytes of await bytesAt(link)) assert.equal(bytes.toString(), name);
    const [answer] = await atDoors(link);
    const disposition = answer!.headers.get('content-disposition') ?? '';
    assert.equal(decodeURIComponent(/filename\*=UTF-8''(\S+)/.exec(disposition)?.[1] ?? ''), name);
    await answer!.arrayBuffer();
  }
  const folder = path.join(network.folder, 'holiday');
  await mkdir(path.join(folder, 'beach'), { recursive: true });
  await writeFile(path.join(folder, 'beach', 'sea.txt'), 'blue');
  assert.equal((await network.command(['put', folder], sender)).exit, 0);
  const ofFolder = await linkTo('holiday');
  for (const bytes of await bytesAt({ path: `${ofFolder.path}/beach/sea.txt` })) assert.equal(bytes.toString(), 'blue');

  await put('twice.txt', 'the same');
  const [first, second] = [await linkTo('twice.txt'), await linkTo('twice.txt', { times: 1 })];
  assert.notEqual(first.id, second.id);
  assert.equal(second.times, 1);
  for (const bytes of await bytesAt(second)) assert.equal(bytes.toString(), 'the same');
  // Once at each door.
  for (const { status } of await atDoors(second)) assert.equal(status, 404);
  const told = await until(
    'the sender is told',
    async () => (await listed()).find(({ id, fetched }) => id === second.id && fetched === 2) ?? null,
    20_000,
  );
  assert.equal(new Set(told.fetches.map(({ door }) => door)).size, 2);
  for (const bytes of await bytesAt(first)) assert.equal(bytes.toString(), 'the same');
  const { text } = await network.command(['links', second.id], sender);
  assert.match(text, /times +1 at each door/);

  const asked = ['link', 'twice.txt', '--password', '--expires', '1h', '--json'];
  const locked = (await network.command(asked, sender, { input: 'sesame\n' })).json<MadeLink>();
  for (const { status } of await atDoors(locked)) assert.notEqual(status, 200);
  const authorization = `Basic ${Buffer.from(':sesame').toString('base64')}`;
  for (const answer of await atDoors(locked, { headers: { Authorization: authorization } }))
    assert.equal(await answer.text(), 'the same');

  const short = await linkTo('twice.txt', { timeToLive: 1000 });
  await setTimeout(Math.max(0, Date.parse(short.expires) - Date.now()));
  for (const { status } of await atDoors(short)) assert.equal(status, 404);
  assert.equal((await sender.request(`/api/v1/links/${first.id}`, { method: 'DELETE' })).status, 204);
  await until(
    'only the first is gone',
    async () => (await atDoors(first)).every(({ status }) => status === 404),
    goneWithin,
  );
  const removed = await linkTo('twice.txt');
  assert.equal((await sender.request('/api/v1/files/twice.txt', { method: 'DELETE' })).status, 204);
  await until(
    'nothing is left of it',
    async () => (await atDoors(removed)).every(({ status }) => status >= 400),
    60_000,
  );
  const none = { path: `/s/${'a'.repeat(16)}` };
  const sentences = (await Promise.all([atDoors(first), atDoors(second), atDoors(short), atDoors(none)])).flat();
  assert.equal(new Set(await Promise.all(sentences.map((answer) => answer.text()))).size, 1);
});

test('B13 a sealed link to a plain file leads to a sealed copy, which lives as long as the link', async () => {
  await put('diary.txt', 'no one else reads this');
  const made = (await network.command(['link', 'diary.txt', '--sealed', '--json'], sender)).json<MadeLink>();
  assert.match(made.url!, /\/s\/[a-z2-7]{16}#[A-Za-z0-9_-]{22}$/);
  assert.deepEqual([made.isSealed, made.name, made.size], [true, 'diary.txt', 22]);
  const names = async (): Promise<readonly string[]> =>
    (await sender.json<{ files: { name: string }[] }>('/api/v1/files')).files.map(({ name }) => name);
  assert.equal((await names()).filter((name) => name.startsWith('sealed for a link')).length, 1);
  const stored = Buffer.from(await (await sender.request(`/api/v1/content/${made.cid}`)).arrayBuffer());
  assert.ok(stored.toString('latin1').startsWith('age-encryption.org/v1\n'));
  assert.equal(stored.includes('no one'), false);
  await put('same.txt', 'two links');
  const [first, second] = [await linkTo('same.txt', { sealed: true }), await linkTo('same.txt', { sealed: true })];
  assert.notEqual(first.cid, second.cid);
  assert.equal((await network.command(['unlink', made.url!], sender)).exit, 0);
  assert.equal((await names()).filter((name) => name.startsWith('sealed for a link')).length, 2);
});

test('B13 wrong uses of link, links and unlink are told in one line', async () => {
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['link', 'no such file'], 3, /not-found|No file/],
    [['link'], 2, /Give the name or CID/],
    [['link', 'twice.txt', '--expires', '400d'], 2, /--expires 400d: .*366 days/],
    [['link', '--drop', 'Inbox', '--most', '0'], 2, /takes nothing/],
    [['link', '--drop', 'Inbox', '--times', '3'], 2, /--times/],
    [['link', 'twice.txt', '--qr-file', 'qr.gif'], 2, /\.png or \.svg/],
    [['link', 'twice.txt', '--password'], 2, /empty/],
    [['door'], 1, /no door/],
    [['links', '--qr'], 2, /one link/],
    [['unlink', 'https://example.org/'], 2, /no link/],
  ];
  for (const [args, exit, text] of cases) {
    const told = await network.command(args, sender);
    assert.equal(told.exit, exit, `${args.join(' ')}: ${told.stderr}`);
    assert.match(told.stderr, text);
    assert.equal(told.stderr.trim().split('\n').length, 1);
  }
});
