import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact } from '@chordial/ring';
import { encodeLeaf, onlyBatchOf } from '../../test/fixtures/made-batches.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { isDialable } from '../network/addresses.ts';
import { createIdentity, type Identity, verifySignature } from '../network/identity.ts';
import { TransportError } from '../network/transport.ts';
import { Catalog } from '../storage/catalog.ts';
import { indexedTables } from '../storage/indexed-tables.ts';
import { leafSet } from '../storage/item-index.ts';
import { headerLifetimeMilliseconds, signHeader, tagOf, type UnsignedHeader, withdrawnOf } from './batch-header.ts';
import { HeaderVerifier } from './header-verifier.ts';
import type { ShareBatch } from './leaf-cutter.ts';
import { hashOfLeaf, merkleTree, proveRun, rootOf } from './merkle-run.ts';
import { wordKey } from './record-keys.ts';
import { shareBody, shareNameEntry, sharePostingEntry } from './share-entry.ts';
import { type OfferedRun, ShareHolder } from './share-holder.ts';
import type { LeafPage } from './share-messages.ts';

const networkId = 'ab'.repeat(32);
const places = { bits: 256, teaching: false };
const from: Contact = { host: createIdentity().host, addresses: [] };
const root = cidOfBlock(rawCodec, Buffer.from('content'));
const body = shareBody({});
const start = 1_800_000_000_000;
const minute = 60_000;

function holding() {
  const catalog = new Catalog(':memory:');
  const { shares, index } = indexedTables(catalog, 3);
  const time = { now: start };
  const clock = { now: () => 0, wallTime: () => time.now, after: () => ({ cancel: () => undefined }) };
  const reports: string[] = [];
  const refused = new Set<string>();
  const holder = new ShareHolder(
    {
      places,
      clock,
      confirmed: { covers: () => true, isSureOf: () => true },
      report: (_what, _host, detail) => reports.push(detail),
    },
    shares,
    new HeaderVerifier({
      networkId,
      verify: verifySignature,
      clock,
      isAddress: isDialable,
      isRefused: (host) => refused.has(host),
    }),
    (key) => index.find(leafSet, key)?.record ?? null,
  );
  return { catalog, shares, index, time, holder, reports, refused };
}

const filesOf = (count: number, head = 'file') =>
  Array.from({ length: count }, (_, number) => {
    const name = `${head} ${number}`;
    return [shareNameEntry(name, root, body), sharePostingEntry('word', name, root, body)];
  });

const batchOf = (count: number, head?: string) => onlyBatchOf(filesOf(count, head), places);

function headerOf(batch: ShareBatch, publisher: Identity, changes: Partial<UnsignedHeader> = {}): Uint8Array {
  const version = changes.version ?? start;
  const unsigned: UnsignedHeader = {
    publisher: publisher.host,
    addresses: [],
    number: start,
    root: batch.root,
    leaves: batch.leaves.length,
    entries: batch.entries,
    version,
    expiry: version + headerLifetimeMilliseconds,
    ended: false,
    withdrawn: new Uint8Array(),
    ...changes,
  };
  return signHeader(unsigned, networkId, (bytes) => publisher.sign(bytes)).bytes;
}

function runOf(batch: ShareBatch, header: Uint8Array, first = 0, count = batch.leaves.length - first): OfferedRun {
  return { header, first, leaves: batch.leaves.slice(first, first + count), proof: proveRun(batch.tree, first, count) };
}

const leavesAt = (holder: ShareHolder, word: string) => holder.get({ key: wordKey(word), after: 0 }).leaves.length;

test('H6 of a removed publisher leaves and headers go at once, and none of them comes back, though its header was verified before', async () => {
  const { holder, shares, index, refused } = holding();
  const [removed, other] = [createIdentity(), createIdentity()];
  const [first, second, own] = [await batchOf(600), await batchOf(5, 'more'), await batchOf(3, 'own')];
  const runs = [
    runOf(first, headerOf(first, removed)),
    runOf(second, headerOf(second, removed, { number: start - 1 })),
  ];
  const keep = runOf(own, headerOf(own, other));
  assert.deepEqual(await holder.keep(from, [...runs, keep]), ['stored', 'stored', 'stored']);
  const kept = shares.bytes();
  refused.add(removed.host);
  await holder.removeOf(removed.host);
  assert.equal(shares.walk(start, 0, 10_000).length, own.leaves.length);
  const circle = { after: 'f'.repeat(64), upTo: 'f'.repeat(64) };
  assert.equal(index.items(leafSet, circle, null, 10_000).items.length, own.leaves.length);
  assert.ok(shares.bytes() < kept);
  assert.equal(shares.header(removed.host, start), null);
  assert.deepEqual(await holder.keep(from, runs), ['bad-content', 'bad-content']);
  assert.equal(shares.walk(start, 0, 10_000).length, own.leaves.length);
});

