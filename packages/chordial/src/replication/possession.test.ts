import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashingHere } from '../content/block-hashing.ts';
import { type Block, blockKey, cidOfBlock, rawCodec } from '../content/cid.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import { createIdentity } from '../network/identity.ts';
import { MemoryNetwork, type MemoryTransport } from '../network/memory-transport.ts';
import { systemClock, systemRandom } from '../network/system-clock.ts';
import { Catalog } from '../storage/catalog.ts';
import { openIndexedTables } from '../storage/indexed-tables.ts';
import { blockSet, type ItemSet, leafSet, recordSet } from '../storage/item-index.ts';
import { MemoryBlockStore } from '../storage/memory-block-store.ts';
import { Registry } from '../wire/message.ts';
import { AuthoritativeRanges } from './authoritative-ranges.ts';
import { challengeOf, newNonce, proofsOf } from './possession.ts';
import { SyncClient } from './sync-client.ts';
import { maxBytesProved, SyncServer } from './sync-server.ts';

const noDigest = '0'.repeat(32);

function blockOf(bytes: Uint8Array): Block {
  return { cid: cidOfBlock(rawCodec, bytes), bytes };
}

async function host(network: MemoryNetwork) {
  const transport = network.transport(createIdentity().host);
  const { index, records: table, shares, claims } = await openIndexedTables(new Catalog(':memory:'), 3);
  const blocks = new MemoryBlockStore(Number.POSITIVE_INFINITY, claims, index);
  const ports = {
    ...{ blocks, index, records: { table }, shares: { table: shares }, clock: systemClock },
    ...{ leaves: new LeafPool(), hashing: hashingHere, confirmed: new AuthoritativeRanges({ now: () => 0 }) },
    view: { self: transport.contact } as never,
    placement: { places: async () => [] },
  };
  const server = new SyncServer(ports);
  await transport.serve({
    request: (from, kind, body) => server.answerIn(new Registry(), async (answer) => answer).request(from, kind, body),
    stream: () => assert.fail('no stream'),
  });
  return { transport, table, ports, id: transport.contact.host };
}

type Item = { readonly set: ItemSet; readonly key: string };

async function proofFrom(asker: MemoryTransport, of: MemoryTransport, item: Item, nonce: Uint8Array) {
  const client = new SyncClient(asker, AbortSignal.timeout(5000));
  const [answer] = await client.holds(of.contact, [{ ...item, digest: noDigest }], nonce);
  return answer!.proof;
}

test('C1 a proof is good for its bytes, its nonce, its asker and its answerer, and for nothing else', async () => {
  const network = new MemoryNetwork();
  const [asker, holder, other] = [await host(network), await host(network), await host(network)];
  const block = blockOf(Buffer.from('the bytes of a block'));
  const key = blockKey(block.cid);
  for (const { ports } of [asker, holder, other]) await ports.blocks.put([block]);
  const nonce = newNonce(systemRandom);
  const set = blockSet(3);
  const expected = async (of: string, by = asker.id, challengeNonce = nonce) => {
    const challenge = challengeOf(challengeNonce, by, of as typeof asker.id);
    const [proof] = (await proofsOf(asker.ports, set, asker.ports.index.findBlock(key)!, [challenge])) ?? [];
    return Buffer.from(proof!).toString('hex');
  };
  const told = async (by: typeof asker, at: typeof asker, challengeNonce = nonce) =>
    Buffer.from((await proofFrom(by.transport, at.transport, { set, key }, challengeNonce))!).toString('hex');
  assert.equal(await told(asker, holder), await expected(holder.id));
  // Replayed: of an earlier question, which had another nonce.
  assert.notEqual(await told(asker, holder, newNonce(systemRandom)), await expected(holder.id));
  // Relayed: what another host answers to the same nonce, to whomever it is asked by.
  assert.notEqual(await told(asker, other), await expected(holder.id));
  assert.notEqual(await told(holder, other), await expected(holder.id));
  // Of other bytes under the same key.
  const lying = await host(network);
  lying.ports.index.addBlock(key, block.cid);
  lying.ports.blocks.get = async () => Uint8Array.from(Buffer.from('other bytes'));
  assert.notEqual(await told(asker, lying), await expected(lying.id));
  // Of nothing.
  const empty = await host(network);
  assert.equal(await proofFrom(asker.transport, empty.transport, { set, key }, nonce), null);
  empty.ports.index.addBlock(key, block.cid);
  assert.equal(await proofFrom(asker.transport, empty.transport, { set, key }, nonce), null);
});

