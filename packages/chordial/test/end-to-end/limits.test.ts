/** Limits of real peers: what people put and get is held to them, what keeps the ring and the last copies alive is not. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitsStatus, TransferList } from '../../src/client/answers.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const mebibyte = 1024 * 1024;
const seconds = 10;

test('B11 a put and a get are held to the limit within 5 %, and control traffic passes free', async () => {
  await using network = await NetworkFixture.open();
  const ring = await network.startRing(3, { flags: ['--replicas', '2', '--write-quorum', '2'] });
  const client = await network.start({ join: ring[0]!, flags: ['--quota', '0', '--limit-lan', 'yes'] });
  const content = randomBytes(50 * mebibyte);
  const file = path.join(network.folder, 'file');
  await writeFile(file, content);

  await limit(network, client, '1536K:1M');
  const putting = network.command(['put', file, '--name', 'file', '--replicas', '2'], client);
  await assertHeld(client, 'up', 1.5 * mebibyte);
  // A question to others while the line is full.
  const asked = performance.now();
  await client.json('/api/v1/lookup/something');
  assert.ok(performance.now() - asked < 2000, `${performance.now() - asked} ms`);
  await limit(network, client, 'off');
  const put = await putting;
  assert.equal(put.exit, 0, put.stderr);

  await limit(network, client, '1M', '--for', '1h');
  const got = path.join(network.folder, 'got');
  const getting = network.command(['get', 'file', '-o', got], client);
  await assertHeld(client, 'down', mebibyte);
  const status = await client.json<LimitsStatus>('/api/v1/limits');
  assert.equal(status.source, 'for-a-while');
  await limit(network, client, 'off');
  const get = await getting;
  assert.equal(get.exit, 0, get.stderr);
  assert.ok(content.equals(await readFile(got)));
});

test('B11 stop lets transfers wait with the reason, repair of files with too few copies goes on', async () => {
  await using network = await NetworkFixture.open();
  const flags = ['--replicas', '2', '--write-quorum', '2', '--limit-lan', 'yes'];
  const ring = await network.startRing(4, { flags });
  const content = randomBytes(6 * mebibyte);
  const file = path.join(network.folder, 'file');
  await writeFile(file, content);
  assert.equal((await network.command(['put', file], ring[0]!)).exit, 0);
  for (const peer of ring) await limit(network, peer, 'stop');

  const other = path.join(network.folder, 'other');
  await writeFile(other, randomBytes(3 * mebibyte));
  const putting = network.command(['put', other], ring[0]!);
  await until('the put waits', async () => {
    const { transfers } = await ring[0]!.json<TransferList>('/api/v1/transfers');
    return transfers.some(({ state, error }) => state === 'paused' && error?.code === 'stopped');
  });
  const before = await moved(ring[0]!, 'up', 'people');
  const refused = await ring[0]!.request('/api/v1/files/wanted', { method: 'PUT', body: new Uint8Array(2000) });
  assert.equal(refused.status, 503);
  assert.equal(((await refused.json()) as { code: string }).code, 'stopped');

  await ring[3]!.kill9();
  const alive = ring.slice(0, 3);
  await until('one ring of three', () => network.isIdeal(alive));
  const repaired = async (): Promise<boolean> => {
    const { copies } = await ring[0]!.json<{ copies: number }>('/api/v1/files/file/stat');
    return copies === 2;
  };
  await until('two copies of every block', repaired, 60_000);
  assert.equal(await moved(ring[0]!, 'up', 'people'), before);

  for (const peer of alive.toReversed()) await limit(network, peer, '--reset');
  const { exit, stderr } = await putting;
  assert.equal(exit, 0, stderr);
  assert.match(stderr, /The limit of this peer is "stop"/);
});

test('B11 a limit set by a command is kept over a restart, one for a while is not', async () => {
  await using network = await NetworkFixture.open();
  const data = 'kept';
  const flags = ['--limit', '08:00,1M 20:00,off'];
  const first = await network.start({ data, flags });
  await limit(network, first, '512k:2M');
  await limit(network, first, 'stop', '--for', '1h');
  const [held] = (await network.command(['limit'], first)).stdout.toString().split('\n');
  assert.match(held ?? '', /^now +stop/);
  await first.stop();
  const again = await network.start({ data, flags });
  const { limit: text, source, configured } = await again.json<LimitsStatus>('/api/v1/limits');
  assert.deepEqual([text, source, configured], ['512K:2M', 'command', '08:00,1M 20:00,off']);
  await limit(network, again, '--reset');
  assert.equal((await again.json<LimitsStatus>('/api/v1/limits')).source, 'settings');

  const wrong = await network.command(['limit', '0'], again);
  assert.equal(wrong.exit, 2);
  assert.match(wrong.stderr, /"off" for no limit, or "stop"/);
  for (const [body, message] of [
    [{ limit: '25:00,1M' }, /has no time in "25:00"/],
    [{ limit: null, milliseconds: 5 }, /nothing to hold for a while/],
    [{ limit: '1M', milliseconds: -1 }, /milliseconds/],
  ] as const) {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await again.request('/api/v1/limits', { method: 'PUT', body: JSON.stringify(body), headers });
    assert.equal(answer.status, 400);
    assert.match(((await answer.json()) as { detail: string }).detail, message);
  }
});

async function limit(network: NetworkFixture, peer: PeerProcess, ...wanted: readonly string[]): Promise<void> {
  const { exit, stderr } = await network.command(['limit', ...wanted], peer);
  assert.equal(exit, 0, stderr);
}

/** Ten seconds, after two to settle; again where the peers were not given the processor in time. */
async function assertHeld(peer: PeerProcess, direction: 'up' | 'down', perSecond: number): Promise<void> {
  await sleep(2000);
  for (let windows = 3; ; windows--) {
    const [before, began] = [await moved(peer, direction, 'people'), performance.now()];
    await sleep(seconds * 1000);
    const [after, took] = [await moved(peer, direction, 'people'), performance.now() - began];
    const rate = ((after - before) * 1000) / took;
    if (Math.abs(rate / perSecond - 1) < 0.05) return;
    assert.ok(windows > 1, `${direction}: ${Math.round(rate)} of ${perSecond} bytes a second`);
  }
}

async function moved(peer: PeerProcess, direction: 'up' | 'down', name: string): Promise<number> {
  const text = await (await peer.request('/metrics')).text();
  const wanted = `chordial_moved_bytes_total{direction="${direction}",class="${name}"} `;
  const line = text.split('\n').find((one) => one.startsWith(wanted));
  assert.ok(line, text);
  return Number(line.slice(wanted.length));
}
