import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { blockClaimsContract } from '../../test/contracts/block-claims.ts';
import { block, blockStoreContract, numberedBlocks, type StoreUnderTest } from '../../test/contracts/block-store.ts';
import { isError } from '../../test/contracts/errors.ts';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { ObjectStore, type StoreFault, type StoreRequest } from '../../test/fixtures/object-store.ts';
import { until } from '../../test/fixtures/until.ts';
import { hashingHere } from '../content/block-hashing.ts';
import { type Block, blockKey, cidOfBlock, rawCodec } from '../content/cid.ts';
import { BlockCache } from '../storage/block-cache.ts';
import { Catalog } from '../storage/catalog.ts';
import { DiskBlockStore } from '../storage/disk-block-store.ts';
import { S3Blocks } from './blocks.ts';
import { S3Client, type S3State, type S3Times } from './client.ts';

const roomy = 64 * 1024 * 1024;
const keys = { accessKeyId: 'AKID', secretAccessKey: 'secret-of-the-test' };
const peer = 'f'.repeat(64);
/** Attempts follow each other at once. */
const quick: Partial<S3Times> = {
  firstPauseMilliseconds: 1,
  maxPauseMilliseconds: 2,
  firstLookMilliseconds: 20,
  maxLookMilliseconds: 20,
};

interface Opened extends AsyncDisposable {
  readonly store: DiskBlockStore;
  readonly blocks: S3Blocks;
  readonly client: S3Client;
  readonly cache: BlockCache;
  readonly states: S3State[];
  crash(): void;
}

interface Options {
  readonly quotaBytes?: number;
  readonly times?: Partial<S3Times>;
  readonly cacheBytes?: number;
  /** Whether it returns to a store where it was before. */
  readonly returns?: boolean;
}

async function openIn(folder: string, objects: ObjectStore, options: Options = {}): Promise<Opened> {
  const states: S3State[] = [];
  const client = new S3Client({
    place: { endpoint: objects.endpoint, region: 'us-east-1', bucket: objects.bucket, prefix: 'a/b' },
    keys: async () => keys,
    random: { next: () => 0.5 },
    times: { ...quick, ...options.times },
    changed: (state) => states.push(state),
  });
  const blocks = new S3Blocks({ client, peer, hashing: hashingHere, pause: async () => undefined });
  const { cacheBytes = 0, quotaBytes = roomy, returns = false } = options;
  const cache = new BlockCache({
    blocks,
    folder: path.join(folder, 'cache'),
    maxBytes: cacheBytes,
    hashing: hashingHere,
    keptFreeBytes: 0,
  });
  const catalog = new Catalog(path.join(folder, 'catalog.db'));
  const store = await DiskBlockStore.open({
    folder,
    catalog,
    quotaBytes,
    smallBytes: 0,
    large: cache,
    reconcilesLater: returns,
  });
  let isCrashed = false;
  return {
    store,
    blocks,
    client,
    cache,
    states,
    crash() {
      isCrashed = true;
      client.close();
      catalog.close();
    },
    async [Symbol.asyncDispose]() {
      if (isCrashed) return;
      await store.close();
      client.close();
      catalog.close();
    },
  };
}

/** A peer whose blocks lie in a store, which the test then makes misbehave. */
async function withStore(
  run: (made: Opened & { readonly objects: ObjectStore; readonly folder: string }) => Promise<void>,
  options: Options = {},
): Promise<void> {
  await using objects = await ObjectStore.open();
  await using folder = await temporaryFolder();
  await using opened = await openIn(folder.path, objects, options);
  await opened.blocks.check();
  await run({ ...opened, objects, folder: folder.path });
}

