/** Placement during joins, deaths and returns: every item has r copies, exactly at its places, and stays readable. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { RingId } from '@chordial/ring';
import { blockKey, cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { ChordialError } from '../../src/errors.ts';
import { TransportError } from '../../src/network/transport.ts';
import { shareBody, shareEntryKey, shareNameEntry } from '../../src/records/share-entry.ts';
import { cellOf, keysOfCell } from '../../src/records/share-leaf.ts';
import { blockMessages, unknownSize } from '../../src/replication/block-messages.ts';
import { type DataPeer, dataNetwork } from '../fixtures/data-network.ts';
import type { StaticRing } from '../fixtures/static-ring.ts';
import { until } from '../fixtures/until.ts';

async function* bytesOf(bytes: Uint8Array) {
  yield bytes;
}

async function putFiles(peers: readonly DataPeer[], count: number, bytes: number): Promise<readonly Uint8Array[]> {
  const contents = Array.from({ length: count }, () => randomBytes(bytes));
  for (const [file, content] of contents.entries())
    await peers[file % peers.length]!.files.put(`file ${file}`, bytesOf(content));
  return contents;
}

async function read(peer: DataPeer, name: string): Promise<Uint8Array> {
  const { cid } = await peer.files.resolve({ name });
  const pieces: Uint8Array[] = [];
  for await (const piece of peer.files.read(cid)) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}

/** Items by key and their locations, without the names that a publisher keeps for its own list. */
function holdersOf(peers: readonly DataPeer[], ring?: StaticRing): ReadonlyMap<string, ReadonlySet<string>> {
  const holders = new Map<string, Set<string>>();
  for (const { index, contact, records } of peers) {
    for (const set of index.sets()) {
      for (const { key, record } of index.items(set, 'all', null, 10_000).items) {
        const isOwn = record !== null && records.byRow(record)?.publisher === contact.host;
        const isPlace = ring?.expectedPlaces(key.slice(0, 64) as RingId, 3).includes(contact.host) ?? true;
        if (isPlace || !isOwn) holders.set(key, (holders.get(key) ?? new Set()).add(contact.host));
      }
    }
  }
  return holders;
}

function exactlyPlaced(peers: readonly DataPeer[], ring: StaticRing, items: number): boolean {
  const holders = [...holdersOf(peers, ring)];
  return (
    holders.length === items &&
    holders.every(([key, hosts]) => {
      const places = ring.expectedPlaces(key.slice(0, 64) as RingId, 3);
      return places.length === hosts.size && places.every((host) => hosts.has(host));
    })
  );
}

/** Drops the first question of this kind to each of these hosts; returns the hosts asked. */
function muteOnce({ transport }: DataPeer, kind: string, hosts: readonly string[]): ReadonlySet<string> {
  const asked = new Set<string>();
  const request = transport.request.bind(transport);
  transport.request = async (to, asks, body, options) => {
    if (asks === kind && hosts.includes(to.host) && !asked.has(to.host)) {
      asked.add(to.host);
      throw new TransportError('timeout', 'No answer in time.');
    }
    return request(to, asks, body, options);
  };
  return asked;
}

