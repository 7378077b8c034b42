import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact } from '@chordial/ring';
import { contactOf, virtualClock } from '@chordial/ring/testing';
import { StaticRing } from '../../test/fixtures/static-ring.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { createIdentity, verifySignature } from '../network/identity.ts';
import { UnresponsivePeers } from '../network/unresponsive-peers.ts';
import { signEntry } from './entry.ts';
import { EntryVerifier } from './entry-verifier.ts';
import { nameEntry } from './name-entry.ts';
import { recordKeyOfName } from './record-keys.ts';
import { recordMessages } from './record-messages.ts';
import { RecordReader } from './record-reader.ts';

const publisher = createIdentity();
const cid = cidOfBlock(rawCodec, Uint8Array.of(1));
const [self, liar, accomplice, honest] = ['self', 'liar', 'accomplice', 'honest'].map(contactOf) as [
  Contact,
  Contact,
  Contact,
  Contact,
];
const key = recordKeyOfName('a', { bits: 256, teaching: false });

/** One that asks the three others, the liars first, who answer with these pages for ever. */
function asking(lie: (page: number) => readonly Uint8Array[]) {
  const { clock } = virtualClock();
  const now = clock.wallTime();
  const content = { name: 'a', cid, size: 1, type: 'file', sha256: null, blocks: 1 } as const;
  const genuine = signEntry(
    nameEntry(content, { publisher: publisher.host, sequence: now, time: now, expiry: null }),
    'n',
    (bytes) => publisher.sign(bytes),
  );
  const asked: string[] = [];
  const hosts = [liar, accomplice, honest];
  const ports = {
    view: new StaticRing().view(self),
    clock,
    unresponsivePeers: new UnresponsivePeers(clock),
    places: { bits: 256, teaching: false },
    rule: { replicas: 3, writeQuorum: 2 },
    placement: { likely: async () => ({ hosts, isConfirmed: true }), candidates: async () => hosts, clear: () => {} },
    verifier: new EntryVerifier('n', verifySignature),
    transport: {
      request: async ({ host }: Contact) => {
        asked.push(host);
        const isLie = host !== honest.host;
        const page = isLie ? lie(asked.length) : [genuine.bytes];
        const more = [isLie ? `name/${asked.length}` : null];
        return recordMessages.get.encodeAnswer({ entries: [page], more, unknown: [false] });
      },
    },
  };
  return { reader: new RecordReader(ports as never, {} as never), asked, genuine };
}

const forged = signEntry(
  nameEntry(
    { name: 'a', cid, size: 9, type: 'file', sha256: null, blocks: 1 },
    { publisher: publisher.host, sequence: 9, time: 9, expiry: null },
  ),
  'n',
  (bytes) => createIdentity().sign(bytes),
);

for (const [what, page] of [
  ['what their publishers have not signed', [forged.bytes]],
  ['what is no record', [Uint8Array.of(1, 2, 3)]],
] as const) {
  test(`hosts that hand out ${what} are asked for one page, and an honest one is believed`, async () => {
    const { reader, asked, genuine } = asking(() => page);
    const found = await reader.read(key, ['name']);
    assert.deepEqual(
      found.map(({ bytes }) => Buffer.from(bytes)),
      [Buffer.from(genuine.bytes)],
    );
    assert.deepEqual(asked.sort(), [accomplice.host, honest.host, liar.host]);
  });
}
