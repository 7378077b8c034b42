import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChordialError } from '../errors.ts';
import { createIdentity, verifySignature } from '../network/identity.ts';
import { maxSubjectBytes, type UnsignedEntry } from './entry.ts';
import { EntrySigner } from './entry-signer.ts';
import { EntryVerifier } from './entry-verifier.ts';

const networkId = 'ab'.repeat(32);
const alice = createIdentity();

function entry(number: number, bytes = 10): UnsignedEntry {
  const body = { name: 'x'.repeat(bytes) };
  return {
    kind: 'name',
    subject: Buffer.from(`name ${number}`),
    publisher: alice.host,
    sequence: 1,
    expiry: null,
    body,
  };
}

function counting() {
  const counts = { signed: 0 };
  const signer = new EntrySigner(networkId, (bytes) => {
    counts.signed += 1;
    return alice.sign(bytes);
  });
  return { counts, signer, verifier: new EntryVerifier(networkId, verifySignature) };
}

test('entries asked for in one turn share a signature, a later one has its own', async () => {
  const { counts, signer, verifier } = counting();
  const together = await Promise.all([1, 2, 3].map((number) => signer.sign(entry(number))));
  assert.equal(counts.signed, 1);
  const later = await signer.sign(entry(4));
  assert.equal(counts.signed, 2);
  assert.equal(later.entry.signature.length, 64);
  for (const one of [...together, later]) assert.equal(verifier.isGenuine(one), true);
  assert.deepEqual(
    [...together, later].map(({ entry: { subject } }) => Buffer.from(subject).toString()),
    [1, 2, 3, 4].map((number) => `name ${number}`),
  );
});

test('an entry that cannot be signed fails alone', async () => {
  const { signer, verifier } = counting();
  const ends = await Promise.allSettled([
    signer.sign(entry(1)),
    signer.sign(entry(2, 8 * maxSubjectBytes)),
    signer.sign(entry(3)),
  ]);
  assert.deepEqual(
    ends.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  for (const end of ends) {
    if (end.status === 'fulfilled') assert.equal(verifier.isGenuine(end.value), true);
    else assert.equal((end.reason as ChordialError).code, 'too-large');
  }
});
