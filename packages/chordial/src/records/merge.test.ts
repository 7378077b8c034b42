import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import fc from 'fast-check';
import type { EncodedEntry, UnsignedEntry } from './entry.ts';
import { identityOf, isCurrent, isFromTheFuture, mergeEntries, mergeEntriesAt, newerOf } from './merge.ts';

const alice = 'P' as HostId;
const bob = 'Q' as HostId;
const entryOf = (changes: Partial<UnsignedEntry> = {}): UnsignedEntry => ({
  kind: 'name',
  subject: new TextEncoder().encode('a name'),
  publisher: alice,
  sequence: 1000,
  expiry: null,
  body: { name: 'a name' },
  ...changes,
});

/** Unsigned stand-ins suffice: merging looks at identities, sequences, times and bytes. */
const encoded = (changes: Partial<UnsignedEntry>, ...bytes: number[]): EncodedEntry => ({
  entry: { ...entryOf(changes), signature: new Uint8Array(64) },
  bytes: Uint8Array.from(bytes),
});

const someEntries = fc.array(
  fc
    .record({
      publisher: fc.constantFrom(alice, bob),
      subject: fc.constantFrom(Uint8Array.of(1), Uint8Array.of(2)),
      sequence: fc.nat(4),
      body: fc.constantFrom({ a: 1 }, { a: 2 }, null),
    })
    .map((part) => encoded(part, part.sequence, part.body?.a ?? 0)),
  { maxLength: 8 },
);

test('merging is commutative, associative and idempotent, and keeps the newest of each identity', () => {
  fc.assert(
    fc.property(someEntries, someEntries, someEntries, (a, b, c) => {
      const merged = mergeEntries(a, b, c);
      assert.deepEqual(mergeEntries(c, a, b), merged);
      assert.deepEqual(mergeEntries(mergeEntries(a, b), c), merged);
      assert.deepEqual(mergeEntries(merged, merged), merged);
      const all = [...a, ...b, ...c];
      assert.equal(merged.length, new Set(all.map(({ entry }) => identityOf(entry))).size);
      for (const kept of merged) {
        for (const other of all) {
          if (identityOf(other.entry) !== identityOf(kept.entry)) continue;
          assert.ok(other.entry.sequence <= kept.entry.sequence);
          if (other.entry.sequence === kept.entry.sequence)
            assert.ok(Buffer.compare(other.bytes, kept.bytes) <= 0, 'the greater bytes prevail');
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('the newer entry prevails whatever its bytes; of two with one sequence all hosts choose the greater bytes', () => {
  const [low, high, newer] = [
    encoded({ sequence: 1 }, 1),
    encoded({ sequence: 1 }, 2),
    encoded({ sequence: 2, body: null }, 0),
  ];
  for (const [a, b, expected] of [
    [low, high, high],
    [high, low, high],
    [high, newer, newer],
    [newer, high, newer],
  ] as const)
    assert.equal(newerOf(a, b), expected);
});

test('entries are apart by kind, publisher and subject, and all hosts list them in one order', () => {
  const different = [
    encoded({ kind: 'posting' }, 1),
    encoded({ publisher: bob }, 2),
    encoded({ subject: Uint8Array.of(1) }, 3),
    encoded({}, 4),
  ];
  const merged = mergeEntries(different);
  assert.equal(merged.length, 4);
  const identities = merged.map(({ entry }) => identityOf(entry));
  assert.deepEqual(identities, [...identities].sort());
  assert.deepEqual(mergeEntries([...different].reverse()), merged);
  // The subject alone counts, not what is beside it in memory.
  const subject = Buffer.from('xxa nameyy').subarray(2, 8);
  assert.equal(identityOf(entryOf({ subject })), identityOf(entryOf()));
});

test('case 4: an entry from the future loses to any that is not, and counts alone', () => {
  const at = (sequence: number) => encoded({ sequence }, sequence % 256);
  const [old, right, ahead, further] = [at(1000), at(2000), at(700_000), at(800_000)];
  const merged = (...some: EncodedEntry[]) =>
    mergeEntriesAt(3000, some.slice(0, 1), some.slice(1)).map(({ entry }) => entry.sequence);
  assert.deepEqual(merged(ahead, old, further, right), [2000]);
  assert.deepEqual(merged(right, ahead), [2000]);
  assert.deepEqual(merged(further, ahead), [800_000]);
});

test('an entry more than ten minutes ahead of the clock is from the future', () => {
  assert.equal(isFromTheFuture(entryOf({ sequence: 600_000 }), 0), false);
  assert.equal(isFromTheFuture(entryOf({ sequence: 600_001 }), 0), true);
  assert.equal(isFromTheFuture(entryOf({ sequence: 0, body: { time: 600_000 } }), 0), false);
  assert.equal(isFromTheFuture(entryOf({ sequence: 0, body: { time: 600_001 } }), 0), true);
  // A tombstone has no body, and what is no number is no time.
  assert.equal(isFromTheFuture(entryOf({ sequence: 600_001, body: null }), 0), true);
  assert.equal(isFromTheFuture(entryOf({ sequence: 0, body: { time: '600001' } }), 0), false);
  assert.equal(isFromTheFuture(entryOf({ sequence: 600_001, body: { time: 'soon' } }), 0), true);
});

test('a tombstone is not current, nor is an entry from the moment at which it expires', () => {
  assert.equal(isCurrent(entryOf(), 5), true);
  assert.equal(isCurrent(entryOf({ expiry: 6 }), 5), true);
  assert.equal(isCurrent(entryOf({ expiry: 5 }), 5), false);
  assert.equal(isCurrent(entryOf({ body: null }), 5), false);
  assert.equal(isCurrent(entryOf({ body: null, expiry: 6 }), 5), false);
});
