/** The contract of every BlockStore on claims: a claimed block is never collected. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CID } from 'multiformats/cid';
import { blockKey } from '../../src/content/cid.ts';
import { Catalog } from '../../src/storage/catalog.ts';
import { type Claim, ClaimTable } from '../../src/storage/claim-table.ts';
import { digestOfBlock } from '../../src/storage/item-index.ts';
import { allKeys, block, numberedBlocks, type StoreUnderTest } from './block-store.ts';

const claim = { publisher: 'P', name: 'a', sequence: 5, replicas: 3 };
const other = { ...claim, name: 'b' };
const longAgo = 1;
const tomorrow = Date.now() + 86_400_000;

export function blockClaimsContract(name: string, open: (quotaBytes: number) => Promise<StoreUnderTest>): void {
  const roomy = 1024 * 1024;

  describe(`${name} keeps the contract of claims:`, () => {
    it('B12 a block is there with its claims, those of a later put of it added', async () => {
      await using made = await open(roomy);
      const { store } = made;
      const [one, two] = [block('one'), block('two')];
      await store.put([{ ...one, claims: [claim] }, two]);
      await store.put([{ ...one, claims: [other] }]);
      assert.deepEqual(store.claimsOf(one.cid), [claim, other]);
      assert.deepEqual(store.claimsOf(two.cid), []);
      assert.equal(store.count(), 2);
    });

    it('B12 claims are taken for blocks that are there, and for no others', async () => {
      await using made = await open(roomy);
      const { store } = made;
      const [held, absent] = [block('held'), block('absent')];
      await store.put([held]);
      const wanted = [held, absent].map(({ cid }) => ({ cid, claims: [claim] }));
      assert.deepEqual(await store.claim(wanted), [4, null]);
      assert.deepEqual(store.claimsOf(held.cid), [claim]);
      assert.deepEqual(store.claimsOf(absent.cid), []);
      await store.put([absent]);
      assert.deepEqual(store.claimsOf(absent.cid), []);
    });

    it('B12 only what nothing claims is collected, and a block takes its claims along', async () => {
      await using made = await open(roomy);
      const { store } = made;
      const blocks = numberedBlocks(6);
      await store.put(blocks.map((one, i) => ({ ...one, claims: i % 2 === 0 ? [claim] : [] })));
      const keys = blocks.map(({ cid }) => blockKey(cid));
      assert.equal(await store.collect(keys), 3);
      assert.equal(await store.collect(keys), 0);
      assert.deepEqual(
        (await allKeys(store, 'all')).map(({ key }) => key),
        keys.filter((_, i) => i % 2 === 0).sort(),
      );
      assert.equal(await store.delete([blocks[0]!.cid]), 1);
      await store.put([blocks[0]!]);
      assert.deepEqual(store.claimsOf(blocks[0]!.cid), []);
    });

    it('A8 a block is dropped as it was looked at, and kept when a claim came between the look and the deletion', async () => {
      await using made = await open(roomy);
      const { store } = made;
      const [same, claimed] = [block('same'), block('claimed')];
      await store.put([same, claimed].map((one) => ({ ...one, claims: [claim] })));
      const seen = [same, claimed].map(({ cid }) => ({ cid, digest: digestOf(cid, [claim]) }));
      const [, dropped] = await Promise.all([
        store.claim([{ cid: claimed.cid, claims: [other] }]),
        store.deleteUnchanged(seen),
      ]);
      assert.equal(dropped, 1);
      assert.deepEqual(await store.has([same.cid, claimed.cid]), [false, true]);
      assert.deepEqual(store.claimsOf(claimed.cid), [claim, other]);
      assert.equal(
        await store.deleteUnchanged([{ cid: claimed.cid, digest: digestOf(claimed.cid, [claim, other]) }]),
        1,
      );
      assert.equal(await store.deleteUnchanged(seen), 0);
    });

    it('B12 blocks without claims are found by pages once they are old enough', async () => {
      await using made = await open(roomy);
      const { store } = made;
      const blocks = numberedBlocks(7);
      await store.put(blocks.map((one, i) => ({ ...one, claims: i === 3 ? [claim] : [] })));
      const found: string[] = [];
      for (let cursor: string | null = null; ; ) {
        const page = await store.unclaimed(cursor, tomorrow, 2);
        found.push(...page.items);
        cursor = page.cursor;
        if (cursor === null) break;
      }
      const free = blocks.filter((_, i) => i !== 3).map(({ cid }) => blockKey(cid));
      assert.deepEqual(found, free.sort());
      assert.deepEqual((await store.unclaimed(null, longAgo, 100)).items, []);
    });

    it('B12 a block put or claimed while it is collected is there with its claim, or the caller knows that it is not', async () => {
      await using made = await open(roomy);
      const { store } = made;
      let runs = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.constantFrom('put', 'claim', 'collect'), { maxLength: 12 }), async (steps) => {
          const one = block(`one ${100 + runs++}`);
          await store.put([one]);
          const answers = await Promise.all(
            steps.map(async (step) => {
              if (step === 'put') await store.put([{ ...one, claims: [claim] }]);
              else if (step === 'claim') return (await store.claim([{ cid: one.cid, claims: [claim] }]))[0] !== null;
              else await store.collect([blockKey(one.cid)]);
              return step === 'put';
            }),
          );
          const isClaimed = answers.some((claimed) => claimed);
          // How long a claim was idle is measured, and not what this is about.
          const claims = store.claimsOf(one.cid).map(({ idleSeconds: _, ...kept }) => kept);
          if (isClaimed) assert.deepEqual([await store.get(one.cid), claims], [one.bytes, [claim]]);
          assert.equal((await allKeys(store, 'all')).length, store.count());
          assert.equal(store.bytes(), store.count() * one.bytes.length);
        }),
        { numRuns: 25 },
      );
    });
  });
}

/** The index entry of a block with these claims. */
function digestOf(cid: CID, claims: readonly Claim[]): string {
  const table = new ClaimTable(new Catalog(':memory:'));
  table.add(blockKey(cid), claims);
  return digestOfBlock(blockKey(cid), table.digest(blockKey(cid))).toString('hex');
}
