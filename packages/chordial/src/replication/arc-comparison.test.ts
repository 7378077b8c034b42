import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { StaticRing } from '../../test/fixtures/static-ring.ts';
import { hashingHere } from '../content/block-hashing.ts';
import { blockKey, cidOfBlock, rawCodec } from '../content/cid.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import { createIdentity } from '../network/identity.ts';
import { MemoryNetwork } from '../network/memory-transport.ts';
import { systemClock } from '../network/system-clock.ts';
import { Catalog } from '../storage/catalog.ts';
import { openIndexedTables } from '../storage/indexed-tables.ts';
import { leafSet, recordSet } from '../storage/item-index.ts';
import { MemoryBlockStore } from '../storage/memory-block-store.ts';
import { Registry } from '../wire/message.ts';
import { compareArcs, isBlock } from './arc-comparison.ts';
import { AuthoritativeRanges } from './authoritative-ranges.ts';
import { SyncServer } from './sync-server.ts';

const circle = { after: 'f'.repeat(64), upTo: 'f'.repeat(64) };
const replicas = 3;
const most = 50;

async function hostIn(network: MemoryNetwork, { blocks, records }: { blocks: number; records: number }) {
  const transport = network.transport(createIdentity().host);
  const { index, records: table, shares } = await openIndexedTables(new Catalog(':memory:'), replicas);
  for (let number = 0; number < blocks; number++) {
    const cid = cidOfBlock(rawCodec, Buffer.from(`block ${number}`));
    index.addBlock(blockKey(cid), cid);
  }
  for (let number = 0; number < records; number++) {
    const subject = Buffer.from(`record ${number}`);
    const identity = { kind: 'posting', publisher: 'somebody', subject, key: hash('sha256', subject, 'hex') };
    index.putNewRecord(identity, subject, number + 1);
  }
  const confirmed = new AuthoritativeRanges({ now: () => 0 });
  const placement = { places: async () => [] };
  const tables = { index, records: { table }, shares: { table: shares } };
  const reading = { blocks: new MemoryBlockStore(), clock: systemClock, leaves: new LeafPool(), hashing: hashingHere };
  const server = new SyncServer({ view: {} as never, placement, confirmed, ...tables, ...reading });
  await transport.serve({
    request: (from, kind, body) => server.answerIn(new Registry(), async (answer) => answer).request(from, kind, body),
    stream: () => assert.fail('no stream'),
  });
  return { transport, index, confirmed };
}

test('A8 however many records differ, the blocks that differ are found in the same round', async () => {
  const network = new MemoryNetwork();
  const me = await hostIn(network, { blocks: 20, records: 500 });
  const others = [await hostIn(network, { blocks: 0, records: 0 }), await hostIn(network, { blocks: 0, records: 0 })];
  const contacts = others.map(({ transport }) => transport.contact);
  const ring = new StaticRing();
  const ports = { ...me, replicas, view: ring.view(me.transport.contact) };
  const { signal } = new AbortController();
  const { carryings, arcs, cut } = await compareArcs([{ range: circle, others: contacts }], ports, signal, most);
  const blocks = carryings.filter(({ difference }) => isBlock(difference));
  const records = carryings.filter(({ difference: { set } }) => set === recordSet || set === leafSet);
  assert.equal(blocks.length, 2 * 20);
  assert.equal(records.length, most);
  assert.equal(cut, true);
  assert.equal(arcs[0]?.incomplete, true);
});

test('A8 what is within the bounds is found whole, and nothing is left for another round', async () => {
  const network = new MemoryNetwork();
  const me = await hostIn(network, { blocks: 20, records: most / 2 });
  const other = await hostIn(network, { blocks: 5, records: 0 });
  const ports = { ...me, replicas, view: new StaticRing().view(me.transport.contact) };
  const { signal } = new AbortController();
  const arc = { range: circle, others: [other.transport.contact] };
  const { carryings, arcs, cut } = await compareArcs([arc], ports, signal, most);
  assert.equal(carryings.length, 15 + most / 2);
  assert.equal(cut, false);
  assert.equal(arcs[0]?.incomplete, false);
  assert.equal(arcs[0]?.lackedAt.get(other.transport.contact.host), 15 + most / 2);
});

test('a host that is in doubt itself vouches for no arc, but may make it authoritative', async () => {
  const network = new MemoryNetwork();
  const me = await hostIn(network, { blocks: 0, records: 0 });
  const other = await hostIn(network, { blocks: 0, records: 0 });
  const ports = { ...me, replicas, view: new StaticRing().view(me.transport.contact) };
  const arc = { range: circle, others: [other.transport.contact] };
  const compare = async () => {
    const { arcs } = await compareArcs([arc], ports, new AbortController().signal, most);
    return { sure: arcs[0]?.sureAt.size, isVouchedFor: arcs[0]?.isVouchedFor };
  };
  assert.deepEqual(await compare(), { sure: 0, isVouchedFor: false });
  other.confirmed.confirm(circle);
  assert.deepEqual(await compare(), { sure: 1, isVouchedFor: true });
  other.confirmed.outgrow(circle);
  assert.deepEqual(await compare(), { sure: 1, isVouchedFor: false });
});
