import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type DataPeer, dataNetwork } from '../fixtures/data-network.ts';
import { until } from '../fixtures/until.ts';

async function* bytesOf(...pieces: readonly Uint8Array[]) {
  for (const piece of pieces) yield piece;
}

async function network(count: number, quotaBytes?: number) {
  const made = await dataNetwork(count, {}, quotaBytes === undefined ? {} : { quotaBytes });
  for (const { beginClaimUpkeep } of made.peers) beginClaimUpkeep();
  return made;
}

const states = (peers: readonly DataPeer[]) =>
  peers.flatMap(({ claims }) => claims.walk(0, 100)).map(({ confirmed }) => confirmed !== null);

test('case 2 holders are notified of a committed put at once', async () => {
  const { peers, close } = await network(4);
  await peers[0]!.files.put('name', bytesOf(randomBytes(2_500_000)));
  await until(() => states(peers).every((isCommitted) => isCommitted), 2000);
  await close();
});

test('case 2 a declared size that cannot fit is refused before the first byte', async () => {
  const { peers, close } = await network(3, 10_000_000);
  let wasRead = false;
  async function* large() {
    wasRead = true;
    yield randomBytes(1000);
  }
  await assert.rejects(peers[0]!.files.put('large', large(), { size: 16_000_000 }), { code: 'quota-full' });
  assert.equal(wasRead, false);
  await peers[0]!.files.put('small', bytesOf(Buffer.from('7 bytes')), { size: 7 });
  // Two copies of 9 MB fit where three do not.
  await peers[0]!.files.put('fits', bytesOf(randomBytes(9_000_000)), { size: 9_000_000 });
  await close();
});

test('case 2 a put that runs out of space frees it at once on every holder', async () => {
  const { peers, close } = await network(3, 10_000_000);
  const pieces = Array.from({ length: 15 }, () => randomBytes(1_000_000));
  await assert.rejects(peers[0]!.files.put('large', bytesOf(...pieces)), { code: 'quota-full' });
  await until(() => peers.every(({ blocks }) => blocks.bytes() === 0));
  await peers[0]!.files.put('after', bytesOf(randomBytes(5_000_000)), { size: 5_000_000 });
  await close();
});

test('case 2 a put that its holders have given up is not published', async () => {
  const { peers, close } = await network(3);
  const [publisher] = peers;
  const realNow = publisher!.clock.now;
  async function* paused() {
    yield randomBytes(1_100_000);
    yield randomBytes(1_100_000);
    await until(() => peers.every(({ claims }) => claims.walk(0, 10).length > 0));
    // The process freezes while its holders give it up.
    for (const { beginClaimUpkeep, claims } of peers) {
      for (const put of claims.walk(0, 10))
        beginClaimUpkeep().told(put.publisher, [
          { name: put.name, sequence: put.sequence, state: 'over', expiry: null },
        ]);
    }
    await until(() => peers.every(({ claims }) => claims.walk(0, 10).length === 0));
    publisher!.clock.now = () => realNow() + 60_000;
  }
  await assert.rejects(publisher!.files.put('name', paused()), { code: 'too-few-copies' });
  await assert.rejects(peers[1]!.files.resolve({ name: 'name' }), { code: 'not-found' });
  await close();
});
