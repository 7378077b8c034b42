import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { blockClaimsContract } from '../../test/contracts/block-claims.ts';
import { block, blockStoreContract, numberedBlocks, type StoreUnderTest } from '../../test/contracts/block-store.ts';
import { isError } from '../../test/contracts/errors.ts';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { blockKey } from '../content/cid.ts';
import type { WriteFlushed } from './block-files.ts';
import { Catalog } from './catalog.ts';
import { DiskBlockStore } from './disk-block-store.ts';
import { writeFlushed } from './durable-file.ts';
import { maxSmallBytes } from './small-blocks.ts';

const roomy = 1024 * 1024;

interface Opened extends AsyncDisposable {
  readonly store: DiskBlockStore;
  readonly catalog: Catalog;
  /** As kill -9 leaves it: nothing more is written, nothing marked as closed well. */
  crash(): void;
}

/** Blocks of more than `smallBytes` are files: here all but empty ones, so that the tests need no large ones. */
async function openIn(
  folder: string,
  quotaBytes = roomy,
  write: WriteFlushed = writeFlushed,
  smallBytes = 0,
): Promise<Opened> {
  const catalog = new Catalog(path.join(folder, 'catalog.db'));
  const store = await DiskBlockStore.open({ folder, catalog, quotaBytes, writeFlushed: write, smallBytes });
  let crashed = false;
  const crash = () => {
    crashed = true;
    catalog.close();
  };
  return {
    store,
    catalog,
    crash,
    async [Symbol.asyncDispose]() {
      if (crashed) return;
      await store.close();
      catalog.close();
    },
  };
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('catalog.db'))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

