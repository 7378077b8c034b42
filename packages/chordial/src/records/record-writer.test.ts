import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { createIdentity } from '../network/identity.ts';
import { systemClock } from '../network/system-clock.ts';
import type { Wire } from '../network/transport.ts';
import { type EncodedEntry, signEntries } from './entry.ts';
import { recordMessages } from './record-messages.ts';
import type { RecordPorts } from './record-ports.ts';
import { RecordWriter } from './record-writer.ts';

const publisher = createIdentity();
const hosts = Array.from({ length: 4 }, (_, index): Contact => ({ host: `host ${index}` as HostId, addresses: [] }));

function postings(count: number): readonly EncodedEntry[] {
  const unsigned = Array.from({ length: count }, (_, number) => ({
    kind: 'posting' as const,
    subject: Buffer.from(`word\0name ${number}\0root`),
    publisher: publisher.host,
    sequence: 1,
    expiry: null,
    body: {},
  }));
  return signEntries(unsigned, 'ab'.repeat(32), (bytes) => publisher.sign(bytes));
}

/** @param refuses whether host i refuses an entry */
function scene(refuses: (host: number, entry: Uint8Array) => boolean = () => false) {
  const sent: { host: number; entries: readonly Uint8Array[] }[] = [];
  const ports = {
    view: { self: { host: 'self', addresses: [] }, suspect: () => undefined },
    placement: { writable: async () => hosts },
    clock: systemClock,
    places: { bits: 256, teaching: false },
    rule: { replicas: 3, writeQuorum: 2 },
    transport: {
      request: async (contact: Contact, _kind: string, body: Wire): Promise<Wire> => {
        const [host, { entries }] = [hosts.indexOf(contact), recordMessages.put.decode(body)];
        sent.push({ host, entries });
        const results = entries.map((entry) => (refuses(host, entry) ? 'publisher-full' : 'stored'));
        return recordMessages.put.encodeAnswer({ results });
      },
    },
  } as unknown as RecordPorts;
  return { sent, writer: new RecordWriter(ports, null as never) };
}

test('B4 entries with the same places go to each of them in one message', async () => {
  const { sent, writer } = scene();
  assert.equal(await writer.store(postings(40)), 3);
  assert.deepEqual(
    sent.map(({ host, entries }) => [host, entries.length]),
    [
      [0, 40],
      [1, 40],
      [2, 40],
    ],
  );
});

test('B4 an entry that every host refuses fails, and those that came with it do not', async () => {
  const entries = postings(3);
  const { writer } = scene((_, entry) => Buffer.compare(entry, entries[1]!.bytes) === 0);
  const ends = await Promise.allSettled(entries.map((entry) => writer.store([entry])));
  assert.deepEqual(
    ends.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const [, refused] = ends;
  assert.ok(refused?.status === 'rejected' && refused.reason instanceof ChordialError);
  assert.equal(refused.reason.code, 'too-few-copies');
});

test('B4 a host that refuses one entry is replaced by the next', async () => {
  const entries = postings(2);
  const { sent, writer } = scene((host, entry) => host === 0 && Buffer.compare(entry, entries[1]!.bytes) === 0);
  assert.equal(await writer.store(entries), 3);
  assert.deepEqual(new Set(sent.map(({ host }) => host)), new Set([0, 1, 2, 3]));
});
