/** The messages of replication byte for byte. See docs/wire-format.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRefused, sample, testMessages } from '../../test/fixtures/message-samples.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { hostIdOfPublicKey } from '../network/host-id.ts';
import { blockSet, leafSet, recordSet } from '../storage/item-index.ts';
import { blockMessages } from './block-messages.ts';
import { claimMessages } from './claim-messages.ts';
import { syncMessages } from './sync-messages.ts';

const cid = cidOfBlock(rawCodec, Uint8Array.of(1));
const cids = [cid];
const publisher = hostIdOfPublicKey(new Uint8Array(32).fill(1));
const claim = { publisher, name: 'a', sequence: 5, replicas: 3 };
const [after, upTo] = [`${'0'.repeat(62)}01`, `${'0'.repeat(62)}02`];
const range = { after, upTo };
const digest = 'ab'.repeat(16);
const longKey = after + digest;
const bytes = Uint8Array.of(1, 2);
const hash = new Uint8Array(32).fill(3);
const ended = { name: 'a', sequence: 6 };

const samples = [
  sample(blockMessages.has, { cids: [cid, cid] }, { sizes: [1, -1], cached: new Set([0]) }),
  sample(blockMessages.get, { cids, repair: false }, { sizes: [-2] }),
  sample(
    blockMessages.put,
    [
      { cid, size: 1, claims: [claim], relay: 0, repair: false },
      { cid, size: 2, claims: [claim], relay: 3, repair: true },
    ],
    { results: ['stored', 'no-room'] },
  ),
  sample(blockMessages.check, { cids }, {}),
  sample(blockMessages.room, { bytes: 9 }, { room: 7, gives: Number.MAX_SAFE_INTEGER }),
  sample(blockMessages.claim, [{ cid, claims: [claim, { ...claim, name: 'b', idleSeconds: 9 }] }], { sizes: [4] }),
  sample(blockMessages.point, { cids, holder: publisher }, {}),
  sample(blockMessages.where, { cids }, { holders: [publisher] }),
  sample(claimMessages.list, { keys: [after], after: claim }, { blocks: [[claim]], more: true }),
  sample(claimMessages.release, { names: [ended] }, {}),
  sample(claimMessages.asked, { names: [ended] }, { puts: [{ state: 'committed', expiry: null }] }),
  sample(claimMessages.told, { puts: [{ ...ended, state: 'over', expiry: 8 }] }, { kept: [true] }),
  sample(
    syncMessages.compare,
    { ranges: [{ set: blockSet(3), range, count: 7, fingerprint: 'cd'.repeat(32) }] },
    { answers: [{ differs: 4, confirmed: 'sure' }] },
  ),
  sample(
    syncMessages.items,
    { set: leafSet, range, cursor: longKey },
    { items: [{ key: longKey, digest, cid: null }], cursor: longKey },
  ),
  sample(syncMessages.records, { keys: [longKey] }, { entries: [bytes] }),
  sample(
    syncMessages.holds,
    { items: [{ set: recordSet, key: longKey, digest }], nonce: hash },
    { answers: [{ held: 'same', confirmed: false, proof: hash }] },
  ),
  sample(syncMessages.leaving, { isLeaving: true }, {}),
  sample(syncMessages.confirm, { ranges: [{ ...range, missed: [publisher] }] }, {}),
];

/** Question and answer. */
const fixtures: Record<string, readonly [string, string]> = {
  'blocks.has': [
    'a16463696473825824015512204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a5824015512204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a',
    'a26573697a6573820120666361636865648100',
  ],
  'blocks.get': [
    'a16463696473815824015512204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a',
    'a16573697a65738121',
  ],
  'blocks.put': [
    'a266626c6f636b7382a3636369645824015512204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a6473697a650166636c61696d738100a5636369645824015512204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a6473697a65026572656c61790366636c61696d73810066726570616972f566636c61696d7381857834313244334b6f6f5739744854745333696e435a6959796b7734753547346672626a564671686b6d4a58313267534e4356654833656161050300',
    'a167726573756c7473826673746f726564676e6f2d726f6f6d',
  ],
  'blocks.check': ['a16463696473815824015512204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a', 'a0'],
  'blocks.room': ['a165627974657309', 'a264726f6f6d076567697665731b001fffffffffffff'],
  'blocks.claim': [
    'a266626c6f636b7381a2636369645824015512204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a66636c61696d7382000166636c61696d7382857834313244334b6f6f5739744854745333696e435a6959796b7734753547346672626a564671686b6d4a58313267534e4356654833656161050300857834313244334b6f6f5739744854745333696e435a6959796b7734753547346672626a564671686b6d4a58313267534e4356654833656162050309',
    'a16573697a65738104',
  ],
  'blocks.point': [
    'a26463696473815824015512204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a66686f6c6465727834313244334b6f6f5739744854745333696e435a6959796b7734753547346672626a564671686b6d4a58313267534e435665483365',
    'a0',
  ],
  'blocks.where': [
    'a16463696473815824015512204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a',
    'a167686f6c64657273817834313244334b6f6f5739744854745333696e435a6959796b7734753547346672626a564671686b6d4a58313267534e435665483365',
  ],
  'claims.list': [
    'a2646b6579738158200000000000000000000000000000000000000000000000000000000000000001656166746572857834313244334b6f6f5739744854745333696e435a6959796b7734753547346672626a564671686b6d4a58313267534e4356654833656161050300',
    'a3646d6f7265f566626c6f636b7381810066636c61696d7381857834313244334b6f6f5739744854745333696e435a6959796b7734753547346672626a564671686b6d4a58313267534e4356654833656161050300',
  ],
  'claims.release': ['a1656e616d65738182616106', 'a0'],
  'claims.asked': ['a1656e616d65738182616106', 'a16470757473818202f6'],
  'claims.told': ['a1647075747381846161060008', 'a1646b65707481f5'],
  'sync.compare': [
    'a16672616e6765738185035820000000000000000000000000000000000000000000000000000000000000000158200000000000000000000000000000000000000000000000000000000000000002075820cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd',
    'a167616e737765727381820402',
  ],
  'sync.items': [
    'a46373657409647570546f582000000000000000000000000000000000000000000000000000000000000000026561667465725820000000000000000000000000000000000000000000000000000000000000000166637572736f7258300000000000000000000000000000000000000000000000000000000000000001abababababababababababababababab',
    'a2656974656d73818358300000000000000000000000000000000000000000000000000000000000000001abababababababababababababababab50ababababababababababababababababf666637572736f7258300000000000000000000000000000000000000000000000000000000000000001abababababababababababababababab',
  ],
  'sync.records': [
    'a1646b6579738158300000000000000000000000000000000000000000000000000000000000000001abababababababababababababababab',
    'a167656e747269657381420102',
  ],
  'sync.holds': [
    'a2656974656d7381830058300000000000000000000000000000000000000000000000000000000000000001abababababababababababababababab50abababababababababababababababab656e6f6e636558200303030303030303030303030303030303030303030303030303030303030303',
    'a167616e7377657273818301f458200303030303030303030303030303030303030303030303030303030303030303',
  ],
  'sync.leaving': ['a16969734c656176696e67f5', 'a0'],
  'sync.confirm': [
    'a16672616e67657381835820000000000000000000000000000000000000000000000000000000000000000158200000000000000000000000000000000000000000000000000000000000000002817834313244334b6f6f5739744854745333696e435a6959796b7734753547346672626a564671686b6d4a58313267534e435665483365',
    'a0',
  ],
};

