/** The messages of searching byte for byte. See docs/wire-format.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ringId } from '@chordial/ring';
import { isRefused, sample, testMessages } from '../../test/fixtures/message-samples.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { hostIdOfPublicKey } from '../network/host-id.ts';
import type { Hit } from './hit.ts';
import { searchMessages } from './search-messages.ts';

const source = { host: hostIdOfPublicKey(new Uint8Array(32).fill(1)), addresses: ['192.0.2.1:4848'] };
const id = '0190f5f4-7a3e-4b5c-8d9e-0123456789ab';
const hit: Hit = {
  name: 'a.pdf',
  root: cidOfBlock(rawCodec, Uint8Array.of(1)),
  size: 5,
  type: 'directory',
  sha256: 'ab'.repeat(32),
  source,
  isShared: true,
  time: 17,
};
const question = { id, word: 'pdf', query: 'a pdf', skip: 0, limit: 50 };
const page = { hits: [hit], total: 9, isSplit: false };
const ask = {
  id,
  pattern: '*',
  most: 10,
  asker: source.host,
  time: 17,
  signature: new Uint8Array(64).fill(7),
  parts: [{ member: ringId(1, 16), end: ringId(2, 16) }],
  hops: 3,
  left: 1000,
};

testMessages(
  [
    sample(searchMessages.count, { words: ['pdf'] }, [{ count: 1_000_000, isSplit: true }]),
    sample(searchMessages.query, question, page),
    sample(searchMessages.ask, ask, { answered: 2, missed: 0 }),
    sample(searchMessages.hits, { id, hits: [hit] }, { more: true }),
  ],
  [searchMessages],
  {
    'search.count': ['a165776f7264738163706466', 'a26573706c697481f566636f756e7473811a000f4240'],
    'search.query': [
      'a5626964782430313930663566342d376133652d346235632d386439652d30313233343536373839616264736b69700064776f726463706466656c696d69741832657175657279656120706466',
      'a36468697473818865612e7064665824015512204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a05f55820abababababababababababababababababababababababababababababababab8258200101010101010101010101010101010101010101010101010101010101010101816e3139322e302e322e313a34383438f5116573706c6974f465746f74616c09',
    ],
    'search.ask': [
      'a9626964782430313930663566342d376133652d346235632d386439652d30313233343536373839616264686f707303646c6566741903e8646d6f73740a6474696d65116561736b657258200101010101010101010101010101010101010101010101010101010101010101657061727473818264303030316430303032677061747465726e612a697369676e6174757265584007070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707070707',
      'a2666d69737365640068616e73776572656402',
    ],
    'search.hits': [
      'a2626964782430313930663566342d376133652d346235632d386439652d3031323334353637383961626468697473818865612e7064665824015512204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a05f55820abababababababababababababababababababababababababababababababab8258200101010101010101010101010101010101010101010101010101010101010101816e3139322e302e322e313a34383438f511',
      'a1646d6f7265f5',
    ],
  },
);

test('A22 questions beyond their bounds are refused', () => {
  for (const over of [{ skip: -1 }, { id: 'x' }, { word: 'a\0b' }, { word: '' }, { limit: 51 }]) {
    const body = searchMessages.query.encode({ ...question, ...over });
    assert.throws(() => searchMessages.query.decode(body), isRefused, JSON.stringify(over));
  }
});

test('a hit that cannot be read hides none of the others', () => {
  const wire = searchMessages.query.encodeAnswer(page) as { hits: unknown[][] };
  const [good] = wire.hits as [unknown[]];
  for (const [place, value] of [
    [0, 'a/b'],
    [1, new Uint8Array(3)],
    [2, -1],
    [4, new Uint8Array(31)],
    [5, []],
  ] as const) {
    const both = { ...wire, hits: [good.with(place, value), good] };
    assert.deepEqual(searchMessages.query.decodeAnswer(both, question).hits, [hit], String(place));
  }
});
