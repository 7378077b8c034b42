import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type HostId, ringIdOfHash } from '@chordial/ring';
import { blockNetwork } from '../../test/fixtures/block-network.ts';
import { type Block, blockKey, cidOfBlock, rawCodec } from '../content/cid.ts';
import { leafBytes } from '../content/leaf-pool.ts';
import type { PerPeer } from '../network/peer-queue.ts';
import type { BlockSender } from './block-sender.ts';
import { Relay } from './relay.ts';

const rule = { replicas: 3, writeQuorum: 2 };
const blockCount = 8;

/** Peer 0 puts, 30 ms away from all others, which are near each other; `sentBytes` counts what leaves it. */
async function farFromAll(count: number) {
  const { network, ring, peers } = await blockNetwork(count);
  const [putter] = peers;
  assert.ok(putter);
  const self = putter.contact.host;
  network.delay = (from: HostId, to: HostId) => (from === self || to === self ? 30 : 0);
  let sentBytes = 0;
  const { transport } = putter.ports;
  const stream = transport.stream.bind(transport);
  transport.stream = (to, kind, outgoing, options) =>
    stream(to, kind, { ...outgoing, ...(outgoing.payload && { payload: counted(outgoing.payload) }) }, options);
  async function* counted(payload: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of payload) {
      yield piece;
      sentBytes += piece.length;
    }
  }
  const put = async (block: Block): Promise<number> => putter.storer.store(block, rule);
  // Until its answers were seen a way is not known to be long.
  const others = peers.slice(1).map(({ contact }) => putter.storer.senders.to(contact));
  while (!others.every(({ isFar }) => isFar)) await Promise.all(leaves(4).map(put));
  sentBytes = 0;
  /** Remote places of the block. */
  const placesOf = ({ cid }: Block) =>
    ring
      .expectedPlaces(ringIdOfHash(blockKey(cid), 256), rule.replicas)
      .filter((host) => host !== self)
      .map((host) => peers.find(({ contact }) => contact.host === host)!);
  return { network, peers, put, placesOf, sentBytes: () => sentBytes };
}

function leaves(count: number): Block[] {
  return Array.from({ length: count }, () => {
    const bytes = randomBytes(leafBytes);
    return { cid: cidOfBlock(rawCodec, bytes), bytes };
  });
}

test('over a long way a block leaves its putter once, and is durable at all its places', async () => {
  const { peers, put, placesOf, sentBytes } = await farFromAll(6);
  const blocks = leaves(blockCount);
  for (const block of blocks) {
    assert.equal(await put(block), 3);
    for (const { blocks: held } of placesOf(block)) assert.equal(await held.size(block.cid), leafBytes);
  }
  assert.equal(sentBytes(), blockCount * leafBytes);
  assert.deepEqual(
    peers.flatMap(({ reports }) => reports),
    [],
  );
});

test('a short way is not spared: each place gets the block from the putter', async () => {
  const { network, peers, put, sentBytes, placesOf } = await farFromAll(6);
  network.delay = () => 0;
  const [putter] = peers;
  // A shorter answer is believed at once.
  for (const { contact } of peers.slice(1))
    await putter!.storer.senders.to(contact).store({ block: leaves(1)[0]!, claims: [], abandoned: false });
  const before = sentBytes();
  const [block] = leaves(1) as [Block];
  assert.equal(await put(block), 3);
  assert.equal(sentBytes() - before, placesOf(block).length * leafBytes);
});

test('what a relay does not hand on is sent by the putter', async () => {
  const { network, put, placesOf, sentBytes } = await farFromAll(6);
  const [block] = leaves(1) as [Block];
  const [relay, other] = placesOf(block);
  assert.ok(relay && other);
  // The relay reaches no one; the putter does.
  const { delay } = network;
  network.delay = (from, to) => (from === relay.contact.host && to === other.contact.host ? 60_000 : delay(from, to));
  assert.equal(await put(block), 3);
  for (const { blocks: held } of placesOf(block)) assert.equal(await held.size(block.cid), leafBytes);
  assert.equal(sentBytes(), 2 * leafBytes);
});

test('a relay that dies with the block costs no copy', async () => {
  const { network, put, placesOf, peers } = await farFromAll(6);
  const [block] = leaves(1) as [Block];
  const [relay] = placesOf(block);
  assert.ok(relay);
  network.setHealth(relay.contact.host, 'dead');
  assert.equal(await put(block), 3);
  const alive = peers.filter((peer) => peer !== relay);
  const held = await Promise.all(alive.map(({ blocks }) => blocks.size(block.cid)));
  assert.equal(held.filter((size) => size !== null).length, 3);
});

test('what a relay hands on at a time is bounded, also of many small blocks', async () => {
  const { network, peers } = await farFromAll(4);
  const [sender, relay] = peers;
  assert.ok(sender && relay);
  let asked = 0;
  network.delay = () => 0;
  const hanging = new Relay(relay.ports, {
    to: () => {
      asked += 1;
      return { store: () => new Promise<void>(() => undefined) };
    },
  } as unknown as PerPeer<BlockSender>);
  const blocks = Array.from({ length: 1000 }, () => {
    const bytes = randomBytes(10);
    return { cid: cidOfBlock(rawCodec, bytes), bytes };
  });
  const passing = blocks.map((block) => hanging.pass(block, [], 4, sender.contact.host));
  const first = await Promise.all(passing.slice(256));
  assert.ok(
    first.every((isDone) => isDone),
    'beyond the bound nothing is handed on, and no one waits',
  );
  assert.deepEqual(new Set(await Promise.all(passing.slice(0, 256))), new Set([false]));
  assert.equal(asked, 2 * 256);
});
