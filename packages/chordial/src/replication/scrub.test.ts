import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import type { CID } from 'multiformats/cid';
import { LyingBlockStore } from '../../test/fixtures/block-network.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import { Scrub } from './scrub.ts';

const claim = { publisher: 'P', name: 'a', sequence: 1, replicas: 3 };
const block = (n: number) => {
  const bytes = new Uint8Array(100_000).fill(n);
  return { cid: cidOfBlock(rawCodec, bytes), bytes, claims: [claim] };
};

/** Ten blocks, of which the disk damaged those in `bad`; other holders have those in `elsewhere`. */
async function scene(bad: readonly number[], elsewhere: readonly number[], bytesPerSecond = 1_000_000) {
  const { clock, random, pass } = virtualClock();
  const all = Array.from({ length: 10 }, (_, n) => block(n));
  const blocks = new DamagedBlockStore();
  await blocks.put(all);
  for (const n of bad) blocks.damaged.add(all[n]!.cid.toString());
  const found: [number, boolean][] = [];
  const failures: string[] = [];
  const numberOf = (cid: CID) => all.findIndex((one) => one.cid.equals(cid));
  const scrub = new Scrub({
    blocks,
    leaves: new LeafPool(),
    clock,
    random,
    bytesPerSecond,
    fetchElsewhere: async (cid) => {
      const n = numberOf(cid);
      if (!elsewhere.includes(n)) throw new Error(`no one has block ${n}`);
      return all[n]!.bytes.slice();
    },
    found: (cid, repaired) => found.push([numberOf(cid), repaired]),
    failed: (error) => failures.push(error.message),
  });
  const settle = async () => {
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  };
  const later = async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 50) {
      pass(50);
      await settle();
    }
  };
  return { all, blocks, scrub, found, failures, later, settle };
}

/** Gives other bytes for what the disk damaged, until it is put again. */
class DamagedBlockStore extends LyingBlockStore {
  readonly damaged = new Set<string>();
  /** What reading them throws, until they are put again. */
  readonly failing = new Map<string, Error>();

  override async get(cid: CID): Promise<Uint8Array | null> {
    const failure = this.failing.get(cid.toString());
    if (failure !== undefined) throw failure;
    const bytes = await super.get(cid);
    if (bytes !== null && this.damaged.has(cid.toString())) bytes[0] = bytes[0]! ^ 1;
    return bytes;
  }

  override async delete(cids: readonly CID[]): Promise<number> {
    for (const cid of cids) {
      this.damaged.delete(cid.toString());
      this.failing.delete(cid.toString());
    }
    return super.delete(cids);
  }
}

test('B4 a pass finds bad copies and puts good ones from elsewhere in their place, claims and all', async () => {
  const at = await scene([2, 7], [2, 7]);
  await at.later(62_000);
  assert.deepEqual(at.found.sort(), [
    [2, true],
    [7, true],
  ]);
  for (const { cid, bytes } of at.all) {
    assert.deepEqual(await at.blocks.get(cid), bytes);
    assert.deepEqual(
      at.blocks.claimsOf(cid).map(({ idleSeconds, ...rest }) => rest),
      [claim],
    );
  }
  await at.scrub.close();
});

test('B14 a block that its store gives wrongly is replaced, and one that it does not give now is not dropped', async () => {
  const { all, blocks, scrub, found, failures, settle } = await scene([], [3, 4]);
  blocks.failing.set(all[3]!.cid.toString(), new ChordialError('bad-content', 'other bytes'));
  blocks.failing.set(all[4]!.cid.toString(), new ChordialError('store-away', 'no answer'));
  scrub.suspect([all[3]!.cid, all[4]!.cid]);
  await settle();
  assert.deepEqual(found, [[3, true]]);
  assert.deepEqual(failures, ['no answer']);
  assert.deepEqual(await blocks.has([all[4]!.cid]), [true]);
  await scrub.close();
});

test('B4 a bad copy that no one can replace stays, is looked at again, and replaced when somebody has it', async () => {
  const elsewhere = [7];
  const at = await scene([2, 7], elsewhere);
  await at.later(62_000);
  assert.deepEqual(at.found.sort(), [
    [2, false],
    [7, true],
  ]);
  assert.deepEqual(at.failures, ['no one has block 2']);
  assert.equal(at.blocks.count(), 10);
  elsewhere.push(2);
  await at.later(61_000);
  assert.deepEqual(at.found.at(-1), [2, true]);
  assert.deepEqual(await at.blocks.get(at.all[2]!.cid), at.all[2]!.bytes);
  await at.scrub.close();
});

test('B4 a copy that was read wrongly once too often is the same one afterwards', async () => {
  const at = await scene([2], [], 0);
  at.scrub.suspect([at.all[2]!.cid]);
  await at.settle();
  assert.deepEqual(at.found, [[2, false]]);
  at.blocks.damaged.clear();
  await at.later(61_000);
  assert.deepEqual(await at.blocks.get(at.all[2]!.cid), at.all[2]!.bytes);
  assert.equal(at.found.length, 1);
  await at.scrub.close();
});

test('B4 a copy that is bad whenever it is looked at, and that no one has, is held no longer', async () => {
  const at = await scene([2], [], 0);
  at.scrub.suspect([at.all[2]!.cid]);
  await at.later(110_000);
  assert.equal(at.blocks.count(), 10);
  await at.later(20_000);
  assert.equal(at.blocks.count(), 9);
  assert.equal(at.found.length, 3);
  await at.scrub.close();
});

test('B4 a third look that the end of this peer breaks off throws nothing away', async () => {
  const at = await scene([2], [], 0);
  at.scrub.suspect([at.all[2]!.cid]);
  await at.later(110_000);
  assert.equal(at.found.length, 2);
  const get = at.blocks.get.bind(at.blocks);
  let closing: Promise<void> | null = null;
  at.blocks.get = (cid) => {
    closing ??= at.scrub.close();
    return get(cid);
  };
  await at.later(20_000);
  assert.notEqual(closing, null);
  await closing;
  assert.equal(at.found.length, 3);
  assert.equal(at.blocks.count(), 10);
});

test('B4 what a reader came across is looked at at once; good copies stay as they are', async () => {
  const at = await scene([3], [3], 0);
  at.scrub.suspect([at.all[3]!.cid, at.all[4]!.cid, block(99).cid]);
  await at.settle();
  assert.deepEqual(at.found, [[3, true]]);
  assert.equal(at.blocks.count(), 10);
  await at.scrub.close();
});

test('B4 a pass keeps to its rate', async () => {
  const at = await scene([], [], 100_000);
  let reads = 0;
  const get = at.blocks.get.bind(at.blocks);
  at.blocks.get = (cid) => {
    reads += 1;
    return get(cid);
  };
  await at.later(48_000);
  assert.equal(reads, 0);
  await at.later(12_000 + 5_000);
  assert.ok(reads >= 5 && reads < 10 + 10, `${reads} reads`);
  await at.scrub.close();
});