/** Reads files in turn until stopped; rejects with the first failure. */
function keepReading(peers: () => readonly DataPeer[], contents: readonly Uint8Array[]) {
  let [ended, reads] = [false, 0];
  const reading = (async () => {
    for (; !ended; reads++) {
      const some = peers();
      const file = reads % contents.length;
      const got = await read(some[reads % some.length]!, `file ${file}`);
      assert.ok(Buffer.from(got).equals(contents[file]!), `file ${file} has other bytes`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return reads;
  })();
  // Looked at in the end.
  reading.catch(() => undefined);
  return () => {
    ended = true;
    return reading;
  };
}

test('A8 A9 joining hosts get their share, the others drop excess copies, and every file stays readable', async () => {
  const { peers, ring, join, close } = await dataNetwork(4);
  const contents = await putFiles(peers, 12, 100_000);
  const items = holdersOf(peers).size;
  for (const { beginRepair } of peers) beginRepair();
  const endReading = keepReading(() => peers, contents);
  for (let joined = 0; joined < 3; joined++) {
    const { beginRepair, blocks } = await join();
    beginRepair();
    // By chance none of the items may have a place there.
    await until(() => blocks.count() > 0 || exactlyPlaced(peers, ring, items));
  }
  await until(() => exactlyPlaced(peers, ring, items));
  assert.ok((await endReading()) > 0);
  await close();
});

test('A8 after hosts leave for good and others join every item has exactly r copies, readable at every instant', async () => {
  const { peers, ring, network, join, close } = await dataNetwork(6);
  const contents = await putFiles(peers, 10, 50_000);
  const items = holdersOf(peers).size;
  for (const { beginRepair } of peers) beginRepair();
  let members = peers.slice();
  const endReading = keepReading(() => members, contents);
  for (const leaver of peers.slice(0, 2)) {
    members = members.filter((peer) => peer !== leaver);
    await leaver.handOverEverything();
    ring.declareDead(leaver.contact.host);
    await leaver.close();
    network.setHealth(leaver.contact.host, 'dead');
    const joiner = await join();
    joiner.beginRepair();
    members = [...members, joiner];
  }
  await until(() => exactlyPlaced(members, ring, items));
  await endReading();
  await close();
});

test('A8 B4 a host that stops and returns causes no copies, and its own count again', async () => {
  const { peers, ring, network, close } = await dataNetwork(5, { graceMilliseconds: 60_000 });
  const [away, ...others] = peers;
  // With nothing at the beginning they wait for no one but those who go later.
  const repairs = others.map(({ beginRepair }) => beginRepair());
  await putFiles(peers, 8, 20_000);
  const blocks = () => others.reduce((sum, peer) => sum + peer.blocks.count(), 0);
  const before = blocks();
  network.setHealth(away!.contact.host, 'dead');
  ring.declareDead(away!.contact.host);
  for (const repair of repairs) assert.equal((await repair.round()).blocks, 0);
  assert.equal(blocks(), before);
  network.setHealth(away!.contact.host, 'alive');
  ring.declareAlive(away!.contact.host);
  repairs.push(away!.beginRepair());
  for (const repair of repairs) assert.equal((await repair.round()).blocks, 0);
  assert.equal(blocks(), before);
  await close();
});

test('A4 A8 a host that has returned but not joined yet causes no copies', async () => {
  const { peers, ring, network, close } = await dataNetwork(5, {
    graceMilliseconds: 60_000,
    quietMilliseconds: 60_000,
  });
  const [away, ...others] = peers;
  // With nothing at the beginning they wait for no one but those who go later.
  const repairs = others.map(({ beginRepair }) => beginRepair());
  await putFiles(peers, 8, 20_000);
  network.setHealth(away!.contact.host, 'dead');
  ring.declareDead(away!.contact.host);
  network.setHealth(away!.contact.host, 'alive');
  ring.declareHeard(away!.contact);
  for (const repair of repairs) assert.equal((await repair.round()).blocks, 0);
  ring.declareAlive(away!.contact.host);
  for (const repair of repairs) assert.equal((await repair.round()).blocks, 0);
  await close();
});

test('B4 blocks with fewer than w copies are repaired at once, even if a host may return', async () => {
  const { peers, ring, network, close } = await dataNetwork(6, { graceMilliseconds: 60_000 });
  await putFiles(peers, 40, 2000);
  // Two hosts that hold the same block die.
  const blocks = [...holdersOf(peers)].filter(([key, hosts]) => key.length === 64 && hosts.size === 3);
  const doomed = [...blocks[0]![1]].slice(0, 2);
  const isDoomed = ({ contact }: (typeof peers)[number]): boolean => doomed.includes(contact.host);
  const [dead, alive] = [peers.filter(isDoomed), peers.filter((peer) => !isDoomed(peer))];
  for (const { contact } of dead) {
    network.setHealth(contact.host, 'dead');
    ring.declareDead(contact.host);
  }
  const left = new Map([...holdersOf(alive)].filter(([key]) => key.length === 64));
  assert.ok([...left.values()].some((hosts) => hosts.size === 1));
  for (const { beginRepair } of alive) beginRepair();
  const expected = new Map([...left].map(([key, hosts]) => [key, hosts.size === 1 ? 3 : hosts.size]));
  const reached = (copies: (now: number, wanted: number) => boolean) =>
    [...expected].every(([key, wanted]) => copies(holdersOf(alive).get(key)?.size ?? 0, wanted));
  await until(() => reached((now, wanted) => now >= wanted));
  assert.ok(reached((now, wanted) => now === wanted));
  await close();
});

test('A8 B4 in a healthy ring a round asks only for fingerprints', async () => {
  const { peers, ring, close } = await dataNetwork(5);
  await putFiles(peers, 10, 20_000);
  const items = holdersOf(peers).size;
  const repairs = peers.map(({ beginRepair }) => beginRepair());
  // A slow disk may have had a put leave a copy at another host.
  await until(() => exactlyPlaced(peers, ring, items));
  for (let rounds = 0; rounds < 2; rounds++) for (const repair of repairs) await repair.round();
  const kinds = new Map<string, number>();
  for (const { transport } of peers) {
    const request = transport.request.bind(transport);
    transport.request = (to, kind, body, options) => {
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      return request(to, kind, body, options);
    };
    transport.stream = () => assert.fail('a stream was opened');
  }
  for (const repair of repairs) assert.equal((await repair.round()).complete, true);
  assert.deepEqual([...kinds.keys()].sort(), ['sync.compare', 'sync.confirm']);
  for (const count of kinds.values()) assert.ok(count <= peers.length * (peers.length - 1), `${count} messages`);
  await close();
});

test('A9 a newcomer says UNKNOWN, never absent, until it has its share', async () => {
  const { peers, join, close } = await dataNetwork(3);
  const contents = await putFiles(peers, 6, 10_000);
  const newcomer = await join();
  const { items } = await peers[0]!.blocks.keys('all', null, 100);
  const question = { cids: items.map(({ cid }) => cid) };
  const ask = async () =>
    blockMessages.has.decodeAnswer(
      await newcomer.registry.request(peers[0]!.contact, blockMessages.has.kind, blockMessages.has.encode(question)),
      question,
    );
  assert.ok((await ask()).sizes.every((size) => size === unknownSize));
  assert.ok(items.every(({ key, cid }) => key === blockKey(cid)));
  for (const file of contents.keys()) assert.equal((await read(newcomer, `file ${file}`)).length, 10_000);
  for (const { beginRepair } of peers) beginRepair();
  await until(() => items.every(({ key }) => newcomer.confirmed.covers(key) || !newcomer.index.findBlock(key)));
  await until(() => newcomer.confirmed.ranges().length > 0);
  await assert.rejects(newcomer.files.resolve({ name: 'never put' }), { code: 'not-found' });
  await close();
});

test('A9 a host that restarts unnoticed is confirmed again by the owners of the arcs around it', async () => {
  const { peers, ring, close } = await dataNetwork(3);
  await putFiles(peers, 3, 10_000);
  for (const { beginRepair } of peers) beginRepair();
  const isConfirmed = ({ confirmed }: DataPeer) => confirmed.covers('0'.repeat(64)) && confirmed.covers('f'.repeat(64));
  await until(() => peers.every(isConfirmed));
  // All arcs are in sync by now.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const restarted = peers[0]!;
  restarted.confirmed.clear();
  ring.restart(restarted.contact.host);
  await until(() => isConfirmed(restarted));
  await close();
});

test('A9 without an authoritative host a name is not reported absent', async () => {
  const { peers, close } = await dataNetwork(2);
  for (const { confirmed } of peers) confirmed.clear();
  await assert.rejects(peers[0]!.files.resolve({ name: 'perhaps' }), { code: 'no-live-source' });
  for (const { beginRepair } of peers) beginRepair();
  await until(() => peers.every(({ confirmed }) => confirmed.covers('0'.repeat(64))));
  await assert.rejects(peers[0]!.files.resolve({ name: 'perhaps' }), { code: 'not-found' });
  await close();
});

test('B4 a stop copies only items that fewer than w others hold', async () => {
  const { peers, close } = await dataNetwork(4);
  await putFiles(peers, 8, 20_000);
  const { signal } = new AbortController();
  assert.equal(await peers[0]!.drainOnStop(signal), 0);
  const { items } = await peers[0]!.blocks.keys('all', null, 100);
  for (const other of peers.slice(1)) await other.blocks.delete(items.map(({ cid }) => cid));
  assert.equal(await peers[0]!.drainOnStop(signal), 2 * items.length);
  assert.equal(await peers[0]!.drainOnStop(signal), 0);
  await close();
});

test('case 17 a stop pushes rare entries of shares, and counts only copies that were made', async () => {
  const { peers, close } = await dataNetwork(4);
  const [stopping, ...others] = peers;
  await others[0]!.announcer.announce(
    Array.from({ length: 40 }, (_, number) => {
      const root = cidOfBlock(rawCodec, Buffer.from(`shared ${number}`));
      return [shareNameEntry(`shared ${number}`, root, shareBody({ size: number }))];
    }),
  );
  await putFiles(peers, 4, 1000);
  const rare = stopping!.shares.walk(Date.now(), 0, 1000);
  assert.ok(rare.length > 0);
  for (const { shares } of others) await shares.removeLeaves(shares.walk(Date.now(), 0, 1000).map(({ leaf }) => leaf));
  const held = () => others.reduce((sum, { shares }) => sum + shares.walk(Date.now(), 0, 1000).length, 0);
  const { signal } = new AbortController();
  assert.equal(await stopping!.drainOnStop(signal), 2 * rare.length);
  assert.equal(held(), 2 * rare.length);
  assert.equal(await stopping!.drainOnStop(signal), 0);
  await close();
});

test('case 17 a stop counts copies of share entries at the places of each arc that their cell overlaps', async () => {
  const { peers, ring, close } = await dataNetwork(8);
  const root = cidOfBlock(rawCodec, Buffer.from('shared'));
  const entryOf = (number: number) => shareNameEntry(`shared ${number}`, root, shareBody({ size: 1 }));
  const placesAt = (key: string) => ring.expectedPlaces(key as RingId, 4);
  /** The entry's cell contains the border of two arcs, whose places differ once the stopping host leaves. */
  const cutBy = (number: number) => {
    const { first, last } = keysOfCell(cellOf(shareEntryKey(entryOf(number), { bits: 256, teaching: false })));
    const stopping = placesAt(first)[1]!;
    const [begin = [], end = []] = [first, last].map((key) =>
      placesAt(key)
        .filter((host) => host !== stopping)
        .slice(0, 3),
    );
    const [ofBegin, ofBoth] = [begin.find((host) => !end.includes(host)), begin.find((host) => end.includes(host))];
    const isCut = ofBegin !== undefined && ofBoth !== undefined && placesAt(last).slice(0, 3).includes(stopping);
    return isCut ? { stopping, end, keeps: [stopping, ofBegin, ofBoth] } : null;
  };
  let number = 0;
  while (cutBy(number) === null) number += 1;
  const { stopping, end, keeps } = cutBy(number)!;
  await peers.find(({ contact }) => contact.host === stopping)!.announcer.announce([[entryOf(number)]]);
  const leavesOf = ({ shares }: DataPeer) => shares.walk(Date.now(), 0, 10).map(({ leaf }) => leaf);
  for (const peer of peers) if (!keeps.includes(peer.contact.host)) await peer.shares.removeLeaves(leavesOf(peer));
  const atEnd = () => peers.filter((peer) => end.includes(peer.contact.host) && leavesOf(peer).length > 0).length;
  assert.equal(atEnd(), 1);
  const { signal } = new AbortController();
  const one = peers.find(({ contact }) => contact.host === stopping)!;
  assert.deepEqual([await one.drainOnStop(signal), atEnd()], [1, 2]);
  await close();
});

test('case 16 a stop pushes nothing that others hold, however late they answer', async () => {
  const { peers, close } = await dataNetwork(4);
  await putFiles(peers, 8, 20_000);
  const request = peers[0]!.transport.request.bind(peers[0]!.transport);
  peers[0]!.transport.request = async (to, kind, body, options) => {
    if (kind === 'sync.holds') throw new TransportError('timeout', 'No answer in time.');
    return request(to, kind, body, options);
  };
  assert.equal(await peers[0]!.drainOnStop(new AbortController().signal), 0);
  await close();
});

test('A4 a stop does not treat a late answer as absence, and copies nothing for it', async () => {
  const { peers, close } = await dataNetwork(4);
  await putFiles(peers, 8, 20_000);
  const others = peers.slice(1).map(({ contact }) => contact.host);
  const late = muteOnce(peers[0]!, 'sync.holds', others);
  assert.equal(await peers[0]!.drainOnStop(new AbortController().signal), 0);
  assert.equal(late.size, others.length);
  await close();
});

test('A8 while a host is away, a place that does not answer is not assumed empty', async () => {
  const times = {
    graceMilliseconds: 60_000,
    quietMilliseconds: 0,
    settleMilliseconds: 60_000,
    retryMilliseconds: 60_000,
  };
  const { peers, ring, network, close } = await dataNetwork(4, times);
  await putFiles(peers, 40, 2000);
  const [away, loser, silent, other] = peers;
  const repair = loser!.beginRepair();
  await repair.round();
  network.setHealth(away!.contact.host, 'dead');
  ring.declareDead(away!.contact.host);
  const lost = (await loser!.blocks.keys('all', null, 1000)).items;
  await loser!.blocks.delete(lost.map(({ cid }) => cid));
  const asked = muteOnce(loser!, 'sync.compare', [silent!.contact.host]);
  const { blocks, complete } = await repair.round();
  assert.deepEqual({ blocks, complete, asked: asked.size }, { blocks: 0, complete: false, asked: 1 });
  await repair.round();
  const own = lost.filter(({ key }) => ring.expectedPlaces(key as RingId, 1)[0] === loser!.contact.host);
  const rare = own.filter(({ key }) => !silent!.index.findBlock(key) || !other!.index.findBlock(key));
  assert.equal(loser!.blocks.count(), rare.length);
  await close();
});

test('B12 an unclaimed block stays where a crash left it: it is neither transferred nor looked up', async () => {
  const { peers, close } = await dataNetwork(4);
  await putFiles(peers, 8, 20_000);
  const repairs = peers.map(({ beginRepair }) => beginRepair());
  for (const repair of repairs) await repair.round();
  const bytes = randomBytes(1000);
  await peers[0]!.blocks.put([{ cid: cidOfBlock(rawCodec, bytes), bytes, claims: [] }]);
  for (const repair of repairs) {
    const { blocks, dropped } = await repair.round();
    assert.deepEqual({ blocks, dropped }, { blocks: 0, dropped: 0 });
  }
  await peers[0]!.handOverEverything();
  const sizes = await Promise.all(peers.map(({ blocks }) => blocks.size(cidOfBlock(rawCodec, bytes))));
  assert.deepEqual(sizes, [1000, null, null, null]);
  await close();
});

test('A22 peers that all restart with parts of the data restore everything', async () => {
  const { peers, ring, close } = await dataNetwork(5);
  await putFiles(peers, 10, 20_000);
  const items = holdersOf(peers).size;
  for (const { confirmed } of peers) confirmed.clear();
  const [loser] = peers;
  const lost = (await loser!.blocks.keys('all', null, 1000)).items;
  await loser!.blocks.delete(lost.map(({ cid }) => cid));
  for (const { beginRepair } of peers) beginRepair();
  await until(() => exactlyPlaced(peers, ring, items));
  // Each place is sure of what it has.
  await until(() =>
    [...holdersOf(peers, ring)].every(([key, hosts]) =>
      peers.every(({ contact, confirmed }) => !hosts.has(contact.host) || confirmed.covers(key.slice(0, 64))),
    ),
  );
  await close();
});

test('B12 A8 items that a full host cannot store are repaired at the next host, and rounds become quiet', async () => {
  const { peers, ring, close } = await dataNetwork(5);
  await putFiles(peers, 10, 20_000);
  const [full] = peers;
  const lost = (await full!.blocks.keys('all', null, 1000)).items;
  await full!.blocks.delete(lost.map(({ cid }) => cid));
  full!.blocks.put = async () => {
    throw new ChordialError('quota-full', 'There is no room. Make some.');
  };
  const repairs = peers.map(({ beginRepair }) => beginRepair());
  const blocks = () => [...holdersOf(peers)].filter(([key]) => key.length === 64);
  const owned = blocks().filter(([key]) => ring.expectedPlaces(key as RingId, 1)[0] !== full!.contact.host);
  await until(() => owned.every(([key]) => (holdersOf(peers).get(key)?.size ?? 0) >= 3));
  for (const repair of repairs) assert.equal((await repair.round()).complete, true);
  assert.equal(full!.blocks.count(), 0);
  await close();
});
