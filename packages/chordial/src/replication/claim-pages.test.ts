import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { createIdentity } from '../network/identity.ts';
import { type Transport, TransportError, type Wire } from '../network/transport.ts';
import { encodeBody } from '../network/wire-body.ts';
import { Catalog } from '../storage/catalog.ts';
import { type Claim, ClaimTable } from '../storage/claim-table.ts';
import { blockMessages } from './block-messages.ts';
import { claimMessages, maxClaimsPerMessage } from './claim-messages.ts';
import { claimsAt, listClaims, pagesOfClaims } from './claim-pages.ts';

const publisher = createIdentity().host;
const host = { host: publisher, addresses: [] };
const options = { deadline: 1000, signal: new AbortController().signal };
const keyOf = (number: number): string => number.toString(16).padStart(64, '0');
/** Names beyond the plane in which UTF-16 and UTF-8 agree about the order. */
const claimsNumbered = (count: number): Claim[] =>
  Array.from({ length: count }, (_, number) => ({
    publisher,
    name: `${number % 3 === 0 ? '\u{1f600}' : '\uffee'}${number}`,
    sequence: 7,
    replicas: 3,
  }));
const malformed = (error: unknown): boolean => error instanceof TransportError && error.failure === 'refused';

/** A host with these numbers of claims on its blocks. */
function hostWith(counts: readonly number[]) {
  const table = new ClaimTable(new Catalog(':memory:', { wallTime: () => 1 }));
  for (const [number, count] of counts.entries()) table.add(keyOf(number), claimsNumbered(count));
  let asked = 0;
  const request = async (_: unknown, kind: string, body: Wire): Promise<Wire> => {
    assert.equal(kind, claimMessages.list.kind);
    asked += 1;
    const answer = claimMessages.list.encodeAnswer(listClaims(claimMessages.list.decode(body), table));
    assert.ok(encodeBody(answer).length < 1024 * 1024);
    return answer;
  };
  return { table, transport: { request } as unknown as Transport, asked: () => asked };
}

test('B12 all claims on a block are got, however many names stand for it', async () => {
  for (const counts of [[3], [0, 1, 0], [1024, 0, 1024], [1025], [5, 2500, 7, 0, 1023, 1], [1000, 24, 3]]) {
    const { table, transport, asked } = hostWith(counts);
    const keys = counts.map((_, number) => keyOf(number));
    const got = await claimsAt(transport, host, keys, options);
    assert.deepEqual(
      got,
      keys.map((key) => table.of(key)),
    );
    const total = counts.reduce((sum, count) => sum + count, 0);
    assert.ok(asked() <= Math.floor(total / maxClaimsPerMessage) + 2, `${asked()} messages for ${total} claims`);
  }
});

test('B12 claims to be told go out in messages that are taken', () => {
  const cids = [0, 1, 2].map((byte) => cidOfBlock(rawCodec, Uint8Array.of(byte)));
  for (const counts of [
    [0, 0, 0],
    [1024, 1, 0],
    [10, 3000, 5],
    [1023, 2, 1024],
  ]) {
    const pages = pagesOfClaims(cids.map((cid, index) => ({ cid, claims: claimsNumbered(counts[index]!) })));
    const told = new Map<string, number>();
    for (const page of pages)
      for (const { cid, claims } of blockMessages.claim.decode(blockMessages.claim.encode(page)))
        told.set(cid.toString(), (told.get(cid.toString()) ?? 0) + claims.length);
    assert.deepEqual([...told.values()], counts);
  }
});

test('a host that lists claims without end, or none of those asked for, is refused', async () => {
  const saying = (answer: Wire): Transport => ({ request: async () => answer }) as unknown as Transport;
  const claims = claimsNumbered(1).map(({ name }) => [publisher, name, 7, 3]);
  for (const answer of [
    { blocks: [[]], claims: [], more: true },
    { blocks: [[0]], claims, more: true },
    { blocks: [[]], claims: [], more: false },
    { blocks: [[], [], []], claims: [], more: false },
    { blocks: [Array(1025).fill(0), []], claims, more: false },
  ])
    await assert.rejects(claimsAt(saying(answer), host, [keyOf(1), keyOf(2)], options), malformed);
});