test('runs of a batch are kept, whichever come first and however often, and indexed for repair', async () => {
  const { holder, shares, index } = holding();
  const batch = await batchOf(200);
  const header = headerOf(batch, createIdentity());
  const [half, all] = [Math.floor(batch.leaves.length / 2), batch.leaves.length];
  assert.deepEqual(await holder.keep(from, [runOf(batch, header, half)]), ['stored']);
  assert.deepEqual(await holder.keep(from, [runOf(batch, header, 0, half), runOf(batch, header)]), [
    'stored',
    'stored',
  ]);
  assert.equal(shares.walk(start, 0, 10_000).length, all);
  assert.equal(index.fingerprint(leafSet, 'all').count, all);
  assert.ok(leavesAt(holder, 'word') > 0);
  assert.equal(leavesAt(holder, 'absent'), 0);
});

test('what is forged, changed, moved, reordered, unproved or not a leaf is refused, and nothing of it is kept', async () => {
  const { holder, shares, reports } = holding();
  const publisher = createIdentity();
  const batch = await batchOf(100);
  const header = headerOf(batch, publisher);
  const good = runOf(batch, header, 3, 5);
  const forged = headerOf(batch, createIdentity(), { publisher: publisher.host });
  const swapped = [good.leaves[1]!, good.leaves[0]!, ...good.leaves.slice(2)];
  const bad: OfferedRun[] = [
    { ...good, header: forged },
    { ...good, first: 4 },
    { ...good, leaves: swapped },
    { ...good, leaves: good.leaves.map((leaf) => Uint8Array.from(leaf).with(leaf.length - 1, 0)) },
    { ...good, proof: good.proof.slice(1) },
    { ...good, proof: [...good.proof, new Uint8Array(32)] },
    { ...good, leaves: [] },
    { ...good, header: new Uint8Array(10) },
  ];
  for (const run of bad) assert.deepEqual(await holder.keep(from, [run]), ['bad-content']);
  assert.equal(shares.walk(start, 0, 100).length, 0);
  assert.equal(reports.length, bad.length);
  assert.deepEqual(await holder.keep(from, [bad[1]!, good]), ['bad-content', 'stored']);
});

test('a leaf that its publisher signed though it is none is refused', async () => {
  const { holder } = holding();
  const publisher = createIdentity();
  const honest = await batchOf(50);
  // Two cells in one leaf, and entries in the wrong order.
  const mixed = encodeLeaf([
    shareNameEntry('a', root, body),
    shareNameEntry('b', root, body),
    shareNameEntry('c', root, body),
  ]);
  const back = encodeLeaf([sharePostingEntry('word', 'b', root, body), shareNameEntry('b', root, body)]);
  for (const leaf of [mixed, back, Uint8Array.of(1, 2, 3)]) {
    const tree = merkleTree([hashOfLeaf(leaf)]);
    const batch = { ...honest, leaves: [leaf], cells: [0], tree, root: rootOf(tree) };
    assert.deepEqual(await holder.keep(from, [runOf(batch, headerOf(batch, publisher))]), ['bad-content']);
  }
});

test('a batch that expired is neither taken nor handed out, and its leaves go', async () => {
  const { holder, shares, index, time } = holding();
  const publisher = createIdentity();
  const batch = await batchOf(100);
  await holder.keep(from, [runOf(batch, headerOf(batch, publisher))]);
  time.now = start + headerLifetimeMilliseconds;
  assert.equal(leavesAt(holder, 'word'), 0);
  assert.deepEqual(await holder.keep(from, [runOf(batch, headerOf(batch, publisher))]), ['bad-content']);
  await holder.removeOver(time.now);
  assert.equal(index.fingerprint(leafSet, 'all').count, 0);
  assert.equal(shares.bytes(), 0);
  assert.equal(shares.header(publisher.host, start), null);
});

test('a renewed batch lives on, and an older header takes nothing back', async () => {
  const { holder, time } = holding();
  const publisher = createIdentity();
  const batch = await batchOf(10);
  const old = headerOf(batch, publisher);
  await holder.keep(from, [runOf(batch, old)]);
  time.now = start + 20 * minute;
  const renewed = headerOf(batch, publisher, { version: time.now });
  assert.deepEqual(await holder.renew(from, [renewed]), [batch.leaves.length]);
  assert.deepEqual(await holder.renew(from, [old]), [batch.leaves.length]);
  time.now = start + 70 * minute;
  assert.ok(leavesAt(holder, 'word') > 0);
  const elsewhere = headerOf(await batchOf(10, 'other'), publisher, { version: time.now });
  assert.deepEqual(await holder.renew(from, [elsewhere, new Uint8Array(5)]), [-1, -1]);
});

