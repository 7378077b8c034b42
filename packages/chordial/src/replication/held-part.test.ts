import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ringIdOfHash } from '@chordial/ring';
import { StaticRing } from '../../test/fixtures/static-ring.ts';
import { hashingHere } from '../content/block-hashing.ts';
import { type Block, blockKey, cidOfBlock, rawCodec } from '../content/cid.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import { createIdentity } from '../network/identity.ts';
import { MemoryNetwork } from '../network/memory-transport.ts';
import { systemClock, systemRandom } from '../network/system-clock.ts';
import { Catalog } from '../storage/catalog.ts';
import { openIndexedTables } from '../storage/indexed-tables.ts';
import { MemoryBlockStore } from '../storage/memory-block-store.ts';
import { Registry } from '../wire/message.ts';
import { AuthoritativeRanges } from './authoritative-ranges.ts';
import { heldPart } from './held-part.ts';
import { SyncServer } from './sync-server.ts';

const signal = AbortSignal.timeout(30_000);

/** @param hosts in the ring; the first asks, the second is asked */
async function scene(hosts: number, replicas: number) {
  const network = new MemoryNetwork();
  const ring = new StaticRing();
  const transports = Array.from({ length: hosts }, () => network.transport(createIdentity().host));
  for (const { contact } of transports) ring.add(contact);
  const peers = await Promise.all(
    transports.slice(0, 2).map(async (transport) => {
      const { index, records: table, shares, claims } = await openIndexedTables(new Catalog(':memory:'), 3);
      const ports = {
        ...{
          transport,
          index,
          records: { table },
          shares: { table: shares },
          clock: systemClock,
          random: systemRandom,
        },
        ...{
          leaves: new LeafPool(),
          hashing: hashingHere,
          confirmed: new AuthoritativeRanges({ now: () => 0 }),
          replicas,
        },
        ...{
          blocks: new MemoryBlockStore(Number.POSITIVE_INFINITY, claims, index),
          view: ring.view(transport.contact),
        },
        placement: { places: async () => [] },
      };
      const server = new SyncServer(ports);
      await transport.serve({
        request: (from, kind, body) =>
          server.answerIn(new Registry(), async (answer) => answer).request(from, kind, body),
        stream: () => assert.fail('no stream'),
      });
      return { ports, contact: transport.contact };
    }),
  );
  const [asker, asked] = [peers[0]!, peers[1]!];
  const isPlace = ({ cid }: Block) =>
    ring.expectedPlaces(ringIdOfHash(blockKey(cid), ring.shape.bits), replicas).includes(asked.contact.host);
  return { asker, asked, isPlace, part: () => heldPart(asker.ports, asked.contact, signal) };
}

function blocksOf(count: number): Block[] {
  return Array.from({ length: count }, (_, number) => {
    const bytes = Buffer.from(`block ${number}`);
    return { cid: cidOfBlock(rawCodec, bytes), bytes };
  });
}

test('H4 who says that it gives proves it by the blocks that it is a place of', async () => {
  const { asker, asked, isPlace, part } = await scene(5, 3);
  assert.equal(await part(), null);
  const blocks = blocksOf(40);
  const claimed = blocks.map((block) => ({
    ...block,
    claims: [{ publisher: 'P', name: 'n', sequence: 1, replicas: 3 }],
  }));
  await asker.ports.blocks.put(claimed);
  assert.equal(await part(), 0);
  // What it need not hold proves nothing.
  await asked.ports.blocks.put(claimed.filter((block) => !isPlace(block)));
  assert.equal(await part(), 0);
  const due = claimed.filter(isPlace);
  assert.ok(due.length > 8);
  await asked.ports.blocks.put(due);
  assert.equal(await part(), 1);
});

test('H4 a host that lists what it is to hold and has other bytes, or none, proves nothing', async () => {
  const { asker, asked, part } = await scene(3, 3);
  const blocks = blocksOf(20);
  await asker.ports.blocks.put(blocks);
  await asked.ports.blocks.put(blocks);
  assert.equal(await part(), 1);
  asked.ports.blocks.get = async () => Uint8Array.from(Buffer.from('other bytes'));
  assert.equal(await part(), 0);
  asked.ports.blocks.get = async () => null;
  assert.equal(await part(), 0);
});

test('H4 where it is a place of nothing that lies here, its own puts serve as proof', async () => {
  const { asker, asked, isPlace, part } = await scene(12, 1);
  const putBy = (publisher: string) => ({ publisher, name: 'n', sequence: 1, replicas: 1 });
  const elsewhere = blocksOf(40).filter((block) => !isPlace(block));
  const others = elsewhere.map((block) => ({ ...block, claims: [putBy('P')] }));
  const own = elsewhere.slice(0, 20).map((block) => ({ ...block, claims: [putBy(asked.contact.host)] }));
  await asker.ports.blocks.put(others);
  assert.equal(await part(), null);
  await asker.ports.blocks.put(own);
  assert.equal(await part(), 0);
  await asked.ports.blocks.put(own);
  assert.equal(await part(), 1);
});
