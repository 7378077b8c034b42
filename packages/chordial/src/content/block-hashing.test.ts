import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { identity } from 'multiformats/hashes/identity';
import { type BlockHashing, hashingHere, sha256Of, verifyBlockBy } from './block-hashing.ts';
import { cidOfBlock, maxBlockBytes, rawCodec } from './cid.ts';

const bytes = Buffer.from('some bytes');
const sha256 = (...parts: readonly Uint8Array[]) => hash('sha256', Buffer.concat(parts), 'hex');
const hex = (digest: Uint8Array) => Buffer.from(digest).toString('hex');

/** Hashes elsewhere, and notes what. */
function elsewhere(): BlockHashing & { readonly hashed: Uint8Array[] } {
  const hashed: Uint8Array[] = [];
  return {
    hashed,
    whole: () => assert.fail('no content'),
    sha256: async (block) => {
      hashed.push(block);
      return sha256Of(block);
    },
  };
}

test('B2 a block is right when its hash is that of its CID, here and on another thread', async () => {
  const cid = cidOfBlock(rawCodec, bytes);
  const thread = elsewhere();
  for (const hashing of [hashingHere, thread]) {
    assert.equal(await verifyBlockBy(hashing, cid, bytes), true);
    assert.equal(await verifyBlockBy(hashing, cid, Buffer.from('other byte')), false);
    assert.equal(await verifyBlockBy(hashing, cid, bytes.subarray(1)), false);
  }
  assert.equal(thread.hashed.length, 3);
  assert.equal(verifyBlockBy(hashingHere, cid, bytes), true, 'at once');
});

test('B2 what is too large or under another hash is refused without a hash on another thread', async () => {
  const thread = elsewhere();
  const large = Buffer.alloc(maxBlockBytes + 1);
  assert.equal(await verifyBlockBy(thread, cidOfBlock(rawCodec, large), large), false);
  const sha512 = CID.createV1(rawCodec, createDigest(0x13, hash('sha512', bytes, 'buffer')));
  assert.equal(await verifyBlockBy(thread, sha512, bytes), false);
  const inline = CID.createV1(rawCodec, identity.digest(bytes));
  assert.equal(await verifyBlockBy(thread, inline, bytes), true);
  assert.equal(await verifyBlockBy(thread, inline, bytes.subarray(1)), false);
  assert.equal(thread.hashed.length, 0);
  const largest = large.subarray(1);
  assert.equal(await verifyBlockBy(thread, cidOfBlock(rawCodec, largest), largest), true);
  assert.equal(thread.hashed.length, 1);
});

test('a hash covers what is hashed before the bytes, and the whole of a content its leaves in order', () => {
  const before = Buffer.from('challenge');
  assert.equal(hex(sha256Of(bytes)), sha256(bytes));
  assert.equal(hex(sha256Of(bytes, before)), sha256(before, bytes));
  assert.equal(hex(hashingHere.sha256(bytes, before) as Uint8Array), sha256(before, bytes));
  const whole = hashingHere.whole(null);
  assert.equal(hex(whole.leaf(before) as Uint8Array), sha256(before));
  assert.equal(hex(whole.leaf(bytes) as Uint8Array), sha256(bytes));
  assert.equal(hex(whole.end() as Uint8Array), sha256(before, bytes));
  whole.drop();
});
