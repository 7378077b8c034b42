import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { decode, encode } from '../network/dag-cbor.ts';
import { createIdentity } from '../network/identity.ts';
import { type EncodedEntry, maxEntryBytes, signEntry, type UnsignedEntry } from '../records/entry.ts';
import { linkIdOf, linkKeyBytes, linkPath, linkSubject, parseLink } from './link-address.ts';
import { type LinkedContent, linkEntry, openLock, openWithKey, readLinkEntry, sealForKey } from './link-record.ts';
import { seal, unseal } from './sealing.ts';

const networkId = 'ab'.repeat(32);
const root = cidOfBlock(rawCodec, Buffer.from('a picture'));
const picture: LinkedContent = { type: 'file', name: 'photo.jpg', root, size: 9, sealedPart: null };
const sender = createIdentity();
const secret = Uint8Array.from(randomBytes(16));
const id = linkIdOf(sender.host, secret);
const salt = Uint8Array.from(randomBytes(16));
const terms = {
  publisher: sender.host,
  secret,
  sequence: 1_700_000_000_000,
  expiry: 1_700_000_060_000,
  content: picture,
  password: null,
  from: 'anna@laptop',
  times: null,
} as const;

function signed(unsigned: UnsignedEntry, by = sender): EncodedEntry {
  return signEntry(unsigned, networkId, (bytes) => by.sign(bytes));
}

test('B13 who knows the id of a link reads its record, and what holders keep shows neither id, name nor content', async () => {
  const encoded = signed(await linkEntry(terms, salt));
  const link = readLinkEntry(id, encoded);
  assert.equal(link?.content?.type, 'file');
  assert.deepEqual(link?.content, picture);
  assert.deepEqual(
    [link?.from, link?.times, link?.created, link?.expiry],
    ['anna@laptop', null, terms.sequence, terms.expiry],
  );
  assert.equal(Buffer.compare(encoded.entry.subject, linkSubject(id)), 0);
  for (const hidden of [id, 'photo.jpg', 'anna', Buffer.from(root.multihash.digest), Buffer.from(secret)])
    assert.equal(Buffer.from(encoded.bytes).includes(hidden), false);
  assert.equal(readLinkEntry(linkIdOf(sender.host, randomBytes(16)), encoded), null);
});

test('B13 a record of another publisher, or with another secret, is no record of the link', async () => {
  const forger = createIdentity();
  // It knows the id, so it can seal; what it seals cannot lead back to the id.
  const forged = await linkEntry({ ...terms, publisher: forger.host }, salt);
  assert.equal(readLinkEntry(id, signed({ ...forged, subject: linkSubject(id) }, forger)), null);
  const copied = await linkEntry(terms, salt);
  assert.equal(readLinkEntry(id, signed({ ...copied, publisher: forger.host }, forger)), null);
  const other = await linkEntry({ ...terms, secret: Uint8Array.from(randomBytes(16)) }, salt);
  assert.equal(readLinkEntry(id, signed({ ...other, subject: linkSubject(id) })), null);
});

test('B13 a password opens what a link leads to, in any form of its letters, and no other does', async () => {
  const link = readLinkEntry(id, signed(await linkEntry({ ...terms, password: 'caf\u00e9 noir' }, salt)));
  assert.ok(link !== null && link.content === null);
  assert.deepEqual(await openLock(link, 'cafe\u0301 noir'), picture);
  for (const wrong of ['', 'cafe noir', 'x'.repeat(5000)]) assert.equal(await openLock(link, wrong), null);
  const many = await Promise.allSettled(Array.from({ length: 18 }, () => openLock(link, 'no')));
  const busy = many.filter((one) => one.status === 'rejected');
  assert.equal(busy.length, 2);
  assert.ok(busy.every((one) => one.reason.code === 'busy'));
  assert.deepEqual(await openLock(link, 'caf\u00e9 noir'), picture);
});

test('B13 what a sealed link says of its content opens with the key of its URL only', async () => {
  const key = Uint8Array.from(randomBytes(linkKeyBytes));
  const told = { name: 'diary.txt', size: 70, fileKey: Uint8Array.from(randomBytes(16)) };
  const sealedPart = sealForKey(id, key, told);
  const content: LinkedContent = { type: 'file', name: null, root, size: 300, sealedPart };
  const link = readLinkEntry(id, signed(await linkEntry({ ...terms, content }, salt)));
  assert.deepEqual(link?.content, content);
  assert.deepEqual(openWithKey(id, key, sealedPart), told);
  assert.equal(openWithKey(id, Uint8Array.from(randomBytes(linkKeyBytes)), sealedPart), null);
  assert.equal(openWithKey(linkIdOf(sender.host, randomBytes(16)), key, sealedPart), null);
  const url = `https://door.example:8443${linkPath(id, { name: null, key: Buffer.from(key).toString('base64url') })}`;
  assert.deepEqual(parseLink(url), { id, door: 'https://door.example:8443', key });
});

