import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Random } from '@chordial/ring';
import { seededRandom } from '@chordial/ring/testing';
import { cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import {
  hitsOf,
  type NewFile,
  putFiles,
  type SearchPeer,
  searchNetwork,
  shareFiles,
} from '../fixtures/search-network.ts';
import { hasWords, type InventedName, inventName, type Wanted, wantedQuery } from './invented-names.ts';

const peerCount = 8;
const sharedOfEach = 250;
const putOfEach = 12;
const queryCount = 500;

interface Published extends NewFile {
  readonly invented: InventedName;
  /** `host share|put`: who published it, and how. */
  readonly by: string;
}

test('A16 B5 500 random word queries find exactly what a linear scan of all shares and puts finds', async () => {
  const random = seededRandom(16);
  const { peers, forgetReadings, close } = await searchNetwork(peerCount);
  try {
    const files: Published[] = [];
    const invent = (peer: SearchPeer, kind: 'share' | 'put', count: number): readonly Published[] => {
      const made = Array.from({ length: count }, (_, number) =>
        newFile(random, files.length + number, `${peer.data.identity.host} ${kind}`),
      );
      files.push(...made);
      return made;
    };
    for (const peer of peers) {
      await shareFiles(peer, invent(peer, 'share', sharedOfEach));
      await putFiles(peer, invent(peer, 'put', putOfEach));
    }
    forgetReadings();
    let found = 0;
    for (let number = 0; number < queryCount; number++) {
      const wanted = wantedQuery(files[Math.floor(random.next() * files.length)]!.invented, random);
      const expected = files
        .filter((file) => answers(file, wanted))
        .map(({ by, name, root }) => `${by} ${name} ${root}`);
      const hits = await hitsOf(peers[number % peerCount]!, wanted.text);
      const got = hits.map(
        ({ name, root, source, isShared }) => `${source.host} ${isShared ? 'share' : 'put'} ${name} ${root}`,
      );
      assert.deepEqual(got.sort(), expected.sort(), wanted.text);
      found += got.length;
    }
    assert.ok(found > queryCount, `${found} hits are too few to show anything`);
  } finally {
    await close();
  }
});

function newFile(random: Random, number: number, by: string): Published {
  const invented = inventName(random);
  const { name } = invented;
  const size = Math.floor(random.next() ** 3 * 1e6);
  return {
    invented,
    by,
    name,
    size,
    root: cidOfBlock(rawCodec, Buffer.from(`${number} ${name}`)),
    type: 'file',
    sha256: null,
    time: 1_700_000_000_000,
  };
}

/** The linear scan: the words of the name as generated, without the production tokenizer. */
function answers({ invented, size }: Published, wanted: Wanted): boolean {
  const { extension, minSize } = wanted;
  return (
    hasWords(invented, wanted) &&
    (extension === null || invented.extension === extension) &&
    (minSize === null || size > minSize)
  );
}

test('H6 hits of a removed member are hidden by hosts that know of the removal, and its announcements disappear', async () => {
  const { peers, forgetReadings, close } = await searchNetwork(5);
  const [sharer, knowing, ...others] = peers as [SearchPeer, SearchPeer, ...SearchPeer[]];
  const { host } = sharer.data.contact;
  const files = Array.from({ length: 20 }, (_, number) => ({
    ...({ name: `report ${number}.txt`, size: number, type: 'file', sha256: null, time: Date.now() } as const),
    root: cidOfBlock(rawCodec, Buffer.from(`report ${number}`)),
  }));
  await shareFiles(sharer, files);
  assert.equal((await hitsOf(knowing, 'report')).length, files.length);
  const hear = ({ data }: SearchPeer) => {
    Object.assign(data.membership, { isRemoved: (one: string) => one === host, removed: () => [host] });
    data.membersRemoved([host]);
  };
  const leaves = ({ data }: SearchPeer) => data.shares.walk(Date.now(), 0, 1000).length;
  assert.ok(peers.reduce((sum, peer) => sum + leaves(peer), 0) > 0);
  hear(knowing);
  forgetReadings();
  assert.deepEqual(await hitsOf(knowing, 'report'), [], 'the others still tell of it');
  assert.ok((await hitsOf(others[0]!, 'report')).length > 0);
  for (const peer of others) hear(peer);
  while ([knowing, ...others].some((peer) => leaves(peer) > 0)) await setImmediate();
  forgetReadings();
  assert.deepEqual(await hitsOf(others[0]!, 'report'), []);
  await close();
});
