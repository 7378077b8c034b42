import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DirectoryEntry, FolderEntry } from '../transfer/files.ts';
import { entriesPerPage, FolderListings, maxListedEntries } from './folder-listing.ts';

const signal = new AbortController().signal;

class Folders {
  reads = 0;
  opened = 0;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  async *entries(): AsyncIterable<FolderEntry> {
    this.reads += 1;
    for (let index = this.#count; index > 0; index--)
      yield { name: `f${String(index).padStart(6, '0')}`, cid: `c${index}`, size: 1, isLeaf: index % 10 !== 0 };
  }

  async entryAt(cid: string): Promise<DirectoryEntry | null> {
    this.opened += 1;
    return { path: '', cid, size: 7, type: cid.endsWith('00') ? 'directory' : 'file' };
  }
}

test('a folder of 100 000 entries is listed in pages sorted by name, read once, opening only what a page shows', async () => {
  const folders = new Folders(100_000);
  const listings = new FolderListings();
  const first = await listings.page(folders, 'root', 1, signal);
  assert.deepEqual([first.count, first.page, first.pages, first.entries.length], [100_000, 1, 500, entriesPerPage]);
  assert.deepEqual(first.entries[0], { name: 'f000001', cid: 'c1', size: 1, type: 'file' });
  assert.deepEqual(first.entries[9], { name: 'f000010', cid: 'c10', size: 7, type: 'file' });
  assert.deepEqual(first.entries[99], { name: 'f000100', cid: 'c100', size: 7, type: 'directory' });
  assert.equal(folders.opened, entriesPerPage / 10);
  const last = await listings.page(folders, 'root', 999_999, signal);
  assert.deepEqual([last.page, last.entries.at(-1)?.name], [500, 'f100000']);
  assert.equal(folders.reads, 1);
});

test('listings are kept within a limit, and a folder beyond it is refused', async () => {
  const folders = new Folders(80_000);
  const listings = new FolderListings();
  for (const cid of ['a', 'b', 'b', 'a']) await listings.page(folders, cid, 1, signal);
  assert.equal(folders.reads, 3);
  await assert.rejects(listings.page(new Folders(maxListedEntries + 1), 'c', 1, signal), { code: 'too-many-entries' });
});
