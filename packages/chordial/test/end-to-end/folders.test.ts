import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { sharedRing } from './shared-ring.ts';

const ring = sharedRing(2);

test('A6 A7 a folder put at one peer is recreated by another, and a piped file is found through --data', async () => {
  const { network, peers } = await ring();
  const [first, second = first] = peers;
  const album = path.join(network.folder, 'album');
  await mkdir(path.join(album, 'deep'), { recursive: true });
  await writeFile(path.join(album, 'a.txt'), 'first');
  await writeFile(path.join(album, 'deep', 'b.txt'), 'second');
  const put = await network.command(['put', 'album'], first);
  assert.equal(put.exit, 0, put.stderr);
  const got = await network.command(['get', 'album', '-o', 'copy'], second);
  assert.equal(got.exit, 0, got.stderr);
  assert.equal(await readFile(path.join(network.folder, 'copy/deep/b.txt'), 'utf8'), 'second');
  const again = await network.command(['get', 'album', '-o', 'copy'], second);
  assert.match(again.text, /already there/);
  const listing = await second.json<{ entries: { path: string; type: string }[] }>('/api/v1/files/album');
  assert.deepEqual(
    listing.entries
      .filter(({ type }) => type === 'file')
      .map((entry) => entry.path)
      .sort(),
    ['a.txt', 'deep/b.txt'],
  );
  const inside = await second.request('/api/v1/files/album?path=deep/b.txt');
  assert.equal(await inside.text(), 'second');
  const piped = await network.command(['put', '-', '--name', 'piped', '--data', first.dataFolder], undefined, {
    input: 'bytes',
  });
  assert.equal(piped.exit, 0, piped.stderr);
  const out = await network.command(['get', 'piped', '-o', '-', '--data', second.dataFolder]);
  assert.equal(out.text, 'bytes');
});

test('A7 get of an absent name at a real peer exits with 3', async () => {
  const {
    network,
    peers: [peer],
  } = await ring();
  const got = await network.command(['get', 'absent'], peer);
  assert.equal(got.exit, 3);
  assert.match(got.stderr, /absent/);
});
