import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ringIdOfHash } from '@chordial/ring';
import { blockNetwork } from '../../test/fixtures/block-network.ts';
import { type Block, blockKey, cidOfBlock, rawCodec } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import { blockMessages } from './block-messages.ts';
import { BlockStorer } from './block-storer.ts';

const rule = { replicas: 3, writeQuorum: 2 };
const someBlocks = (count: number, size = 1000): Block[] =>
  Array.from({ length: count }, () => {
    const bytes = randomBytes(size);
    return { cid: cidOfBlock(rawCodec, bytes), bytes };
  });

test('A8 a block is durable on three distinct hosts, its places, when it is acknowledged', async () => {
  const { peers, ring } = await blockNetwork(6);
  const writer = peers[0]!.storer.writer(rule, []);
  const blocks = someBlocks(40);
  for (const block of blocks) await writer.write(block);
  assert.equal(await writer.finish(), 3);
  for (const { cid } of blocks) {
    const places = ring.expectedPlaces(ringIdOfHash(blockKey(cid), 256), 3);
    for (const peer of peers) {
      assert.equal((await peer.blocks.size(cid)) !== null, places.includes(peer.contact.host));
    }
  }
  assert.ok(ring.lookups <= 24 + 8, `${ring.lookups} lookups for 24 arcs`);
});

test('B4 with fewer hosts than copies wanted every host has one, and the count says so', async () => {
  const { peers } = await blockNetwork(2);
  const writer = peers[1]!.storer.writer(rule, []);
  for (const block of someBlocks(3)) await writer.write(block);
  assert.equal(await writer.finish(), 2);
});

test('B4 a dead holder is replaced by the next host', async () => {
  const { peers, network } = await blockNetwork(5);
  network.setHealth(peers[3]!.contact.host, 'dead');
  const blocks = someBlocks(20);
  const writer = peers[0]!.storer.writer(rule, []);
  for (const block of blocks) await writer.write(block);
  assert.equal(await writer.finish(), 3);
  for (const { cid } of blocks) {
    const held = await Promise.all(peers.map((peer) => peer.blocks.size(cid)));
    assert.equal(held.filter((size) => size !== null).length, 3);
  }
});

test('B4 when w hosts are members and fewer take the block, the put fails with too-few-copies', async () => {
  const { peers, network } = await blockNetwork(3);
  for (const dead of peers.slice(1)) network.setHealth(dead.contact.host, 'dead');
  const writer = peers[0]!.storer.writer(rule, []);
  await writer.write(someBlocks(1)[0]!);
  await assert.rejects(writer.finish(), (error) => error instanceof ChordialError && error.code === 'too-few-copies');
});

test('B4 a copy missing a second after w others is left to repair and not counted', async () => {
  const { peers, network } = await blockNetwork(3);
  network.setHealth(peers[2]!.contact.host, 'silent');
  const writer = peers[0]!.storer.writer(rule, []);
  await writer.write(someBlocks(1)[0]!);
  assert.equal(await writer.finish(), 2);
});

test('B4 a host learns that a copy is wanted of what it has as cache, whether it is sent the bytes or asked first', async () => {
  const { peers } = await blockNetwork(2);
  const [sender, holder] = [peers[0]!, peers[1]!];
  const [small, large, counted] = [...someBlocks(1), ...someBlocks(1, 1 << 20), ...someBlocks(1)] as [
    Block,
    Block,
    Block,
  ];
  await holder.blocks.put([small, large, counted]);
  for (const { cid } of [small, large]) holder.cached.add(blockKey(cid));
  for (const block of [small, large, counted])
    await sender.storer.senders.to(holder.contact).store({ block, claims: [], traffic: 'repair', abandoned: false });
  assert.deepEqual(
    holder.wanted,
    [small, large].map(({ cid }) => blockKey(cid)),
  );
});

test('B2 a block is fetched from any holder, and from the next when the first are dead', async () => {
  const { peers, network, ring } = await blockNetwork(6);
  const [block] = someBlocks(1, 1 << 20) as [Block];
  assert.equal(await peers[0]!.storer.store(block, rule), 3);
  const places = ring.expectedPlaces(ringIdOfHash(blockKey(block.cid), 256), 3);
  const asker = peers.find(({ contact }) => !places.includes(contact.host))!;
  for (const host of places.slice(0, 2)) network.setHealth(host, 'dead');
  assert.deepEqual(Buffer.from(await asker.fetcher.fetch(block.cid)), Buffer.from(block.bytes));
});

test('B2 a source silent for 300 ms is doubled by the next', async () => {
  const { peers, network, ring } = await blockNetwork(4);
  const [block] = someBlocks(1) as [Block];
  await peers[0]!.storer.store(block, rule);
  const places = ring.expectedPlaces(ringIdOfHash(blockKey(block.cid), 256), 3);
  const asker = peers.find(({ contact }) => !places.includes(contact.host))!;
  for (const host of places.slice(0, 2)) network.setHealth(host, 'silent');
  const start = performance.now();
  assert.deepEqual(Buffer.from(await asker.fetcher.fetch(block.cid)), block.bytes);
  const took = performance.now() - start;
  assert.ok(took < 1500, `took ${took} ms`);
});

