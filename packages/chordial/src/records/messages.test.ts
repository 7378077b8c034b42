/** The messages of records and shares byte for byte. See docs/wire-format.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRefused, sample, testMessages } from '../../test/fixtures/message-samples.ts';
import { maxHeaderBytes } from './batch-header.ts';
import { wordKey } from './record-keys.ts';
import { recordMessages } from './record-messages.ts';
import { maxLeafBytes } from './share-leaf.ts';
import { type LeafPage, type Put, type SentLeaf, shareMessages } from './share-messages.ts';

const key = `${'0'.repeat(62)}01` as ReturnType<typeof wordKey>;
const bytes = Uint8Array.of(1, 2);
const hash = new Uint8Array(32).fill(3);
const put: Put = { headers: [bytes], runs: [{ batch: 0, first: 5, sizes: [3, 4], proof: [hash] }] };
const leaf: SentLeaf = { batch: 0, place: 5, bytes, proof: hash };
const page: LeafPage = { headers: [bytes], leaves: [leaf], more: 7, unknown: false };

testMessages(
  [
    sample(recordMessages.put, { entries: [bytes] }, { results: ['stored'] }),
    sample(
      recordMessages.get,
      { keys: [key], kinds: ['name'], after: 'x' },
      { entries: [[bytes]], more: [null], unknown: [true] },
    ),
    sample(recordMessages.sealed, { cursor: null, limit: 3 }, { entries: [bytes], cursor: 'x' }),
    sample(recordMessages.list, { kind: 'name', cursor: null, limit: 3 }, { entries: [bytes], cursor: 'x' }),
    sample(shareMessages.put, put, { results: ['stored'] }),
    sample(shareMessages.renew, { headers: [bytes] }, { leaves: [-1] }),
    sample(shareMessages.get, { key, after: 3 }, page),
    sample(shareMessages.pull, { keys: ['ab'.repeat(48)] }, { headers: [bytes], leaves: [leaf] }),
  ],
  [recordMessages, shareMessages],
  {
    'records.put': ['a167656e747269657381420102', 'a167726573756c7473816673746f726564'],
    'records.get': [
      'a3646b657973817840303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030316561667465726178656b696e647381646e616d65',
      'a3646d6f726581f667656e7472696573818142010267756e6b6e6f776e81f5',
    ],
    'records.sealed': ['a2656c696d69740366637572736f72f6', 'a266637572736f72617867656e747269657381420102'],
    'records.list': [
      'a3646b696e64646e616d65656c696d69740366637572736f72f6',
      'a266637572736f72617867656e747269657381420102',
    ],
    'shares.put': [
      'a26472756e73818400058203048158200303030303030303030303030303030303030303030303030303030303030303676865616465727381420102',
      'a167726573756c7473816673746f726564',
    ],
    'shares.renew': ['a1676865616465727381420102', 'a1666c65617665738120'],
    'shares.get': [
      'a2636b657978403030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303165616674657203',
      'a4646d6f726507666c6561766573818400054201025820030303030303030303030303030303030303030303030303030303030303030367686561646572738142010267756e6b6e6f776ef4',
    ],
    'shares.pull': [
      'a1646b657973815830abababababababababababababababababababababababababababababababababababababababababababababababab',
      'a2666c65617665738184000542010258200303030303030303030303030303030303030303030303030303030303030303676865616465727381420102',
    ],
  },
);

test('what is beyond its bounds is refused', () => {
  const run = put.runs[0]!;
  const puts: readonly Put[] = [
    { ...put, headers: [] },
    { ...put, headers: Array.from({ length: 65 }, () => bytes) },
    { ...put, headers: [new Uint8Array(maxHeaderBytes + 1)] },
    { ...put, runs: Array.from({ length: 257 }, () => run) },
    { ...put, runs: [{ ...run, batch: 1 }] },
    { ...put, runs: [{ ...run, sizes: [maxLeafBytes + 1] }] },
    { ...put, runs: [{ ...run, sizes: [0] }] },
    { ...put, runs: [{ ...run, sizes: Array.from({ length: 129 }, () => maxLeafBytes) }] },
    { ...put, runs: [{ ...run, proof: [hash.subarray(1)] }] },
    { ...put, runs: [{ ...run, proof: Array.from({ length: 41 }, () => hash) }] },
  ];
  for (const body of puts) assert.throws(() => shareMessages.put.decode(shareMessages.put.encode(body)), isRefused);
  const question = { key, after: 0 };
  const leaves = Array.from({ length: 65 }, () => leaf);
  for (const wrong of [
    { ...page, leaves },
    { ...page, leaves: [{ ...leaf, batch: 1 }] },
    { ...page, leaves: [{ ...leaf, proof: hash.subarray(1) }] },
    { ...page, leaves: [{ ...leaf, bytes: new Uint8Array(0) }] },
  ])
    assert.throws(() => shareMessages.get.decodeAnswer(shareMessages.get.encodeAnswer(wrong), question), isRefused);
  assert.throws(() => shareMessages.pull.decode(shareMessages.pull.encode({ keys: ['ab'] })), isRefused);
  const asked = { keys: [key, wordKey('b')], kinds: ['name'], after: 'x' } as const;
  assert.throws(() => recordMessages.get.decode(recordMessages.get.encode(asked)), /more than one key/);
});
