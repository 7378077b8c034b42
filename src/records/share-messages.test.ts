import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TransportError } from '../network/transport.ts';
import { decodeBody, encodeBody } from '../network/wire-body.ts';
import { maxHeaderBytes } from './batch-header.ts';
import { wordKey } from './record-keys.ts';
import { maxLeafBytes } from './share-leaf.ts';
import * as messages from './share-messages.ts';

const header = Uint8Array.of(1, 2);
const hash = new Uint8Array(32).fill(3);
const put: messages.Put = { headers: [header], runs: [{ batch: 0, first: 5, sizes: [3, 4], proof: [hash] }] };
const leaf: messages.SentLeaf = { batch: 0, place: 5, bytes: Uint8Array.of(9), proof: hash };
const page: messages.LeafPage = { headers: [header], leaves: [leaf], more: 7, unknown: false };
const itemKey = 'ab'.repeat(48);
const key = wordKey('word');

const onTheWire = (body: unknown) => decodeBody(encodeBody(body));
const malformed = (error: unknown) => error instanceof TransportError && error.failure === 'refused';

test('every message about shares survives the way to the wire and back', () => {
  assert.deepEqual(messages.decodePut(onTheWire(messages.encodePut(put))), put);
  assert.deepEqual(messages.decodePutResults(onTheWire(messages.encodePutResults(['stored'])), 1), ['stored']);
  assert.deepEqual(messages.decodeRenewal(onTheWire(messages.encodeRenewal([header]))), [header]);
  assert.deepEqual(messages.decodeRenewed(onTheWire(messages.encodeRenewed([-1, 4])), 2), [-1, 4]);
  assert.deepEqual(messages.decodeLeafQuestion(onTheWire(messages.encodeLeafQuestion({ key, after: 3 }))), {
    key,
    after: 3,
  });
  assert.deepEqual(messages.decodeLeafPage(onTheWire(messages.encodeLeafPage(page))), page);
  assert.deepEqual(messages.decodePull(onTheWire(messages.encodePull([itemKey]))), [itemKey]);
  const pulled = { headers: [header], leaves: [leaf, null] };
  assert.deepEqual(messages.decodePulled(onTheWire(messages.encodePulled(pulled)), 2), pulled);
});

const fixtures: Record<string, readonly [unknown, string]> = {
  'shares.put': [
    messages.encodePut(put),
    `a26472756e73818400058203048158 20${'03'.repeat(32)}67686561646572738142 0102`.replaceAll(' ', ''),
  ],
  'shares.renew': [messages.encodeRenewal([header]), 'a1676865616465727381420102'],
  'answer to shares.renew': [messages.encodeRenewed([-1, 4]), 'a1666c65617665738220' + '04'],
  'answer to shares.get': [
    messages.encodeLeafPage(page),
    `a4646d6f726507666c6561766573818400054109 5820${'03'.repeat(32)}676865616465727381420102 67756e6b6e6f776ef4`.replaceAll(
      ' ',
      '',
    ),
  ],
  'shares.pull': [messages.encodePull([itemKey]), `a1646b657973815830${itemKey}`],
};

for (const [name, [wire, expected]] of Object.entries(fixtures)) {
  test(`the wire format of ${name} keeps its fixture`, () => {
    assert.equal(Buffer.from(encodeBody(wire)).toString('hex'), expected);
  });
}

test('what is beyond its bounds is refused', () => {
  const run = put.runs[0]!;
  const puts: unknown[] = [
    messages.encodePut({ ...put, headers: [] }),
    messages.encodePut({ ...put, headers: Array.from({ length: 65 }, () => header) }),
    messages.encodePut({ ...put, headers: [new Uint8Array(maxHeaderBytes + 1)] }),
    messages.encodePut({ ...put, runs: Array.from({ length: 257 }, () => run) }),
    messages.encodePut({ ...put, runs: [{ ...run, batch: 1 }] }),
    messages.encodePut({ ...put, runs: [{ ...run, sizes: [maxLeafBytes + 1] }] }),
    messages.encodePut({ ...put, runs: [{ ...run, sizes: [0] }] }),
    messages.encodePut({ ...put, runs: [{ ...run, sizes: Array.from({ length: 129 }, () => maxLeafBytes) }] }),
    messages.encodePut({ ...put, runs: [{ ...run, proof: [hash.subarray(1)] }] }),
    messages.encodePut({ ...put, runs: [{ ...run, proof: Array.from({ length: 41 }, () => hash) }] }),
  ];
  for (const body of puts) assert.throws(() => messages.decodePut(body), malformed);
  const leaves = Array.from({ length: 65 }, () => leaf);
  assert.throws(() => messages.decodeLeafPage(messages.encodeLeafPage({ ...page, leaves })), malformed);
  assert.throws(() => messages.decodePull(messages.encodePull(['ab'])), malformed);
});

test('anything else is refused, never anything worse', () => {
  const decoders = [
    messages.decodePut,
    (value: unknown) => messages.decodePutResults(value, 2),
    messages.decodeRenewal,
    (value: unknown) => messages.decodeRenewed(value, 2),
    messages.decodeLeafQuestion,
    messages.decodeLeafPage,
    messages.decodePull,
    (value: unknown) => messages.decodePulled(value, 2),
  ];
  const parts = fc.array(fc.array(fc.oneof(fc.uint8Array(), fc.integer(), fc.anything()), { maxLength: 5 }), {
    minLength: 1,
  });
  const headers = fc.array(fc.uint8Array(), { minLength: 1 });
  const fields = {
    headers,
    runs: parts,
    leaves: parts,
    results: parts,
    keys: parts,
    key: fc.anything(),
    after: fc.anything(),
  };
  const hostile = fc.oneof(fc.anything(), fc.record({ ...fields, more: fc.anything(), unknown: fc.anything() }));
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
});
