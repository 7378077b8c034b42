import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachConcurrently } from './for-each.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('as many as may be are in flight, begun in order, and all have ended when it resolves', async () => {
  const begun: number[] = [];
  let [inFlight, most] = [0, 0];
  await forEachConcurrently(Array(20).keys(), 3, async (item) => {
    begun.push(item);
    inFlight += 1;
    most = Math.max(most, inFlight);
    for (let turns = item % 4; turns >= 0; turns--) await turn();
    inFlight -= 1;
  });
  assert.deepEqual(begun, [...Array(20).keys()]);
  assert.deepEqual([inFlight, most], [0, 3]);
});

test('no item is asked for before there is room for it', async () => {
  let asked = 0;
  let ended = 0;
  const items = (async function* () {
    for (; asked < 8; asked++) {
      assert.ok(asked - ended < 2);
      yield asked;
    }
  })();
  await forEachConcurrently(items, 2, async () => {
    await turn();
    ended += 1;
  });
  assert.equal(ended, 8);
});

test('after a failure nothing more is begun, and it is told when the others have ended', async () => {
  let [begun, ended] = [0, 0];
  const working = forEachConcurrently(Array(9).keys(), 3, async (item) => {
    begun += 1;
    if (item === 1) throw new Error('the second');
    await turn();
    ended += 1;
  });
  await assert.rejects(working, /the second/);
  assert.deepEqual([begun, ended], [2, 1]);
  const broken = (async function* () {
    yield 1;
    throw new Error('no more items');
  })();
  await assert.rejects(
    forEachConcurrently(broken, 3, async () => {
      await turn();
      ended += 1;
    }),
    /no more items/,
  );
  assert.equal(ended, 2);
});
