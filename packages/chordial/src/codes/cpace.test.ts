import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { invalidPoints, multiplied, ristrettoVector as vector } from '../../test/fixtures/cpace-vectors.ts';
import { commonPoint, confirmation, generator, isSame, prefixed, scalarOf, sessionKey, shareOf } from './cpace.ts';

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const hexOf = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString('hex').toUpperCase();

const channel = { password: bytesOf(vector.PRS), identifier: bytesOf(vector.CI), session: bytesOf(vector.sid) };
const initiator = { point: bytesOf(vector.Ya), data: bytesOf(vector.ADa) };
const responder = { point: bytesOf(vector.Yb), data: bytesOf(vector.ADb) };

test('B13 CPace computes what the vectors of the draft say', () => {
  const [ya, yb] = [scalarOf(bytesOf(vector.ya)), scalarOf(bytesOf(vector.yb))];
  assert.equal(hexOf(generator(channel).toBytes()), vector.g);
  assert.equal(hexOf(shareOf(channel, ya)), vector.Ya);
  assert.equal(hexOf(shareOf(channel, yb)), vector.Yb);
  assert.equal(hexOf(commonPoint(ya, responder.point)), vector.K);
  assert.equal(hexOf(commonPoint(yb, initiator.point)), vector.K);
  const key = sessionKey(channel.session, bytesOf(vector.K), { initiator, responder });
  assert.equal(hexOf(key), vector.ISK_IR);
});

test('B13 CPace aborts on invalid points and on the neutral one, and multiplies valid ones as the draft does', () => {
  const scalar = scalarOf(bytesOf(multiplied.s));
  assert.equal(hexOf(commonPoint(scalar, bytesOf(multiplied.X))), multiplied.result);
  for (const point of invalidPoints) assert.equal(commonPoint(scalar, bytesOf(point)), null);
  for (const length of [0, 31, 33]) assert.equal(commonPoint(scalar, new Uint8Array(length)), null);
});

test('B13 both sides get one key and confirm it; another password, identifier, session or data gives another', () => {
  const seed = fc.uint8Array({ minLength: 64, maxLength: 64 });
  fc.assert(
    fc.property(
      seed,
      seed,
      fc.constantFrom('none', 'password', 'identifier', 'session', 'data'),
      (one, two, changed) => {
        const [a, b] = [scalarOf(one), scalarOf(two)];
        const change = (bytes: Uint8Array, what: string) => (what === changed ? Uint8Array.of(...bytes, 1) : bytes);
        const other = {
          password: change(channel.password, 'password'),
          identifier: change(channel.identifier, 'identifier'),
          session: change(channel.session, 'session'),
        };
        const shareA = { point: shareOf(channel, a), data: initiator.data };
        const shareB = { point: shareOf(other, b), data: responder.data };
        const seenB = { ...shareB, data: change(shareB.data, 'data') };
        const keyA = sessionKey(channel.session, commonPoint(a, shareB.point)!, {
          initiator: shareA,
          responder: seenB,
        });
        const keyB = sessionKey(other.session, commonPoint(b, shareA.point)!, { initiator: shareA, responder: shareB });
        assert.equal(isSame(keyA, keyB), changed === 'none');
        const confirmed = confirmation(channel.session, keyA, shareA);
        assert.equal(isSame(confirmed, confirmation(other.session, keyB, shareA)), changed === 'none');
        // A confirmation sent back to its sender proves nothing.
        assert.ok(!isSame(confirmed, confirmation(channel.session, keyA, shareB)));
      },
    ),
    { numRuns: 25 },
  );
});

test('B13 lengths are written in LEB128', () => {
  assert.deepEqual([...prefixed(new Uint8Array(0))], [0]);
  assert.deepEqual([...prefixed(new Uint8Array(127)).subarray(0, 2)], [127, 0]);
  assert.deepEqual([...prefixed(new Uint8Array(300)).subarray(0, 3)], [0xac, 2, 0]);
});
