import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { contactOf } from '@chordial/ring/testing';
import { addLanes, emptyFingerprint, lanesOfItem } from '../storage/fingerprint.ts';
import { blockSet, type Item, type ItemIndex, type ItemSet, recordSet } from '../storage/item-index.ts';
import { isInArc, type KeyArc } from '../storage/range-parts.ts';
import { comparedRange, type Difference, differencesIn, ownItems } from './range-differences.ts';
import type { ComparedRange } from './sync-messages.ts';

const everything: KeyArc = { after: 'f'.repeat(64), upTo: 'f'.repeat(64) };
const keyOf = (number: number) => hash('sha256', `item ${number}`, 'hex');
const keysOf = (from: number, to: number) => Array.from({ length: to - from }, (_, place) => keyOf(from + place));
const plain = '00'.repeat(16);

/** What one host holds, in memory: the digest of each key, by set. */
class Held implements Pick<ItemIndex, 'fingerprint' | 'items' | 'findInAnySet'> {
  readonly #sets = new Map<ItemSet, Map<string, string>>();

  constructor(set: ItemSet, keys: readonly string[]) {
    this.put(set, ...keys);
  }

  put(set: ItemSet, ...keys: readonly string[]): void {
    const items = this.#sets.get(set) ?? new Map<string, string>();
    for (const key of keys) items.set(key, plain);
    this.#sets.set(set, items);
  }

  change(set: ItemSet, key: string): void {
    this.#sets.get(set)?.set(key, '11'.repeat(16));
  }

  fingerprint(set: ItemSet, range: KeyArc | 'all') {
    const items = this.#in(set, range);
    const lanes = items
      .map(({ key, digest }) => lanesOfItem(Buffer.from(key, 'hex'), Buffer.from(digest, 'hex')))
      .reduce(addLanes, emptyFingerprint.lanes);
    return { count: items.length, lanes };
  }

  items(set: ItemSet, range: KeyArc | 'all', cursor: string | null, limit: number) {
    const items = this.#in(set, range).filter(({ key }) => cursor === null || key > cursor);
    return { items: items.slice(0, limit), cursor: items.length > limit ? items[limit - 1]!.key : null };
  }

  findInAnySet(asked: ItemSet, key: string): Item | null {
    for (const [set, items] of this.#sets) {
      const digest = items.get(key);
      const isCounted = set === asked || (set.kind === 'blocks' && asked.kind === 'blocks');
      if (isCounted && digest !== undefined) return itemOf(key, digest);
    }
    return null;
  }

