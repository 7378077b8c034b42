/** Excess copies: whose proofs count, when copies are dropped, and which stay as cache. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Contact, RingId } from '@chordial/ring';
import { lyingAnswer, lyingStream } from '../../simulation/data/liar.ts';
import { blockKey, cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { createIdentity } from '../../src/network/identity.ts';
import { TransportError } from '../../src/network/transport.ts';
import { recordKeyOfName } from '../../src/records/record-keys.ts';
import { seasonedMilliseconds } from '../../src/replication/excess-replicas.ts';
import { type DataPeer, dataNetwork } from '../fixtures/data-network.ts';
import type { StaticRing } from '../fixtures/static-ring.ts';
import { until } from '../fixtures/until.ts';

const day = 24 * 3600 * 1000;

async function* bytesOf(bytes: Uint8Array) {
  yield bytes;
}

async function read(peer: DataPeer, name: string): Promise<Uint8Array> {
  const { cid } = await peer.files.resolve({ name });
  const pieces: Uint8Array[] = [];
  for await (const piece of peer.files.read(cid)) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}

function refuse(): never {
  throw new TransportError('refused', 'No.');
}

/** A member that claims to hold everything authoritatively, acknowledges every store, and keeps nothing. */
function liar(
  network: Awaited<ReturnType<typeof dataNetwork>>['network'],
  host: Contact['host'],
  proof: 'none' | 'noise',
) {
  const transport = network.transport(host);
  void transport.serve({
    request: async (_, kind, body) => lyingAnswer(kind, body, proof) ?? refuse(),
    stream: (_, kind, incoming) => lyingStream(kind, incoming),
  });
  return transport.contact;
}

/** Each of these hosts has a place directly after each key, before every honest host. */
function lieBetween(ring: StaticRing, liars: readonly Contact[], keys: readonly string[]): void {
  const behind = (key: string, steps: number): RingId =>
    (BigInt(`0x${key}`) + BigInt(steps)).toString(16).padStart(64, '0') as RingId;
  for (const [index, contact] of liars.entries())
    ring.addAt(
      contact,
      keys.map((key) => behind(key, index)),
    );
}

/** Of all items on any host. */
function keysOf(peers: readonly DataPeer[]): readonly string[] {
  const keys = peers.flatMap(({ index }) =>
    index.sets().flatMap((set) => index.items(set, 'all', null, 1000).items.map(({ key }) => key.slice(0, 64))),
  );
  return [...new Set(keys)];
}

const copiesOf = (peers: readonly DataPeer[]): number => peers.reduce((sum, { blocks }) => sum + blocks.count(), 0);
const recordsOf = (peers: readonly DataPeer[]): number => peers.reduce((sum, { records }) => sum + records.count(), 0);

for (const admission of ['classroom', 'open'] as const) {
  for (const proof of ['none', 'noise'] as const) {
    test(`C1 liars between a key and its holders, with ${proof} for a proof, make no one drop anything (${admission})`, async () => {
      const { peers, ring, network, close } = await dataNetwork(3, {}, { admission });
      const content = randomBytes(30_000);
      await peers[0]!.files.put('wanted', bytesOf(content));
      const repairs = peers.map(({ beginRepair }) => beginRepair());
      for (const repair of repairs) await repair.round();
      const before = { copies: copiesOf(peers), records: recordsOf(peers) };
      const liars = Array.from({ length: 3 }, () => liar(network, createIdentity().host, proof));
      const keys = keysOf(peers);
      lieBetween(ring, liars, keys);
      for (const key of keys)
        assert.deepEqual(
          ring.expectedPlaces(key as RingId, 3),
          liars.map(({ host }) => host),
        );
      for (let round = 0; round < 3; round++) for (const repair of repairs) await repair.round();
      assert.deepEqual({ copies: copiesOf(peers), records: recordsOf(peers) }, before);
      for (const { host } of liars) {
        network.setHealth(host, 'dead');
        ring.declareDead(host);
      }
      for (const peer of peers) assert.ok(Buffer.from(await read(peer, 'wanted')).equals(content));
      await close();
    });
  }
}

