import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { ShownHit } from '../../src/peer/shown-hit.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';
import { search } from './search-requests.ts';

interface Share {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
  readonly state: string;
  readonly indexed: number;
}

async function hitsOf(peer: PeerProcess, query: string, mode?: 'broadcast'): Promise<readonly ShownHit[]> {
  const { hits, problem } = await search(peer, query, mode);
  assert.equal(problem, null);
  return hits;
}

async function shares(peer: PeerProcess): Promise<readonly Share[]> {
  return (await peer.json<{ shares: Share[] }>('/api/v1/shares')).shares;
}

async function isWatching(peer: PeerProcess, files: number): Promise<boolean> {
  const [share] = await shares(peer);
  return share?.state === 'watching' && share.indexed === files;
}

async function succeed(network: NetworkFixture, args: readonly string[], peer: PeerProcess) {
  const result = await network.command(args, peer);
  assert.equal(result.exit, 0, result.stderr);
  return result;
}

test('A15 A16 A17 B5 a shared file is found and fetched by every peer from where it lies, until it is removed', async () => {
  await using network = await NetworkFixture.open();
  const peers = (await network.startRing(4)) as [PeerProcess, PeerProcess, PeerProcess, PeerProcess];
  await until('one ring', () => network.isIdeal(peers), 30_000);
  const [sharer, second, third, fourth] = peers;
  const folder = path.join(network.folder, 'music');
  await mkdir(path.join(folder, 'deep'), { recursive: true });
  const large = randomBytes(3 * 1024 * 1024 + 17);
  await writeFile(path.join(folder, 'deep', 'Great Concert.flac'), large);
  await writeFile(path.join(folder, 'notes of the tour.txt'), 'tour');
  await writeFile(path.join(folder, '.hidden.txt'), 'never');
  await symlink('/etc/hostname', path.join(folder, 'outside.txt'));

  const before = await second.json<{ bytes: number }>('/api/v1/storage?role=primary');
  await succeed(network, ['share', folder], sharer);
  await until('it is indexed', () => isWatching(sharer, 2));
  for (const peer of peers)
    await until('words find it', async () => (await hitsOf(peer, 'concert great')).length === 1, 15_000);
  const [hit] = await hitsOf(fourth, 'concert');
  assert.equal(hit?.shared, true);
  assert.equal(hit?.publisher, sharer.ready.id);
  await until('its SHA-256 is told', async () => (await hitsOf(fourth, 'concert'))[0]?.sha256 != null, 15_000);
  assert.equal((await hitsOf(third, '*.flac', 'broadcast')).length, 1);
  assert.equal((await hitsOf(third, 'hidden')).length, 0);
  assert.equal((await hitsOf(third, 'outside', 'broadcast')).length, 0);

  // By name, by CID and by name and publisher; nothing was stored on the ring for it.
  for (const [index, [peer, reference]] of (
    [
      [second, 'Great Concert.flac'],
      [third, hit?.cid ?? ''],
      [fourth, `Great Concert.flac@${sharer.ready.id}`],
    ] as const
  ).entries()) {
    const target = path.join(network.folder, `got-${index}`);
    await succeed(network, ['get', reference, '-o', target], peer);
    assert.deepEqual(await readFile(target), large);
  }
  assert.equal((await second.json<{ bytes: number }>('/api/v1/storage?role=primary')).bytes, before.bytes);
  const download = await sharer.request('/download/notes%20of%20the%20tour.txt');
  assert.equal(await download.text(), 'tour');

  const browsed = await succeed(network, ['ls', '--peer', sharer.ready.id, '--json'], third);
  assert.deepEqual(
    browsed
      .json<{ files: { name: string }[] }>()
      .files.map(({ name }) => name)
      .sort(),
    ['Great Concert.flac', 'notes of the tour.txt'],
  );

  // A peer that fetched it with --seed is a source as well.
  const seeded = path.join(network.folder, 'seeded', 'Great Concert.flac');
  await mkdir(path.dirname(seeded));
  await succeed(network, ['get', 'Great Concert.flac', '-o', seeded, '--seed'], second);
  await until('there are two sources', async () => (await hitsOf(fourth, 'concert'))[0]?.holders.length === 2, 15_000);
  assert.deepEqual(
    (await shares(second)).map(({ path: place }) => place),
    [seeded],
  );
  await rename(path.join(folder, 'deep', 'Great Concert.flac'), path.join(network.folder, 'moved away.flac'));
  await until('one source is left', async () => (await hitsOf(fourth, 'concert'))[0]?.holders.length === 1, 60_000);
  await succeed(network, ['get', hit?.cid ?? '', '-o', path.join(network.folder, 'from the other')], third);
  await succeed(network, ['unshare', seeded], second);

  const dropped = Date.now();
  await writeFile(path.join(folder, 'Fresh Song.mp3'), 'fresh');
  await until('a file dropped in is found', async () => (await hitsOf(third, 'fresh')).length === 1);
  assert.ok(Date.now() - dropped < 15_000, 'a loaded machine may take longer than 5 s, but not thrice as long');

  await rm(path.join(folder, 'Fresh Song.mp3'));
  await until('a removed file is gone', async () => (await hitsOf(third, 'fresh')).length === 0, 60_000);
  const gone = await network.command(['get', 'Fresh Song.mp3', '-o', path.join(network.folder, 'x')], third);
  assert.equal(gone.exit, 3, gone.stderr);

  await succeed(network, ['unshare', folder], sharer);
  for (const word of ['concert', 'notes'])
    await until('nothing of it is found', async () => (await hitsOf(second, word)).length === 0, 30_000);
  assert.deepEqual(await shares(sharer), []);
});