  #in(set: ItemSet, range: KeyArc | 'all'): readonly Item[] {
    return [...(this.#sets.get(set) ?? [])]
      .filter(([key]) => range === 'all' || isInArc(range, key.slice(0, 64)))
      .map(([key, digest]) => itemOf(key, digest))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

function itemOf(key: string, digest: string): Item {
  return { key, digest, cid: null, record: null };
}

const other = contactOf('other');

/** What is found, as it is found, and what was asked for. */
async function compared(here: Held, there: Held, set: ItemSet, range = everything) {
  const comparisons: number[] = [];
  const listed: KeyArc[] = [];
  const client = {
    compare: async (host: typeof other, ranges: readonly ComparedRange[]) => {
      assert.equal(host, other);
      comparisons.push(ranges.length);
      return ranges.map(({ set: asked, range: part, count, fingerprint }) => {
        const own = comparedRange(there, asked, part);
        const same = own.count === count && own.fingerprint === fingerprint;
        return { differs: same ? null : own.count, confirmed: 'no' as const };
      });
    },
    async *items(host: typeof other, asked: ItemSet, part: KeyArc) {
      assert.equal(host, other);
      listed.push(part);
      for (let cursor: string | null = null; ; ) {
        const page = there.items(asked, part, cursor, 100);
        yield page.items;
        cursor = page.cursor;
        if (cursor === null) return;
      }
    },
  };
  const found: Difference[] = [];
  const theirs = there.fingerprint(set, range).count;
  for await (const difference of differencesIn({ client, index: here }, other, { set, range }, theirs))
    found.push(difference);
  const lacking = (where: Difference['lacks']) =>
    found
      .filter(({ lacks }) => lacks === where)
      .map(({ key }) => key)
      .sort();
  return { found, comparisons, listed, lacking };
}

const blocks = blockSet(3);

test('A8 exactly what one of two hosts lacks is found, and what they hold differently', async () => {
  for (const [common, mine, theirs] of [
    [0, 0, 700],
    [0, 700, 0],
    [3, 2, 1],
    [300, 20, 10],
    [400, 400, 400],
  ] as const) {
    const here = new Held(blocks, keysOf(0, common + mine));
    const there = new Held(blocks, [...keysOf(0, common), ...keysOf(5000, 5000 + theirs)]);
    const isChanged = common > 0;
    if (isChanged) there.change(blocks, keyOf(1));
    const { lacking, found } = await compared(here, there, blocks);
    assert.deepEqual(lacking('there'), keysOf(common, common + mine).sort());
    assert.deepEqual(lacking('here'), keysOf(5000, 5000 + theirs).sort());
    assert.deepEqual(lacking('neither'), isChanged ? [keyOf(1)] : []);
    assert.ok(found.every(({ set }) => set === blocks));
    assert.equal(new Set(found.map(({ key }) => key)).size, found.length);
  }
});

test('A8 only the range is compared', async () => {
  const range = { after: '4'.repeat(64), upTo: '8'.repeat(64) };
  const { lacking } = await compared(
    new Held(blocks, keysOf(0, 400)),
    new Held(blocks, keysOf(300, 900)),
    blocks,
    range,
  );
  const inRange = (keys: readonly string[]) => keys.filter((key) => isInArc(range, key)).sort();
  assert.deepEqual(lacking('there'), inRange(keysOf(0, 300)));
  assert.deepEqual(lacking('here'), inRange(keysOf(400, 900)));
});

test('A8 a host that holds nothing of a range is asked nothing, and one is listed at once where this host holds nothing', async () => {
  const none = await compared(new Held(blocks, keysOf(0, 700)), new Held(blocks, []), blocks);
  assert.deepEqual([none.comparisons, none.listed], [[], []]);
  const all = await compared(new Held(blocks, []), new Held(blocks, keysOf(0, 700)), blocks);
  assert.deepEqual([all.comparisons, all.listed], [[], [everything]]);
});

test('A8 up to 256 items are listed at once; of more only the sixteenths that differ are', async () => {
  const few = await compared(new Held(blocks, keysOf(0, 256)), new Held(blocks, keysOf(1, 257)), blocks);
  assert.deepEqual([few.comparisons, few.listed], [[], [everything]]);
  for (const [mine, theirs] of [
    [257, 256],
    [256, 257],
  ] as const) {
    const many = await compared(new Held(blocks, keysOf(0, mine)), new Held(blocks, keysOf(0, theirs)), blocks);
    assert.deepEqual(many.comparisons, [16]);
    assert.equal(many.listed.length, 1);
    assert.equal(many.found[0]?.key, keyOf(256));
  }
  // A sixteenth that is large itself is divided further.
  const large = await compared(new Held(blocks, keysOf(0, 6000)), new Held(blocks, keysOf(1, 6000)), blocks);
  assert.deepEqual(large.comparisons, [16, 16]);
  assert.deepEqual(large.lacking('there'), [keyOf(0)]);
});

test('A8 a part for which a host gives no answer is as if it did not differ', async () => {
  const client = { compare: async () => [], items: () => assert.fail('nothing to list') };
  const index = new Held(blocks, keysOf(0, 400));
  const range = { set: blocks, range: everything };
  for await (const { key } of differencesIn({ client, index }, other, range, 300)) assert.fail(`${key} differs`);
});

test('A8 many records of one key are listed: their range cannot be divided', async () => {
  const word = keyOf(0);
  const record = (number: number) => word + number.toString(16).padStart(32, '0');
  const records = (from: number, to: number) => Array.from({ length: to - from }, (_, place) => record(from + place));
  const before = (BigInt(`0x${word}`) - 1n).toString(16).padStart(64, '0');
  const [here, there] = [new Held(recordSet, records(0, 1000)), new Held(recordSet, records(1, 1001))];
  const { comparisons, lacking } = await compared(here, there, recordSet, { after: before, upTo: word });
  assert.deepEqual(comparisons, []);
  assert.deepEqual([lacking('there'), lacking('here')], [[record(0)], [record(1000)]]);
});

test('A8 a block that is held here for another number of replicas is not lacking', async () => {
  const here = new Held(blockSet(2), [keyOf(1), keyOf(2)]);
  here.change(blockSet(2), keyOf(2));
  const there = new Held(blocks, keysOf(1, 4));
  const { lacking } = await compared(here, there, blocks);
  assert.deepEqual([lacking('here'), lacking('neither')], [[keyOf(3)], [keyOf(2)]]);
  // Records are in one set: a block under the key of one says nothing.
  const records = await compared(here, new Held(recordSet, [keyOf(1)]), recordSet);
  assert.deepEqual(records.lacking('here'), [keyOf(1)]);
});

test('A8 own items come whole and in order, however many pages that takes', () => {
  for (const count of [0, 1, 1024, 1025, 2500]) {
    const keys = keysOf(0, count);
    const listed = [...ownItems(new Held(blocks, keys), blocks, everything)].map(({ key }) => key);
    assert.deepEqual(listed, [...keys].sort());
  }
});
