import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { ringIdOfHash } from '@chordial/ring';
import { blockKey, cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { recordMessages } from '../../src/records/record-messages.ts';
import { shareBody, shareNameEntry } from '../../src/records/share-entry.ts';
import { quotaFull } from '../../src/storage/block-store.ts';
import { type DataPeer, dataNetwork } from '../fixtures/data-network.ts';
import { TestStop } from '../fixtures/stop-switch.ts';
import { until } from '../fixtures/until.ts';

const question = recordMessages.put.encode({ entries: [] });

async function* bytesOf(bytes: Uint8Array) {
  yield bytes;
}

/** Per block: the number of live holders, and whether its places hold it. */
async function copies(
  peers: readonly DataPeer[],
  ring: { expectedPlaces(key: never, count: number): readonly string[] },
) {
  const holders = new Map<string, { key: string; hosts: Set<string> }>();
  for (const peer of peers) {
    for (const { cid, key } of (await peer.blocks.keys('all', null, 10_000)).items) {
      const known = holders.get(cid.toString()) ?? { key: blockKey(cid), hosts: new Set<string>() };
      assert.equal(known.key, key);
      known.hosts.add(peer.contact.host);
      holders.set(cid.toString(), known);
    }
  }
  return [...holders.values()].map(({ key, hosts }) => ({
    count: hosts.size,
    placed: ring.expectedPlaces(ringIdOfHash(key, 256) as never, 3).every((host) => hosts.has(host)),
  }));
}

test('A5 A8 after two deaths every block and name has its copies again, each at its places', async () => {
  const { peers, ring, network, close } = await dataNetwork(7);
  for (let file = 0; file < 12; file++) await peers[file % 7]!.files.put(`file ${file}`, bytesOf(randomBytes(200_000)));
  const [dead, alive] = [peers.slice(0, 2), peers.slice(2)];
  for (const peer of alive) peer.beginRepair();
  for (const { contact } of dead) network.setHealth(contact.host, 'dead');
  for (const { contact } of dead) ring.declareDead(contact.host);
  await until(async () => (await copies(alive, ring)).every(({ count, placed }) => placed && count >= 3));
  for (let file = 0; file < 12; file++) {
    const status = await alive[file % 5]!.files.stat({ name: `file ${file}` });
    assert.ok(status.copies >= 3);
  }
  await close();
});

test('A8 B4 a round of repair over a healthy ring copies nothing and asks little', async () => {
  const { peers, close } = await dataNetwork(4);
  for (let file = 0; file < 10; file++) await peers[0]!.files.put(`file ${file}`, bytesOf(randomBytes(1000)));
  const repairs = peers.map((peer) => peer.beginRepair());
  for (const repair of repairs) assert.equal((await repair.round()).blocks, 0);
  for (const repair of repairs) {
    const { blocks, records, dropped, complete } = await repair.round();
    assert.deepEqual({ blocks, records, dropped, complete }, { blocks: 0, records: 0, dropped: 0, complete: true });
  }
  await close();
});

test('A8 a peer that lost its blocks gets them again', async () => {
  const { peers, ring, close } = await dataNetwork(3);
  await peers[0]!.files.put('lost', bytesOf(randomBytes(3_000_000)));
  const loser = peers[1]!.blocks;
  await loser.delete((await loser.keys('all', null, 100)).items.map(({ cid }) => cid));
  const repairs = peers.map((peer) => peer.beginRepair());
  await Promise.all(repairs.map((repair) => repair.round()));
  assert.equal(loser.count(), 4);
  assert.ok((await copies(peers, ring)).every(({ count }) => count === 3));
  await close();
});

test('B11 during a stop only what has fewer copies than a put needs is repaired, the rest after it', async () => {
  const stop = new TestStop(null);
  const { peers, ring, close } = await dataNetwork(3, {}, { stop });
  const keys = async () => (await peers[0]!.blocks.keys('all', null, 100)).items.map(({ cid }) => cid);
  await peers[0]!.files.put('rare', bytesOf(randomBytes(1_500_000)));
  const rare = await keys();
  await peers[0]!.files.put('usual', bytesOf(randomBytes(1_500_000)));
  const usual = (await keys()).filter((cid) => !rare.some((other) => other.equals(cid)));
  for (const peer of peers.slice(1)) await peer.blocks.delete(rare);
  await peers[2]!.blocks.delete(usual);

  stop.set('The limit is stop.');
  await assert.rejects(peers[0]!.files.put('more', bytesOf(randomBytes(200_000))), { code: 'stopped' });
  const repairs = peers.map((peer) => peer.beginRepair());
  const counts = async () => (await copies(peers, ring)).map(({ count }) => count).sort();
  const expected = [...usual.map(() => 2), ...rare.map(() => 3)];
  await until('what is rare is repaired', async () => (await counts()).join() === expected.join());
  for (const repair of repairs) await repair.round();
  assert.deepEqual(await counts(), expected);

  stop.set(null);
  await until('the rest too', async () => (await counts()).every((count) => count === 3));
  await close();
});

test('A22 an unreadable block stops neither a round of repair nor a get', async () => {
  const { peers, close } = await dataNetwork(3);
  const content = randomBytes(3_000_000);
  const { cid } = await peers[0]!.files.put('unreadable', bytesOf(content));
  const { blocks, files, reports } = peers[0]!;
  const stored = (await blocks.keys('all', null, 100)).items;
  for (const other of peers.slice(1)) await other.blocks.delete(stored.map((block) => block.cid));
  const read = blocks.get.bind(blocks);
  const bad = stored[0]!.cid;
  blocks.get = async (wanted) => {
    if (wanted.equals(bad)) throw new Error('EIO: i/o error, read');
    return read(wanted);
  };
  for (const peer of peers) peer.beginRepair();
  await until(async () => peers.slice(1).every((other) => other.blocks.count() === stored.length - 1));
  await peers[1]!.blocks.put([{ cid: bad, bytes: (await read(bad))! }]);
  const pieces: Uint8Array[] = [];
  for await (const piece of files.read(cid)) pieces.push(Uint8Array.from(piece));
  assert.ok(Buffer.concat(pieces).equals(content));
  assert.ok(reports.some((report) => report.includes('EIO')));
  await close();
});

test('A22 repair starts even if neighbours change all the time', async () => {
  const { peers, ring, close } = await dataNetwork(3);
  await peers[0]!.files.put('restless', bytesOf(randomBytes(3000)));
  const { blocks } = peers[1]!;
  await blocks.delete((await blocks.keys('all', null, 100)).items.map((block) => block.cid));
  for (const peer of peers) peer.beginRepair();
  const changing = setInterval(() => ring.change(), 10);
  await until(async () => blocks.count() > 0);
  clearInterval(changing);
  await close();
});

test('A4 a peer that leaves for good drains everything first', async () => {
  const { peers, ring, network, close } = await dataNetwork(5);
  for (let file = 0; file < 8; file++) await peers[0]!.files.put(`file ${file}`, bytesOf(randomBytes(50_000)));
  await peers[0]!.handOverEverything();
  network.setHealth(peers[0]!.contact.host, 'dead');
  ring.declareDead(peers[0]!.contact.host);
  assert.ok((await copies(peers.slice(1), ring)).every(({ count, placed }) => placed && count >= 3));
  for (let file = 0; file < 8; file++) await peers[1]!.files.resolve({ name: `file ${file}` });
  await close();
});

test('A4 the last peer cannot drain and reports it', async () => {
  const { peers, close } = await dataNetwork(1);
  await peers[0]!.files.put('alone', bytesOf(randomBytes(5)));
  await assert.rejects(peers[0]!.handOverEverything(), /could not be handed over/);
  await close();
});

test('A4 a peer that has handed everything over accepts nothing more, one that could not goes on accepting', async () => {
  for (const [count, hasLeft] of [
    [5, true],
    [1, false],
  ] as const) {
    const { peers, close } = await dataNetwork(count);
    const [leaver] = peers;
    await leaver!.files.put('a file', bytesOf(randomBytes(5)));
    const given = () => leaver!.registry.request(leaver!.contact, recordMessages.put.kind, question);
    await given();
    await leaver!.handOverEverything().catch(() => undefined);
    if (hasLeft) await assert.rejects(given, /is leaving and accepts nothing more/);
    else await given();
    await close();
  }
});

test('A4 the last peer cannot drain entries of shares either', async () => {
  const { peers, close } = await dataNetwork(1);
  const root = cidOfBlock(rawCodec, randomBytes(5));
  await peers[0]!.announcer.announce([[shareNameEntry('alone', root, shareBody({ size: 5 }))]]);
  assert.ok(peers[0]!.shares.walk(Date.now(), 0, 10).length > 0);
  await assert.rejects(peers[0]!.handOverEverything(), /could not be handed over/);
  await close();
});

test('A4 B12 a peer leaves although another is full: the next ones take its share', async () => {
  const { peers, ring, network, close } = await dataNetwork(6);
  for (let file = 0; file < 8; file++) await peers[0]!.files.put(`file ${file}`, bytesOf(randomBytes(50_000)));
  const full = peers[1]!.blocks;
  full.put = async () => {
    throw quotaFull(50_000, full.bytes(), full.bytes());
  };
  const before = full.count();
  await peers[0]!.handOverEverything();
  assert.equal(full.count(), before);
  network.setHealth(peers[0]!.contact.host, 'dead');
  ring.declareDead(peers[0]!.contact.host);
  assert.ok((await copies(peers.slice(1), ring)).every(({ count }) => count >= 3));
  await close();
});

test('A4 a peer that missed the replacement of a file leaves although no peer accepts the old one', async () => {
  const { peers, network, close } = await dataNetwork(6);
  for (const { beginClaimUpkeep } of peers) beginClaimUpkeep();
  const old = randomBytes(50_000);
  const cid = cidOfBlock(rawCodec, old);
  await peers[0]!.files.put('file', bytesOf(old));
  const holders = peers.filter(({ blocks }) => blocks.claimsOf(cid).length > 0);
  const leaver = holders.find((peer) => peer !== peers[0])!;
  network.setHealth(leaver.contact.host, 'dead');
  await peers[0]!.files.put('file', bytesOf(randomBytes(50_000)));
  await until(() => holders.every((peer) => peer === leaver || peer.blocks.claimsOf(cid).length === 0));
  // The publisher notifies it three times within 2 s.
  await setTimeout(2500);
  network.setHealth(leaver.contact.host, 'alive');
  assert.equal(leaver.blocks.claimsOf(cid).length, 1);
  await leaver.handOverEverything();
  await close();
});

test('A4 A8 items pushed by a leaving peer are not dropped as excess before it has left', async () => {
  const { peers, ring, network, close } = await dataNetwork(6);
  for (let file = 0; file < 12; file++) await peers[file % 6]!.files.put(`file ${file}`, bytesOf(randomBytes(50_000)));
  const [leaver, ...others] = peers;
  const repairs = others.map(({ beginRepair }) => beginRepair());
  for (const repair of repairs) await repair.round();
  await leaver!.handOverEverything();
  for (const repair of repairs) assert.equal((await repair.round()).dropped, 0);
  await Promise.all(repairs.map((repair) => repair.close()));
  ring.declareDead(leaver!.contact.host);
  network.setHealth(leaver!.contact.host, 'dead');
  for (const { count, placed } of await copies(others, ring)) assert.ok(count >= 3 && placed);
  await close();
});

test('B12 A8 more claims on a block than fit into a message reach all its places', async () => {
  const { peers, ring, network, close } = await dataNetwork(4);
  await peers[0]!.files.put('file', bytesOf(randomBytes(1000)));
  const holders = peers.filter(({ blocks }) => blocks.count() > 0);
  const [first, dying] = holders;
  const { cid } = (await first!.blocks.keys('all', null, 1)).items[0]!;
  const publisher = first!.contact.host;
  const names = Array.from({ length: 2500 }, (_, name) => ({ publisher, name: `${name}`, sequence: 1, replicas: 3 }));
  await first!.blocks.claim([{ cid, claims: names }]);
  const repairs = peers.map((peer) => peer.beginRepair());
  for (const repair of repairs) await repair.round();
  await until(async () => holders.every(({ blocks }) => blocks.claimsOf(cid).length === 2501));
  network.setHealth(dying!.contact.host, 'dead');
  ring.declareDead(dying!.contact.host);
  const newcomer = peers.find((peer) => !holders.includes(peer));
  await until(async () => (newcomer?.blocks.claimsOf(cid).length ?? 0) === 2501);
  await close();
});
