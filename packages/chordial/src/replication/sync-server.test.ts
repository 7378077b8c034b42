import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { hashingHere } from '../content/block-hashing.ts';
import { type Block, blockKey, cidOfBlock, rawCodec } from '../content/cid.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import { createIdentity } from '../network/identity.ts';
import { MemoryNetwork } from '../network/memory-transport.ts';
import { systemClock } from '../network/system-clock.ts';
import { Catalog } from '../storage/catalog.ts';
import { openIndexedTables } from '../storage/indexed-tables.ts';
import { blockSet, recordSet } from '../storage/item-index.ts';
import { MemoryBlockStore } from '../storage/memory-block-store.ts';
import { isInArc, type KeyArc } from '../storage/range-parts.ts';
import { Registry } from '../wire/message.ts';
import { AuthoritativeRanges } from './authoritative-ranges.ts';
import { comparedRange, differencesIn } from './range-differences.ts';
import { SyncClient } from './sync-client.ts';
import { SyncServer } from './sync-server.ts';

const blockOf = (number: number): Block => {
  const bytes = Buffer.from(`block ${number}`);
  return { cid: cidOfBlock(rawCodec, bytes), bytes };
};

async function hostWith(network: MemoryNetwork, blocks: readonly Block[]) {
  const transport = network.transport(createIdentity().host);
  const { index, records: table, shares } = await openIndexedTables(new Catalog(':memory:'), 3);
  for (const { cid } of blocks) index.addBlock(blockKey(cid), cid);
  const noPlaces = { places: async () => [] };
  const server = new SyncServer({
    view: {} as never,
    placement: noPlaces,
    index,
    records: { table },
    shares: { table: shares },
    blocks: new MemoryBlockStore(),
    clock: systemClock,
    leaves: new LeafPool(),
    hashing: hashingHere,
    confirmed: new AuthoritativeRanges({ now: () => 0 }),
  });
  let messages = 0;
  await transport.serve({
    request: (from, kind, body) => {
      messages += 1;
      return server.answerIn(new Registry(), async (answer) => answer).request(from, kind, body);
    },
    stream: () => assert.fail('no stream'),
  });
  return { transport, index, messages: () => messages };
}

const arcs: readonly KeyArc[] = [
  { after: 'f'.repeat(64), upTo: 'f'.repeat(64) },
  { after: hash('sha256', 'a', 'hex'), upTo: hash('sha256', 'b', 'hex') },
  { after: hash('sha256', 'b', 'hex'), upTo: hash('sha256', 'a', 'hex') },
];

test('A8 exactly what differs is found, whatever the sizes, and few messages find few differences among many items', async () => {
  const cases = [
    { common: 0, here: 0, there: 3000 },
    { common: 0, here: 700, there: 0 },
    { common: 300, here: 2, there: 1 },
    { common: 5000, here: 3, there: 4, maxMessages: 40 },
    { common: 400, here: 400, there: 400 },
  ];
  for (const { common, here, there, maxMessages } of cases) {
    const network = new MemoryNetwork();
    const all = Array.from({ length: common + here + there }, (_, number) => blockOf(number));
    const me = await hostWith(network, all.slice(0, common + here));
    const other = await hostWith(network, [...all.slice(0, common), ...all.slice(common + here)]);
    const client = new SyncClient(me.transport, new AbortController().signal);
    for (const range of arcs) {
      const compared = comparedRange(me.index, blockSet(3), range);
      const [answer] = await client.compare(other.transport.contact, [compared]);
      const found = new Map<string, string>();
      if (answer?.differs !== null && answer !== undefined) {
        const ports = { client, index: me.index };
        for await (const { key, lacks } of differencesIn(ports, other.transport.contact, compared, answer.differs)) {
          assert.ok(!found.has(key));
          found.set(key, lacks);
        }
      }
      const keys = all.map(({ cid }) => blockKey(cid));
      const expected = new Map<string, string>();
      for (const [number, key] of keys.entries())
        if (number >= common && isInArc(range, key)) expected.set(key, number < common + here ? 'there' : 'here');
      assert.deepEqual(new Map([...found].sort()), new Map([...expected].sort()));
    }
    if (maxMessages !== undefined) assert.ok(other.messages() <= arcs.length * maxMessages, `${other.messages()}`);
  }
});

test('A8 what differs among a thousand records of one key is found, with few messages', async () => {
  const network = new MemoryNetwork();
  const me = await hostWith(network, []);
  const other = await hostWith(network, []);
  const key = hash('sha256', 'word:common', 'hex');
  const put = ({ index }: typeof me, number: number) => {
    const subject = Buffer.from(`file ${number}`);
    index.putNewRecord({ kind: 'posting', publisher: 'somebody', subject, key }, subject, number + 1);
  };
  for (let number = 0; number < 1000; number++) {
    if (number !== 7) put(me, number);
    if (number !== 8) put(other, number);
  }
  const client = new SyncClient(me.transport, AbortSignal.timeout(20_000));
  const compared = comparedRange(me.index, recordSet, arcs[0]!);
  const [answer] = await client.compare(other.transport.contact, [compared]);
  const lacking: string[] = [];
  const ports = { client, index: me.index };
  for await (const { lacks } of differencesIn(ports, other.transport.contact, compared, answer!.differs!))
    lacking.push(lacks);
  assert.deepEqual(lacking.sort(), ['here', 'there']);
  assert.ok(other.messages() < 100, `${other.messages()} messages`);
});
