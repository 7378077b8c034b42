import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeStatus, PeerStatus } from '../../src/peer/peer.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

/** The addresses of that peer in all output of this one. */
async function addressesShown(at: PeerProcess, of: PeerProcess): Promise<ReadonlySet<string>> {
  const { virtualNodes } = await at.json<NodeStatus>('/api/v1/node?fingers=none');
  const peers = await at.json<{ peers: readonly PeerStatus[] }>('/api/v1/peers');
  const pointers = virtualNodes.flatMap(({ predecessor, successors }) => [predecessor, ...successors]);
  return new Set([...pointers, ...peers.peers].flatMap((one) => (one?.id === of.ready.id ? one.address : [])));
}

test('A26 a peer that comes back on another port before anybody missed it is reached there by all', async () => {
  await using network = await NetworkFixture.open();
  const peers = await network.startRing(4);
  const [first, , third, last] = peers as [PeerProcess, PeerProcess, PeerProcess, PeerProcess];
  await until('one ring of four', () => network.isIdeal(peers), 30_000);
  await last.kill9();
  const moved = await network.restart(last, { listen: '127.0.0.1:0' });
  assert.notEqual(moved.ready.listen, last.ready.listen);
  const now = [...peers.slice(0, 3), moved];
  await until('one ring of four again', () => network.isIdeal(now), 30_000);
  for (const peer of now.slice(0, 3)) {
    await until(
      `${peer.pid} knows its new address only`,
      async () => {
        const shown = await addressesShown(peer, last);
        if (shown.size === 1 && shown.has(moved.ready.listen)) return true;
        throw new Error(`shows ${[...shown].join(' and ') || 'none'}, was at ${last.ready.listen}`);
      },
      60_000,
    );
  }
  const put = await moved.request('/api/v1/files/a.txt', { method: 'PUT', body: 'moved' });
  assert.equal(put.ok, true);
  assert.equal(await (await third.request('/api/v1/files/a.txt')).text(), 'moved');
  await first.stop();
});
