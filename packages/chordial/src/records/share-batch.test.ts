import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeLeaf, onlyBatchOf, partsOf } from '../../test/fixtures/made-batches.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import { maxBatchEntries } from './batch-header.ts';
import { recordKinds } from './entry.ts';
import { hashOfLeaf, proveRun, verifyRun } from './merkle-run.ts';
import { providerKey, recordKeyOfName, wordKey } from './record-keys.ts';
import { batchesOf, maxBatchBytes } from './share-batch.ts';
import {
  checkShareEntry,
  maxShareEntryBytes,
  readShareBody,
  readSubject,
  type ShareEntry,
  shareBody,
  shareEntryKey,
  shareNameEntry,
  sharePostingEntry,
  shareProviderEntry,
} from './share-entry.ts';
import { cellOf, decodeLeaf, keysOfCell, maxLeafBytes, maxLeafEntries } from './share-leaf.ts';

const places = { bits: 256, teaching: false };
const noPause = () => Promise.resolve();
const root = cidOfBlock(rawCodec, Buffer.from('content'));
const body = shareBody({ size: 7 });
const refusedAs = (code: string) => (error: unknown) => error instanceof ChordialError && error.code === code;

const entry: fc.Arbitrary<ShareEntry> = fc
  .tuple(
    fc.constantFrom('name', 'posting', 'provider'),
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: 0, max: 200 }),
  )
  .map(([kind, word, number]) => {
    const name = `file ${number}`;
    if (kind === 'name') return shareNameEntry(name, root, body);
    if (kind === 'posting') return sharePostingEntry(`w${word}`, name, root, body);
    return shareProviderEntry(cidOfBlock(rawCodec, Buffer.from(name)), body);
  });

const textOf = ({ kind, subject }: ShareEntry) => `${kind} ${Buffer.from(subject).toString('hex')}`;

test('a batch holds each entry once, in the order of keys, in leaves that no cell border cuts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(entry, { minLength: 1, maxLength: 20 }), { maxLength: 60 }), async (files) => {
      if (files.length === 0) return;
      const batch = await onlyBatchOf(files, places);
      const leaves = batch.leaves.map((leaf) => decodeLeaf(leaf));
      const entries = leaves.flat();
      assert.deepEqual(new Set(entries.map(textOf)), new Set(files.flat().map(textOf)));
      assert.equal(entries.length, new Set(entries.map(textOf)).size);
      assert.equal(batch.entries, entries.length);
      const order = entries.map((one) => shareEntryKey(one, places) + recordKinds.indexOf(one.kind) + textOf(one));
      assert.deepEqual(order, [...order].sort());
      for (const [index, leaf] of leaves.entries()) {
        assert.ok(leaf.length <= maxLeafEntries && batch.leaves[index]!.length <= maxLeafBytes);
        const cells = new Set(leaf.map((one) => cellOf(shareEntryKey(one, places))));
        assert.deepEqual([...cells], [batch.cells[index]]);
      }
      const last = leaves.length - 1;
      const proof = proveRun(batch.tree, last, 1);
      assert.ok(
        verifyRun({ root: batch.root, leaves: leaves.length }, last, [hashOfLeaf(batch.leaves[last]!)], proof) !== null,
      );
    }),
    { numRuns: 50 },
  );
});

test('of entries on one subject the first counts, and one root of many files is announced once', async () => {
  const other = shareBody({ size: 8 });
  const files = Array.from({ length: 300 }, (_, number) => [
    shareNameEntry('file', root, number === 0 ? body : other),
    shareProviderEntry(root, body),
  ]);
  const { entries, leaves } = await onlyBatchOf(files, places);
  assert.equal(entries, 2);
  const named = leaves.flatMap(decodeLeaf).find(({ kind }) => kind === 'name');
  assert.deepEqual(named?.body, Buffer.from(body));
});

test('names that a teaching ring puts at one place are in the order of kinds and subjects', async () => {
  const teaching = { bits: 4, teaching: true };
  const files = Array.from({ length: 100 }, (_, number) => [
    shareNameEntry(`file ${99 - number}`, root, body),
    sharePostingEntry(`w${number % 7}`, `file ${99 - number}`, root, body),
  ]);
  const { leaves } = await onlyBatchOf(files, teaching);
  const order = leaves.flatMap(decodeLeaf).map((one) => shareEntryKey(one, teaching) + textOf(one));
  assert.equal(order.length, 200);
  assert.deepEqual(order, [...order].sort());
});

test('long entries make batches of fewer', async () => {
  const long = shareBody({ note: 'x'.repeat(1900) });
  const files = Array.from({ length: 9000 }, (_, number) => [shareNameEntry(`file ${number}`, root, long)]);
  const parts = await partsOf(batchesOf(files, places, noPause));
  assert.equal(parts.length, 2);
  assert.equal(
    parts.reduce((sum, one) => sum + one.files, 0),
    files.length,
  );
  for (const { batch } of parts) assert.ok(batch.leaves.reduce((sum, { length }) => sum + length, 0) <= maxBatchBytes);
});

