import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCid } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import { createIdentity } from '../network/identity.ts';
import { type EncodedEntry, signEntry } from './entry.ts';
import { maxClockSkewMilliseconds } from './merge.ts';
import { nameEntry, nameTombstone } from './name-entry.ts';
import { publisherEntry } from './publisher-entry.ts';

const now = 1_000_000;
const [identity, other] = [createIdentity(), createIdentity()];
const cid = parseCid('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku');
const content = { name: 'a', cid, size: 0, type: 'file', sha256: null, blocks: 1 } as const;

function entryOf(publisher: typeof identity, sequence: number, expiry: number | null = null): EncodedEntry {
  return signEntry(nameEntry(content, { publisher: publisher.host, sequence, time: now, expiry }), 'n', (bytes) =>
    publisher.sign(bytes),
  );
}

function wordFrom(read: () => Promise<readonly EncodedEntry[]>, hosts = 3) {
  const ports = {
    clock: { wallTime: () => now },
    places: { bits: 256, teaching: false },
    rule: { replicas: 3, writeQuorum: 2 },
    view: { hosts: () => Array.from({ length: hosts }) },
  };
  return publisherEntry(ports as never, { read }, identity.host, 'a');
}

test('a publisher’s word is its own entry, whatever others say of the name', async () => {
  const entries = [entryOf(other, 9), entryOf(identity, 5, now + 1)];
  assert.deepEqual(await wordFrom(async () => entries), {
    kind: 'entry',
    sequence: 5,
    current: true,
    expiry: now + 1,
  });
});

test('an expired entry and a tombstone are words, though not current ones', async () => {
  const expired = await wordFrom(async () => [entryOf(identity, 5, now)]);
  assert.equal(expired.kind === 'entry' && expired.current, false);
  const ended = signEntry(nameTombstone('a', identity.host, 6, now), 'n', (bytes) => identity.sign(bytes));
  const word = await wordFrom(async () => [ended]);
  assert.deepEqual(word.kind === 'entry' && [word.sequence, word.current], [6, false]);
});

test('case 4 an entry from the future ends no other, nor does it hold', async () => {
  const ahead = now + maxClockSkewMilliseconds;
  assert.deepEqual(await wordFrom(async () => [entryOf(identity, ahead + 1)]), { kind: 'unknown' });
  assert.equal((await wordFrom(async () => [entryOf(identity, ahead)])).kind, 'entry');
});

test('B12 absence needs as many hosts as an entry has copies; too few, or no answer, is not known', async () => {
  assert.deepEqual(await wordFrom(async () => [entryOf(other, 9)]), { kind: 'absent' });
  assert.deepEqual(await wordFrom(async () => [], 2), { kind: 'unknown' });
  const silent = async () => {
    throw new ChordialError('no-live-source', 'No one answers.');
  };
  assert.deepEqual(await wordFrom(silent), { kind: 'unknown' });
  await assert.rejects(
    wordFrom(async () => {
      throw new TypeError('a bug');
    }),
    TypeError,
  );
});
