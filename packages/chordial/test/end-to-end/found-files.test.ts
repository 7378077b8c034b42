import assert from 'node:assert/strict';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { ShownHit } from '../../src/peer/shown-hit.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

async function hits(network: NetworkFixture, peer: PeerProcess, ...args: string[]): Promise<readonly ShownHit[]> {
  const { text, exit, stderr } = await network.command(['search', ...args, '--json'], peer);
  assert.ok(exit === 0 || exit === 3, stderr);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ShownHit);
}

test('rough: a file put and shared is one hit with all who have it, verified, by words and by asking everybody', async () => {
  await using network = await NetworkFixture.open();
  const [first, second, third] = (await network.startRing(3)) as [PeerProcess, PeerProcess, PeerProcess];
  await until('one ring', () => network.isIdeal([first, second, third]), 30_000);
  const folders = ['one', 'two'].map((name) => path.join(network.folder, name)) as [string, string];
  for (const folder of folders) await mkdir(folder);
  const file = path.join(folders[0], 'Straße Café.txt');
  await writeFile(file, 'the same');
  await copyFile(file, path.join(folders[1], 'Straße Café.txt'));
  assert.equal((await network.command(['put', file], first)).exit, 0);
  assert.equal((await network.command(['share', folders[0]], first)).exit, 0);
  assert.equal((await network.command(['share', folders[1]], second)).exit, 0);

  const expected = [`${first.ready.id} put`, `${first.ready.id} share`, `${second.ready.id} share`].sort();
  for (const args of [
    ['strasse cafe'],
    ['--broadcast', 'asse'],
    ['--broadcast', '*.txt'],
    ['--broadcast', '/caf. *[.]/'],
  ]) {
    await until(
      `${args.join(' ')} finds it`,
      async () => {
        const found = await hits(network, third, ...args);
        const holders = found[0]?.holders.map(({ publisher, shared }) => `${publisher} ${shared ? 'share' : 'put'}`);
        return found.length === 1 && holders?.sort().join() === expected.join();
      },
      30_000,
    );
    const [hit] = await hits(network, third, ...args);
    assert.deepEqual(
      hit?.holders.map(({ verified }) => verified),
      [true, true, true],
    );
    assert.deepEqual([hit.publisher, hit.shared], [first.ready.id, false]);
  }
  const shown = await network.command(['search', 'cafe'], third);
  assert.equal(shown.text.trim().split('\n').length, 2, shown.text);
  assert.match(shown.text, /put by .*, shared by .*, shared by /);
  assert.doesNotMatch(shown.text, /unverified/);
});

test('rough: nicotine-plus#498 what is no whole word is found by asking every peer, which the command names and the API does', async () => {
  await using network = await NetworkFixture.open();
  const peer = await network.start();
  for (const name of ['東.txt', '한국어사전.pdf'])
    assert.equal(
      (await peer.request(`/api/v1/files/${encodeURIComponent(name)}`, { method: 'PUT', body: name })).status,
      201,
    );
  for (const [query, name] of [
    ['東', '東.txt'],
    ['국어', '한국어사전.pdf'],
    ['국어 type:pdf', '한국어사전.pdf'],
  ] as const) {
    const alone = await network.command(['search', query], peer);
    assert.equal(alone.exit, query === '東' ? 2 : 3, alone.stderr);
    assert.match(alone.stderr, /--broadcast/);
    const started = await peer.request('/api/v1/search', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ query, mode: 'words', orBroadcast: true }),
    });
    const { queryId } = (await started.json()) as { queryId: string };
    let found: { state: string; mode: string; hits: ShownHit[] } | null = null;
    await until(`${query} is done`, async () => {
      found = await peer.json(`/api/v1/search/${queryId}`);
      return found!.state === 'done';
    });
    assert.deepEqual([found!.mode, found!.hits.map((hit) => hit.name)], ['broadcast', [name]]);
  }
});