test('A15 a share that is away is called missing and nothing of it withdrawn; a changed file is never served wrong', async () => {
  await using network = await NetworkFixture.open();
  const peers = (await network.startRing(3)) as [PeerProcess, PeerProcess, PeerProcess];
  await until('one ring', () => network.isIdeal(peers), 30_000);
  let [sharer, second] = peers;
  const folder = path.join(network.folder, 'share');
  await mkdir(folder);
  await writeFile(path.join(folder, 'stable thing.bin'), randomBytes(100_000));
  await writeFile(path.join(folder, 'moving thing.bin'), 'first');
  await succeed(network, ['share', folder], sharer);
  await until('both are found', async () => (await hitsOf(second, 'thing')).length === 2, 15_000);
  const before = (await hitsOf(second, 'moving'))[0]?.cid;

  await writeFile(path.join(folder, 'moving thing.bin'), 'second and longer');
  await until('the new content is found', async () => {
    const hits = await hitsOf(second, 'moving');
    return hits.length === 1 && hits[0]?.cid !== before;
  });
  const old = await network.command(['get', before ?? '', '-o', path.join(network.folder, 'old')], second);
  assert.equal(old.exit, 1, old.stderr);

  await rename(folder, `${folder}-away`);
  await until('it is called missing', async () => (await shares(sharer))[0]?.state === 'missing', 60_000);
  assert.equal((await hitsOf(second, 'thing')).length, 2);
  const noSource = await network.command(
    ['get', 'stable thing.bin', '-o', path.join(network.folder, 'y'), '--json'],
    second,
  );
  assert.equal(noSource.exit, 1);
  assert.match(noSource.stderr, /no-live-source|No live/);
  await rename(`${folder}-away`, folder);
  await until('it is watched again', () => isWatching(sharer, 2), 60_000);
  await succeed(network, ['get', 'stable thing.bin', '-o', path.join(network.folder, 'z')], second);

  // After kill -9 and a restart it is all there, and what it had announced is renewed.
  await sharer.kill9();
  const dead = await network.command(['get', 'stable thing.bin', '-o', path.join(network.folder, 'w')], second);
  assert.equal(dead.exit, 1, dead.stderr);
  await until('hits say so', async () => (await hitsOf(second, 'stable'))[0]?.live === false, 30_000);
  sharer = await network.restart(sharer);
  await until('it is watched again', () => isWatching(sharer, 2), 30_000);
  await until('it is live again', async () => (await hitsOf(second, 'stable'))[0]?.live === true, 30_000);
  await succeed(network, ['get', 'stable thing.bin', '-o', path.join(network.folder, 'v')], second);
});
