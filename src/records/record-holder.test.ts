import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { createIdentity, type Identity, verifySignature } from '../network/identity.ts';
import { Catalog } from '../storage/catalog.ts';
import { RecordTable } from '../storage/record-table.ts';
import { signEntry } from './entry.ts';
import { EntryVerifier } from './entry-verifier.ts';
import { nameEntry, nameTombstone } from './name-entry.ts';
import { RecordHolder } from './record-holder.ts';

const now = 1_000_000_000_000;
const publisher = createIdentity();
const from = { host: publisher.host, addresses: [] };
const cid = cidOfBlock(rawCodec, Uint8Array.of(1));

function named(name: string, sequence: number, by: Identity = publisher): Uint8Array {
  const content = { name, cid, size: 1, type: 'file', sha256: null, blocks: 1 } as const;
  return signEntry(nameEntry(content, by.host, sequence, now, null), 'n', (bytes) => by.sign(bytes)).bytes;
}

function holder(mostPerPublisher: number) {
  const reports: string[] = [];
  const ports = {
    table: new RecordTable(new Catalog(':memory:')),
    verifier: new EntryVerifier('n', verifySignature),
    places: { bits: 256, teaching: false },
    clock: { now: () => 0, wallTime: () => now, after: () => ({ cancel: () => undefined }) },
    confirmed: { covers: () => true },
    report: (_what: string, _host: unknown, detail: string) => reports.push(detail),
  };
  return { reports, holder: new RecordHolder(ports, mostPerPublisher) };
}

test('a publisher has only so many records at a host: those beyond are refused with a reason, others and replacements are not', async () => {
  const { holder: held, reports } = holder(2);
  assert.deepEqual(await held.keep(from, [named('a', 1), named('b', 1), named('c', 1)]), [
    'stored',
    'stored',
    'publisher-full',
  ]);
  assert.match(reports.join(), /There are 2 records of .* Remove some/);
  assert.deepEqual(await held.keep(from, [named('c', 2), named('a', 2)]), ['publisher-full', 'stored']);
  assert.deepEqual(await held.keep(from, [named('c', 1, createIdentity())]), ['stored']);
  const ended = signEntry(nameTombstone('b', publisher.host, 5, now), 'n', (bytes) => publisher.sign(bytes));
  assert.deepEqual(await held.keep(from, [ended.bytes]), ['stored']);
});
