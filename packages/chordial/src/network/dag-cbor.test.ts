import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decode, encode } from './dag-cbor.ts';

test('case 9: every text reads back as it was written, a byte order mark included', () => {
  for (const text of [
    '\ufeffx',
    '\ufeff',
    '\ufeff\ufeffx',
    'x\ufeff',
    '\ufeff'.repeat(100),
    `\ufeff${'é'.repeat(70_000)}`,
    '\ufffd',
  ])
    assert.deepEqual(decode(encode({ [text]: [text, { text }] })), { [text]: [text, { text }] });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.boolean())), (some) => {
      const texts = some.map(([text, isMarked]) => (isMarked ? `\ufeff${text}` : text));
      assert.deepEqual(decode(encode(texts)), texts);
    }),
  );
});

test('case 9: bytes that are no UTF-8 are refused, not replaced', () => {
  assert.throws(() => decode(Uint8Array.of(0x62, 0xff, 0x41)));
  assert.throws(() => decode(Uint8Array.of(0xa1, 0x61, 0xff, 0x01)));
});
