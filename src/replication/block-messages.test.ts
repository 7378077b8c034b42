import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { createIdentity } from '../network/identity.ts';
import { TransportError } from '../network/transport.ts';
import {
  decodeCids,
  decodeOffer,
  decodeResults,
  decodeSizes,
  encodeCids,
  encodeOffer,
  encodeSizes,
} from './block-messages.ts';
import { receiveBlocks } from './block-payload.ts';

const cids = [1, 2, 3].map((byte) => cidOfBlock(rawCodec, Uint8Array.of(byte)));
const malformed = (error: unknown) => error instanceof TransportError && error.failure === 'refused';

test('questions, sizes and offers survive the way to the wire and back', () => {
  assert.deepEqual(decodeCids(encodeCids(cids), 3).map(String), cids.map(String));
  assert.deepEqual(decodeSizes(encodeSizes([1, -1, 0]), 3), [1, -1, 0]);
  const claim = { publisher: createIdentity().host, name: 'a', sequence: 5, replicas: 3 };
  const offer = cids.map((cid, size) => ({
    cid,
    size,
    claims: [claim, { ...claim, name: 'b' }].slice(0, size),
    relay: size * 4,
  }));
  assert.deepEqual(
    decodeOffer(encodeOffer(offer)).map(({ cid, size, claims, relay }) => [cid.toString(), size, claims, relay]),
    offer.map(({ cid, size, claims, relay }) => [cid.toString(), size, claims, relay]),
  );
});

test('anything else is refused, never anything worse', () => {
  const relayed = (relay: number) => encodeOffer([{ cid: cids[0]!, size: 1, claims: [], relay }]);
  for (const relay of [-1, 9, 1.5, '3']) assert.throws(() => decodeOffer(relayed(relay as number)), malformed);
  assert.throws(() => decodeCids(encodeCids(cids), 2), malformed);
  assert.throws(() => decodeSizes(encodeSizes([1]), 2), malformed);
  assert.throws(() => decodeSizes(encodeSizes([3 * 1024 * 1024]), 1), malformed);
  const decoders = [
    (value: unknown) => decodeCids(value, 10),
    (value: unknown) => decodeSizes(value, 2),
    (value: unknown) => decodeOffer(value),
    (value: unknown) => decodeResults(value, 2),
  ];
  const hostile = fc.oneof(
    fc.anything(),
    fc.record({ cids: fc.anything(), sizes: fc.anything(), blocks: fc.anything(), results: fc.anything() }),
    fc.record({
      cids: fc.array(fc.uint8Array({ maxLength: 70 })),
      blocks: fc.array(fc.record({ cid: fc.uint8Array(), size: fc.anything() })),
    }),
  );
  fc.assert(
    fc.property(hostile, (value) => {
      // Chance may make a message that is well formed.
      for (const decode of decoders) {
        try {
          decode(value);
        } catch (error) {
          assert.ok(malformed(error), String(error));
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('blocks are cut from a stream wherever its pieces begin and end', async () => {
  const sizesAndCuts = fc.tuple(
    fc.array(fc.nat(20), { minLength: 1, maxLength: 8 }),
    fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
  );
  await fc.assert(
    fc.asyncProperty(sizesAndCuts, async ([sizes, cuts]) => {
      const whole = Uint8Array.from({ length: sizes.reduce((sum, size) => sum + size, 0) }, (_, index) => index);
      async function* pieces() {
        for (let at = 0, turn = 0; at < whole.length; turn++) {
          const length = cuts[turn % cuts.length]!;
          yield whole.subarray(at, at + length);
          at += length;
        }
      }
      const received: Uint8Array[] = [];
      await receiveBlocks(pieces(), {
        sizes,
        allocate: (_, size) => new Uint8Array(size),
        complete: (index, bytes) => {
          assert.equal(index, received.length);
          received.push(bytes);
        },
      });
      assert.deepEqual(
        received.map(({ length }) => length),
        sizes,
      );
      assert.deepEqual(Buffer.concat(received), Buffer.from(whole));
    }),
  );
});

test('a stream that is too short or too long for its blocks is refused', async () => {
  const allocate = (_: number, size: number) => new Uint8Array(size);
  const receiving = { sizes: [5], allocate, complete: () => undefined };
  async function* bytes(length: number) {
    yield new Uint8Array(length);
  }
  await assert.rejects(receiveBlocks(bytes(4), receiving), malformed);
  await assert.rejects(receiveBlocks(bytes(6), receiving), malformed);
});
