import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type DataPeer, dataNetwork } from '../fixtures/data-network.ts';
import { until } from '../fixtures/until.ts';

async function* bytesOf(bytes: Uint8Array | string) {
  yield typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}

async function networkWithUpkeep(count: number) {
  const network = await dataNetwork(count);
  for (const { beginClaimUpkeep } of network.peers) beginClaimUpkeep();
  return network;
}

const blocksOf = (peers: readonly DataPeer[]) => peers.reduce((sum, { blocks }) => sum + blocks.count(), 0);

test('A22 every copy of a block has the claim of its put', async () => {
  const { peers, close } = await networkWithUpkeep(4);
  const { cid } = await peers[0]!.files.put('claimed', bytesOf(randomBytes(2_500_000)), { replicas: 4 });
  for (const { blocks } of peers) {
    const { items } = await blocks.keys('all', null, 100);
    assert.equal(items.length, 4, cid);
    for (const item of items) {
      const claims = blocks.claimsOf(item.cid).map(({ publisher, name, replicas }) => [publisher, name, replicas]);
      assert.deepEqual(claims, [[peers[0]!.contact.host, 'claimed', 4]]);
    }
  }
  await close();
});

test('B12 A22 after rm the name is gone at once, and its space is soon free, on every holder', async () => {
  const { peers, close } = await networkWithUpkeep(5);
  await peers[0]!.files.put('kept', bytesOf(randomBytes(100_000)));
  const before = blocksOf(peers);
  await peers[0]!.files.put('gone', bytesOf(randomBytes(3_000_000)));
  await peers[0]!.files.remove('gone');
  for (const { files } of peers) await assert.rejects(files.resolve({ name: 'gone' }), { code: 'not-found' });
  await until(() => blocksOf(peers) === before);
  assert.equal((await peers[3]!.files.stat({ name: 'kept' })).copies, 3);
  await close();
});

test('A22 replacing a name frees blocks that only the old content needed', async () => {
  const { peers, close } = await networkWithUpkeep(4);
  const [first, second, third] = [randomBytes(1_048_576), randomBytes(1_048_576), randomBytes(1_048_576)];
  await peers[0]!.files.put('name', bytesOf(Buffer.concat([first, second])));
  const { cid } = await peers[0]!.files.put('name', bytesOf(Buffer.concat([first, third])));
  // Two leaves and a root, three times; the old second leaf and root are gone.
  await until(() => blocksOf(peers) === 9);
  const read: Uint8Array[] = [];
  for await (const piece of peers[2]!.files.read(cid)) read.push(Uint8Array.from(piece));
  assert.deepEqual(Buffer.concat(read), Buffer.concat([first, third]));
  await close();
});

test('A22 content of several names or publishers stays when one of them ends', async () => {
  const { peers, close } = await networkWithUpkeep(4);
  const bytes = randomBytes(300_000);
  await peers[0]!.files.put('one', bytesOf(bytes));
  await peers[0]!.files.put('other', bytesOf(bytes));
  await peers[1]!.files.put('one', bytesOf(bytes));
  await peers[0]!.files.remove('one');
  await peers[0]!.files.remove('other');
  const claimed = () => peers.flatMap(({ claims }) => claims.walk(0, 100)).map(({ publisher }) => publisher);
  await until(() => claimed().every((publisher) => publisher === peers[1]!.contact.host));
  assert.equal((await peers[2]!.files.stat({ name: 'one' })).copies, 3);
  await peers[1]!.files.remove('one');
  await until(() => blocksOf(peers) === 0);
  await close();
});

test('A22 a file put again as it is keeps its blocks', async () => {
  const { peers, close } = await networkWithUpkeep(3);
  const bytes = randomBytes(300_000);
  await peers[0]!.files.put('same', bytesOf(bytes));
  await peers[0]!.files.put('same', bytesOf(bytes));
  await until(() => peers.every(({ claims }) => claims.walk(0, 10).length === 1));
  assert.equal((await peers[2]!.files.stat({ name: 'same' })).copies, 3);
  await close();
});

test('A22 an interrupted put deletes nothing of the current content of the name', async () => {
  const { peers, close } = await networkWithUpkeep(3);
  const first = randomBytes(1_048_576);
  await peers[0]!.files.put('name', bytesOf(first));
  async function* broken() {
    yield first;
    yield randomBytes(1_048_576);
    throw new Error('the cable was pulled');
  }
  await assert.rejects(peers[0]!.files.put('name', broken()), { code: 'body-cut-off' });
  for (const { claims } of peers) assert.equal(claims.walk(0, 10).length, 2);
  await peers[0]!.files.put('other', bytesOf('x'));
  assert.equal((await peers[1]!.files.stat({ name: 'name' })).copies, 3);
  await close();
});

test('A22 --replicas is kept by repair: a file of five copies has five again after a death', async () => {
  const { peers, ring, network, close } = await networkWithUpkeep(7);
  await peers[0]!.files.put('five', bytesOf(randomBytes(200_000)), { replicas: 5 });
  const holder = peers.slice(1).find(({ blocks }) => blocks.count() === 1)!;
  const alive = peers.filter((peer) => peer !== holder);
  for (const { beginRepair } of alive) beginRepair();
  network.setHealth(holder.contact.host, 'dead');
  ring.declareDead(holder.contact.host);
  await until(() => blocksOf(alive) === 5);
  assert.ok(alive.every(({ blocks, claims }) => claims.walk(0, 9).length === blocks.count()));
  await close();
});
