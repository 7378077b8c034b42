import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Contact } from '@chordial/ring';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { createIdentity } from '../network/identity.ts';
import type { Transport } from '../network/transport.ts';
import type { Hit } from './hit.ts';
import { searchMessages } from './search-messages.ts';
import type { SearchPorts } from './search-ports.ts';
import { WordSearch } from './word-search.ts';

const contact = (): Contact => ({ host: createIdentity().host, addresses: ['127.0.0.1:1'] });

/** The places of every word; the first two know nothing, or say so. */
const [self, ...hosts] = [contact(), contact(), contact(), contact()] as [Contact, ...Contact[]];
const root = cidOfBlock(rawCodec, Buffer.from('content'));
const file = {
  name: 'summer report.pdf',
  root,
  size: 7,
  type: 'file',
  sha256: null,
  source: self,
  isShared: false,
  time: 1,
};

function searchOver(knowing: ReadonlySet<Contact>) {
  const asked: Contact[] = [];
  const request: Transport['request'] = async (to, kind) => {
    asked.push(to);
    const isKnown = knowing.has(to);
    if (kind === searchMessages.count.kind)
      return searchMessages.count.encodeAnswer([{ count: isKnown ? 1 : 0, isSplit: false }]);
    return searchMessages.query.encodeAnswer({
      hits: isKnown ? [file as Hit] : [],
      total: isKnown ? 1 : 0,
      isSplit: false,
    });
  };
  const search = new WordSearch({
    view: { self },
    transport: { request },
    placement: { likely: async () => ({ hosts, isConfirmed: true }) },
    places: { bits: 256, teaching: false },
    replicas: 3,
  } as unknown as SearchPorts);
  const find = async (text: string) => {
    const found: Hit[] = [];
    for await (const hits of search.search(randomUUID(), text, new AbortController().signal)) found.push(...hits);
    return found.map(({ name }) => name);
  };
  return { find, asked };
}

test('A15 two places that say they know nothing do not hide what a third one knows', async () => {
  const { find } = searchOver(new Set([hosts[2]!]));
  assert.deepEqual(await find('summer report'), [file.name]);
  assert.deepEqual(await find('report'), [file.name]);
});

test('A15 two places that know are enough, and nothing is found when no one knows', async () => {
  const { find, asked } = searchOver(new Set(hosts));
  assert.deepEqual(await find('report'), [file.name]);
  assert.equal(asked.length, 2);
  assert.deepEqual(await searchOver(new Set()).find('report'), []);
});
