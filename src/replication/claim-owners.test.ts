import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import { StaticRing } from '../../test/fixtures/static-ring.ts';
import { createIdentity } from '../network/identity.ts';
import { MemoryNetwork } from '../network/memory-transport.ts';
import { systemClock } from '../network/system-clock.ts';
import { Catalog } from '../storage/catalog.ts';
import type { Claim } from '../storage/claim-table.ts';
import { indexedTables } from '../storage/indexed-tables.ts';
import { maxOpenClaims, StorageShares } from '../storage/storage-shares.ts';
import { blockMessages } from './block-messages.ts';
import { ClaimOwners } from './claim-owners.ts';

const key = 'ab'.repeat(32);
const claims = (publisher: string, count: number): Claim[] =>
  Array.from({ length: count }, (_, number) => ({ publisher, name: `n${number}`, sequence: 1, replicas: 3 }));

function scene() {
  const { claims: table, counts } = indexedTables(new Catalog(':memory:'), 3);
  const transport = new MemoryNetwork().transport(createIdentity().host);
  const ring = new StaticRing();
  ring.add(transport.contact);
  const view = ring.view(transport.contact);
  const shares = new StorageShares({ counts, quotaBytes: 2 ** 30, self: view.self.host, shareOf: () => null });
  return {
    table,
    self: view.self.host,
    owners: new ClaimOwners({ shares, claims: table, view, transport, clock: systemClock, heldPart: async () => null }),
  };
}

test('H4 of a content with many names repair brings as many claims as are taken, and the rest when those are committed', () => {
  const { table, owners } = scene();
  const all = claims('P', 700).map((claim) => ({ ...claim, via: 'H' }));
  let turns = 0;
  for (let missing = all; missing.length > 0; missing = all.filter((claim) => !table.has(key, claim))) {
    assert.ok(++turns <= 4, 'no end');
    const taken = owners.fitting(key, missing);
    assert.ok(taken.length <= maxOpenClaims);
    table.add(key, taken, 1);
    for (const put of table.walk(0, 1000)) table.confirm(put, null, 1);
  }
  assert.equal(table.count(key), 700);
});

test('H4 beyond the open claims of an owner none is taken, but what is here already stays right', () => {
  const { table, owners, self } = scene();
  table.add(key, owners.fitting(key, claims('P', 2000)), 1);
  assert.equal(table.count(key), maxOpenClaims);
  assert.throws(() => owners.fitting(key, [{ publisher: 'P', name: 'more', sequence: 1, replicas: 3 }]), {
    code: 'publisher-full',
  });
  assert.equal(owners.fitting(key, claims('P', 1)).length, 1);
  assert.equal(owners.fitting(key, claims('Q', 1)).length, 1);
  assert.equal(owners.fitting(key, claims(self, 900)).length, 900);
});

/** A holder beside a publisher that claims to give far more than any disk has. */
async function withPublisher(quotaBytes: number) {
  const { claims: table, counts } = indexedTables(new Catalog(':memory:'), 3);
  const network = new MemoryNetwork();
  const [transport, other] = [network.transport(createIdentity().host), network.transport(createIdentity().host)];
  const ring = new StaticRing();
  for (const { contact } of [transport, other]) ring.add(contact);
  const view = ring.view(transport.contact);
  const questions = { count: 0 };
  await other.serve({
    request: async () => {
      questions.count += 1;
      return blockMessages.room.encodeAnswer({ room: 0, gives: 2 ** 50 });
    },
    stream: () => assert.fail('no stream'),
  });
  const shares = new StorageShares({ counts, quotaBytes, self: view.self.host, shareOf: () => null });
  return { table, shares, view, transport, owner: other.contact.host, questions };
}

test('H4 the quota a publisher reports counts as far as it proves that it stores blocks, and only briefly where there is no proof', async () => {
  const quotaBytes = 2 ** 20;
  const { table, shares, view, transport, owner, questions } = await withPublisher(quotaBytes);
  const { clock, pass } = virtualClock();
  let part: number | null = null;
  const owners = new ClaimOwners({ shares, claims: table, view, transport, clock, heldPart: async () => part });
  const one = [{ publisher: owner, name: 'n', sequence: 1, replicas: 3 }];
  await owners.checkBlock(one, quotaBytes / 2);
  assert.equal(questions.count, 1);
  part = 0;
  pass(2100);
  await assert.rejects(owners.checkBlock(one, quotaBytes / 2), { code: 'publisher-full' });
  await owners.checkBlock(one, quotaBytes / 16);
  // It is asked once in ten minutes, however often it tries.
  part = 1;
  pass(60_000);
  await assert.rejects(owners.checkBlock(one, quotaBytes / 2), { code: 'publisher-full' });
  assert.equal(questions.count, 2);
  pass(10 * 60_000);
  await owners.checkBlock(one, quotaBytes / 2);
  assert.equal(questions.count, 3);
});

test('H4 a publisher with many records is asked for its quota before its share for records is full', async () => {
  const quotaBytes = 2 ** 30;
  const { table, shares, view, transport, owner } = await withPublisher(quotaBytes);
  new ClaimOwners({ shares, claims: table, view, transport, clock: systemClock, heldPart: async () => 1 });
  const eighth = quotaBytes / 16 / 8;
  assert.throws(() => shares.checkRows(owner, 2 * eighth), { code: 'publisher-full' });
  // The question is sent; let its answer arrive.
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  shares.checkRows(owner, 2 * eighth);
});
