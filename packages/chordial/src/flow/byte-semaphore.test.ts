import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteSemaphore } from './byte-semaphore.ts';

/** What was granted, in order; nothing waits for anything but its turn. */
function asking(semaphore: ByteSemaphore) {
  const granted: string[] = [];
  const ask = (host: string, bytes: number): void => {
    void semaphore.take(host, bytes).then(() => granted.push(host));
  };
  return { granted, ask };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a host gets half of what is shared, and another still gets something', async () => {
  const semaphore = new ByteSemaphore(8, 2);
  const { granted, ask } = asking(semaphore);
  for (let wish = 0; wish < 20; wish++) ask('greedy', 1);
  await turn();
  assert.equal(granted.length, 4);
  for (const host of ['b', 'c', 'b', 'c', 'b', 'c']) ask(host, 1);
  await turn();
  assert.equal(semaphore.takenBytes, 8);
  ask('late', 2);
  await turn();
  assert.equal(granted.at(-1), 'late', 'a part is kept for those that hold nothing');
});

test('who holds least comes first when bytes are given back', async () => {
  const semaphore = new ByteSemaphore(8, 0);
  const { granted, ask } = asking(semaphore);
  for (const host of ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'c']) ask(host, 1);
  for (const host of ['b', 'c', 'd']) ask(host, 1);
  await turn();
  granted.length = 0;
  for (let given = 0; given < 3; given++) semaphore.give('a', 1);
  await turn();
  assert.deepEqual(granted, ['d', 'c', 'b']);
});

test('what is small is not queued behind what is large of the same host, and has bounds as well', async () => {
  const semaphore = new ByteSemaphore(640, 0);
  const granted: number[] = [];
  const ask = (bytes: number) => void semaphore.take('a', bytes).then(() => granted.push(bytes));
  for (const bytes of [160, 160, 160, 11, 10, 9]) ask(bytes);
  await turn();
  assert.deepEqual(granted, [160, 160, 10, 9], 'beyond the half');
  for (let small = 0; small < 10; small++) ask(8);
  await turn();
  assert.equal(semaphore.takenBytes, 320 + 10 + 9 + 2 * 8, 'by a sixteenth at most');
  granted.length = 0;
  semaphore.give('a', 160);
  await turn();
  assert.deepEqual(granted, Array(8).fill(8), 'before those that are large');
  semaphore.give('a', 160);
  await turn();
  assert.deepEqual(granted.slice(8), [160, 11], 'which come in their order');
});

test('every wish is granted in the end, and the bounds hold, whatever is asked for and given back', async () => {
  const wish = fc.record({ host: fc.constantFrom('a', 'b', 'c', 'd'), bytes: fc.integer({ min: 1, max: 12 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(wish, { maxLength: 60 }), async (wishes) => {
      const semaphore = new ByteSemaphore(8, 4);
      const held: (typeof wishes)[number][] = [];
      for (const one of wishes) void semaphore.take(one.host, one.bytes).then(() => held.push(one));
      await turn();
      for (let left = wishes.length; left > 0; left--) {
        const one = held.shift();
        assert.ok(one, 'something can always be given back while anybody waits');
        assert.ok(semaphore.takenBytes <= 12);
        semaphore.give(one.host, one.bytes);
        await turn();
      }
      assert.equal(semaphore.takenBytes, 0);
    }),
    { numRuns: 50 },
  );
});
