import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ServedPeer } from '../../test/fixtures/served-peer.ts';
import { smallPeerId } from '../../test/fixtures/small-peer.ts';
import { naturalKey } from '../content/file-kinds.ts';
import { type ListedFacts, type ListingWish, listed, sortedInTurns } from './listing-order.ts';

const peers = {
  called: (host: string) => `name of ${host}`,
  zoneOf: (host: string) => (host === 'a' ? 'attic' : null),
};

function file(name: string, about: Partial<ListedFacts> = {}): ListedFacts {
  return { name, type: 'file', size: 1, time: 1, copies: null, publishers: ['a'], ...about };
}

test('names are in natural order: numbers by value, without case and accents', () => {
  const names = ['10.jpg', '2.jpg', 'Äpfel', 'apfel 3', 'b', 'a 007', 'a 7b', 'a 12345678901', 'a 99', 'B'];
  const sorted = names.toSorted((a, b) => (naturalKey(a) < naturalKey(b) ? -1 : 1));
  assert.deepEqual(sorted.slice(0, 2), ['2.jpg', '10.jpg']);
  assert.deepEqual(sorted.slice(2, 6), ['a 007', 'a 7b', 'a 99', 'a 12345678901']);
  assert.deepEqual(sorted.slice(6, 8), ['Äpfel', 'apfel 3']);
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 30n), fc.bigInt(0n, 10n ** 30n), (a, b) => {
      const [one, other] = [naturalKey(`x${a}`), naturalKey(`x${b}`)];
      assert.equal(Math.sign(one < other ? -1 : one > other ? 1 : 0), a < b ? -1 : a > b ? 1 : 0);
    }),
  );
});

test('long lists are sorted in turns as they would be at once, stably', async () => {
  const all = Array.from({ length: 50_000 }, (_, place) => ({ by: (place * 7919) % 1000, place }));
  const order = (a: { by: number }, b: { by: number }) => a.by - b.by;
  let turns = 0;
  const ticking = setInterval(() => {
    turns += 1;
  }, 0);
  const sorted = await sortedInTurns(all, order);
  clearInterval(ticking);
  assert.deepEqual(sorted, all.toSorted(order));
  assert.ok(turns > 2, `other work went on ${turns} times`);
});

test('lists are filtered by kind, size, date, publisher and zone, sorted either way, and counted', async () => {
  const all = [
    file('10.jpg', { size: 5, time: 3, copies: 3 }),
    file('2.JPG', { size: 9, time: 1, copies: 1 }),
    file('song.mp3', { publishers: ['b'], time: 2, copies: 2 }),
    file('folder', { type: 'directory', publishers: ['a', 'b'] }),
  ];
  const names = async (wish: ListingWish) => {
    const { items } = await listed(all, (one) => one, wish, peers);
    return items.map(({ name }) => name).join();
  };
  assert.equal(await names({ sort: 'name' }), '2.JPG,10.jpg,folder,song.mp3');
  assert.equal(await names({ sort: 'size', descending: true }), '2.JPG,10.jpg,folder,song.mp3');
  assert.equal(await names({ sort: 'date' }), '2.JPG,folder,song.mp3,10.jpg');
  assert.equal(await names({ sort: 'copies', descending: true }), '10.jpg,song.mp3,2.JPG,folder');
  assert.equal(await names({ kinds: ['image'] }), '10.jpg,2.JPG');
  assert.equal(await names({ kinds: ['folder', 'audio'], zone: 'attic' }), 'folder');
  assert.equal(await names({ least: 5, most: 8 }), '10.jpg');
  assert.equal(await names({ after: 2, before: 2 }), 'song.mp3');
  assert.equal(await names({ publisher: 'name of b' }), 'song.mp3,folder');
  const { counts } = await listed(all, (one) => one, { kinds: ['other'] }, peers);
  assert.deepEqual(counts.kinds, { image: 2, audio: 1, folder: 1 });
  assert.deepEqual(counts.publishers[0], { id: 'a', name: 'name of a', count: 3 });
  assert.deepEqual(counts.zones, [{ zone: 'attic', count: 3 }]);
});

test('A25 files and hits are sorted, filtered and paged by the API', async () => {
  await using served = await ServedPeer.open();
  for (const name of ['10.jpg', '2.jpg', '1.txt']) await served.put(name, name);
  interface Page {
    readonly files: readonly { readonly name: string; readonly copies: number | null }[];
    readonly hits: readonly { readonly name: string }[];
    readonly cursor: string | null;
    readonly total: number;
    readonly counts: { readonly publishers: readonly unknown[] };
  }
  const read = async (route: string): Promise<Page> => (await (await served.fetch(route)).json()) as Page;
  const first = await read('/api/v1/files?sort=name&limit=2');
  assert.deepEqual([first.files.map(({ name }) => name), first.total], [['1.txt', '2.jpg'], 3]);
  const second = await read(`/api/v1/files?sort=name&limit=2&cursor=${first.cursor}`);
  assert.deepEqual([second.files.map(({ name }) => name), second.cursor], [['10.jpg'], null]);
  assert.deepEqual(
    (await read('/api/v1/files?sort=name&skip=1&limit=1')).files.map(({ name }) => name),
    ['2.jpg'],
  );
  assert.deepEqual(first.counts.publishers, [{ id: smallPeerId, name: 'anna@laptop', count: 3 }]);
  const images = await read('/api/v1/files?kind=image&copies=true');
  assert.deepEqual(
    images.files.map(({ copies }) => copies),
    [3, 3],
  );
  for (const bad of ['kind=cat', 'after=soon', 'sort=colour'])
    assert.equal((await served.fetch(`/api/v1/files?${bad}`)).status, 400, bad);
  const body = JSON.stringify({ query: '.', mode: 'broadcast' });
  const headers = { 'Content-Type': 'application/json' };
  const started = await served.fetch('/api/v1/search', { method: 'POST', body, headers });
  const { queryId } = (await started.json()) as { queryId: string };
  const hits = await read(`/api/v1/search/${queryId}?sort=name&kind=image&limit=1`);
  assert.deepEqual([hits.hits.map(({ name }) => name), hits.total], [['2.jpg'], 2]);
});
