import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { readCar } from '../fixtures/dag-content.ts';
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

test('B8 a folder leaves as a CAR and comes back from it with its CID, by pipe too, and ipfs:// leads into it', async () => {
  const { network, peers } = await ring();
  const [first, second = first] = peers;
  const run = async (words: readonly string[], peer = first, input = '') => {
    const { exit, text, stderr } = await network.command(words, peer, { input });
    assert.equal(exit, 0, `${words.join(' ')}: ${stderr}`);
    return text;
  };
  const fjord = path.join(network.folder, 'fjord');
  await mkdir(path.join(fjord, 'größe'), { recursive: true });
  await writeFile(path.join(fjord, 'größe', 'a b.txt'), 'inside');
  await writeFile(path.join(fjord, 'large.bin'), Buffer.alloc(2_500_000, 'large '));
  await run(['put', 'fjord']);
  const told = JSON.parse(await run(['export', 'fjord', '--json'], second)) as { cid: string; path: string };
  assert.equal(told.path, path.join(network.folder, 'fjord.car'));
  const car = readCar(await readFile(told.path));
  assert.equal(car.root, told.cid);
  // The folders, the node of the large file and its leaves.
  assert.equal(car.cids.length, 7);
  assert.match((await network.command(['export', 'fjord'], second)).stderr, /--force/);
  await run(['rm', 'fjord']);

  const imported = JSON.parse(await run(['import', 'fjord.car', '--name', 'again', '--json'])) as { cid: string };
  assert.equal(imported.cid, told.cid);
  const inside = `${told.cid}/${encodeURIComponent('größe')}/a%20b.txt`;
  assert.equal(await run(['get', `ipfs://${inside}`, '-o', '-'], second), 'inside');
  assert.match(await run(['get', `/ipfs/${told.cid}/größe/a b.txt`, '-o', 'got.txt'], second), /got\.txt/);
  assert.equal(await readFile(path.join(network.folder, 'got.txt'), 'utf8'), 'inside');
  await run(['export', 'again/größe', 'part.car'], second);
  const part = await readFile(path.join(network.folder, 'part.car'));
  assert.equal(readCar(part).cids.length, 2);

  const refused = async (exit: number, pattern: RegExp, ...words: readonly string[]) => {
    const result = await network.command(words, first);
    assert.deepEqual([result.exit, pattern.test(result.stderr)], [exit, true], `${words.join(' ')}: ${result.stderr}`);
  };
  await writeFile(path.join(network.folder, 'cut.car'), (await readFile(told.path)).subarray(0, 2_000_000));
  await refused(2, /an end in the middle/, 'import', 'cut.car');
  await refused(2, /no CAR/, 'import', 'got.txt');
  await refused(2, /--name/, 'import', '-');
  await refused(1, /it is not there/, 'import', 'absent.car');
  await refused(3, /absent/, 'export', 'absent');
  await refused(2, /is not a CID/, 'get', 'ipfs://nothing/x');
  await refused(3, /nothing/, 'get', `ipfs://${told.cid}/nothing`);
});
