import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact } from '@chordial/ring';
import { isError } from '../../test/contracts/errors.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import type { Wire } from '../network/transport.ts';
import { TransportError } from '../network/transport.ts';
import type { NameEntry } from '../records/name-entry.ts';
import type { SharedFile } from '../storage/shared-file-table.ts';
import { Registry } from '../wire/message.ts';
import { Browsing, browseMessages } from './browsing.ts';

const contact = (host: string): Contact => ({ host: host as Contact['host'], addresses: ['127.0.0.1:4848'] });
const [near, far] = [
  contact('12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'),
  contact('12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq'),
];
const root = cidOfBlock(rawCodec, Buffer.from('content'));

function sharedFile(file: number): SharedFile {
  const look = { parent: '', base: `shared ${file}`, size: 7, stamp: '1.1' };
  return {
    ...look,
    file,
    folder: 1,
    name: look.base,
    root: root.bytes,
    sha256: null,
    added: 5,
    batch: 1,
    earlier: null,
  };
}

function browsing(
  self: Contact,
  files: number,
  answer: (body: Wire) => Promise<Wire>,
  more: readonly SharedFile[] = [],
): Browsing {
  const put = { name: 'put', cid: root, size: 7, type: 'file', sha256: null, time: 3 } as NameEntry;
  const all = Array.from({ length: files }, (_, index) => sharedFile(index + 1)).concat(more);
  return new Browsing(
    { self },
    { request: async (_to, _kind, body) => answer(body) },
    {
      listOwn: () => ({ names: [put], cursor: null }),
      own: (name) => (name === put.name ? put : null),
    },
    {
      named: (name) => all.findLast((file) => file.name === name) ?? null,
      page: (from, limit) => all.filter(({ file }) => file >= from).slice(0, limit),
    },
  );
}

function answered(other: Browsing, body: Wire): Promise<Wire> {
  return other.answerIn(new Registry<Contact, null>()).request(near, browseMessages.files.kind, body);
}

const unreachable = async (): Promise<Wire> => {
  throw new TransportError('unreachable', 'no one is there');
};

test('B5 a peer tells what it has put and then what it shares, each once, page by page', async () => {
  const there = browsing(far, 450, unreachable);
  const here = browsing(near, 0, async (body) => answered(there, body));
  const names: string[] = [];
  let [cursor, pages] = [null as string | null, 0];
  do {
    const page = await here.files(far, cursor);
    names.push(...page.hits.map(({ name }) => name));
    cursor = page.cursor;
    pages += 1;
  } while (cursor !== null);
  assert.equal(pages, 4);
  assert.equal(new Set(names).size, 451);
  assert.equal(names.length, 451);
  assert.deepEqual(
    (await there.files(far, null)).hits.map(({ name }) => name),
    ['put'],
  );
});

test('A25 a file that is put and shared, or shared twice, is told once with all that is known of it', async () => {
  const [first, twice] = [sharedFile(1), { ...sharedFile(2), name: 'shared 1' }];
  const there = browsing(far, 1, unreachable, [twice, { ...sharedFile(3), name: 'put' }]);
  const pages = [await there.files(far, null), await there.files(far, 'share:0')];
  const told = pages.map(({ hits }) => hits.map(({ name, isShared }) => `${name} ${isShared}`));
  assert.deepEqual(told, [['put false', 'put true'], ['shared 1 true']]);
  assert.equal(first.name, twice.name);
});

test('what a peer tells as its own must be its own, and well formed', async () => {
  const other = browsing(near, 0, unreachable);
  const lying = browsing(near, 0, async (body) => answered(other, body));
  await assert.rejects(lying.files(far, null), isError('bad-content', /of others/));
  for (const nonsense of [null, {}, { hits: 5, cursor: '' }, { hits: [], cursor: 'x'.repeat(2000) }])
    await assert.rejects(browsing(near, 0, async () => nonsense).files(far, null), isError('unreachable'));
  // One that cannot be read hides none of the others.
  assert.deepEqual((await browsing(near, 0, async () => ({ hits: [[]], cursor: '' })).files(far, null)).hits, []);
  await assert.rejects(browsing(near, 0, unreachable).files(far, null), isError('unreachable'));
  for (const body of [null, {}, { cursor: 5 }, { cursor: 'x'.repeat(2000) }])
    await assert.rejects(answered(other, body), TransportError);
});