/** Sends ten bytes of what it has every 20 ms. Returns how often it was asked. */
function drip({ transport, server }: Awaited<ReturnType<typeof blockNetwork>>['peers'][number]): () => number {
  let asked = 0;
  const slowly = async function* (payload: AsyncIterable<Uint8Array>) {
    for await (const bytes of payload)
      for (let at = 0; at < bytes.length; at += 10) {
        yield bytes.subarray(at, at + 10);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
  };
  transport.serve({
    request: async () => ({}),
    stream: async (from, _, incoming) => {
      asked += 1;
      const { sizes, payload } = await server.get(from, blockMessages.get.decode(incoming.header).cids);
      return { header: blockMessages.get.encodeAnswer({ sizes }), payload: slowly(payload) };
    },
  });
  return () => asked;
}

test('B2 a source that drips a few bytes at a time is doubled by the next, and comes last from then on', async () => {
  const { peers, ring } = await blockNetwork(4);
  const blocks = someBlocks(12, 1 << 20);
  for (const block of blocks) await peers[0]!.storer.store({ ...block, bytes: Uint8Array.from(block.bytes) }, rule);
  const places = ring.expectedPlaces(ringIdOfHash(blockKey(blocks[0]!.cid), 256), 3);
  const asker = peers.find(({ contact }) => !places.includes(contact.host))!;
  const asked = drip(peers.find(({ contact }) => contact.host === places[0])!);
  for (const { cid, bytes } of blocks)
    assert.deepEqual(Buffer.from(await asker.fetcher.fetch(cid)), Buffer.from(bytes));
  // All that it has would take half an hour.
  assert.equal(asked(), 1);
});

test('B2 wrong bytes cost their sender its place, and the right ones come from another', async () => {
  const { peers, ring } = await blockNetwork(5);
  const [block] = someBlocks(1, 5000) as [Block];
  const bytes = Buffer.from(block.bytes);
  await peers[0]!.storer.store(block, rule);
  const places = ring.expectedPlaces(ringIdOfHash(blockKey(block.cid), 256), 3);
  const holders = peers.filter(({ contact }) => places.includes(contact.host));
  // All places lie; one host that is no place has the right bytes, and readers fall back to it.
  for (const holder of holders) holder.blocks.lies = true;
  const [asker, honest] = peers.filter((peer) => !holders.includes(peer));
  await honest!.blocks.put([{ cid: block.cid, bytes: Uint8Array.from(bytes) }]);
  assert.deepEqual(Buffer.from(await asker!.fetcher.fetch(block.cid)), bytes);
  const liars = asker!.reports.filter((what) => what.startsWith('wrong-bytes')).map((what) => what.split(' ')[1]);
  assert.deepEqual(new Set(liars), new Set(places));
});

test('A7 a block that no one has is an error that says so', async () => {
  const { peers } = await blockNetwork(3);
  const [block] = someBlocks(1) as [Block];
  await assert.rejects(peers[0]!.fetcher.fetch(block.cid), /No live peer handed over/);
});

test('B4 what comes while a stream is in progress leaves together, and soon without being asked for', async () => {
  const { peers } = await blockNetwork(2);
  const { ports } = peers[0]!;
  const { transport } = ports;
  let [questions, streams] = [0, 0];
  const counting: typeof transport = {
    self: transport.self,
    serve: (handlers) => transport.serve(handlers),
    ping: (to, timeout) => transport.ping(to, timeout),
    close: () => transport.close(),
    request: (...asked) => {
      questions += 1;
      return transport.request(...asked);
    },
    stream: (...asked) => {
      streams += 1;
      return transport.stream(...asked);
    },
  };
  // By the clock of a busy machine the way to the other peer is long, which takes more streams.
  const clock = { ...ports.clock, now: () => 0 };
  const counted = new BlockStorer({ ...ports, clock, transport: counting });
  const blocks = someBlocks(64, 300_000);
  await Promise.all(blocks.map((block) => counted.store(block, rule)));
  assert.ok(streams < 24, `${streams} streams for 64 blocks`);
  assert.ok(questions < streams, `${questions} questions for ${streams} streams`);
  for (const { cid } of blocks) assert.notEqual(await peers[1]!.blocks.size(cid), null);
});

test('case 18 the own copy of a block is checked before it is handed out, and another one takes its place', async () => {
  const { peers } = await blockNetwork(3);
  const [block] = someBlocks(1) as [Block];
  assert.equal(await peers[0]!.storer.store({ ...block, bytes: Uint8Array.from(block.bytes) }, rule), 3);
  const [reader] = peers;
  reader!.blocks.lies = true;
  const got = await reader!.fetcher.fetch(block.cid);
  assert.deepEqual(Buffer.from(got), Buffer.from(block.bytes));
  assert.ok(
    reader!.reports.some((line) => line.includes('is damaged')),
    reader!.reports.join('\n'),
  );
  // With no one else to ask there is an error, never other bytes.
  for (const peer of peers) peer.blocks.lies = true;
  await assert.rejects(reader!.fetcher.fetch(block.cid), { code: 'no-live-source' });
});