test('the same entries in another order make the same batch', async () => {
  const files = Array.from({ length: 30 }, (_, number) => [shareNameEntry(`file ${number}`, root, body)]);
  const [one, other] = [await onlyBatchOf(files, places), await onlyBatchOf(files.toReversed(), places)];
  assert.deepEqual(one.root, other.root);
});

test('a frequent word fills many leaves of one key', async () => {
  const files = Array.from({ length: 500 }, (_, number) => [sharePostingEntry('the', `file ${number}`, root, body)]);
  const { leaves, cells } = await onlyBatchOf(files, places);
  assert.ok(leaves.length >= 500 / maxLeafEntries);
  assert.deepEqual(new Set(cells), new Set([cellOf(wordKey('the'))]));
});

test('files are parted into batches within their bound, none across two', async () => {
  const file = Array.from({ length: 20 }, (_, number) => shareNameEntry(`file ${number}`, root, body));
  const most = Math.floor(maxBatchEntries / file.length);
  const parts = await partsOf(
    batchesOf(
      Array.from({ length: 2 * most + 1 }, () => file),
      places,
      noPause,
    ),
  );
  assert.deepEqual(
    parts.map(({ files }) => files),
    [most, most, 1],
  );
  assert.deepEqual(await partsOf(batchesOf([], places, noPause)), []);
});

test('a file of 21 entries or none, and an entry that is too long, are refused', async () => {
  const one = shareNameEntry('file', root, body);
  const parted = (file: readonly ShareEntry[]) => partsOf(batchesOf([file], places, noPause));
  await assert.rejects(parted(Array.from({ length: 21 }, () => one)), refusedAs('too-many-entries'));
  await assert.rejects(parted([]), refusedAs('bad-content'));
  const long = { ...one, body: new Uint8Array(maxShareEntryBytes) };
  assert.throws(() => checkShareEntry(long), refusedAs('too-large'));
  assert.throws(() => checkShareEntry({ ...one, subject: new Uint8Array() }), refusedAs('bad-content'));
});

test('what an entry is about is read back', () => {
  const posting = sharePostingEntry('naïve', 'Čapek.txt', root, body);
  assert.deepEqual(readSubject(posting), { word: 'naïve', name: 'Čapek.txt', root: Buffer.from(root.bytes) });
  assert.deepEqual(readShareBody(posting), { size: 7 });
  assert.equal(shareEntryKey(posting, places), wordKey('naïve'));
  assert.equal(shareEntryKey(shareNameEntry('Čapek.txt', root, body), places), recordKeyOfName('Čapek.txt', places));
  assert.equal(shareEntryKey(shareProviderEntry(root, body), places), providerKey(root.multihash.bytes));
  for (const subject of ['', 'word', '\0', 'word\0', 'word\0\0root', 'word\0name'])
    assert.throws(
      () => readSubject({ kind: 'posting', subject: Buffer.from(subject) }),
      refusedAs('bad-content'),
      subject,
    );
  assert.throws(() => readShareBody({ body: Uint8Array.of(1) }), refusedAs('bad-content'));
});

test('a leaf that is cut, too long, empty or of unknown kinds is refused, and nothing worse', () => {
  const leaf = encodeLeaf([shareNameEntry('file', root, body), shareProviderEntry(root, body)]);
  for (const bytes of [
    leaf.subarray(0, -1),
    Buffer.concat([leaf, leaf.subarray(0, 3)]),
    new Uint8Array(),
    new Uint8Array(9000),
  ])
    assert.throws(() => decodeLeaf(bytes), refusedAs('bad-content'));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        assert.deepEqual(Buffer.from(encodeLeaf(decodeLeaf(bytes))), Buffer.from(bytes));
      } catch (error) {
        assert.ok(refusedAs('bad-content')(error), String(error));
      }
    }),
  );
});

test('cells part the circle evenly', () => {
  assert.deepEqual(keysOfCell(0), { first: '0'.repeat(64), last: `000${'f'.repeat(61)}` });
  assert.equal(cellOf(keysOfCell(4095).last), 4095);
  assert.equal(cellOf(`800${'0'.repeat(61)}`), 2048);
});

test('the encoding of a leaf keeps its fixture', () => {
  const leaf = encodeLeaf([sharePostingEntry('word', 'name', root, shareBody({}))]);
  const subject = `${Buffer.from('word\0name\0').toString('hex')}${Buffer.from(root.bytes).toString('hex')}`;
  assert.equal(Buffer.from(leaf).toString('hex'), `02002e0001${subject}a0`);
});