function openTemporary(smallBytes: number) {
  return async (quotaBytes: number): Promise<StoreUnderTest> => {
    const folder = await temporaryFolder();
    const opened = await openIn(folder.path, quotaBytes, writeFlushed, smallBytes);
    return {
      store: opened.store,
      async [Symbol.asyncDispose]() {
        await opened[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  };
}

blockStoreContract('DiskBlockStore with blocks as files', openTemporary(0));
blockStoreContract('DiskBlockStore with blocks in the catalogue', openTemporary(maxSmallBytes));
blockClaimsContract('DiskBlockStore with blocks as files', openTemporary(0));
blockClaimsContract('DiskBlockStore with blocks in the catalogue', openTemporary(maxSmallBytes));

describe('DiskBlockStore', () => {
  it('has everything again after closing and opening, without looking through the disk', async () => {
    await using folder = await temporaryFolder();
    const blocks = numberedBlocks(30);
    {
      await using opened = await openIn(folder.path);
      await opened.store.put(blocks);
      await opened.store.delete(blocks.slice(0, 3).map(({ cid }) => cid));
    }
    await using again = await openIn(folder.path);
    assert.equal(again.store.reconciled, null);
    assert.equal(again.store.count(), 27);
    for (const { cid, bytes } of blocks.slice(3)) assert.deepEqual(await again.store.get(cid), bytes);
    assert.equal((await filesIn(folder.path)).length, 27);
  });

  it('names files by their CID on a shelf of the key', async () => {
    await using folder = await temporaryFolder();
    await using opened = await openIn(folder.path);
    const one = block('one');
    await opened.store.put([one]);
    const file = path.join(folder.path, 'blocks', blockKey(one.cid).slice(0, 2), one.cid.toString());
    assert.deepEqual(new Uint8Array(await fs.readFile(file)), one.bytes);
    assert.equal((await fs.stat(file)).mode & 0o077, 0);
  });

  it('a full disk is disk-full, leaves nothing half-written, and the store goes on', async () => {
    await using folder = await temporaryFolder();
    let full = true;
    const halfThenFull: WriteFlushed = async (file, bytes) => {
      await writeFlushed(file, full ? bytes.subarray(0, bytes.length / 2) : bytes);
      if (full) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    await using opened = await openIn(folder.path, roomy, halfThenFull);
    const blocks = numberedBlocks(40);
    await assert.rejects(opened.store.put(blocks), isError('disk-full', /disk .* is full/));
    assert.deepEqual(await filesIn(folder.path), []);
    assert.deepEqual([opened.store.count(), opened.store.bytes()], [0, 0]);
    full = false;
    await opened.store.put(blocks);
    assert.equal(opened.store.count(), 40);
  });

  it('other failures of the disk are told as they are', async () => {
    await using folder = await temporaryFolder();
    const broken = Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' });
    await using opened = await openIn(folder.path, roomy, () => Promise.reject(broken));
    await assert.rejects(opened.store.put([block('a')]), broken);
  });

  it('writes of one put overlap, within a bound', async () => {
    await using folder = await temporaryFolder();
    let [now, most] = [0, 0];
    const counting: WriteFlushed = async (file, bytes) => {
      now += 1;
      most = Math.max(most, now);
      await writeFlushed(file, bytes);
      now -= 1;
    };
    await using opened = await openIn(folder.path, roomy, counting);
    await opened.store.put(numberedBlocks(100));
    assert.equal(most, 16);
  });

  it('a put begins when the file of a deletion before it is gone, however many delete', async () => {
    await using folder = await temporaryFolder();
    const [one, other] = [block('one'), block('other')];
    const held = Promise.withResolvers<void>();
    const wasThere: boolean[] = [];
    const write: WriteFlushed = async (file, bytes) => {
      if (path.basename(file) === one.cid.toString()) wasThere.push(existsSync(file));
      else if (!file.endsWith(other.cid.toString())) await held.promise;
      await writeFlushed(file, bytes);
    };
    await using opened = await openIn(folder.path, roomy, write);
    const { store } = opened;
    await store.put([one, other]);
    const filling = store.put(numberedBlocks(16));
    const deleting = [store.delete([one.cid]), store.delete([one.cid])];
    const claims = [{ publisher: 'P', name: 'a', sequence: 1, replicas: 3 }];
    const putting = store.put([{ ...one, claims }]);
    // Comes after them in the catalogue.
    await store.claim([{ cid: other.cid, claims }]);
    await new Promise((resolve) => setImmediate(resolve));
    held.resolve();
    await Promise.all([filling, putting, ...deleting]);
    assert.deepEqual(wasThere, [false, false]);
    assert.deepEqual(await store.get(one.cid), one.bytes);
  });

  it('a block that the disk has lost or cut is not there, so that repair can bring it back', async () => {
    await using folder = await temporaryFolder();
    await using opened = await openIn(folder.path);
    const [gone, cut, whole] = [block('gone'), block('cut off'), block('whole')];
    await opened.store.put([gone, cut, whole]);
    for (const file of await filesIn(folder.path)) {
      if (file.endsWith(gone.cid.toString())) await fs.rm(file);
      if (file.endsWith(cut.cid.toString())) await fs.truncate(file, 3);
    }
    for (const { cid } of [gone, cut]) assert.equal(await opened.store.get(cid), null);
    assert.deepEqual(await opened.store.has([gone, cut, whole].map(({ cid }) => cid)), [false, false, true]);
    await opened.store.put([gone, cut]);
    assert.deepEqual(await opened.store.get(cut.cid), cut.bytes);
  });

  it('after a crash whole strays are adopted, broken ones and half-written files removed, lost rows dropped', async () => {
    await using folder = await temporaryFolder();
    const [kept, lost] = [block('kept'), block('lost')];
    {
      await using opened = await openIn(folder.path);
      await opened.store.put([kept, lost]);
      opened.crash();
    }
    const shelfOf = (cid: typeof kept.cid) => path.join(folder.path, 'blocks', blockKey(cid).slice(0, 2));
    const [stray, broken, half] = [block('stray'), block('broken'), block('half')];
    await fs.rm(path.join(shelfOf(lost.cid), lost.cid.toString()));
    await fs.writeFile(path.join(shelfOf(stray.cid), stray.cid.toString()), stray.bytes);
    await fs.writeFile(path.join(shelfOf(broken.cid), broken.cid.toString()), 'other bytes');
    await fs.writeFile(path.join(folder.path, 'blocks', '00', 'rubbish'), 'rubbish');
    await fs.writeFile(path.join(shelfOf(half.cid), half.cid.toString()), half.bytes.subarray(0, 2));
    const folderCid = block('a folder').cid;
    await fs.mkdir(path.join(shelfOf(folderCid), folderCid.toString()));
    await using again = await openIn(folder.path);
    assert.deepEqual(again.store.reconciled, { adopted: 1, removed: 4, lost: 1 });
    assert.deepEqual(await again.store.has([kept, lost, stray, broken].map(({ cid }) => cid)), [
      true,
      false,
      true,
      false,
    ]);
    assert.equal(again.store.bytes(), kept.bytes.length + stray.bytes.length);
    assert.equal((await filesIn(folder.path)).length, 2);
  });

  it('adopts nothing beyond the quota', async () => {
    await using folder = await temporaryFolder();
    const blocks = numberedBlocks(10);
    {
      await using opened = await openIn(folder.path);
      await opened.store.put(blocks);
      opened.crash();
    }
    await fs.rm(path.join(folder.path, 'catalog.db'));
    await using again = await openIn(folder.path, 30);
    assert.deepEqual([again.store.count(), again.store.bytes()], [4, 28]);
  });

  it('finds all blocks again when the catalogue was moved away', async () => {
    await using folder = await temporaryFolder();
    const blocks = numberedBlocks(50);
    {
      await using opened = await openIn(folder.path);
      await opened.store.put(blocks);
    }
    for (const name of await fs.readdir(folder.path))
      if (name.startsWith('catalog.db')) await fs.rm(path.join(folder.path, name));
    await using again = await openIn(folder.path);
    assert.equal(again.store.reconciled?.adopted, 50);
    for (const { cid, bytes } of blocks) assert.deepEqual(await again.store.get(cid), bytes);
  });

  it('keeps small blocks in the catalogue and larger ones as files, over a restart', async () => {
    await using folder = await temporaryFolder();
    const [small, large] = [block('s'.repeat(100)), block('l'.repeat(101))];
    {
      await using opened = await openIn(folder.path, roomy, writeFlushed, 100);
      await opened.store.put([small, large]);
      assert.equal((await filesIn(folder.path)).length, 1);
      opened.crash();
    }
    await using again = await openIn(folder.path, roomy, writeFlushed, 0);
    assert.deepEqual(again.store.reconciled, { adopted: 0, removed: 0, lost: 0 });
    for (const { cid, bytes } of [small, large]) assert.deepEqual(await again.store.get(cid), bytes);
    assert.equal(await again.store.delete([small.cid, large.cid]), 2);
    assert.equal(await again.store.get(small.cid), null);
    assert.deepEqual(await filesIn(folder.path), []);
  });

  it('a block that was a file when small ones became part of the catalogue stays one', async () => {
    await using folder = await temporaryFolder();
    const one = block('one');
    {
      await using opened = await openIn(folder.path);
      await opened.store.put([one]);
    }
    await using again = await openIn(folder.path, roomy, writeFlushed, maxSmallBytes);
    await again.store.put([one]);
    assert.equal((await filesIn(folder.path)).length, 1);
    assert.deepEqual(await again.store.get(one.cid), one.bytes);
    await again.store.delete([one.cid]);
    assert.deepEqual(await filesIn(folder.path), []);
  });

  it('gives the room of small blocks that went back to the disk', async () => {
    await using folder = await temporaryFolder();
    const size = maxSmallBytes;
    const blocks = Array.from({ length: 400 }, (_, n) => block(String(n).padEnd(size, 'x')));
    await using opened = await openIn(folder.path, 400 * size, writeFlushed, size);
    await opened.store.put(blocks);
    const pages = (): number => Number(opened.catalog.database.prepare('PRAGMA page_count').get()?.['page_count']);
    const full = pages();
    assert.ok(full * 4096 > 400 * size);
    await opened.store.delete(blocks.map(({ cid }) => cid));
    // A few megabytes stay for what comes next.
    assert.ok(pages() < 1300, `${full} pages became ${pages()}`);
    assert.equal(opened.store.bytes(), 0);
  });
});