test('C1 a put acknowledged only by liars is kept by its publisher', async () => {
  const { peers, ring, network, close } = await dataNetwork(3, {}, { admission: 'open', keepOwn: true });
  for (const { beginRepair } of peers) beginRepair();
  const content = randomBytes(30_000);
  const cid = cidOfBlock(rawCodec, content);
  const name = recordKeyOfName('wanted', { bits: 256, teaching: false });
  const liars = Array.from({ length: 3 }, () => liar(network, createIdentity().host, 'noise'));
  lieBetween(ring, liars, [blockKey(cid), name]);
  await peers[0]!.files.put('wanted', bytesOf(content));
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const { host } of liars) {
    network.setHealth(host, 'dead');
    ring.declareDead(host);
  }
  assert.ok(Buffer.from(await read(peers[0]!, 'wanted')).equals(content));
  // It reaches its places as well.
  await until(
    async () => (await peers[1]!.blocks.has([cid]))[0] === true && (await peers[2]!.blocks.has([cid]))[0] === true,
  );
  for (const peer of peers) assert.ok(Buffer.from(await read(peer, 'wanted')).equals(content));
  await close();
});

test('C1 an excess copy stays as cache until its places are known long enough, and does not count as a copy', async () => {
  const { peers, ring, join, close } = await dataNetwork(4, {}, { admission: 'open' });
  for (let file = 0; file < 6; file++) await peers[file % 4]!.files.put(`file ${file}`, bytesOf(randomBytes(20_000)));
  for (const { beginRepair } of peers) beginRepair();
  for (let joined = 0; joined < 2; joined++) (await join()).beginRepair();
  const held = () =>
    peers.flatMap(({ index, contact }) =>
      index.sets().flatMap((set) =>
        index.items(set, 'all', null, 1000).items.map(({ key }) => {
          const isPlace = ring.expectedPlaces(key.slice(0, 64) as RingId, 3).includes(contact.host);
          return { isPlace, isCached: index.isCached(set, key) };
        }),
      ),
    );
  const blocks = () =>
    new Set(
      peers.flatMap(({ index }) =>
        index
          .sets()
          .flatMap((set) =>
            set.kind === 'blocks' ? index.items(set, 'all', null, 1000).items.map(({ key }) => key) : [],
          ),
      ),
    ).size;
  await until(() => held().every(({ isPlace, isCached }) => isPlace !== isCached));
  const counted = peers.reduce((sum, { blocks: store, index }) => sum + store.count() - index.cachedBlocks().blocks, 0);
  assert.equal(counted, 3 * blocks());
  assert.ok(held().some(({ isCached }) => isCached));
  const stats = await Promise.all(
    Array.from({ length: 6 }, (_, file) => peers[5]!.files.stat({ name: `file ${file}` })),
  );
  for (const { copies } of stats) assert.equal(copies, 3);
  assert.ok(stats.some(({ cached }) => cached > 0));
  // Readers get it if the places are silent.
  const cacher = peers.find(({ index }) => index.cachedBlocks().blocks > 0)!;
  const [one] = cacher.index.cached(null, 100).items.filter(({ bytes }) => bytes > 0);
  const { cid } = cacher.index.find(one!.set, one!.key)!;
  assert.equal((await cacher.blocks.size(cid!)) ?? 0, one!.bytes);
  // Proofs count only after the hosts have been known for 7 days.
  const look = async (since: number): Promise<void> => {
    for (const { membership } of peers)
      for (const { contact } of peers) membership.saw(contact.host, Date.now() - since);
    ring.change();
    for (const { beginRepair } of peers) await beginRepair().round();
  };
  await look(seasonedMilliseconds.open - day);
  assert.ok(held().some(({ isCached }) => isCached));
  await close();
});