test('C1 records and leaves are proved as blocks are, and without a nonce nothing is read', async () => {
  const network = new MemoryNetwork();
  const [asker, holder] = [await host(network), await host(network)];
  const key = 'ab'.repeat(32);
  const bytes = Uint8Array.of(1, 2, 3);
  const row = { kind: 'name', publisher: 'somebody', subject: Uint8Array.of(9), key, sequence: 1, expiry: null, bytes };
  for (const { table } of [asker, holder]) await table.put([row]);
  const [item] = asker.ports.index.items(recordSet, 'all', null, 1).items;
  const nonce = newNonce(systemRandom);
  const proof = await proofFrom(asker.transport, holder.transport, { set: recordSet, key: item!.key }, nonce);
  const challenge = challengeOf(nonce, asker.id, holder.id);
  const expected = await proofsOf(asker.ports, recordSet, item!, [challenge]);
  assert.ok(Buffer.from(proof!).equals(expected![0]!));
  assert.equal(await proofFrom(asker.transport, holder.transport, { set: leafSet, key: item!.key }, nonce), null);
  holder.ports.blocks.get = () => assert.fail('a block was read');
  const block = blockOf(Buffer.from('not to be read'));
  await holder.ports.blocks.put([block]);
  const client = new SyncClient(asker.transport, AbortSignal.timeout(5000));
  const asked = [{ set: blockSet(3), key: blockKey(block.cid), digest: noDigest }];
  assert.deepEqual(await client.holds(holder.transport.contact, asked), [
    { held: 'other', confirmed: false, proof: null },
  ]);
});

test('C1 one question costs no more than its bound of bytes read, one asker no more than its turns', async () => {
  const network = new MemoryNetwork();
  const [asker, patient, holder] = [await host(network), await host(network), await host(network)];
  const leaf = 1024 * 1024;
  const blocks = Array.from({ length: 20 }, (_, number) => blockOf(new Uint8Array(leaf).fill(number)));
  await holder.ports.blocks.put(blocks);
  let read = 0;
  let atOnce = 0;
  let most = 0;
  const get = holder.ports.blocks.get.bind(holder.ports.blocks);
  holder.ports.blocks.get = async (cid) => {
    read += 1;
    atOnce += 1;
    most = Math.max(most, atOnce);
    await new Promise((resolve) => setTimeout(resolve, 1));
    atOnce -= 1;
    return get(cid);
  };
  const asked = blocks.map(({ cid }) => ({ set: blockSet(3), key: blockKey(cid), digest: noDigest }));
  const ask = (of: MemoryTransport) =>
    new SyncClient(of, AbortSignal.timeout(20_000)).holds(holder.transport.contact, asked, newNonce(systemRandom));
  const answers = await ask(asker.transport);
  assert.equal(read, maxBytesProved / leaf);
  assert.equal(answers.filter(({ proof }) => proof !== null).length, maxBytesProved / leaf);
  assert.ok(answers.every(({ held }) => held === 'other'));
  // Many questions of one asker: one at a time, those beyond its line refused, and another asker's turn comes between.
  const flood = Array.from({ length: 40 }, () =>
    ask(asker.transport).then(
      () => 'answered',
      () => 'refused',
    ),
  );
  const before = read;
  await ask(patient.transport);
  assert.ok(read - before <= 3 * (maxBytesProved / leaf), `${read - before} blocks were read before the other's turn`);
  const ends = await Promise.all(flood);
  assert.ok(ends.includes('refused') && ends.includes('answered'));
  assert.equal(most, 1);
});
