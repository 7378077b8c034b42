import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const marked = '\ufeffxyz';

async function namesAt(network: NetworkFixture, peer: PeerProcess, ...args: string[]): Promise<readonly string[]> {
  const { text } = await network.command([...args, '--json'], peer);
  const lines = text.split('\n').filter((line) => line !== '');
  const found = lines.map((line) => JSON.parse(line) as { name: string; files?: readonly { name: string }[] });
  return found.flatMap(({ name, files }) => files?.map((file) => file.name) ?? [name]).sort();
}

test('case 9: a name that begins with a byte order mark is put, listed, found, got and removed under that very name', async () => {
  await using network = await NetworkFixture.open();
  const peers = (await network.startRing(3)) as [PeerProcess, PeerProcess, PeerProcess];
  const [first, second, third] = peers;
  await until('one ring', () => network.isIdeal(peers), 30_000);
  await writeFile(path.join(network.folder, marked), 'marked');
  await writeFile(path.join(network.folder, 'xyz'), 'plain');
  for (const name of [marked, 'xyz']) {
    const put = await network.command(['put', name], first);
    assert.equal(put.exit, 0, put.stderr);
  }
  const both = ['xyz', marked];
  assert.deepEqual(await namesAt(network, first, 'ls'), both);
  assert.deepEqual(await namesAt(network, third, 'ls', '--all'), both);
  for (const [name, bytes] of [
    [marked, 'marked'],
    ['xyz', 'plain'],
  ] as const) {
    const got = await network.command(['get', name, '-o', '-'], second);
    assert.equal(got.stdout.toString(), bytes, got.stderr);
    assert.equal((await network.command(['stat', name], third)).exit, 0);
  }
  for (const peer of peers) assert.deepEqual(await namesAt(network, peer, 'search', '--broadcast', 'xyz'), both);
  await until('the index has both', async () => (await namesAt(network, third, 'search', 'xyz')).length === 2);
  assert.deepEqual(await namesAt(network, third, 'search', 'xyz'), both);

  const shared = path.join(network.folder, 'shared');
  await mkdir(shared);
  await writeFile(path.join(shared, '\ufeffin a share'), 'shared');
  assert.equal((await network.command(['share', shared], second)).exit, 0);
  await until(
    'the shared one is found',
    async () => (await namesAt(network, first, 'search', '--broadcast', 'share'))[0] === '\ufeffin a share',
  );
  await until(
    'the shared one is got',
    async () => (await network.command(['get', '\ufeffin a share', '-o', '-'], third)).stdout.toString() === 'shared',
  );

  const folder = path.join(network.folder, '\ufefffolder');
  await mkdir(folder);
  for (const name of ['\ufeff', '\ufeffa', 'a']) await writeFile(path.join(folder, name), name);
  assert.equal((await network.command(['put', folder], first)).exit, 0);
  const out = path.join(network.folder, 'out');
  const got = await network.command(['get', '\ufefffolder', '-o', out], third);
  assert.equal(got.exit, 0, got.stderr);
  assert.deepEqual((await readdir(out)).sort(), ['a', '\ufeff', '\ufeffa']);
  for (const name of await readdir(out)) assert.equal(await readFile(path.join(out, name), 'utf8'), name);

  const removed = await network.command(['rm', marked], first);
  assert.equal(removed.exit, 0, removed.stderr);
  assert.deepEqual(await namesAt(network, first, 'ls'), ['xyz', '\ufefffolder'].sort());
  assert.equal((await network.command(['get', marked, '-o', '-'], third)).exit, 3);
});