function openTemporary(cacheBytes: number) {
  return async (quotaBytes: number): Promise<StoreUnderTest> => {
    const objects = await ObjectStore.open();
    const folder = await temporaryFolder();
    const opened = await openIn(folder.path, objects, { quotaBytes, cacheBytes });
    return {
      store: opened.store,
      async [Symbol.asyncDispose]() {
        await opened[Symbol.asyncDispose]();
        await objects[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  };
}

/** Random, so that some bytes more or less are noticed. */
function largeBlock(size = 40_000): Block {
  const bytes = new Uint8Array(randomBytes(size));
  return { cid: cidOfBlock(rawCodec, bytes), bytes };
}

const keyOf = ({ cid }: Block): string => `a/b/${peer}/blocks/${blockKey(cid).slice(0, 2)}/${cid}`;
const first = (fault: StoreFault, isMeant: (request: StoreRequest) => boolean, times = 1) => {
  let left = times;
  return (request: StoreRequest): StoreFault | undefined => (isMeant(request) && left-- > 0 ? fault : undefined);
};
const isGet = ({ method, key }: StoreRequest): boolean => method === 'GET' && key !== null;
const isPut = ({ method }: StoreRequest): boolean => method === 'PUT';

blockStoreContract('DiskBlockStore with blocks in an object store', openTemporary(0));
blockStoreContract('DiskBlockStore with blocks in an object store and a cache', openTemporary(roomy));
blockClaimsContract('DiskBlockStore with blocks in an object store', openTemporary(0));

describe('B14 blocks in an object store', () => {
  it('lie under the prefix of the peer by their CID, signed, with a SHA-256 that the store compares', async () => {
    await withStore(async ({ store, objects, blocks }) => {
      const one = largeBlock();
      await store.put([one]);
      assert.deepEqual([...objects.objects.keys()], [keyOf(one)]);
      assert.equal(blocks.compares, true);
      const put = objects.requests.find(({ method, key }) => method === 'PUT' && key === keyOf(one));
      const digest = Buffer.from(one.cid.multihash.digest);
      assert.equal(put?.headers['x-amz-content-sha256'], digest.toString('hex'));
      assert.equal(put?.headers['x-amz-checksum-sha256'], digest.toString('base64'));
      assert.match(
        put?.headers.authorization ?? '',
        /SignedHeaders=[^ ]*x-amz-checksum-sha256[^ ]*x-amz-content-sha256/,
      );
      const said = JSON.stringify(objects.requests.map(({ headers }) => headers));
      assert.ok(!said.includes(keys.secretAccessKey));
      assert.deepEqual(await store.get(one.cid), one.bytes);
      await store.delete([one.cid]);
      assert.equal(objects.objects.size, 0);
    });
  });

  it('a store that compares nothing is read back before a block counts as written', async () => {
    await using objects = await ObjectStore.open();
    objects.compares = false;
    await using folder = await temporaryFolder();
    await using opened = await openIn(folder.path, objects);
    const [one, two] = [largeBlock(), largeBlock()];
    await opened.store.put([one]);
    assert.equal(opened.blocks.compares, false);
    assert.ok(objects.requests.some((request) => isGet(request) && request.key === keyOf(one)));
    objects.fault = (request) => (isGet(request) && request.key === keyOf(two) ? 'wrong-bytes' : undefined);
    await assert.rejects(opened.store.put([two]), isError('store-refused', /gives other bytes/));
    assert.deepEqual(await opened.store.has([one.cid, two.cid]), [true, false]);
  });

  for (const [what, fault] of [
    ['503', { status: 503, code: 'SlowDown' }],
    ['500', { status: 500, code: 'InternalError' }],
    ['429 of a proxy', { page: 429 }],
    ['404 of a proxy', { page: 404 }],
    ['a connection that ends', 'reset'],
    ['an answer cut off', 'truncated'],
  ] as const) {
    it(`goes on after ${what}, once and twice`, async () => {
      await withStore(async ({ store, objects }) => {
        const one = largeBlock();
        if (fault !== 'truncated') objects.fault = first(fault, isPut, 2);
        await store.put([one]);
        objects.fault = first(fault, isGet, 2);
        assert.deepEqual(await store.get(one.cid), one.bytes);
      });
    });
  }

  it('a put whose answer is lost is found to have happened', async () => {
    for (const isConditional of [true, false]) {
      await withStore(async ({ store, objects }) => {
        objects.isConditional = isConditional;
        const one = largeBlock();
        objects.fault = first('lost-answer', isPut);
        await store.put([one]);
        assert.deepEqual(await store.get(one.cid), one.bytes);
      });
    }
  });

  it('wrong bytes under the name of a block are written over', async () => {
    await withStore(async ({ store, objects }) => {
      const one = largeBlock();
      objects.objects.set(keyOf(one), { bytes: Buffer.from('other'), checksum: null });
      await store.put([one]);
      assert.deepEqual(await store.get(one.cid), one.bytes);
    });
  });

  it('bytes that are wrong or too few are never given, once they are read again', async () => {
    for (const fault of ['wrong-bytes', 'shorter'] as const) {
      await withStore(async ({ store, objects }) => {
        const one = largeBlock();
        await store.put([one]);
        objects.fault = first(fault, isGet);
        assert.deepEqual(await store.get(one.cid), one.bytes);
        objects.fault = (request) => (isGet(request) ? fault : undefined);
        await assert.rejects(store.get(one.cid), isError('bad-content', /gives other bytes/));
        assert.deepEqual(await store.has([one.cid]), [true]);
      });
    }
  });

  it('a store that is away is told as away within its time, at once from then on, and is found again', async () => {
    await withStore(
      async ({ store, objects, states }) => {
        const [one, two] = [largeBlock(), largeBlock()];
        await store.put([one]);
        for (const fault of ['silence', 'drip', 'reset', { status: 503 }, { page: 502 }, { page: 404 }] as const) {
          objects.fault = () => fault;
          await assert.rejects(store.get(one.cid), isError('store-away', /does not answer as it should/));
          const asked = objects.requests.length;
          await assert.rejects(store.get(one.cid), isError('store-away'));
          await assert.rejects(store.put([two]), isError('store-away'));
          assert.ok(objects.requests.length - asked <= 2, 'only looks whether it is back');
          assert.deepEqual(await store.has([one.cid]), [true], 'never absent');
          objects.fault = () => undefined;
          await until('found again', () => states.at(-1)?.state === 'up');
          assert.deepEqual(await store.get(one.cid), one.bytes);
        }
        await store.put([two]);
        assert.deepEqual(await store.get(two.cid), two.bytes);
      },
      { times: { ...quick, idleMilliseconds: 100, totalMilliseconds: 300, attemptsMilliseconds: 50 } },
    );
  });

  it('keys or buckets that are refused are told with what to do, and blocks are not absent for that', async () => {
    await withStore(async ({ store, objects, states }) => {
      const one = largeBlock();
      await store.put([one]);
      for (const [status, code, text] of [
        [403, 'InvalidAccessKeyId', /does not know the access key/],
        [403, 'SignatureDoesNotMatch', /secret key is another one/],
        [403, 'AccessDenied', /Allow them to list/],
        [403, 'RequestTimeTooSkewed', /clock of this machine/],
        [404, 'NoSuchBucket', /no such bucket/],
        [301, 'PermanentRedirect', /another region/],
      ] as const) {
        objects.fault = () => ({ status, code });
        await assert.rejects(store.get(one.cid), isError('store-refused', text));
        await assert.rejects(store.put([largeBlock()]), isError('store-refused', text));
        assert.deepEqual(await store.has([one.cid]), [true]);
        objects.fault = () => undefined;
        await until('found again', () => states.at(-1)?.state === 'up');
      }
      assert.deepEqual(await store.get(one.cid), one.bytes);
    });
  });

  it('a store that is full takes no more and gives what it has', async () => {
    await withStore(async ({ store, objects, client }) => {
      const [one, two] = [largeBlock(), largeBlock()];
      await store.put([one]);
      for (const fault of [
        { status: 507, code: 'XMinioStorageFull' },
        { status: 403, code: 'QuotaExceeded' },
        { status: 413, code: 'EntityTooLarge' },
      ]) {
        objects.fault = (request) => (isPut(request) ? fault : undefined);
        await assert.rejects(store.put([two]), isError('disk-full', /is full/));
        assert.deepEqual(await store.get(one.cid), one.bytes);
        assert.equal(client.state.state, 'full');
      }
      objects.fault = () => undefined;
      await store.put([two]);
      assert.equal(client.state.state, 'up');
      assert.deepEqual(objects.blockKeys, [one, two].map(keyOf).sort());
    });
  });

  it('what the store has lost is dropped, once it has said so more than once', async () => {
    await withStore(async ({ store, objects }) => {
      const [gone, late] = [largeBlock(), largeBlock()];
      await store.put([gone, late]);
      objects.objects.delete(keyOf(gone));
      assert.equal(await store.get(gone.cid), null);
      assert.deepEqual(await store.has([gone.cid]), [false]);
      objects.fault = first({ status: 404, code: 'NoSuchKey' }, isGet, 2);
      assert.deepEqual(await store.get(late.cid), late.bytes);
    });
  });

  it('a removal that the store may not have done is repeated before the block is put again, and once it is back', async () => {
    await withStore(async ({ store, objects, blocks, states }) => {
      const [one, two] = [largeBlock(), largeBlock()];
      await store.put([one, two]);
      objects.fault = ({ method }) => (method === 'DELETE' ? { status: 503 } : undefined);
      assert.equal(await store.delete([one.cid, two.cid]), 2);
      assert.equal(store.isSettled, false);
      objects.fault = () => undefined;
      await until('found again', () => states.at(-1)?.state === 'up');
      const asked = objects.requests.length;
      await store.put([one]);
      const methods = objects.requests.slice(asked).map(({ method }) => method);
      assert.deepEqual(methods, ['DELETE', 'PUT']);
      await blocks.removeUnsure();
      assert.deepEqual(objects.blockKeys, [keyOf(one)]);
      assert.equal(store.isSettled, true);
    });
  });

  it('a lost catalogue is rebuilt from the listing, page by page, and nothing else in the bucket is touched', async () => {
    await using objects = await ObjectStore.open();
    await using folder = await temporaryFolder();
    const blocks = [...numberedBlocks(30), largeBlock()];
    const broken = largeBlock();
    {
      await using opened = await openIn(folder.path, objects);
      await opened.store.put(blocks);
      opened.crash();
    }
    objects.maxKeys = 2;
    const foreign = ['a/other', `a/b/${'e'.repeat(64)}/blocks/00/x`, `a/b/${peer}/blocks/00/notes.txt`];
    for (const key of foreign) objects.objects.set(key, { bytes: Buffer.from('theirs'), checksum: null });
    objects.objects.set(keyOf(broken), { bytes: Buffer.from('half of it'), checksum: null });
    for (const compares of [true, false]) {
      await fs.rm(path.join(folder.path, 'catalog.db'));
      objects.compares = compares;
      objects.requests.length = 0;
      await using opened = await openIn(folder.path, objects);
      assert.deepEqual(opened.store.reconciled, { adopted: 31, removed: compares ? 1 : 0, lost: 0 });
      // The hash that the store tells saves reading it all.
      const read = objects.requests.filter((one) => isGet(one) && one.headers.range === undefined);
      assert.equal(read.filter(({ key }) => key?.includes('/blocks/')).length > 1, !compares);
      for (const { cid, bytes } of blocks) assert.deepEqual(await opened.store.get(cid), bytes);
      opened.crash();
    }
    for (const key of foreign) assert.ok(objects.objects.has(key), key);
  });

  it('an older listing neither drops what was written since, nor brings back what was removed', async () => {
    await using objects = await ObjectStore.open();
    await using folder = await temporaryFolder();
    const [old, removed, fresh] = [largeBlock(), largeBlock(), largeBlock()];
    {
      await using opened = await openIn(folder.path, objects);
      await opened.store.put([old, removed]);
      objects.oldListing = objects.blockKeys;
      await opened.store.delete([removed.cid]);
      await opened.store.put([fresh]);
      opened.crash();
    }
    await using again = await openIn(folder.path, objects, { returns: true });
    assert.equal(again.store.isSettled, false);
    const found = await again.store.reconcile();
    assert.deepEqual([found.adopted, found.lost], [0, 0]);
    assert.equal(again.store.isSettled, true);
    assert.deepEqual(await again.store.has([old, removed, fresh].map(({ cid }) => cid)), [true, false, true]);
    assert.deepEqual(await again.store.get(fresh.cid), fresh.bytes);
    objects.objects.delete(keyOf(old));
    objects.oldListing = null;
    assert.equal((await again.store.reconcile()).lost, 1);
  });

  it('what a crash left in the store is adopted while blocks come and go, and what is too much for the quota stays', async () => {
    await using objects = await ObjectStore.open();
    await using folder = await temporaryFolder();
    const [kept, stray, large] = [largeBlock(), largeBlock(), largeBlock(90_000)];
    {
      await using opened = await openIn(folder.path, objects);
      await opened.store.put([kept]);
      opened.crash();
    }
    for (const { cid, bytes } of [stray, large])
      objects.objects.set(keyOf({ cid, bytes }), { bytes: Buffer.from(bytes), checksum: null });
    await using again = await openIn(folder.path, objects, { returns: true, quotaBytes: 125_000 });
    const coming = largeBlock();
    const [found] = await Promise.all([again.store.reconcile(), again.store.put([coming]), again.store.put([stray])]);
    assert.deepEqual([found.removed, found.lost], [0, 0]);
    assert.deepEqual(await again.store.has([kept, stray, coming, large].map(({ cid }) => cid)), [
      true,
      true,
      true,
      false,
    ]);
    assert.ok(objects.objects.has(keyOf(large)));
    assert.equal(again.store.bytes(), 120_000);
  });

  it('a listing that ends in the middle, never ends or is none drops nothing', async () => {
    await withStore(async ({ store, objects }) => {
      const one = largeBlock();
      await store.put([one]);
      objects.fault = ({ key }) => (key === null ? { page: 200 } : undefined);
      await assert.rejects(store.reconcile(), isError('store-away', /cannot be read/));
      assert.deepEqual(await store.has([one.cid]), [true]);
      assert.equal(store.isSettled, false);
    });
  });

  it('at most 16 requests run at the same time', async () => {
    await withStore(async ({ store, objects }) => {
      const blocks = Array.from({ length: 40 }, () => largeBlock());
      await store.put(blocks);
      [objects.most, objects.delay] = [0, 20];
      await Promise.all(blocks.map(({ cid }) => store.get(cid)));
      assert.ok(objects.most > 1 && objects.most <= 16, `${objects.most} requests`);
    });
  });

  it('requests are counted by what came of them, with their time, their bytes and those that wait', async () => {
    await withStore(async ({ store, objects, client }) => {
      const blocks = Array.from({ length: 20 }, () => largeBlock());
      const before = client.counts;
      objects.fault = first({ status: 503, code: 'SlowDown' }, isPut, 2);
      await store.put(blocks);
      objects.delay = 50;
      const reads = Promise.all(blocks.map(({ cid }) => store.get(cid)));
      await until('four of twenty wait', () => client.counts.waiting === 4);
      await reads;
      objects.fault = () => ({ status: 507 });
      await assert.rejects(store.put([largeBlock()]), isError('disk-full'));
      objects.fault = () => ({ status: 403, code: 'AccessDenied' });
      await assert.rejects(store.get(blocks[0]!.cid), isError('store-refused'));
      const { requests, bytes, milliseconds, waiting } = client.counts;
      assert.equal(requests.answered - before.requests.answered, 40);
      assert.deepEqual([requests.away, requests.full, requests.refused, waiting], [2, 1, 1, 0]);
      assert.equal(bytes.up - before.bytes.up, 23 * 40_000);
      assert.ok(bytes.down - before.bytes.down >= 20 * 40_000);
      assert.ok(milliseconds - before.milliseconds >= 20 * 50);
    });
  });

  it('a place where nothing may be put, or that gives something else, is refused before it is used', async () => {
    await using objects = await ObjectStore.open();
    await using folder = await temporaryFolder();
    await using opened = await openIn(folder.path, objects);
    objects.fault = (request) => (isPut(request) ? { status: 403, code: 'AccessDenied' } : undefined);
    await assert.rejects(opened.blocks.check(), isError('store-refused', /Allow them to list/));
    objects.fault = (request) => (isGet(request) ? 'wrong-bytes' : undefined);
    await until('looked again', () => opened.client.state.state === 'up');
    await assert.rejects(opened.blocks.check(), isError('store-refused', /does not give what was put/));
    objects.fault = () => undefined;
    await opened.blocks.check();
  });
});

describe('B14 the cache of blocks in an object store', () => {
  it('gives what was used last without asking the store, over a restart too, and stays within its bound', async () => {
    await using objects = await ObjectStore.open();
    await using folder = await temporaryFolder();
    const blocks = Array.from({ length: 5 }, () => largeBlock());
    const files = async () =>
      (await fs.readdir(path.join(folder.path, 'cache'), { recursive: true })).filter((name) => name.includes('/'));
    {
      await using opened = await openIn(folder.path, objects, { cacheBytes: 125_000 });
      await opened.store.put(blocks);
      assert.equal((await files()).length, 3);
      for (const { cid, bytes } of blocks.slice(0, 3)) assert.deepEqual(await opened.store.get(cid), bytes);
      assert.equal(opened.cache.reads.hits + opened.cache.reads.misses, 3);
    }
    await using again = await openIn(folder.path, objects, { cacheBytes: 125_000, returns: true });
    objects.fault = () => 'reset';
    for (const { cid, bytes } of blocks.slice(0, 3)) assert.deepEqual(await again.store.get(cid), bytes);
    await assert.rejects(again.store.get(blocks[4]!.cid), isError('store-away'));
    assert.deepEqual(again.cache.reads, { hits: 3, misses: 1 });
  });

  it('what is damaged in it is fetched again, and what is removed leaves it', async () => {
    await using objects = await ObjectStore.open();
    await using folder = await temporaryFolder();
    await using opened = await openIn(folder.path, objects, { cacheBytes: roomy });
    const one = largeBlock();
    await opened.store.put([one]);
    const file = path.join(folder.path, 'cache', blockKey(one.cid).slice(0, 2), one.cid.toString());
    for (const damage of [one.bytes.map((byte) => byte ^ 1), one.bytes.subarray(1)]) {
      await fs.writeFile(file, damage);
      assert.deepEqual(await opened.store.get(one.cid), one.bytes);
      assert.deepEqual(new Uint8Array(await fs.readFile(file)), one.bytes);
    }
    await opened.store.delete([one.cid]);
    await assert.rejects(fs.stat(file));
    const small = block('small');
    await opened.store.put([small]);
    assert.deepEqual(await opened.store.get(small.cid), small.bytes);
  });
});

it('a store that lists without end is given up, not read until the memory is full', async () => {
  let pages = 0;
  const list = async (prefix: string) => {
    pages += 1;
    if (pages % 50 === 0) await new Promise((resume) => setImmediate(resume));
    const keys = Array.from({ length: 1000 }, (_, index) => `${prefix}b${'a'.repeat(57)}${index}${pages}`);
    return { keys, token: String(pages) };
  };
  const place = { endpoint: 'http://127.0.0.1', region: 'us-east-1', bucket: 'bucket', prefix: '' };
  const blocks = new S3Blocks({ client: { place, list } as unknown as S3Client, peer, hashing: hashingHere });
  const read = async () => {
    for await (const { names } of blocks.list()) assert.fail(`${names.size} names`);
  };
  await assert.rejects(read(), isError('store-away'));
  assert.ok(pages < 3000, String(pages));
});
