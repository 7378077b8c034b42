/** Batches over time: renewal, expiry, restart and compaction, with a manual clock. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock, Timer } from '@chordial/ring';
import { cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { ChordialError } from '../../src/errors.ts';
import { isDialable } from '../../src/network/addresses.ts';
import { createIdentity, type Identity, verifySignature } from '../../src/network/identity.ts';
import { MemoryNetwork } from '../../src/network/memory-transport.ts';
import { UnresponsivePeers } from '../../src/network/unresponsive-peers.ts';
import { BatchAnnouncer, defaultAnnouncerTimes } from '../../src/records/batch-announcer.ts';
import { HeaderVerifier } from '../../src/records/header-verifier.ts';
import { wordKey } from '../../src/records/record-keys.ts';
import { shareBody, shareNameEntry, sharePostingEntry } from '../../src/records/share-entry.ts';
import { ShareHolder } from '../../src/records/share-holder.ts';
import { RingShareReader } from '../../src/records/share-reader.ts';
import { PlacementCache } from '../../src/replication/placement-cache.ts';
import { Catalog } from '../../src/storage/catalog.ts';
import { indexedTables } from '../../src/storage/indexed-tables.ts';
import { Registry } from '../../src/wire/message.ts';
import { StaticRing } from '../fixtures/static-ring.ts';
import { until } from '../fixtures/until.ts';

const networkId = 'ab'.repeat(32);
const minute = 60_000;
const rule = { replicas: 3, writeQuorum: 2 };

/** Real time for short waits, a manual wall clock and manual long timers. */
class TurnedClock implements Clock {
  #turned = 0;
  readonly #timers = new Set<{ readonly due: number; readonly run: () => void }>();
  now(): number {
    return performance.now() + this.#turned;
  }
  wallTime(): number {
    return Date.now() + this.#turned;
  }
  after(delay: number, run: () => void): Timer {
    if (delay < minute / 2) {
      const timer = setTimeout(run, delay);
      return { cancel: () => clearTimeout(timer) };
    }
    const timer = { due: this.#turned + delay, run };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }
  turn(by: number): void {
    this.#turned += by;
    for (const timer of this.#timers) {
      if (timer.due > this.#turned) continue;
      this.#timers.delete(timer);
      timer.run();
    }
  }
}

async function hosts(count: number) {
  const clock = new TurnedClock();
  const network = new MemoryNetwork();
  const ring = new StaticRing();
  const peers = Array.from({ length: count }, () => {
    const identity = createIdentity();
    return { identity, catalog: new Catalog(':memory:'), transport: network.transport(identity.host) };
  });
  for (const { transport } of peers) ring.add(transport.contact);
  const live = (peer: { identity: Identity; catalog: Catalog; transport: (typeof peers)[number]['transport'] }) => {
    const { shares, ownBatches } = indexedTables(peer.catalog, rule.replicas);
    const view = ring.view(peer.transport.contact);
    const unresponsivePeers = new UnresponsivePeers(clock);
    const placement = new PlacementCache(view, clock, unresponsivePeers);
    const headers = new HeaderVerifier({ networkId, verify: verifySignature, clock, isAddress: isDialable });
    const failures: string[] = [];
    const common = {
      view,
      placement,
      unresponsivePeers,
      clock,
      rule,
      headers,
      networkId,
      transport: peer.transport,
      places: { bits: 256, teaching: false },
      confirmed: { covers: () => true, isSureOf: () => true },
    };
    const holder = new ShareHolder(common, shares, headers, () => null);
    const announcer = new BatchAnnouncer(
      { ...common, holder, signer: peer.identity },
      ownBatches,
      defaultAnnouncerTimes,
      (error) => failures.push(error.message),
    );
    return { holder, shares, announcer, failures, reader: new RingShareReader({ ...common, holder }, shares) };
  };
  const lives = peers.map((peer) => ({ ...peer, ...live(peer) }));
  for (const peer of lives) {
    const registry = peer.holder.answerIn(new Registry());
    await peer.transport.serve({
      request: (from, kind, body) => registry.request(from, kind, body),
      stream: (from, kind, incoming) => registry.stream(from, kind, incoming),
    });
  }
  const close = async (): Promise<void> => {
    for (const { announcer, transport, catalog } of lives) {
      await announcer.close();
      await transport.close();
      catalog.close();
    }
  };
  return { clock, ring, peers: lives, live, close };
}

const root = cidOfBlock(rawCodec, Buffer.from('content'));
const body = shareBody({});
const fileOf = (number: number) => {
  const name = `file ${number}`;
  return [shareNameEntry(name, root, body), sharePostingEntry('word', name, root, body)];
};
const filesOf = (count: number, from = 0) => Array.from({ length: count }, (_, index) => fileOf(from + index));

test('a batch lives while its publisher renews it, and an hour longer', async () => {
  const { clock, peers, close } = await hosts(4);
  try {
    const [publisher, other] = [peers[0]!, peers[2]!];
    publisher.announcer.begin();
    const [number] = await publisher.announcer.announce(filesOf(20));
    const versionAt = () => other.shares.header(publisher.identity.host, number!)!.version;
    for (let renewals = 0; renewals < 5; renewals++) {
      const before = versionAt();
      clock.turn(20 * minute);
      await until(() => peers.every(({ shares }) => shares.header(publisher.identity.host, number!)!.version > before));
      assert.equal((await other.reader.entriesOf(wordKey('word'), 'posting')).length, 20);
    }
    await publisher.announcer.close();
    clock.turn(59 * minute);
    assert.equal((await other.reader.entriesOf(wordKey('word'), 'posting')).length, 20);
    clock.turn(2 * minute);
    assert.deepEqual(await other.reader.entriesOf(wordKey('word'), 'posting'), []);
    await other.holder.removeOver(clock.wallTime());
    assert.equal(other.shares.bytes(), 0);
  } finally {
    await close();
  }
});

test('after a restart the batches are live and are renewed, without their entries', async () => {
  const { clock, peers, live, close } = await hosts(3);
  try {
    const publisher = peers[0]!;
    const [number] = await publisher.announcer.announce(filesOf(20));
    await publisher.announcer.withdraw([{ entries: fileOf(3), batch: number! }]);
    await publisher.announcer.close();
    clock.turn(50 * minute);
    const next = live(publisher);
    assert.deepEqual([...next.announcer.live()], [number]);
    next.announcer.begin();
    const isRenewed = () =>
      peers[1]!.shares.header(publisher.identity.host, number!)!.expiry > clock.wallTime() + 50 * minute;
    await until(isRenewed);
    clock.turn(15 * minute);
    assert.equal((await peers[1]!.reader.entriesOf(wordKey('word'), 'posting')).length, 19);
    await next.announcer.close();
  } finally {
    await close();
  }
});

test('after more than an hour away no batch is live, and its owner is notified', async () => {
  const { clock, peers, live, close } = await hosts(3);
  try {
    const publisher = peers[0]!;
    const [number] = await publisher.announcer.announce(filesOf(5));
    await publisher.announcer.close();
    clock.turn(61 * minute);
    const next = live(publisher);
    assert.equal(next.announcer.live().size, 0);
    const outdated: number[] = [];
    next.announcer.onWorn((batches) => outdated.push(...batches));
    next.announcer.begin();
    await until(() => outdated.length > 0);
    assert.deepEqual(outdated, [number]);
    await next.announcer.close();
  } finally {
    await close();
  }
});

test('many small batches are outdated, and so is one that the ring lost', async () => {
  const { clock, peers, close } = await hosts(3);
  try {
    const publisher = peers[0]!;
    const outdated: number[] = [];
    publisher.announcer.onWorn((batches) => outdated.push(...batches));
    const [large] = await publisher.announcer.announce(filesOf(50));
    for (let batch = 0; batch < 64; batch++) await publisher.announcer.announce([fileOf(100 + batch)]);
    assert.ok(outdated.length >= 32 && !outdated.includes(large!));
    await publisher.announcer.end([...publisher.announcer.live()].filter((number) => number !== large));
    outdated.length = 0;
    for (const { shares } of peers)
      await shares.removeLeaves(shares.walk(clock.wallTime(), 0, 1000).map(({ leaf }) => leaf));
    publisher.announcer.begin();
    await until(() => outdated.length > 0);
    assert.deepEqual(outdated, [large]);
  } finally {
    await close();
  }
});

test('without a write quorum an announcement fails, and nothing of it is live', async () => {
  const { ring, peers, close } = await hosts(3);
  try {
    for (const { transport } of peers.slice(1)) await transport.close();
    const failing = peers[0]!.announcer.announce(filesOf(5));
    await assert.rejects(failing, (error) => error instanceof ChordialError && error.code === 'too-few-copies');
    assert.equal(peers[0]!.announcer.live().size, 0);
    assert.ok(ring.suspected.length > 0);
  } finally {
    await close();
  }
});
