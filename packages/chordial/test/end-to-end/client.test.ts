import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const route = (name: string) => `/api/v1/files/${encodeURIComponent(name)}`;

async function bytesAt(peer: PeerProcess, name: string): Promise<Buffer> {
  const answer = await peer.request(route(name));
  assert.equal(answer.status, 200);
  return Buffer.from(await answer.arrayBuffer());
}

async function stored(peer: PeerProcess): Promise<{ blocks: number; bytes: number }> {
  return peer.json('/api/v1/storage?role=replica');
}

test('B12 a client with --quota 0 puts, gets, lists and removes, takes no place and stores nothing', async () => {
  await using network = await NetworkFixture.open();
  const peers = await network.startRing(4);
  await until('one ring of four', () => network.isIdeal(peers), 60_000);
  const client = await network.start({ join: peers[0]!, flags: ['--quota', '0'] });
  assert.equal((await client.request('/readyz')).status, 200);
  const body = randomBytes(3_000_000);
  const put = await client.request(route('from the client'), { method: 'PUT', body });
  assert.equal(put.status, 201);
  assert.equal(((await put.json()) as { copies: number }).copies, 3);
  await peers[1]!.request(route('from a peer'), { method: 'PUT', body: 'hello' });
  for (const peer of [...peers, client]) {
    assert.deepEqual(await bytesAt(peer, 'from the client'), body);
    assert.equal((await bytesAt(peer, 'from a peer')).toString(), 'hello');
  }
  await until('the client knows every host', async () => {
    const { files } = await client.json<{ files: readonly { name: string }[] }>('/api/v1/files?all=true');
    const { copies } = await client.json<{ copies: number }>(`${route('from the client')}/stat`);
    return files.length === 2 && copies >= 3;
  });
  const node = await peers[0]!.json<{ hosts: number }>('/api/v1/node');
  assert.equal(node.hosts, 4);
  assert.ok(await network.isIdeal(peers));
  assert.deepEqual(await stored(client).then(({ blocks, bytes }) => [blocks, bytes]), [0, 0]);

  await peers[3]!.kill9();
  assert.deepEqual(await bytesAt(client, 'from the client'), body);
  await client.kill9();
  const again = await network.restart(client);
  assert.equal((await again.request('/readyz')).status, 200);
  assert.equal((await bytesAt(again, 'from a peer')).toString(), 'hello');
  const { files } = await again.json<{ files: readonly { name: string }[] }>('/api/v1/files');
  assert.deepEqual(
    files.map(({ name }) => name),
    ['from the client'],
  );
  assert.equal((await again.request(route('from the client'), { method: 'DELETE' })).status, 204);
  await until('the space is free', async () => (await stored(peers[0]!)).bytes <= 5, 60_000);
  const left = await network.command(['leave'], again);
  assert.equal(left.exit, 0, left.stderr);
});

test('B12 a client alone is told to name a peer to join', async () => {
  await using network = await NetworkFixture.open();
  const alone = await network.command([
    'start',
    '--quota',
    '0',
    '--data',
    `${network.folder}/alone`,
    '--api',
    '127.0.0.1:0',
    '--listen',
    '127.0.0.1:0',
  ]);
  assert.equal(alone.exit, 2);
  assert.match(alone.stderr, /^chordial: .*client.*--join/m);
});
