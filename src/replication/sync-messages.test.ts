import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { TransportError } from '../network/transport.ts';
import { decodeBody, encodeBody } from '../network/wire-body.ts';
import { blockSet, recordSet } from '../storage/item-index.ts';
import * as messages from './sync-messages.ts';

const key = '0'.repeat(62);
const [after, upTo] = [`${key}01`, `${key}02`];
const range = { after, upTo };
const cid = cidOfBlock(rawCodec, Uint8Array.of(1));
const digest = 'ab'.repeat(16);
const recordKey = after + digest;
const compared = { set: blockSet(3), range, count: 7, fingerprint: 'cd'.repeat(32) };
const listed = { items: [{ key: upTo, digest, cid }], cursor: upTo };

const onTheWire = (body: unknown) => decodeBody(encodeBody(body));

test('every message of reconciliation survives the way to the wire and back', () => {
  assert.deepEqual(messages.decodeRanges(onTheWire(messages.encodeRanges([compared]))), [compared]);
  const answers = [
    { differs: null, confirmed: true },
    { differs: 0, confirmed: false },
  ];
  assert.deepEqual(messages.decodeRangeAnswers(onTheWire(messages.encodeRangeAnswers(answers)), 2), answers);
  const question = { set: recordSet, range, cursor: recordKey };
  assert.deepEqual(messages.decodeItemsQuestion(onTheWire(messages.encodeItemsQuestion(question))), question);
  const page = messages.decodeItems(onTheWire(messages.encodeItems(listed)), blockSet(3));
  assert.deepEqual([page.cursor, page.items[0]?.key, page.items[0]?.cid?.toString()], [upTo, upTo, cid.toString()]);
  assert.deepEqual(messages.decodeRecordKeys(onTheWire(messages.encodeKeys([recordKey]))), [recordKey]);
  const records = [null, new Uint8Array([1, 2])];
  assert.deepEqual(messages.decodeRecords(onTheWire(messages.encodeRecords(records)), 2), records);
  const items = [{ set: blockSet(3), key: after, digest }];
  for (const nonce of [null, new Uint8Array(32).fill(7)]) {
    const asked = { items, nonce };
    assert.deepEqual(messages.decodeHoldsQuestion(onTheWire(messages.encodeHoldsQuestion(asked))), asked);
  }
  const held = [
    { held: 'other', confirmed: true, proof: null },
    { held: 'same', confirmed: false, proof: new Uint8Array(32).fill(9) },
  ] as const;
  assert.deepEqual(messages.decodeHeldAnswers(onTheWire(messages.encodeHeldAnswers(held)), 2), held);
  assert.deepEqual(messages.decodeConfirmed(onTheWire(messages.encodeConfirmed([range]))), [range]);
});

const fixtures: Record<string, readonly [unknown, string]> = {
  'sync.compare': [
    messages.encodeRanges([compared]),
    `a16672616e6765738185035820${after}5820${upTo}075820${'cd'.repeat(32)}`,
  ],
  'answer to sync.compare': [
    messages.encodeRangeAnswers([{ differs: null, confirmed: true }]),
    'a167616e73776572738182' + '20f5',
  ],
  'answer to sync.holds': [
    messages.encodeHeldAnswers([{ held: 'other', confirmed: false, proof: null }]),
    'a167616e737765727381830' + '2f4f6',
  ],
  'sync.confirm': [messages.encodeConfirmed([range]), `a16672616e67657381825820${after}5820${upTo}`],
};

for (const [name, [wire, expected]] of Object.entries(fixtures)) {
  test(`the wire format of ${name} keeps its fixture`, () => {
    assert.equal(Buffer.from(encodeBody(wire)).toString('hex'), expected);
  });
}

test('anything else is refused, never anything worse', () => {
  const malformed = (error: unknown) => error instanceof TransportError && error.failure === 'refused';
  const decoders = [
    messages.decodeRanges,
    (value: unknown) => messages.decodeRangeAnswers(value, 2),
    messages.decodeItemsQuestion,
    (value: unknown) => messages.decodeItems(value, blockSet(3)),
    messages.decodeRecordKeys,
    (value: unknown) => messages.decodeRecords(value, 2),
    messages.decodeHoldsQuestion,
    (value: unknown) => messages.decodeHeldAnswers(value, 2),
    messages.decodeConfirmed,
  ];
  const parts = fc.array(
    fc.array(fc.oneof(fc.uint8Array(), fc.integer(), fc.anything()), { minLength: 1, maxLength: 6 }),
    {
      minLength: 1,
    },
  );
  const fields = { ranges: parts, answers: parts, items: parts, keys: parts, entries: fc.anything(), blocks: parts };
  const hostile = fc.oneof(fc.anything(), fc.record({ ...fields, claims: fc.anything(), cursor: fc.anything() }));
  fc.assert(
    fc.property(hostile, (value) => {
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
  assert.throws(
    () =>
      messages.decodeItems(messages.encodeItems({ ...listed, items: [{ key: upTo, digest, cid: null }] }), blockSet(3)),
    malformed,
  );
  const [[, ...range3]] = (messages.encodeRanges([compared]) as { ranges: unknown[][] }).ranges as [unknown[]];
  assert.throws(() => messages.decodeRanges({ ranges: [[10, ...range3]] }), malformed);
});
