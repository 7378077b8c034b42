import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TransportError } from '../network/transport.ts';
import { receiveBlocks } from './block-payload.ts';

const malformed = (error: unknown) => error instanceof TransportError && error.failure === 'refused';

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
