import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Catalog } from './catalog.ts';
import { claimSchema } from './claim-schema.ts';
import { type Claim, ClaimTable, claimDigestBytes } from './claim-table.ts';

const keys = ['00'.repeat(32), '7f'.repeat(32), 'ff'.repeat(32)] as const;
const claim: Claim = { publisher: 'P', name: 'a', sequence: 5, replicas: 3 };

function open(changed?: (key: string) => void) {
  const catalog = new Catalog(':memory:');
  catalog.database.exec(claimSchema);
  return new ClaimTable(catalog, changed);
}

test('a block is claimed by every put that has it, once each', () => {
  const table = open();
  table.add(keys[0], [claim, { ...claim, name: 'b', replicas: 5 }, claim]);
  table.add(keys[0], [claim]);
  assert.deepEqual(table.of(keys[0]), [claim, { ...claim, name: 'b', replicas: 5 }]);
  assert.equal(table.summary(keys[0]).wanted, 5);
  assert.equal(table.summary(keys[1]).wanted, null);
  assert.equal(table.isClaimed(keys[0]), true);
  assert.equal(table.isClaimed(keys[1]), false);
});

test('claims of an earlier put stand beside those of a later one until one of them is dropped', () => {
  const table = open();
  table.add(keys[0], [claim]);
  table.add(keys[0], [{ ...claim, sequence: 9 }]);
  table.add(keys[1], [{ ...claim, sequence: 9 }]);
  const [early, late] = table.byName('P', 'a');
  assert.deepEqual(table.drop(late!, 10), { claims: 2, unclaimed: [keys[1]], more: false });
  assert.deepEqual(table.of(keys[0]), [claim]);
  assert.deepEqual(table.drop(early!, 10), { claims: 1, unclaimed: [keys[0]], more: false });
  assert.deepEqual(table.byName('P', 'a'), []);
});

test('a put with many blocks is dropped part by part', () => {
  const table = open();
  for (const key of keys) table.add(key, [claim]);
  const [put] = table.byName('P', 'a');
  assert.deepEqual(table.drop(put!, 2), { claims: 2, unclaimed: [keys[0], keys[1]], more: true });
  assert.deepEqual(table.drop(put!, 2), { claims: 1, unclaimed: [keys[2]], more: false });
});

test('every change of a block’s claims is told, and nothing else', () => {
  const told: string[] = [];
  const table = open((key) => told.push(key));
  table.add(keys[0], [claim]);
  table.add(keys[0], [claim]);
  table.add(keys[1], [claim]);
  table.forget(keys[1]);
  table.forget(keys[1]);
  table.drop(table.byName('P', 'a')[0]!, 10);
  assert.deepEqual(told, [keys[0], keys[1], keys[1], keys[0]]);
});

test('a put is due 10 s after its last block and every 10 s for 2 minutes, then each time it has grown twice as old, until it is confirmed', () => {
  const table = open();
  table.add(keys[0], [claim], 1000);
  const due = (now: number) => table.unconfirmed(now, 10_000, 10).length === 1;
  assert.equal(due(10_999), false);
  assert.equal(due(11_000), true);
  table.markChecked(table.byName('P', 'a')[0]!, 41_000);
  assert.equal(due(50_999), false);
  assert.equal(due(51_000), true);
  table.touch(table.byName('P', 'a')[0]!, 60_000);
  assert.equal(due(69_999), false);
  assert.equal(due(70_000), true);
  table.markChecked(table.byName('P', 'a')[0]!, 180_000);
  assert.equal(due(299_999), false);
  assert.equal(due(300_000), true);
  table.confirm(table.byName('P', 'a')[0]!, 500_000, 81_000);
  assert.equal(due(1e9), false);
  assert.deepEqual(table.lapsed(499_999, 10), []);
  assert.deepEqual(
    table.lapsed(500_000, 10).map(({ confirmed, expiry }) => [confirmed, expiry]),
    [[81_000, 500_000]],
  );
});

test('the time of a put’s last block moves on with its blocks, to 5 s', () => {
  const table = open();
  table.add(keys[0], [claim], 1000);
  table.add(keys[1], [claim], 5000);
  assert.equal(table.byName('P', 'a')[0]!.added, 1000);
  table.add(keys[2], [claim], 61_000);
  assert.equal(table.byName('P', 'a')[0]!.added, 61_000);
});

test('B12 a put that was cut off grows no younger by being told from host to host', () => {
  const [now, day] = [1_700_000_000_000, 24 * 3600 * 1000];
  const at = (wallTime: number) => {
    const catalog = new Catalog(':memory:', { wallTime: () => wallTime });
    return new ClaimTable(catalog);
  };
  const teller = at(now + day);
  teller.add(keys[0], [claim], now);
  const [told] = teller.of(keys[0]);
  assert.deepEqual(told, { ...claim, idleSeconds: 86_400 });
  const other = at(now + day);
  other.add(keys[0], [told!]);
  assert.equal(other.byName('P', 'a')[0]!.added, now);
  teller.confirm(teller.byName('P', 'a')[0]!, null, now + day);
  assert.deepEqual(teller.of(keys[0]), [claim]);
});

test('puts are walked by pages', () => {
  const table = open();
  for (const name of ['a', 'b', 'c']) table.add(keys[0], [{ ...claim, name }]);
  const first = table.walk(0, 2);
  assert.deepEqual(
    first.map(({ name }) => name),
    ['a', 'b'],
  );
  assert.deepEqual(
    table.walk(first[1]!.put, 2).map(({ name }) => name),
    ['c'],
  );
});

test('the digest depends on the set of claims alone: not on their order, not on what this host knows besides', () => {
  const some = fc.record({
    publisher: fc.constantFrom('P', 'Q'),
    name: fc.constantFrom('a', 'b', 'ü'),
    sequence: fc.integer({ min: 1, max: 3 }),
    replicas: fc.constant(3),
  });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 6 }), fc.array(some, { maxLength: 6 }), (left, right) => {
      const [one, other] = [open(), open()];
      one.add(keys[0], left, 1);
      other.add(keys[0], [...right].reverse(), 2);
      for (const put of other.walk(0, 1)) other.confirm(put, null, 77);
      const setOf = (claims: readonly Claim[]) => [...new Set(claims.map((c) => JSON.stringify(c)))].sort().join();
      const same = setOf(left) === setOf(right);
      assert.equal(Buffer.compare(one.digest(keys[0]), other.digest(keys[0])) === 0, same);
    }),
    { numRuns: 50 },
  );
  assert.deepEqual(Uint8Array.from(open().digest(keys[0])), new Uint8Array(claimDigestBytes));
});
