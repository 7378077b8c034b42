import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { signEntry } from '../../src/records/entry.ts';
import { FrequentWords, splitsOf } from '../../src/search/frequent-words.ts';
import { postingTombstones } from '../../src/search/posting-entry.ts';
import { testNetworkId } from '../fixtures/data-network.ts';
import {
  hitsOf,
  type NewFile,
  putFiles,
  type SearchPeer,
  searchNetwork,
  shareFiles,
} from '../fixtures/search-network.ts';

const splitAt = 150;

function filesOf(peer: number, count: number, from = 0): readonly NewFile[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `report ${peer} of day${from + index}`;
    const root = cidOfBlock(rawCodec, Buffer.from(name));
    return { name, root, size: 1, type: 'file', sha256: null, time: 1_700_000_000_000 };
  });
}

const namesOf = (files: readonly { readonly name: string }[]) => files.map(({ name }) => name).sort();

/** Maximum of postings of the word at one host under one key. */
function maxOfOneKey(peers: readonly SearchPeer[], word: string): number {
  return Math.max(...peers.flatMap(({ index }) => [word, ...splitsOf(word)].map((key) => index.frequency(key).count)));
}

test('A16 B5 a very frequent word is split over several keys and hosts, and all its files are found', async () => {
  const { peers, forgetReadings, close } = await searchNetwork(8, splitAt);
  try {
    const files: NewFile[] = [];
    for (const [number, peer] of peers.entries()) {
      const [shared, put] = [filesOf(number, 100), filesOf(number, 10, 100)];
      await shareFiles(peer, shared);
      await putFiles(peer, put);
      forgetReadings();
      files.push(...shared, ...put);
    }
    for (const query of ['report', 'rep*', 'report of']) {
      for (const peer of [peers[0]!, peers[7]!]) {
        assert.deepEqual(namesOf(await hitsOf(peer, query)), namesOf(files), query);
      }
    }
    assert.deepEqual(
      namesOf(await hitsOf(peers[3]!, 'report 77')),
      namesOf(files.filter(({ name }) => /day77$/.test(name))),
    );
    // Earlier postings stay at one place; the publisher's next files may be added.
    assert.ok(maxOfOneKey(peers, 'report') < 2 * splitAt, `${maxOfOneKey(peers, 'report')}`);
    const carrying = peers.filter(({ index }) => splitsOf('report').some((key) => index.frequency(key).count > 0));
    assert.ok(carrying.length >= 6, `${carrying.length} of 8 hosts carry the word`);
  } finally {
    await close();
  }
});

test('A16 a split word stays split over a restart, and earlier and later postings can be withdrawn', async () => {
  const { peers, forgetReadings, close } = await searchNetwork(4, splitAt);
  try {
    const [peer, other] = [peers[0]!, peers[1]!];
    const before = filesOf(0, 20);
    await putFiles(peer, before);
    await shareFiles(other, filesOf(1, splitAt));
    forgetReadings();
    const after = filesOf(0, 20, 20);
    await putFiles(peer, after);
    const { identity, catalog, recordWriter } = peer.data;
    const again = new FrequentWords(
      {
        writer: recordWriter,
        signer: identity,
        networkId: testNetworkId,
        settings: catalog,
        clock: { now: () => 0, wallTime: () => 0, after: () => ({ cancel: () => undefined }) },
      },
      async () => ({ count: 0, isSplit: false }),
    );
    const { name } = after[0]!;
    assert.deepEqual(again.wordsOf(name), peer.words.wordsOf(name));
    assert.ok(
      again.wordsOf(name).some((word) => /^report:\d+$/.test(word)),
      again.wordsOf(name).join(),
    );
    assert.ok(again.everWordsOf(name).includes('report'));

    const gone = [...before, ...after].flatMap((file) =>
      postingTombstones(
        { name: file.name, cid: file.root, publisher: identity.host },
        again.everWordsOf,
        Date.now(),
        Date.now(),
      ),
    );
    await recordWriter.store(gone.map((entry) => signEntry(entry, testNetworkId, (bytes) => identity.sign(bytes))));
    forgetReadings();
    const left = await hitsOf(peers[3]!, 'report');
    assert.deepEqual(new Set(left.map(({ source }) => source.host)), new Set([other.data.identity.host]));
  } finally {
    await close();
  }
});

test('A16 a word without answers about its frequency is published without a split', async () => {
  const { peers, close } = await searchNetwork(1);
  try {
    const { identity, catalog, recordWriter } = peers[0]!.data;
    let asked = 0;
    const words = new FrequentWords(
      {
        writer: recordWriter,
        signer: identity,
        networkId: testNetworkId,
        settings: catalog,
        clock: { now: () => 0, wallTime: () => 0, after: () => ({ cancel: () => undefined }) },
      },
      async () => {
        asked += 1;
        throw new Error('no one answers');
      },
      { lookedAtAfter: 2 },
    );
    await words.prepare(['report one', 'report two']);
    await words.prepare(['report three']);
    // One question for the word and one for its prefix, until its use has doubled.
    assert.equal(asked, 2);
    assert.ok(words.wordsOf('report one').includes('report'));
  } finally {
    await close();
  }
});
