import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Files } from '../transfer/files.ts';
import { maxListedEntries } from './folder-listing.ts';
import { type ZipPart, Zips } from './zips.ts';

const { signal } = new AbortController();

/** Folders of so many files. */
class Folders {
  walks = 0;
  readonly #entries: number;

  constructor(entries: number) {
    this.#entries = entries;
  }

  get files(): Files {
    const walk = async function* (this: Folders) {
      this.walks += 1;
      for (let index = 0; index < this.#entries; index++) {
        if (index % 10_000 === 0) await new Promise((resume) => setImmediate(resume));
        yield { path: `${index}`, cid: 'file', size: 1, type: 'file' };
      }
    };
    return { walk: walk.bind(this) } as unknown as Files;
  }
}

function folder(cid: string): ZipPart {
  return { cid, name: 'folder', type: 'directory', size: 0, modified: 0, executable: false };
}

test('a folder that many want as a ZIP is hardly walked twice, also when it is too large for one', async () => {
  for (const entries of [100, maxListedEntries + 1]) {
    const folders = new Folders(entries);
    const zips = new Zips();
    const measured = await Promise.allSettled(
      Array.from({ length: 20 }, () => zips.lengthOf(folders.files, folder('a'), signal)),
    );
    const again = await Promise.allSettled([zips.lengthOf(folders.files, folder('a'), signal)]);
    assert.ok(folders.walks <= 2, String(folders.walks));
    const ends = new Set(
      [...measured, ...again].map((one) => (one.status === 'fulfilled' ? one.value.entries : one.reason.code)),
    );
    assert.deepEqual([...ends], [entries > maxListedEntries ? 'too-many-entries' : entries + 1]);
  }
});

test('few folders are walked for their ZIPs at once, some wait, and the rest is told to come again', async () => {
  const folders = new Folders(100);
  const zips = new Zips();
  const measured = await Promise.allSettled(
    Array.from({ length: 60 }, (_, index) => zips.lengthOf(folders.files, folder(`${index}`), signal)),
  );
  const refused = measured.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  assert.deepEqual(refused, Array(60 - 32).fill('busy'));
  assert.equal(folders.walks, 32);
});