test('B13 the longest name, file or folder or drop box, fits into a record', async () => {
  const name = 'ä'.repeat(127);
  const contents: LinkedContent[] = [
    { type: 'directory', name, root, size: Number.MAX_SAFE_INTEGER, sealedPart: null },
    { type: 'drop', name, most: 5 * 2 ** 30 },
    { type: 'file', name: null, root, size: 1, sealedPart: new Uint8Array(1024) },
  ];
  for (const [index, content] of contents.entries()) {
    for (const password of index === 0 ? [null, 'p'.repeat(1024)] : [null]) {
      const encoded = signed(await linkEntry({ ...terms, content, password, from: 'n'.repeat(1000), times: 1 }, salt));
      assert.ok(encoded.bytes.length <= maxEntryBytes);
      const link = readLinkEntry(id, encoded);
      assert.ok(link !== null);
      assert.deepEqual(password === null ? link.content : await openLock(link, password), content);
      assert.equal(link.from.length, 256);
    }
  }
});

test('B13 a sealed body of any other form leads nowhere', async () => {
  const unsigned = await linkEntry(terms, salt);
  const how = sealOf();
  const body = decode(unseal(unsigned.body?.['sealed'] as Uint8Array, how)!) as Record<string, unknown>;
  const part = decode(body['part'] as Uint8Array) as Record<string, unknown>;
  const read = (fields: unknown) =>
    readLinkEntry(id, signed({ ...unsigned, body: { sealed: seal(encode(fields), how) } }));
  assert.deepEqual(read(body)?.content, picture);
  const parts = [
    { ...part, name: '../etc/passwd' },
    { ...part, name: null },
    { ...part, size: -1 },
    { ...part, type: 'link' },
    { ...part, root: new Uint8Array(3) },
    { ...part, sealedPart: new Uint8Array(10) },
    { ...part, name: null, sealedPart: new Uint8Array(1025) },
    { ...part, name: null, type: 'directory', sealedPart: new Uint8Array(10) },
    { type: 'drop', name: null, size: 1 },
  ].map((one) => ({ ...body, part: encode(one) }));
  const bodies = [
    ...parts,
    [],
    null,
    { ...body, part: encode('text') },
    { ...body, part: 'text' },
    { ...body, times: 0.5 },
    { ...body, times: -1 },
    { ...body, from: 7 },
    { ...body, from: 'x'.repeat(257) },
    { ...body, salt: new Uint8Array(3) },
    { ...body, secret: new Uint8Array(16) },
  ];
  for (const fields of bodies) assert.equal(read(fields), null, JSON.stringify(fields));
  for (const sealed of [new Uint8Array(0), new Uint8Array(27), 'text', null])
    assert.equal(readLinkEntry(id, signed({ ...unsigned, body: { sealed } })), null);
  assert.equal(readLinkEntry(id, signed({ ...unsigned, expiry: null })), null);
  assert.equal(readLinkEntry(id, signed({ ...unsigned, body: null })), null);
});

test('B13 nothing that was changed opens', () => {
  const how = sealOf();
  const sealed = seal(Buffer.from('text'), how);
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = Uint8Array.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ by;
      assert.equal(unseal(changed, how), null);
      assert.equal(unseal(sealed.subarray(0, at), how), null);
    }),
  );
});

test('B13 a link is read from its id or its URL, whatever the name in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }), (name) => {
      const url = `http://[::1]:8443${linkPath(id, { name, key: null })}`;
      assert.equal(parseLink(url).id, id);
      assert.match(url, /^[\x21-\x7e]+$/);
      const last = new URL(url).pathname.split('/').at(-1) ?? '';
      if (name !== '.' && name !== '..') assert.equal(decodeURIComponent(last), name.toWellFormed());
    }),
  );
  assert.deepEqual(parseLink(id.toUpperCase()), { id, door: null, key: null });
  const bad = ['', 'photo.jpg', `${id}a`, `ftp://door/s/${id}`, `https://door/x/${id}`, `https://door/s/${id}#short`];
  for (const text of bad) assert.throws(() => parseLink(text), { code: 'bad-usage' });
});

function sealOf() {
  const bound = Uint8Array.from(
    // As the record binds it: publisher, NUL, id.
    hash('sha256', `${sender.host}\0${id}`, 'buffer'),
  );
  return { secret: Buffer.from(id), salt: new Uint8Array(0), purpose: 'chordial link v1 id', bound };
}
