/** Attacks on the copies of a file, by members of its network, on stock peers. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { blockKey, parseCid } from '../../src/content/cid.ts';
import type { NodeStatus, StorageListing } from '../../src/node/peer.ts';
import { recordKeyOfName } from '../../src/records/record-keys.ts';
import { type RingId, ringIdOfHash } from '../../src/ring/identifier.ts';
import { HostileMember } from '../hostile/hostile-member.ts';
import { holdsEverything, identitiesBetween } from '../hostile/sybil.ts';
import { NetworkFixture } from './network-fixture.ts';
import { until } from './until.ts';

const bits = 256;
/** Looks for surplus begin 1.5 s after the last change; once they took all copies within 10 s. */
const attackMilliseconds = 12_000;

test('C1 the file is readable after liars that had come between it and its holders left', async (t) => {
  await using network = await NetworkFixture.open();
  const peers = await network.startRing(3, { flags: ['--keep-own', 'no'] });
  await until('one ring of three', () => network.isIdeal(peers), 30_000);
  const body = randomBytes(100_000);
  const put = await peers[0]!.request('/api/v1/files/wanted', { method: 'PUT', body });
  assert.equal(put.status, 201);
  const { cid } = (await put.json()) as { cid: string };
  const heldAt = async (): Promise<readonly number[]> => {
    const stored = await Promise.all(peers.map((peer) => peer.json<StorageListing>('/api/v1/storage')));
    return stored.map(({ blocks, cachedBlocks }) => blocks + cachedBlocks);
  };
  await until('a copy at each', async () => (await heldAt()).every((blocks) => blocks === 1), 30_000);

  const honest: RingId[] = [];
  for (const peer of peers) {
    const { virtualNodes } = await peer.json<NodeStatus>('/api/v1/node?fingers=none');
    honest.push(...virtualNodes.map(({ ringId }) => ringId as RingId));
  }
  const keys = [blockKey(parseCid(cid)), recordKeyOfName('wanted', { bits, teaching: false })];
  const { identities, keysMade } = identitiesBetween(
    keys.map((key) => ringIdOfHash(key, bits)),
    honest,
    { bits, wanted: 3 },
  );
  {
    await using liars = new AsyncDisposableStack();
    let lies = 0;
    for (const identity of identities) {
      const liar = liars.use(await HostileMember.join(peers[0]!.ready.listen, network.runtimeFolder, identity));
      liar.lie = holdsEverything();
      liars.defer(() => {
        lies += liar.lies;
      });
    }
    await wait(attackMilliseconds);
    t.diagnostic(`${keysMade} keys made, ${identities.length} liars; blocks at the honest peers: ${await heldAt()}`);
    await liars.disposeAsync();
    assert.ok(lies > 0, 'nobody asked the liars');
  }
  assert.deepEqual(await heldAt(), [1, 1, 1]);
  await until('one ring of three again', () => network.isIdeal(peers), 60_000);
  for (const peer of peers) {
    await until(
      'the file is read',
      async () => {
        const response = await peer.request('/api/v1/files/wanted');
        return response.status === 200 && Buffer.from(await response.arrayBuffer()).equals(body);
      },
      30_000,
    );
  }
});