for (const [admission, told, expected] of [
  ['open', { firstSeenAt: 6 * day, admittedAt: null }, 'cache'],
  ['open', { firstSeenAt: 7 * day, admittedAt: null }, 'gone'],
  ['open', { firstSeenAt: null, admittedAt: 30 * day }, 'cache'],
  ['members', { firstSeenAt: 30 * day, admittedAt: 0.9 * day }, 'cache'],
  ['members', { firstSeenAt: 1 * day, admittedAt: 1 * day }, 'gone'],
  ['members', { firstSeenAt: 0, admittedAt: 30 * day }, 'cache'],
  ['members', { firstSeenAt: null, admittedAt: 30 * day }, 'cache'],
  ['members', { firstSeenAt: 30 * day, admittedAt: null }, 'cache'],
  ['classroom', { firstSeenAt: null, admittedAt: null }, 'gone'],
] as const) {
  test(`C1 in a network of kind ${admission} with hosts ${JSON.stringify(told)} a copy too many is ${expected}`, async () => {
    const { peers, ring, join, close } = await dataNetwork(4, {}, { admission });
    const ago = (milliseconds: number | null) => (milliseconds === null ? null : Date.now() - milliseconds - 1000);
    for (const { membership } of peers)
      membership.of = (host) => ({
        ...{ name: host, share: null, rights: [] },
        ...{ admittedAt: ago(told.admittedAt), firstSeenAt: ago(told.firstSeenAt) },
      });
    // Enough that the newcomer is a place of some, wherever it is on the ring.
    for (let file = 0; file < 24; file++) await peers[file % 4]!.files.put(`file ${file}`, bytesOf(randomBytes(5000)));
    const before = peers.slice();
    for (const { beginRepair } of peers) beginRepair();
    (await join()).beginRepair();
    const extra = () =>
      before.flatMap(({ index, records, contact }) =>
        index.sets().flatMap((set) =>
          index.items(set, 'all', null, 1000).items.flatMap(({ key, record }) => {
            const isPlace = ring.expectedPlaces(key.slice(0, 64) as RingId, 3).includes(contact.host);
            const isOwn = record !== null && records.byRow(record)?.publisher === contact.host;
            return isPlace || isOwn ? [] : [index.isCached(set, key)];
          }),
        ),
      );
    // The test needs items that moved to the newcomer.
    assert.ok(extra().length > 0);
    await until(() => (expected === 'gone' ? extra().length === 0 : extra().every((isCached) => isCached)));
    if (expected === 'cache') assert.ok(extra().length > 0);
    await close();
  });
}

test('C1 cache makes room for items with a place here, and only items proved by their places are evicted', async () => {
  const { peers, ring, join, network, close } = await dataNetwork(4, {}, { admission: 'open' });
  for (let file = 0; file < 6; file++) await peers[file % 4]!.files.put(`file ${file}`, bytesOf(randomBytes(20_000)));
  for (const { beginRepair } of peers) beginRepair();
  for (let joined = 0; joined < 3; joined++) (await join()).beginRepair();
  const cacher = () => peers.find(({ index }) => index.cachedBlocks().blocks > 1);
  await until(() => cacher() !== undefined);
  const { blocks, index } = cacher()!;
  await until(() =>
    peers.every(({ index: one, contact }) =>
      one
        .sets()
        .every((set) =>
          one
            .items(set, 'all', null, 1000)
            .items.every(
              ({ key }) =>
                ring.expectedPlaces(key.slice(0, 64) as RingId, 3).includes(contact.host) !== one.isCached(set, key),
            ),
        ),
    ),
  );
  const { bytes, blocks: count } = index.cachedBlocks();
  const [oldest] = index.cached(null, 1).items.filter((one) => one.bytes > 0);
  Object.assign(blocks, { quotaBytes: blocks.bytes() + 100 });
  const fresh = randomBytes(500);
  await blocks.put([{ cid: cidOfBlock(rawCodec, fresh), bytes: fresh, claims: [] }]);
  assert.equal(index.cachedBlocks().blocks, count - 1);
  assert.ok(index.cachedBlocks().bytes < bytes);
  if (oldest !== undefined) assert.equal(index.find(oldest.set, oldest.key), null);
  // Without proofs nothing is dropped, so there is no space.
  network.partition(
    [],
    peers.filter((peer) => peer.index !== index).map(({ contact }) => contact.host),
  );
  const more = randomBytes(20_000);
  await assert.rejects(blocks.put([{ cid: cidOfBlock(rawCodec, more), bytes: more, claims: [] }]), {
    code: 'quota-full',
  });
  assert.equal(index.cachedBlocks().blocks, count - 1);
  await close();
});
