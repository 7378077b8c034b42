import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ringIdOfHash } from '@chordial/ring';
import { cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { sendLeaves } from '../../src/records/leaf-exchange.ts';
import { recordKeyOfName, wordKey } from '../../src/records/record-keys.ts';
import {
  type ShareEntry,
  shareBody,
  shareEntryKey,
  shareNameEntry,
  sharePostingEntry,
  shareProviderEntry,
} from '../../src/records/share-entry.ts';
import { cellOf, keysOfCell } from '../../src/records/share-leaf.ts';
import { leafSet } from '../../src/storage/item-index.ts';
import { type DataPeer, dataNetwork } from '../fixtures/data-network.ts';

const places = { bits: 256, teaching: false };

interface SharedFile {
  readonly name: string;
  readonly root: ReturnType<typeof cidOfBlock>;
  readonly entries: readonly ShareEntry[];
}

function sharedFile(number: number): SharedFile {
  const name = `report ${number}.txt`;
  const root = cidOfBlock(rawCodec, Buffer.from(name));
  const body = shareBody({ size: number });
  const words = ['report', `n${number}`, 'pre:rep'];
  const postings = words.map((word) => sharePostingEntry(word, name, root, body));
  return {
    name,
    root,
    entries: [shareNameEntry(name, root, body), shareProviderEntry(root, shareBody({})), ...postings],
  };
}

const filesOf = (count: number, from = 0) => Array.from({ length: count }, (_, index) => sharedFile(from + index));
const entriesOf = (files: readonly SharedFile[]) => files.map(({ entries }) => entries);

async function announced(peer: DataPeer, files: readonly SharedFile[]) {
  const numbers = await peer.announcer.announce(entriesOf(files));
  return files.map(({ entries }, index) => ({ entries, batch: numbers[index]! }));
}

test('every peer finds the announcements of another: by name, by content, by word', async () => {
  const { peers, close } = await dataNetwork(6);
  try {
    const files = filesOf(300);
    await announced(peers[0]!, files);
    for (const { shareReader } of peers) {
      const { name, root } = files[123]!;
      const byName = await shareReader.entriesOf(recordKeyOfName(name, places), 'name');
      assert.deepEqual(
        byName.map(({ source }) => source.host),
        [peers[0]!.identity.host],
      );
      assert.deepEqual(
        (await shareReader.providersOf(root)).map(({ host }) => host),
        [peers[0]!.identity.host],
      );
      assert.equal((await shareReader.entriesOf(wordKey('report'), 'posting')).length, 300);
      assert.equal((await shareReader.entriesOf(wordKey('n7'), 'posting')).length, 1);
      assert.deepEqual(await shareReader.entriesOf(wordKey('absent'), 'posting'), []);
    }
  } finally {
    await close();
  }
});

test('every place of a key holds its entries itself', async () => {
  const { ring, peers, close } = await dataNetwork(5);
  try {
    await announced(peers[0]!, filesOf(200));
    const key = wordKey('report');
    for (const host of ring.expectedPlaces(ringIdOfHash(key, 256), 3)) {
      const { shareReader } = peers.find(({ identity }) => identity.host === host)!;
      assert.equal(shareReader.heldHere(key, 'posting').length, 200);
    }
  } finally {
    await close();
  }
});

test('a withdrawn file is gone for all peers at once, and the others of its batch stay', async () => {
  const { peers, close } = await dataNetwork(5);
  try {
    const files = await announced(peers[0]!, filesOf(50));
    await peers[0]!.announcer.withdraw([files[7]!]);
    for (const { shareReader } of peers) {
      const postings = await shareReader.entriesOf(wordKey('report'), 'posting');
      assert.equal(postings.length, 49);
      assert.deepEqual(await shareReader.entriesOf(wordKey('n7'), 'posting'), []);
      assert.deepEqual(await shareReader.providersOf(sharedFile(7).root), []);
      assert.equal((await shareReader.providersOf(sharedFile(8).root)).length, 1);
    }
    await announced(peers[0]!, filesOf(1, 7));
    assert.equal((await peers[3]!.shareReader.entriesOf(wordKey('n7'), 'posting')).length, 1);
  } finally {
    await close();
  }
});

test('an ended batch is gone, and files announced again stay', async () => {
  const { peers, close } = await dataNetwork(4);
  try {
    const { announcer } = peers[0]!;
    const [first] = await announced(peers[0]!, filesOf(20));
    const [second] = await announced(peers[0]!, filesOf(20));
    const reader = peers[1]!.shareReader;
    assert.equal((await reader.entriesOf(wordKey('report'), 'posting')).length, 20);
    await announcer.end([first!.batch]);
    assert.deepEqual([...announcer.live()], [second!.batch]);
    assert.equal((await reader.entriesOf(wordKey('report'), 'posting')).length, 20);
    await announcer.end([second!.batch]);
    assert.deepEqual(await reader.entriesOf(wordKey('report'), 'posting'), []);
    for (const { shareReader } of peers) assert.deepEqual(shareReader.heldHere(wordKey('report'), 'posting'), []);
  } finally {
    await close();
  }
});

test('a joining peer gets its share of the leaves, and others drop theirs', async () => {
  const { ring, peers, join, close } = await dataNetwork(4);
  try {
    await announced(peers[0]!, filesOf(400));
    for (const { beginRepair } of peers) await beginRepair().round();
    const newcomer = await join();
    // All hosts reconcile until nothing changes.
    for (let left = 20; left > 0; left--) {
      let moved = 0;
      for (const { beginRepair } of peers) {
        const { records, dropped } = await beginRepair().round();
        moved += records + dropped;
      }
      if (moved === 0) break;
    }
    assert.ok(newcomer.shares.walk(Date.now(), 0, 1).length > 0);
    for (const { identity, shares, index } of peers) {
      for (const leaf of shares.walk(Date.now(), 0, 10_000)) {
        const { first, last } = keysOfCell(cellOf(leaf.first.padEnd(64, '0')));
        assert.ok(placesOfCell(ring, first, last).has(identity.host), 'a leaf lies where it has no place');
      }
      assert.equal(index.fingerprint(leafSet, 'all').count, shares.walk(Date.now(), 0, 10_000).length);
    }
    for (const number of [0, 57, 399]) {
      for (const entry of sharedFile(number).entries) {
        const key = shareEntryKey(entry, places);
        for (const host of ring.expectedPlaces(ringIdOfHash(key, 256), 3)) {
          const holder = peers.find(({ identity }) => identity.host === host)!;
          const held = holder.shareReader.heldHere(key, entry.kind);
          assert.ok(held.some(({ subject }) => Buffer.compare(subject, entry.subject) === 0));
        }
      }
    }
  } finally {
    await close();
  }
});

test('a leaf is kept where it has no place while a place of one of its arcs is not authoritative', async () => {
  const { ring, peers, close } = await dataNetwork(8);
  try {
    const cellOfWord = (word: string) => keysOfCell(cellOf(wordKey(word)));
    const border = Array.from({ length: 100_000 }, (_, number) => `word${number}`).find((word) => {
      const { first, last } = cellOfWord(word);
      const [atFirst, atLast] = [first, last].map((key) => ring.expectedPlaces(ringIdOfHash(key, 256), 3));
      return atLast!.some((host) => !atFirst!.includes(host));
    })!;
    const root = cidOfBlock(rawCodec, Buffer.from('shared'));
    await peers[0]!.announcer.announce([[sharePostingEntry(border, 'shared', root, shareBody({ size: 1 }))]]);
    const { first, last } = cellOfWord(border);
    const [near, far] = [first, last].map((key) => ring.expectedPlaces(ringIdOfHash(key, 256), 3));
    const peerOf = (host: string) => peers.find(({ identity }) => identity.host === host)!;
    const stray = peers.find(({ identity }) => !near!.includes(identity.host) && !far!.includes(identity.host))!;
    const holder = peerOf(near![0]!);
    assert.ok(await sendLeaves(stray.contact, holder.shares.walk(Date.now(), 0, 10), holder.transport));
    const newcomer = peerOf(far!.find((host) => !near!.includes(host))!);
    newcomer.confirmed.clear();
    const repair = stray.beginRepair();
    const isReplica = () => {
      const [item] = stray.index.items(leafSet, 'all', null, 1).items;
      return item !== undefined && !stray.index.isCached(leafSet, item.key);
    };
    for (let rounds = 0; rounds < 3; rounds++) await repair.round();
    assert.ok(isReplica());
    newcomer.confirmed.confirm({ after: 'f'.repeat(64), upTo: 'f'.repeat(64) });
    for (let rounds = 0; rounds < 20 && isReplica(); rounds++) await repair.round();
    assert.ok(!isReplica());
  } finally {
    await close();
  }
});

/** The oracle: all places of the keys of a cell, by sampling many of them. */
function placesOfCell(ring: Awaited<ReturnType<typeof dataNetwork>>['ring'], first: string, last: string): Set<string> {
  const [from, to] = [BigInt(`0x${first}`), BigInt(`0x${last}`)];
  const tried = Array.from({ length: 257 }, (_, step) => from + ((to - from) * BigInt(step)) / 256n);
  const keys = tried.map((key) => ringIdOfHash(key.toString(16).padStart(64, '0'), 256));
  return new Set(keys.flatMap((key) => ring.expectedPlaces(key, 3)));
}
