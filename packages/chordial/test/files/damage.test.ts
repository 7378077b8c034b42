import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { type DataPeer, dataNetwork } from '../fixtures/data-network.ts';
import { until } from '../fixtures/until.ts';

async function* bytesOf(bytes: Uint8Array) {
  yield bytes;
}

/** Simulates a flipped bit: wrong until the block is put again. */
function spoil({ blocks }: DataPeer): { wasRepaired(): boolean } {
  const [get, put] = [blocks.get.bind(blocks), blocks.put.bind(blocks)];
  let damaged = true;
  blocks.get = async (cid: CID) => {
    const bytes = await get(cid);
    if (damaged && bytes !== null) bytes[0] = bytes[0]! ^ 1;
    return bytes;
  };
  blocks.put = async (wanted) => {
    damaged = false;
    await put(wanted);
  };
  return { wasRepaired: () => !damaged };
}

test('B4 a corrupt copy found by a remote reader is replaced, and the reader gets the right bytes', async () => {
  const { peers, close } = await dataNetwork(4);
  for (const { beginScrub } of peers) beginScrub();
  const bytes = randomBytes(300_000);
  const { cid } = await peers[0]!.files.put('damaged', bytesOf(bytes));
  const holders = peers.filter(({ blocks }) => blocks.count() === 1);
  const reader = peers.find(({ blocks }) => blocks.count() === 0)!;
  const damaged = holders.slice(0, 2).map(spoil);
  for (let read = 0; read < 3; read++) {
    const got: Uint8Array[] = [];
    for await (const piece of reader.files.read(cid)) got.push(Uint8Array.from(piece));
    assert.deepEqual(Buffer.concat(got), bytes);
  }
  // A host that served bad bytes was notified; the others may not have been asked.
  const lied = reader.reports.some((report) => report.startsWith('wrong-bytes'));
  if (lied) await until(() => damaged.some(({ wasRepaired }) => wasRepaired()));
  for (const [index, holder] of holders.slice(0, 2).entries()) {
    for await (const piece of holder.files.read(cid)) assert.ok(piece.length > 0);
    await until(() => damaged[index]!.wasRepaired());
    assert.ok(holder.events.some(({ kind }) => kind === 'repaired'));
    assert.equal(holder.claims.walk(0, 9).length, 1);
  }
  await until(async () => (await reader.files.stat({ name: 'damaged' })).copies === 3);
  await close();
});
