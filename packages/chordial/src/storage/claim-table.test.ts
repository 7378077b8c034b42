import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Catalog } from './catalog.ts';
import { type Claim, ClaimTable, claimDigestBytes, claimVia } from './claim-table.ts';
import { PublisherCounts } from './publisher-counts.ts';
import { claimSchema } from './schema.ts';

const keys = ['00'.repeat(32), '7f'.repeat(32), 'ff'.repeat(32)] as const;
const claim: Claim = { publisher: 'P', name: 'a', sequence: 5, replicas: 3 };

const opened = Date.now();
/** A claim tells the seconds since its last block. */
const standing = { wallTime: () => opened };

function open(changed?: (key: string) => void) {
  const catalog = new Catalog(':memory:', standing);
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
  assert.deepEqual(told, [keys[0], keys[1], keys[1]]);
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

/** A table and what it told; times and usage are asked of its catalogue. */
function watched(wallTime = 0) {
  const catalog = new Catalog(':memory:', { wallTime: () => wallTime });
  catalog.database.exec(claimSchema);
  const told: string[] = [];
  const table = new ClaimTable(catalog, (key) => told.push(key));
  const usage = (owner: string) => {
    const { rows, blocks, uncommitted } = new PublisherCounts(catalog).usageOf(owner);
    return [rows, blocks, uncommitted];
  };
  const put = (publisher: string, name = 'a') => table.byName(publisher, name)[0]!;
  const sums = () => catalog.database.prepare('SELECT count(*) AS count FROM claimed').get()?.['count'];
  return { table, told, usage, put, sums };
}

const of = (publisher: string, more: Partial<Claim> = {}): Claim => ({ ...claim, publisher, ...more });
const none = Buffer.alloc(claimDigestBytes);

test('the host that passes a claim on is named, unless it is the publisher', () => {
  assert.deepEqual(claimVia(claim, 'H'), { ...claim, via: 'H' });
  assert.deepEqual(claimVia(claim, 'P'), claim);
});

test('H5 a put is charged with its name, each claim, and each block once', () => {
  const { table, usage } = watched();
  table.add(keys[0], [of('P', { name: 'four' })], 1, 1000);
  const onePut = 2 * 4 + 400;
  assert.deepEqual(usage('P'), [onePut + 120, 1000, 1000]);
  table.add(keys[1], [of('P', { name: 'four' })], 1, 50);
  assert.deepEqual(usage('P'), [onePut + 240, 1050, 1050]);
  table.add(keys[1], [of('P', { name: 'four' })], 1, 50);
  assert.deepEqual(usage('P'), [onePut + 240, 1050, 1050], 'known already');
  // Another put of it claims the same blocks, one of another publisher is charged for itself.
  table.add(keys[0], [of('P', { name: 'five' }), of('Q')], 1, 1000);
  assert.deepEqual(usage('P'), [2 * onePut + 360, 1050, 1050]);
  assert.deepEqual(usage('Q'), [2 + 400 + 120, 1000, 1000]);
  // A known put that claims one more block of which its owner has another claim.
  table.add(keys[1], [of('P', { name: 'five' })], 1, 50);
  assert.deepEqual(usage('P'), [2 * onePut + 480, 1050, 1050]);
});

test('H4 who passes a put on is charged for it until the publisher itself sends it', () => {
  const { table, usage, put } = watched();
  table.add(keys[0], [of('P', { via: 'H' })], 1, 1000);
  assert.equal(put('P').owner, 'H');
  table.add(keys[1], [of('P', { via: 'G' })], 1, 10);
  assert.equal(put('P').owner, 'H', 'the first one stays charged');
  assert.deepEqual([usage('H')[1], usage('G'), usage('P')], [1010, [0, 0, 0], [0, 0, 0]]);
  const rows = usage('H')[0];
  assert.equal(rows, 2 + 400 + 240);
  table.add(keys[2], [of('P')], 1, 5);
  assert.equal(put('P').owner, 'P');
  assert.deepEqual(
    [usage('H'), usage('P')],
    [
      [0, 0, 0],
      [rows! + 120, 1015, 1015],
    ],
  );
});

test('only new claims are told and counted', () => {
  const { table, told } = watched();
  assert.equal(table.addToNew(keys[0], [of('P'), of('Q'), of('P')], 1, 1), 2);
  assert.equal(table.addToNew(keys[0], [of('P')], 1, 1), 0);
  assert.equal(table.addToNew(keys[0], [], 1, 1), 0);
  assert.equal(table.addToNew(keys[0], [of('P'), of('R')], 1, 1), 1);
  assert.deepEqual(told, [], 'of a block that is not seen yet nothing is told');
  assert.equal(table.count(keys[0]), 3);
  table.add(keys[0], [of('R')], 1, 1);
  assert.deepEqual(told, []);
  table.add(keys[0], [of('S')], 1, 1);
  assert.deepEqual(told, [keys[0]]);
  assert.equal(table.count(keys[0]), 4);
  assert.equal(table.count(keys[1]), 0);
});

test('a claim is known by block, publisher, name and sequence', () => {
  const { table } = watched();
  table.add(keys[0], [claim], 1, 1);
  assert.equal(table.has(keys[0], claim), true);
  assert.equal(table.has(keys[0], { ...claim, replicas: 9 }), true);
  for (const other of [{ publisher: 'Q' }, { name: 'b' }, { sequence: 6 }])
    assert.equal(table.has(keys[0], { ...claim, ...other }), false);
  assert.equal(table.has(keys[1], claim), false);
});

test('H4 the open claims of an owner are those of uncommitted puts that it is charged for', () => {
  const { table, put } = watched();
  table.add(keys[0], [of('P'), of('P', { name: 'b' }), of('Q'), of('R', { via: 'P' })], 1, 1);
  assert.deepEqual([table.openOf(keys[0], 'P'), table.openOf(keys[0], 'Q'), table.openOf(keys[0], 'R')], [3, 1, 0]);
  assert.equal(table.openOf(keys[1], 'P'), 0);
  table.confirm(put('P'), null, 1);
  table.confirm(put('R'), null, 1);
  assert.deepEqual([table.openOf(keys[0], 'P'), table.openOf(keys[0], 'R')], [1, 0]);
});

test('claims are listed in one order, from where the last page ended', () => {
  const { table } = watched();
  const all = [
    of('P', { name: 'a' }),
    of('P', { name: 'b', sequence: 1 }),
    of('P', { name: 'b', sequence: 2 }),
    of('Q'),
  ];
  table.add(keys[0], [...all].reverse(), 1, 1);
  assert.deepEqual(
    table.of(keys[0]).map(({ idleSeconds: _, ...rest }) => rest),
    all,
  );
  const pages: Claim[] = [];
  for (let last: Claim | null = null; pages.length <= all.length; ) {
    const page: readonly Claim[] = table.of(keys[0], last, 1);
    if (page.length === 0) break;
    assert.equal(page.length, 1);
    last = page[0]!;
    pages.push(last);
  }
  assert.deepEqual(
    pages.map(({ idleSeconds: _, ...rest }) => rest),
    all,
  );
  assert.deepEqual(table.of(keys[1]), []);
});

test('B12 the whole seconds since the last sign of life are told, and none of a put that is committed', () => {
  const { table, put } = watched(100_000);
  const idle = () => table.of(keys[0])[0]!.idleSeconds;
  table.add(keys[0], [claim], 98_001, 1);
  assert.equal(idle(), 1);
  table.touch(put('P'), 99_001);
  assert.equal(idle(), undefined);
  table.touch(put('P'), 99_000);
  assert.equal(idle(), 1);
  table.touch(put('P'), 50_000);
  assert.equal(idle(), 1, 'its last block came later');
  table.confirm(put('P'), null, 1);
  assert.equal(idle(), undefined);
});

test('what is known of a put is what was told of it', () => {
  const { table, put } = watched();
  table.add(keys[0], [of('P', { idleSeconds: 2, via: 'H' })], 10_000, 1);
  const { put: number, ...known } = put('P');
  assert.equal(number, 1);
  const fresh = { ...claim, added: 8000, heard: 8000, checked: 8000, confirmed: null, expiry: null, owner: 'H' };
  assert.deepEqual(known, fresh);
  table.markChecked(put('P'), 11_000);
  assert.equal(put('P').checked, 11_000);
  table.touch(put('P'), 12_000);
  assert.deepEqual({ ...put('P'), put: 0 }, { ...fresh, put: 0, heard: 12_000, checked: 12_000 });
  table.confirm(put('P'), 20_000, 13_000);
  assert.deepEqual(
    { ...put('P'), put: 0 },
    { ...fresh, put: 0, heard: 12_000, checked: 13_000, confirmed: 13_000, expiry: 20_000, owner: 'P' },
  );
});

test('as many replicas are wanted of a block as the put that wants most of them', () => {
  const { table, put } = watched();
  const wanted = () => table.summary(keys[0]).wanted;
  table.add(
    keys[0],
    [of('P', { replicas: 3 }), of('Q', { replicas: 5 }), of('R', { replicas: 4 }), of('S', { replicas: 5 })],
    1,
    1,
  );
  assert.equal(wanted(), 5);
  table.drop(put('S'), 10);
  assert.equal(wanted(), 5);
  table.drop(put('P'), 10);
  assert.equal(wanted(), 5);
  table.drop(put('Q'), 10);
  assert.equal(wanted(), 4);
  table.drop(put('R'), 10);
  assert.equal(wanted(), null);
});

test('a claim that goes leaves the block as if it had never come', () => {
  const { table, put, sums } = watched();
  const other = watched().table;
  table.add(keys[0], [of('P'), of('Q')], 1, 1);
  other.add(keys[0], [of('Q')], 1, 1);
  table.drop(put('P'), 10);
  assert.deepEqual(table.digest(keys[0]), other.digest(keys[0]));
  assert.deepEqual(table.summary(keys[0]), other.summary(keys[0]));
  assert.equal(table.count(keys[0]), 1);
  table.drop(put('Q'), 10);
  assert.deepEqual(table.digest(keys[0]), none);
  assert.equal(table.count(keys[0]), 0);
  assert.equal(sums(), 0);
  table.add(keys[0], [of('Q')], 1, 1);
  assert.deepEqual(table.digest(keys[0]), other.digest(keys[0]));
  table.forget(keys[0]);
  assert.deepEqual([table.digest(keys[0]), table.count(keys[0])], [none, 0]);
  assert.equal(table.isClaimed(keys[0]), false);
});

test('what is dropped is told block by block, and the put goes with its last claim', () => {
  const { table, told, put } = watched();
  for (const key of keys) table.add(key, [of('P')], 1, 1);
  table.add(keys[1], [of('Q')], 1, 1);
  told.length = 0;
  const dropped = put('P');
  assert.deepEqual(table.drop(dropped, 2), { claims: 2, unclaimed: [keys[0]], more: true });
  assert.deepEqual(told, [keys[0], keys[1]]);
  assert.equal(table.byName('P', 'a').length, 1);
  assert.deepEqual(table.drop(dropped, 1), { claims: 1, unclaimed: [keys[2]], more: false });
  assert.equal(table.byName('P', 'a').length, 0);
  assert.deepEqual(table.drop(dropped, 1), { claims: 0, unclaimed: [], more: false });
});

test('B12 the uncommitted puts of one owner do not keep those of others waiting', () => {
  const { table, put } = watched();
  for (const name of ['a', 'b', 'c']) table.add(keys[0], [of('P', { name })], 1, 1);
  table.add(keys[0], [of('Q'), of('R', { via: 'Q' })], 1, 1);
  const due = (limit: number) =>
    table.unconfirmed(10_001, 10_000, limit).map(({ publisher, name }) => publisher + name);
  assert.deepEqual(due(2), ['Pa', 'Pb', 'Qa', 'Ra']);
  assert.deepEqual(due(1), ['Pa', 'Qa']);
  table.confirm(put('Q'), null, 1);
  assert.deepEqual(due(9), ['Pa', 'Pb', 'Pc', 'Ra']);
  assert.deepEqual(table.unconfirmed(10_000, 10_000, 9), []);
});

test('B12 puts whose entry has expired come in the order of that', () => {
  const { table, put } = watched();
  table.add(keys[0], [of('P'), of('Q'), of('R')], 1, 1);
  table.confirm(put('P'), 300, 1);
  table.confirm(put('Q'), 200, 1);
  table.confirm(put('R'), null, 1);
  assert.deepEqual(
    table.lapsed(300, 9).map(({ publisher }) => publisher),
    ['Q', 'P'],
  );
  assert.deepEqual(
    table.lapsed(300, 1).map(({ publisher }) => publisher),
    ['Q'],
  );
});

test('names in other scripts are charged by their characters', () => {
  const { table, usage } = watched();
  table.add(keys[0], [of('P', { name: 'été' })], 1, 0);
  assert.equal(usage('P')[0], 2 * 3 + 400 + 120);
});
