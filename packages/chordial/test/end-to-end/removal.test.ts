import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const ringMilliseconds = 60_000;
/** As the specification grants; it takes seconds. */
const freedMilliseconds = 60_000;

const route = (name: string) => `/api/v1/files/${encodeURIComponent(name)}`;

async function put(peer: PeerProcess, name: string, body: Uint8Array<ArrayBuffer>, query = ''): Promise<void> {
  const answer = await peer.request(`${route(name)}${query}`, { method: 'PUT', body });
  assert.equal(answer.status, 201, await answer.text());
}

async function bytesHeld(peers: readonly PeerProcess[]): Promise<number> {
  const held = await Promise.all(peers.map((peer) => peer.json<{ bytes: number }>('/api/v1/storage?role=replica')));
  return held.reduce((sum, { bytes }) => sum + bytes, 0);
}

test('B12 A22 rm and --ttl end a name on every peer and give its space back, also on a holder that was down', async (t) => {
  await using network = await NetworkFixture.open();
  const peers = await network.startRing(4);
  const [first, second, third, fourth] = peers as [PeerProcess, PeerProcess, PeerProcess, PeerProcess];
  await until('one ring of four', () => network.isIdeal(peers), ringMilliseconds);
  await put(first, 'kept', randomBytes(100_000));
  const before = await bytesHeld(peers);
  await put(first, 'gone', randomBytes(5_000_000), '?replicas=4');
  await put(second, 'short', randomBytes(300_000), '?ttl=4s');

  const removed = performance.now();
  const rm = await network.command(['rm', 'gone'], first);
  assert.equal(rm.exit, 0, rm.stderr);
  for (const peer of peers) assert.equal((await peer.request(route('gone'))).status, 404);
  assert.equal((await network.command(['rm', 'gone'], first)).exit, 3);
  await until('the space is free again', async () => (await bytesHeld(peers)) === before, freedMilliseconds);
  t.diagnostic(`the space was free ${Math.round(performance.now() - removed)} ms after rm and --ttl 4s`);
  for (const peer of peers) assert.equal((await peer.request(route('short'))).status, 404);

  await put(first, 'while away', randomBytes(2_000_000), '?replicas=4');
  await fourth.kill9();
  const gone = await first.request(route('while away'), { method: 'DELETE' });
  assert.equal(gone.status, 204);
  const again = await network.restart(fourth);
  await until(
    'the peer that was down freed it too',
    async () => (await bytesHeld([first, second, third, again])) === before,
    60_000,
  );
  assert.equal((await again.request(route('kept'))).status, 200);
});