testMessages(samples, [blockMessages, claimMessages, syncMessages], fixtures);

test('a message names each claim once', () => {
  const blocks = [cid, cid, cid].map((one, index) => ({ cid: one, claims: [claim, { ...claim }].slice(0, index) }));
  const wire = blockMessages.claim.encode(blocks) as { claims: unknown[]; blocks: { claims: number[] }[] };
  assert.equal(wire.claims.length, 1);
  assert.deepEqual(
    wire.blocks.map((block) => block.claims),
    [[], [0], [0, 0]],
  );
});

test('what is beyond its bounds is refused', () => {
  const offer = { cid, size: 1, claims: [claim], relay: 0, repair: false };
  const claiming = (over: object) => [{ ...offer, claims: [{ ...claim, ...over }] }];
  for (const over of [
    { publisher: 'x' },
    { name: '' },
    { name: 'a/b' },
    { name: 'a\u0308' },
    { name: 'x'.repeat(300) },
    { sequence: -1 },
    { sequence: 0.5 },
    { replicas: 0 },
    { replicas: 9 },
    { idleSeconds: -1 },
    { idleSeconds: 0.5 },
  ])
    assert.throws(
      () => blockMessages.put.decode(blockMessages.put.encode(claiming(over))),
      isRefused,
      JSON.stringify(over),
    );
  for (const relay of [-1, 9, 1.5])
    assert.throws(() => blockMessages.put.decode(blockMessages.put.encode([{ ...offer, relay }])), isRefused);
  const { bytes: address } = cid;
  for (const body of [
    { blocks: [{ cid: address, claims: [0] }], claims: [] },
    { blocks: [{ cid: address }], claims: [] },
    { blocks: [], claims: [] },
    {
      blocks: Array.from({ length: 17 }, () => ({ cid: address, claims: new Array(1000).fill(0) })),
      claims: [[publisher, 'a', 1, 1, 0]],
    },
  ])
    assert.throws(() => blockMessages.claim.decode(body), isRefused);
  assert.throws(
    () => blockMessages.check.decode(blockMessages.check.encode({ cids: new Array(17).fill(cid) })),
    isRefused,
  );
  assert.throws(() => blockMessages.get.decodeAnswer({ sizes: [1] }, { cids: [cid, cid], repair: false }), isRefused);
  assert.throws(() => blockMessages.get.decodeAnswer({ sizes: [3 * 1024 * 1024] }, { cids, repair: false }), isRefused);
  assert.throws(() => blockMessages.has.decodeAnswer({ sizes: [1], cached: [1] }, { cids }), isRefused);
  const question = { set: blockSet(3), range, cursor: null };
  const page = (key: string, of: typeof cid | null) =>
    syncMessages.items.encodeAnswer({ items: [{ key, digest, cid: of }], cursor: null });
  assert.equal(syncMessages.items.decodeAnswer(page(upTo, cid), question).items.length, 1);
  assert.throws(() => syncMessages.items.decodeAnswer(page(upTo, null), question), isRefused);
  assert.throws(() => syncMessages.items.decodeAnswer(page(longKey, cid), question), isRefused);
  assert.throws(
    () => syncMessages.items.decode(syncMessages.items.encode({ ...question, cursor: longKey })),
    isRefused,
  );
  const ranges = [[10, hash, hash, 1, hash]];
  assert.throws(() => syncMessages.compare.decode({ ranges }), /ranges\[0\]\.set is not a whole number from 0 to 9/);
});