test('a batch that ended is gone, and its leaves do not come back with an older header', async () => {
  const { holder, shares } = holding();
  const publisher = createIdentity();
  const batch = await batchOf(10);
  const old = headerOf(batch, publisher);
  await holder.keep(from, [runOf(batch, old)]);
  assert.deepEqual(await holder.renew(from, [headerOf(batch, publisher, { version: start + 1, ended: true })]), [0]);
  assert.equal(leavesAt(holder, 'word'), 0);
  await holder.keep(from, [runOf(batch, old)]);
  assert.equal(leavesAt(holder, 'word'), 0);
  await holder.removeOver(start + 2);
  assert.equal(shares.leavesOf(publisher.host, start), 0);
  assert.equal(shares.header(publisher.host, start)?.ended, true);
});

test('the end of a batch that never came is remembered too', async () => {
  const { holder } = holding();
  const publisher = createIdentity();
  const batch = await batchOf(10);
  await holder.renew(from, [headerOf(batch, publisher, { version: start + 1, ended: true })]);
  await holder.keep(from, [runOf(batch, headerOf(batch, publisher))]);
  assert.equal(leavesAt(holder, 'word'), 0);
});

test('a publisher has no more than its bound of entries and batches', async () => {
  const { holder, shares } = holding();
  const publisher = createIdentity();
  const batch = await batchOf(1);
  const row = {
    publisher: publisher.host,
    version: start,
    expiry: start + minute,
    ended: false,
    bytes: new Uint8Array(),
  };
  await shares.put({ ...row, number: 1, entries: 9_999_999 }, []);
  assert.deepEqual(await holder.keep(from, [runOf(batch, headerOf(batch, publisher))]), ['publisher-full']);
  const other = createIdentity();
  const numbers = Array.from({ length: 1024 }, (_, index) => index + 1);
  await Promise.all(numbers.map((number) => shares.put({ ...row, publisher: other.host, number, entries: 1 }, [])));
  assert.deepEqual(await holder.keep(from, [runOf(batch, headerOf(batch, other))]), ['publisher-full']);
  assert.deepEqual(await holder.keep(from, [runOf(batch, headerOf(batch, createIdentity()))]), ['stored']);
});

test('a publisher cannot have ends of batches remembered without bound', async () => {
  const { holder, shares } = holding();
  const publisher = createIdentity();
  const batch = await batchOf(1);
  const row = { publisher: publisher.host, version: start, expiry: start + minute, ended: true, entries: 1 };
  const numbers = Array.from({ length: 4096 }, (_, index) => index + 1);
  await Promise.all(numbers.map((number) => shares.put({ ...row, number, bytes: new Uint8Array() }, [])));
  assert.deepEqual(await holder.renew(from, [headerOf(batch, publisher, { ended: true })]), [-1]);
  assert.deepEqual(await holder.renew(from, [headerOf(batch, createIdentity(), { ended: true })]), [0]);
});

test('leaves are handed out in pages, each with its proof, and by the keys of the index', async () => {
  const { holder, shares, index } = holding();
  const publisher = createIdentity();
  const batch = await batchOf(6000);
  const header = headerOf(batch, publisher, { withdrawn: withdrawnOf([tagOf(filesOf(1)[0]![0]!)]) });
  await holder.keep(from, [runOf(batch, header)]);
  const seen = new Set<number>();
  for (let after: number | null = 0; after !== null; ) {
    const page: LeafPage = holder.get({ key: wordKey('word'), after });
    assert.equal(page.headers.length, 1);
    for (const { place } of page.leaves) seen.add(place);
    after = page.more;
  }
  assert.ok(seen.size >= 6000 / 64);
  const items = index.items(leafSet, 'all', null, 3).items.map(({ key }) => key);
  const pulled = holder.pull([...items, 'ff'.repeat(48)]);
  assert.deepEqual(
    pulled.leaves.map((leaf) => leaf === null),
    [false, false, false, true],
  );
  const again = holding();
  const runs = pulled.leaves.flatMap((leaf) =>
    leaf === null
      ? []
      : [{ header: pulled.headers[0]!, first: leaf.place, leaves: [leaf.bytes], proof: [] as Uint8Array[] }],
  );
  assert.deepEqual(await again.holder.keep(from, runs), ['bad-content', 'bad-content', 'bad-content']);
  assert.equal(shares.walk(start, 0, 10_000).length, batch.leaves.length);
});

test('a put whose bytes are fewer or more than it says keeps nothing', async () => {
  const { holder, shares } = holding();
  const batch = await batchOf(20);
  const header = headerOf(batch, createIdentity());
  const { first, leaves, proof } = runOf(batch, header);
  const put = { headers: [header], runs: [{ batch: 0, first, sizes: leaves.map(({ length }) => length), proof }] };
  async function* payload(bytes: Uint8Array) {
    yield bytes;
  }
  const whole = Buffer.concat(leaves);
  for (const bytes of [whole.subarray(1), Buffer.concat([whole, whole.subarray(0, 1)])])
    await assert.rejects(holder.put(from, put, payload(bytes)), TransportError);
  assert.equal(shares.walk(start, 0, 100).length, 0);
  assert.deepEqual(await holder.put(from, put, payload(whole)), ['stored']);
});
