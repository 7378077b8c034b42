import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@ipld/dag-cbor';
import fc from 'fast-check';
import { ChordialError } from '../errors.ts';
import { createIdentity, verifySignature } from '../network/identity.ts';
import { decodeEntry, maxEntryBytes, signEntry, type UnsignedEntry } from './entry.ts';
import { EntryVerifier } from './entry-verifier.ts';

const networkId = 'ab'.repeat(32);
const alice = createIdentity();
const bob = createIdentity();
const sign = (entry: UnsignedEntry, who = alice) => signEntry(entry, networkId, (bytes) => who.sign(bytes));
const entryOf = (changes: Partial<UnsignedEntry> = {}): UnsignedEntry => ({
  kind: 'name',
  subject: new TextEncoder().encode('a name'),
  publisher: alice.host,
  sequence: 1000,
  expiry: null,
  body: { name: 'a name' },
  ...changes,
});
const refused = (error: unknown) => error instanceof ChordialError && error.code === 'bad-content';

test('an entry survives the way to bytes and back, and is genuine', () => {
  const { bytes } = sign(entryOf());
  const decoded = decodeEntry(bytes);
  assert.deepEqual(decoded.entry.body, { name: 'a name' });
  assert.ok(new EntryVerifier(networkId, verifySignature).isGenuine(decoded));
});

test('an entry signed by another key, for another network, or changed afterwards is not genuine', () => {
  const verifier = new EntryVerifier(networkId, verifySignature);
  assert.equal(verifier.isGenuine(sign(entryOf(), bob)), false);
  assert.equal(new EntryVerifier('cd'.repeat(32), verifySignature).isGenuine(sign(entryOf())), false);
  const { entry } = sign(entryOf());
  for (const change of [
    { sequence: 1001 },
    { expiry: 5 },
    { body: null },
    { kind: 'provider' as const },
    { publisher: bob.host },
  ]) {
    const changed = { ...entry, ...change };
    assert.equal(verifier.isGenuine({ entry: changed, bytes: encode(changed) }), false);
  }
});

test('bytes that are no entry in canonical form are refused, whatever they are', () => {
  const { entry, bytes } = sign(entryOf());
  const wrong: unknown[] = [
    null,
    [],
    { ...entry, extra: 1 },
    { ...entry, kind: 'other' },
    { ...entry, subject: new Uint8Array(0) },
    { ...entry, publisher: 'no one' },
    { ...entry, sequence: -1 },
    { ...entry, expiry: 1.5 },
    { ...entry, body: 7 },
    { ...entry, signature: new Uint8Array(63) },
  ];
  for (const value of wrong) assert.throws(() => decodeEntry(encode(value)), refused);
  assert.throws(() => decodeEntry(new Uint8Array(maxEntryBytes + 1)), refused);
  assert.throws(() => decodeEntry(Buffer.concat([bytes, Buffer.from([0])])), refused);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (random) => {
      assert.throws(() => decodeEntry(random), refused);
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, flip) => {
      const damaged = Uint8Array.from(bytes);
      damaged[place] = damaged[place]! ^ flip;
      try {
        assert.equal(new EntryVerifier(networkId, verifySignature).isGenuine(decodeEntry(damaged)), false);
      } catch (error) {
        assert.ok(refused(error), String(error));
      }
    }),
    { numRuns: 300 },
  );
});

test('an entry that is too large is not even made', () => {
  const body = { name: 'x'.repeat(maxEntryBytes) };
  assert.throws(
    () => sign(entryOf({ body })),
    (error) => error instanceof ChordialError && error.code === 'too-large',
  );
});
