/** The contract of every BlockStore. Takes a factory of empty stores. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inOwnedArc, type RingId, ringId, ringIdOfHash } from '@chordial/ring';
import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { type Block, blockKey, cidOfBlock, dagPbCodec, parseCid, rawCodec } from '../../src/content/cid.ts';
import { LeafPool, leafBytes } from '../../src/content/leaf-pool.ts';
import type { BlockStore, StoredBlock } from '../../src/storage/block-store.ts';
import { type KeyRange, keyRangeOfArc } from '../../src/storage/key-range.ts';
import { isError } from './errors.ts';

export interface StoreUnderTest extends AsyncDisposable {
  readonly store: BlockStore;
}

export function block(text: string): Block {
  const bytes = new TextEncoder().encode(text);
  return { cid: cidOfBlock(rawCodec, bytes), bytes };
}

export function numberedBlocks(count: number): Block[] {
  return Array.from({ length: count }, (_, i) => block(`block ${i}`));
}

export async function allKeys(store: BlockStore, range: KeyRange, limit = 7): Promise<StoredBlock[]> {
  const found: StoredBlock[] = [];
  for (let cursor: string | null = null; ; ) {
    const page = await store.keys(range, cursor, limit);
    assert.ok(page.items.length <= limit);
    found.push(...page.items);
    cursor = page.cursor;
    if (cursor === null) return found;
  }
}

export function blockStoreContract(name: string, open: (quotaBytes: number) => Promise<StoreUnderTest>): void {
  const roomy = 1024 * 1024;

  describe(`${name} keeps the contract of BlockStore:`, () => {
    it('what is put is there, with its bytes; what is not is not', async () => {
      await using made = await open(roomy);
      const { store } = made;
      const blocks = numberedBlocks(20);
      await store.put(blocks);
      const absent = block('absent');
      assert.deepEqual(await store.has([...blocks, absent].map(({ cid }) => cid)), [...blocks.map(() => true), false]);
      for (const { cid, bytes } of blocks) {
        assert.deepEqual(await store.get(cid), bytes);
        assert.equal(await store.size(cid), bytes.length);
      }
      assert.equal(await store.get(absent.cid), null);
      assert.equal(await store.size(absent.cid), null);
      assert.equal(store.count(), 20);
      assert.equal(
        store.bytes(),
        blocks.reduce((sum, { bytes }) => sum + bytes.length, 0),
      );
    });

    it('keeps empty blocks, and takes an empty list', async () => {
      await using made = await open(roomy);
      const empty = block('');
      await made.store.put([]);
      await made.store.put([empty]);
      assert.deepEqual(await made.store.get(empty.cid), new Uint8Array(0));
      assert.deepEqual(await made.store.has([]), []);
    });

    it('gives and takes buffers without sharing them', async () => {
      await using made = await open(roomy);
      const { cid, bytes } = block('mine');
      await made.store.put([{ cid, bytes }]);
      bytes.fill(0);
      const first = await made.store.get(cid);
      first?.fill(1);
      assert.deepEqual(await made.store.get(cid), new TextEncoder().encode('mine'));
    });

    it('reads a leaf into a buffer of a pool, and blocks of other sizes beside it', async () => {
      await using made = await open(2 * leafBytes);
      const pool = new LeafPool();
      const [leaf, small] = [block('x'.repeat(leafBytes)), block('small')];
      await made.store.put([leaf, small]);
      for (const { cid, bytes } of [leaf, small, leaf]) {
        const found = await made.store.get(cid, pool);
        assert.ok(found !== null && Buffer.compare(found, bytes) === 0);
        pool.giveBack(found);
      }
    });

    it('putting what is there is a no-op, also at the same time and twice in one list', async () => {
      await using made = await open(60);
      const one = block('x'.repeat(50));
      await Promise.all([made.store.put([one, one]), made.store.put([one])]);
      await made.store.put([one]);
      assert.equal(made.store.count(), 1);
      assert.equal(made.store.bytes(), 50);
    });

    it('knows a block under CIDv0 and CIDv1', async () => {
      await using made = await open(roomy);
      const { cid, bytes } = block('node');
      const v0 = CID.create(0, dagPbCodec, cid.multihash);
      await made.store.put([{ cid: v0, bytes }]);
      assert.deepEqual(await made.store.has([v0, v0.toV1(), cid]), [true, true, true]);
      assert.deepEqual(await made.store.get(cid), bytes);
      await made.store.put([{ cid, bytes }]);
      assert.equal(made.store.count(), 1);
      assert.equal(await made.store.delete([cid, v0]), 1);
      assert.equal(await made.store.get(v0), null);
    });

    it('refuses blocks that could not be verified later', async () => {
      await using made = await open(roomy);
      const inline = { cid: parseCid('bafkqaaa'), bytes: new Uint8Array(0) };
      await assert.rejects(made.store.put([block('a'), inline]), isError('bad-cid'));
      assert.equal(made.store.count(), 0);
    });

    it('what is deleted is gone, its room free, and it can come again', async () => {
      await using made = await open(100);
      const big = block('x'.repeat(90));
      await made.store.put([big]);
      assert.equal(await made.store.delete([big.cid, block('absent').cid]), 1);
      assert.equal(await made.store.delete([big.cid]), 0);
      assert.deepEqual([made.store.count(), made.store.bytes(), await made.store.get(big.cid)], [0, 0, null]);
      await made.store.put([block('y'.repeat(100))]);
      await assert.rejects(made.store.put([big]), isError('quota-full'));
    });

    it('B12 the quota is hard: a put beyond it writes nothing, one up to it passes', async () => {
      await using made = await open(10);
      await made.store.put([block('12345')]);
      await assert.rejects(
        made.store.put([block('1'), block('123456')]),
        isError('quota-full', /7 bytes do not fit.*quota of 10/),
      );
      assert.equal(made.store.count(), 1);
      await made.store.put([block('67890')]);
      assert.equal(made.store.bytes(), 10);
      await assert.rejects(made.store.put([block('1')]), isError('quota-full'));
      await made.store.put([block('12345'), block('')]);
    });

    it('B12 puts at the same time never overshoot the quota together', async () => {
      await using made = await open(1000);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 40 }, (_, i) => made.store.put([block(String(i).padEnd(100, '.'))])),
      );
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 10);
      assert.equal(made.store.bytes(), 1000);
    });

    it('puts and deletions of one block at the same time leave it either whole or gone', async () => {
      await using made = await open(roomy);
      const { cid, bytes } = block('contended');
      for (let round = 0; round < 10; round++) {
        await Promise.all([
          made.store.put([{ cid, bytes }]),
          made.store.delete([cid]),
          made.store.put([{ cid, bytes }]),
        ]);
        const [there] = await made.store.has([cid]);
        assert.deepEqual(await made.store.get(cid), there ? bytes : null);
        assert.equal(made.store.count(), there ? 1 : 0);
        await made.store.put([{ cid, bytes }]);
        assert.deepEqual(await made.store.get(cid), bytes);
      }
    });

    it('lists an arc of the ring in key order, page by page, past zero too', async () => {
      await using made = await open(roomy);
      const blocks = numberedBlocks(60);
      await made.store.put(blocks);
      const keys = blocks.map(({ cid }) => blockKey(cid)).sort();
      assert.deepEqual(
        (await allKeys(made.store, 'all')).map(({ key }) => key),
        keys,
      );
      for (const { key, cid, size } of await allKeys(made.store, 'all')) {
        assert.equal(key, blockKey(cid));
        assert.equal(size, await made.store.size(cid));
      }
      const pick = fc.integer({ min: 0, max: keys.length - 1 }).map((i) => keys[i] as string);
      const anywhere = fc.oneof(
        pick,
        fc.bigInt(0n, (1n << 256n) - 1n).map((n) => ringId(n, 256) as string),
      );
      await fc.assert(
        fc.asyncProperty(anywhere, anywhere, fc.integer({ min: 1, max: 30 }), async (after, upTo, limit) => {
          const found = (await allKeys(made.store, { after, upTo }, limit)).map(({ key }) => key);
          const turned = [...keys.filter((key) => key > after), ...keys.filter((key) => key <= after)];
          assert.deepEqual(
            found,
            turned.filter((key) => inOwnedArc(after as RingId, key as RingId, upTo as RingId)),
          );
        }),
        { numRuns: 40 },
      );
    });

    it('lists by positions of a ring of few bits', async () => {
      await using made = await open(roomy);
      const blocks = numberedBlocks(40);
      await made.store.put(blocks);
      for (const [after, upTo] of [
        [1, 5],
        [5, 1],
        [0, 7],
        [7, 0],
        [3, 3],
      ] as const) {
        const [start, end] = [ringId(after, 3), ringId(upTo, 3)];
        const found = await allKeys(made.store, keyRangeOfArc(start, end, 3));
        const expected = blocks
          .map(({ cid }) => blockKey(cid))
          .filter((key) => inOwnedArc(start, ringIdOfHash(key, 3), end));
        assert.deepEqual(found.map(({ key }) => key).sort(), expected.sort(), `(${after}, ${upTo}]`);
      }
    });

    it('refuses a cursor that is none, or of another range', async () => {
      await using made = await open(roomy);
      await assert.rejects(made.store.keys('all', 'nonsense', 5), isError('bad-request'));
      const range = { after: '1'.repeat(64), upTo: '2'.repeat(64) };
      await assert.rejects(made.store.keys(range, '3'.repeat(64), 5), isError('bad-request'));
    });
  });
}
