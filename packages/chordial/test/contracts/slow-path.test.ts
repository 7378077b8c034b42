/**
 * Blocks over real sockets with a round trip of 100 ms, a limited rate, and losses. `npm run bench -- slow-path` measures
 * the share of the rate; here windows that are too small for the delay would take minutes, so a busy machine still passes.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { buildFile } from '../../src/content/builder.ts';
import type { Block } from '../../src/content/cid.ts';
import { leafBytes } from '../../src/content/leaf-pool.ts';
import { forEachConcurrently } from '../../src/flow/for-each.ts';
import { maxLeavesInFlight } from '../../src/transfer/read-memory.ts';
import type { PathOptions } from '../fixtures/slow-path.ts';
import { holderAndClients } from '../fixtures/socket-peers.ts';

const leafCount = 24;
const farPath = { roundTripMilliseconds: 100, bytesPerSecond: 20e6 };
/** Twelve times the time of the path; one block per round trip would take as long. */
const patience = { timeout: 30_000 };
const rule = { replicas: 1, writeQuorum: 1 };

test('a put and a get through 100 ms of round trip keep many blocks in progress', patience, async (t) => {
  await throughAndBack(t, farPath);
});

test('a put and a get through 100 ms and losses bring the right bytes', patience, async (t) => {
  await throughAndBack(t, { ...farPath, bytesBetweenLosses: 4e6 });
});

async function throughAndBack(t: TestContext, options: PathOptions): Promise<void> {
  const {
    holder,
    clients: [client],
  } = await holderAndClients(t, 1, { path: options });
  assert.ok(client);
  const bytes = randomBytes(leafCount * leafBytes - 1);
  const writer = client.storer.writer(rule, []);
  const leaves: Block['cid'][] = [];
  await buildFile(piecesOf(bytes), async (block) => {
    if (leaves.length < leafCount) leaves.push(block.cid);
    await writer.write(block);
  });
  assert.equal(await writer.finish(), 1);
  assert.equal(await holder.blocks.size(leaves[0]!), leafBytes);

  const wanted = (async function* () {
    yield* leaves.entries();
  })();
  let read = 0;
  const take = async ([index, cid]: readonly [number, Block['cid']]) => {
    const leaf = await client.fetcher.fetch(cid);
    const at = index * leafBytes;
    assert.ok(bytes.subarray(at, at + leaf.length).equals(leaf), `other bytes from ${at} on`);
    read += leaf.length;
    client.fetcher.release(leaf);
  };
  await forEachConcurrently(wanted, maxLeavesInFlight, take);
  assert.equal(read, bytes.length);
  assert.deepEqual(client.reports, []);
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += leafBytes) yield bytes.subarray(at, at + leafBytes);
}
