/** Attacks on the copies of a file, by members of its network, on stock peers. */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type RingId, ringIdOfHash } from '@chordial/ring';
import { blockKey, parseCid } from '../../../src/content/cid.ts';
import type { NodeStatus, StorageListing } from '../../../src/peer/peer.ts';
import { recordKeyOfName } from '../../../src/records/record-keys.ts';
import { until } from '../../fixtures/until.ts';
import type { FindingAttack, Reached, Scene } from '../finding.ts';
import { HostileMember } from '../hostile-member.ts';
import { holdsEverything, identitiesBetween } from '../sybil.ts';

const bits = 256;
/** Checks for excess copies start 1.5 s after the last change; before the fix all copies were gone within 10 s. */
const attackMilliseconds = 12_000;

export const attacks: readonly FindingAttack[] = [
  {
    finding: 'C1',
    title: 'a member with made keys comes between a file and its holders, takes the copies and leaves',
    before: 'copies 1 1 1 became 0 0 0 within ten seconds; the file was gone for good',
    run: keysBetween,
  },
];

async function keysBetween(scene: Scene): Promise<Reached> {
  const peers = await scene.ring(3, { flags: ['--keep-own', 'no'] });
  const { network } = scene;
  const body = randomBytes(100_000);
  const put = await peers[0].request('/api/v1/files/wanted', { method: 'PUT', body });
  if (put.status !== 201) throw new Error(`the put is answered ${put.status}`);
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
  let lies = 0;
  await using liars = new AsyncDisposableStack();
  for (const identity of identities) {
    const liar = liars.use(await HostileMember.join(peers[0].ready.listen, network.runtimeFolder, identity));
    liar.lie = holdsEverything();
    liars.defer(() => {
      lies += liar.lies;
    });
  }
  await wait(attackMilliseconds);
  await liars.disposeAsync();
  if (lies === 0) throw new Error('no one asked the liars');
  const held = await heldAt();
  await until('one ring of three again', () => network.isIdeal(peers), 60_000);
  let readable = 0;
  for (const peer of peers) {
    const isRead = until(
      'the file is read',
      async () => {
        const response = await peer.request('/api/v1/files/wanted');
        return response.status === 200 && Buffer.from(await response.arrayBuffer()).equals(body);
      },
      15_000,
    );
    if (await isRead.catch(() => false)) readable += 1;
  }
  return {
    reached: `${keysMade} keys made, ${identities.length} liars, ${lies} lies: copies 1 1 1 are ${held.join(' ')}, and ${readable} of 3 peers read the file after they left`,
    held: held.every((blocks) => blocks === 1) && readable === 3,
  };
}
