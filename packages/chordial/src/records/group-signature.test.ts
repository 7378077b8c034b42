import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { encode } from '@ipld/dag-cbor';
import { createIdentity, verifySignature } from '../network/identity.ts';
import { decodeEntry, type EncodedEntry, signEntries, type UnsignedEntry } from './entry.ts';
import { EntryVerifier } from './entry-verifier.ts';
import { isSignatureLength, maxEntriesSigned } from './group-signature.ts';

const networkId = 'ab'.repeat(32);
const alice = createIdentity();
const bob = createIdentity();

function postings(count: number, publisher = alice.host): readonly UnsignedEntry[] {
  return Array.from({ length: count }, (_, number) => ({
    kind: 'posting',
    subject: Buffer.from(`word${number}\0name\0root`),
    publisher,
    sequence: 1000,
    expiry: null,
    body: { size: number },
  }));
}

function counting() {
  const counts = { signed: 0, verified: 0 };
  const sign = (bytes: Uint8Array) => {
    counts.signed += 1;
    return alice.sign(bytes);
  };
  const verifier = new EntryVerifier(networkId, (publisher, bytes, signature) => {
    counts.verified += 1;
    return verifySignature(publisher, bytes, signature);
  });
  return { counts, sign, verifier };
}

/** The entry with its signature changed at one byte. */
function damaged({ entry }: EncodedEntry, at: number): EncodedEntry {
  const signature = Uint8Array.from(entry.signature);
  signature[at] = signature[at]! ^ 1;
  return { entry: { ...entry, signature }, bytes: Uint8Array.of(at) };
}

test('entries signed together are genuine one by one, for one signature and one verification', () => {
  for (const count of [2, 3, 11, 18, maxEntriesSigned]) {
    const { counts, sign, verifier } = counting();
    const entries = signEntries(postings(count), networkId, sign).map(({ bytes }) => decodeEntry(bytes));
    assert.equal(entries.length, count);
    for (const entry of entries.toReversed()) assert.equal(verifier.isGenuine(entry), true);
    assert.deepEqual(counts, { signed: 1, verified: 1 });
  }
});

test('any number of entries can be signed, one alone as ever', () => {
  const { counts, sign, verifier } = counting();
  assert.deepEqual(signEntries([], networkId, sign), []);
  assert.equal(signEntries(postings(1), networkId, sign)[0]!.entry.signature.length, 64);
  const many = signEntries(postings(3 * maxEntriesSigned + 1), networkId, sign);
  assert.equal(counts.signed, 1 + 4);
  for (const entry of many) assert.equal(verifier.isGenuine(entry), true);
});

test('A22 an entry that was not signed with the others, or any byte of whose proof is changed, is not genuine', () => {
  const { verifier, sign } = counting();
  const [first, second] = signEntries(postings(5), networkId, sign) as [EncodedEntry, EncodedEntry];
  assert.equal(verifier.isGenuine(first), true);
  const borrowed = { ...second.entry, signature: first.entry.signature };
  assert.equal(verifier.isGenuine({ entry: borrowed, bytes: Uint8Array.of(1, 2) }), false);
  const changed = { ...first.entry, sequence: 1001 };
  assert.equal(verifier.isGenuine({ entry: changed, bytes: Uint8Array.of(1, 3) }), false);
  for (let at = 0; at < first.entry.signature.length; at++) {
    assert.equal(verifier.isGenuine(damaged(first, at)), false, `byte ${at}`);
  }
  const forged = signEntries(postings(3, bob.host), networkId, sign);
  for (const entry of forged) assert.equal(verifier.isGenuine(entry), false);
  const elsewhere = signEntries(postings(3), 'cd'.repeat(32), sign);
  for (const entry of elsewhere) assert.equal(verifier.isGenuine(entry), false);
});

test('A22 nothing of another length stands where a signature does', () => {
  const lengths = Array.from({ length: 400 }, (_, bytes) => bytes).filter(isSignatureLength);
  assert.deepEqual(lengths, [64, 132, 164, 196, 228, 260, 292]);
});

test('entries signed together have the form that they had when it was fixed', () => {
  const publisher = '12D3KooWAygD6ESftEExP8SxJW5bXe8hWMG6y8ah1eeAfDF3GX8V' as UnsignedEntry['publisher'];
  const entries = signEntries(postings(3, publisher), networkId, () => new Uint8Array(64).fill(7));
  const all = Buffer.concat(entries.map(({ bytes }) => bytes));
  assert.deepEqual(
    [all.length, hash('sha256', all, 'hex')],
    [898, '34fb266f0aae4e30ac51ab6f7b855f59085ef24e5045ac791dfdd94c51811213'],
  );
});

test('an entry whose proof differs anywhere is refused, also when the rest of its tree is known', () => {
  const { sign, verifier } = counting();
  const entries = signEntries(postings(11), networkId, sign).map(({ bytes }) => decodeEntry(bytes));
  for (const entry of entries.slice(1)) assert.equal(verifier.isGenuine(entry), true);
  const [first] = entries;
  for (let at = 0; at < first!.entry.signature.length; at++) {
    const signature = Uint8Array.from(first!.entry.signature);
    signature[at] = signature[at]! ^ 1;
    assert.equal(verifier.isGenuine(decodeEntry(encode({ ...first!.entry, signature }))), false, `byte ${at}`);
  }
  assert.equal(verifier.isGenuine(first!), true);
});
