import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { hostIdOfPublicKey } from '../network/host-id.ts';
import { createIdentity } from '../network/identity.ts';
import { TransportError } from '../network/transport.ts';
import { encodeBody } from '../network/wire-body.ts';
import { encodeOffer } from './block-messages.ts';
import { decodeClaimed, decodeRelease, encodeClaimed, encodeRelease } from './claim-messages.ts';

const cids = [1, 2, 3].map((byte) => cidOfBlock(rawCodec, Uint8Array.of(byte)));
const claim = { publisher: createIdentity().host, name: 'ä.txt', sequence: 7, replicas: 3 };
const malformed = (error: unknown) => error instanceof TransportError && error.failure === 'refused';

test('claims and releases survive the way to the wire and back, each claim named once', () => {
  const other = { ...claim, name: 'b', replicas: 5, idleSeconds: 1441 };
  const claimed = cids.map((cid, index) => ({ cid, claims: [claim, other].slice(0, index) }));
  const wire = encodeClaimed(claimed) as { claims: unknown[] };
  assert.equal(wire.claims.length, 2);
  assert.deepEqual(
    decodeClaimed(wire).map(({ cid, claims }) => [cid.toString(), claims]),
    claimed.map(({ cid, claims }) => [cid.toString(), claims]),
  );
  const names = [{ name: 'ä.txt', sequence: 8 }];
  assert.deepEqual(decodeRelease(encodeRelease(names)), names);
});

test('claims of no one, of no name, of too many copies, or that are not in the message, are refused', () => {
  const of = (over: object) => encodeClaimed([{ cid: cids[0]!, claims: [{ ...claim, ...over }] }]);
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
  ]) {
    assert.throws(() => decodeClaimed(of(over)), malformed, JSON.stringify(over));
  }
  const cid = cids[0]!.bytes;
  assert.throws(() => decodeClaimed({ blocks: [{ cid, claims: [0] }], claims: [] }), malformed);
  assert.throws(() => decodeClaimed({ blocks: [{ cid }], claims: [] }), malformed);
  assert.throws(() => decodeRelease({ names: [] }), malformed);
  assert.throws(() => decodeRelease({ names: [['a']] }), malformed);
});

test('whatever a stranger sends is read or refused, never anything worse', () => {
  const hostile = fc.anything();
  fc.assert(
    fc.property(hostile, hostile, (blocks, claims) => {
      for (const read of [() => decodeClaimed({ blocks, claims }), () => decodeRelease({ names: blocks })]) {
        try {
          read();
        } catch (error) {
          assert.ok(malformed(error));
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('the wire format of claims keeps its fixture', () => {
  const publisher = hostIdOfPublicKey(new Uint8Array(32).fill(1));
  const claims = [{ publisher, name: 'a', sequence: 5, replicas: 3 }];
  assert.equal(
    Buffer.from(encodeBody(encodeClaimed([{ cid: cids[0]!, claims }]))).toString('hex'),
    'a266626c6f636b7381a2636369645824015512204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a66636c61696d73810066636c61696d7381857834313244334b6f6f5739744854745333696e435a6959796b7734753547346672626a564671686b6d4a58313267534e4356654833656161050300',
  );
  assert.equal(
    Buffer.from(encodeBody(encodeOffer([{ cid: cids[0]!, size: 1, claims, relay: 0 }]))).toString('hex'),
    'a266626c6f636b7381a3636369645824015512204bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a6473697a650166636c61696d73810066636c61696d7381857834313244334b6f6f5739744854745333696e435a6959796b7734753547346672626a564671686b6d4a58313267534e4356654833656161050300',
  );
  assert.equal(
    Buffer.from(encodeBody(encodeRelease([{ name: 'a', sequence: 6 }]))).toString('hex'),
    'a1656e616d65738182616106',
  );
});
