/** A full host: the next one stores the block, the full one points to it, and takes it back when it has space. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { RingId } from '@chordial/ring';
import { blockMessages } from '../../src/replication/block-messages.ts';
import { dataNetwork } from '../fixtures/data-network.ts';
import { until } from '../fixtures/until.ts';

async function* bytesOf(bytes: Uint8Array) {
  yield bytes;
}

test('B12 A8 a full host points to blocks stored elsewhere, and takes them back when it has space', async () => {
  const { peers, ring, close } = await dataNetwork(5);
  const [full, ...others] = peers;
  const store = full!.blocks as { quotaBytes: number };
  store.quotaBytes = 30_000;
  for (let file = 0; file < 40; file++) {
    const { copies } = await others[file % 4]!.files.put(`file ${file}`, bytesOf(randomBytes(20_000)));
    assert.equal(copies, 3);
  }
  const all = (await Promise.all(others.map(({ blocks }) => blocks.keys('all', null, 100)))).flatMap(
    ({ items }) => items,
  );
  const belongs = new Map(
    all
      .filter(({ key }) => ring.expectedPlaces(key as RingId, 3).includes(full!.contact.host))
      .map((item) => [item.key, item]),
  );
  const holds = async (key: string): Promise<boolean> => (await full!.blocks.size(belongs.get(key)!.cid)) !== null;
  const elsewhere: string[] = [];
  for (const key of belongs.keys()) if (!(await holds(key))) elsewhere.push(key);
  assert.ok(elsewhere.length > 0, 'everything fitted');

  const asker = others[0]!;
  const pointedTo = async (key: string) => {
    const question = { cids: [belongs.get(key)!.cid] };
    const options = { deadline: 1000 };
    return (await blockMessages.where.ask(asker.transport, full!.contact, question, options)).holders[0];
  };
  for (const key of elsewhere) {
    await until(async () => (await pointedTo(key)) !== null);
    const told = await pointedTo(key);
    const holder = peers.find(({ contact }) => contact.host === told);
    assert.notEqual(await holder?.blocks.size(belongs.get(key)!.cid), null);
  }

  store.quotaBytes = Number.POSITIVE_INFINITY;
  for (const { beginRepair } of peers) beginRepair();
  // Others believe for 30 s that it is full; for its own keys it asks itself.
  const owned = [...belongs.keys()].filter((key) => ring.expectedPlaces(key as RingId, 1)[0] === full!.contact.host);
  await until(async () => (await Promise.all(owned.map(holds))).every((isHeld) => isHeld));
  await close();
});
