import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { ringId } from '@chordial/ring';
import fc from 'fast-check';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { createIdentity } from '../network/identity.ts';
import { TransportError } from '../network/transport.ts';
import { decodeBody, encodeBody } from '../network/wire-body.ts';
import type { Hit } from './hit.ts';
import * as messages from './search-messages.ts';

const source = { host: createIdentity().host, addresses: ['192.0.2.1:4848'] };
const hit: Hit = {
  name: 'Bericht über alles.pdf',
  root: cidOfBlock(rawCodec, Buffer.from('x')),
  size: 5,
  type: 'directory',
  sha256: 'ab'.repeat(32),
  source,
  isShared: true,
  time: 1_700_000_000_000,
};
const ask = {
  id: randomUUID(),
  pattern: '*.pdf',
  most: 10,
  asker: source.host,
  time: 1_790_000_000_000,
  signature: new Uint8Array(64).fill(7),
  parts: [{ member: ringId(1, 16), end: ringId(2, 16) }],
  hops: 3,
  left: 1000,
};
const question = { id: ask.id, word: 'report', query: 'report', skip: 0, limit: 50 };
const decoders: readonly ((body: unknown) => unknown)[] = [
  messages.decodeCountQuestion,
  (body) => messages.decodeCounts(body, 1),
  messages.decodeWordQuestion,
  messages.decodeHitPage,
  (body) => messages.decodeBroadcast(body, 16),
  messages.decodeReached,
  messages.decodeFound,
  messages.decodeMore,
];

function overTheWire(body: unknown): unknown {
  return decodeBody(encodeBody(body));
}

test('messages of searching come out as they went in', () => {
  assert.deepEqual(
    messages.decodeHitPage(overTheWire(messages.encodeHitPage({ hits: [hit], total: 9, isSplit: true }))),
    {
      hits: [hit],
      total: 9,
      isSplit: true,
    },
  );
  assert.deepEqual(messages.decodeBroadcast(overTheWire(messages.encodeBroadcast(ask)), 16), ask);
  assert.deepEqual(messages.decodeWordQuestion(overTheWire(messages.encodeWordQuestion(question))), question);
  const frequencies = [
    { count: 3, isSplit: false },
    { count: 10_000, isSplit: true },
  ];
  assert.deepEqual(messages.decodeCounts(overTheWire(messages.encodeCounts(frequencies)), 2), frequencies);
  assert.deepEqual(messages.decodeFound(overTheWire(messages.encodeFound(ask.id, [hit]))), { id: ask.id, hits: [hit] });
});

test('A22 messages of searching that are malformed are refused, whatever they hold', () => {
  const bad = [
    { ...question, skip: -1 },
    { ...question, id: 'x' },
    { ...question, word: 'a\0b' },
    { ...question, limit: 51 },
  ];
  for (const body of bad) assert.throws(() => messages.decodeWordQuestion(body), TransportError);
  const page = messages.encodeHitPage({ hits: [hit], total: 1, isSplit: false }) as { hits: unknown[][] };
  for (const [place, value] of [
    [0, 'a/b'],
    [1, new Uint8Array(3)],
    [2, -1],
    [4, new Uint8Array(31)],
    [5, []],
  ] as const) {
    const changed = { ...page, hits: [page.hits[0]!.with(place, value)] };
    // One that cannot be read hides none of the others.
    const both = messages.decodeHitPage({ ...changed, hits: [...changed.hits, page.hits[0]!] });
    assert.deepEqual(
      both.hits.map(({ name }) => name),
      ['Bericht über alles.pdf'],
      String(place),
    );
  }
  fc.assert(
    fc.property(fc.anything({ maxDepth: 3 }), (body) => {
      for (const decode of decoders) {
        try {
          decode(body);
        } catch (error) {
          assert.equal(error instanceof TransportError, true, String(error));
        }
      }
    }),
  );
});
