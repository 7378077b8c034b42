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
import type { RingView } from './ring-view.ts';

const now = 1_000_000_000_000;
const publisher = createIdentity();
const from = { host: publisher.host, addresses: [] };
const cid = cidOfBlock(rawCodec, Uint8Array.of(1));

function named(name: string, sequence: number, by: Identity = publisher): Uint8Array {
  const content = { name, cid, size: 1, type: 'file', sha256: null, blocks: 1 } as const;
  return signEntry(nameEntry(content, { publisher: by.host, sequence, time: now, expiry: null }), 'n', (bytes) =>
    by.sign(bytes),
  ).bytes;
}

const here = { host: createIdentity().host, addresses: [] };

/** @param hosts behind every key, this one first by default */
function holder(maxPerPublisher: number, wallTime = () => now, hosts = [here], covers = false) {
  const reports: string[] = [];
  const table = new RecordTable(new Catalog(':memory:'));
  const ports = {
    table,
    verifier: new EntryVerifier('n', verifySignature),
    places: { bits: 256, teaching: false },
    clock: { now: () => 0, wallTime, after: () => ({ cancel: () => undefined }) },
    confirmed: { covers: () => covers, isSureOf: () => covers },
    rule: { replicas: 2, writeQuorum: 2 },
    view: { self: here, nearby: (_key: unknown, most?: number) => hosts.slice(0, most) } as unknown as RingView,
    report: (_what: string, _host: unknown, detail: string) => reports.push(detail),
  };
  return { reports, table, holder: new RecordHolder(ports, maxPerPublisher) };
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

test('H5 a record is taken by its places and by as many hosts behind them, and elsewhere only what is confirmed to lie there', async () => {
  const others = Array.from({ length: 4 }, () => ({ host: createIdentity().host, addresses: [] }));
  const behind = (count: number) => [...others.slice(0, count), here, ...others.slice(count)];
  const offered = async ({ holder: held }: ReturnType<typeof holder>, ...entries: Uint8Array[]) =>
    held.put(from, entries);
  for (const position of [0, 1, 3])
    assert.deepEqual(await offered(holder(9, undefined, behind(position)), named('a', 1)), ['stored']);
  const far = holder(9, undefined, behind(4));
  assert.deepEqual(await offered(far, named('a', 1)), ['wrong-place']);
  assert.match(far.reports.join(), /belongs to other hosts/);
  assert.equal(far.table.countOf(publisher.host), 0);
  // Made-up hosts before it do not keep a record from a host that was told by the others that this range is its own.
  assert.deepEqual(await offered(holder(9, undefined, behind(4), true), named('a', 1)), ['stored']);
  // What this host asks for itself is a newer one of what lies here, whose places say that they have that.
  assert.deepEqual(await far.holder.keep(from, [named('a', 2)]), ['stored']);
});

test('M6 a removed or expired name does not come back, however long ago that was; its end is listed for some time', async () => {
  const day = 24 * 3600 * 1000;
  let time = now;
  const { holder: held, table } = holder(10, () => time);
  const kept = named('gone', now - 1000);
  assert.deepEqual(await held.keep(from, [kept, named('there', now - 1000)]), ['stored', 'stored']);
  const end = signEntry(nameTombstone('gone', publisher.host, now, now), 'n', (bytes) => publisher.sign(bytes));
  assert.deepEqual(await held.keep(from, [end.bytes]), ['stored']);
  const listed = () => held.list({ kind: 'name', cursor: null, limit: 10 }).entries.length;
  for (const [days, told] of [
    [1, 2],
    [89, 2],
    [181, 1],
    [4000, 1],
  ] as const) {
    time = now + days * day;
    await table.expire(time, 100);
    assert.deepEqual(await held.keep(from, [kept]), ['known'], `after ${days} days`);
    assert.equal(listed(), told, `after ${days} days`);
  }
  // The last content of a name ended by itself; an earlier one had no end.
  const lasting = named('short', time - 10);
  const content = { name: 'short', cid, size: 1, type: 'file', sha256: null, blocks: 1 } as const;
  const short = signEntry(
    nameEntry(content, { publisher: publisher.host, sequence: time, time, expiry: time + day }),
    'n',
    (bytes) => publisher.sign(bytes),
  );
  assert.deepEqual(await held.keep(from, [lasting]), ['stored']);
  assert.deepEqual(await held.keep(from, [short.bytes]), ['stored']);
  time += 300 * day;
  await table.expire(time, 100);
  assert.deepEqual(await held.keep(from, [lasting]), ['known']);
  assert.deepEqual(await held.keep(from, [named('gone', time)]), ['stored'], 'its publisher may put it again');
});
