import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageBuffers } from './replicate-leaves.ts';

test('no more messages than slots are on their way, and the others get their turn', async () => {
  const buffers = new MessageBuffers(2);
  let [inFlight, most, done] = [0, 0, 0];
  const send = () =>
    buffers.with(1000, async (memory) => {
      assert.ok(memory.length >= 1000);
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise(setImmediate);
      inFlight -= 1;
      done += 1;
    });
  await Promise.all(Array.from({ length: 9 }, send));
  assert.deepEqual([most, done], [2, 9]);
});

test('memory is used again when it is large enough and its message was answered', async () => {
  const buffers = new MessageBuffers(1);
  const use = (bytes: number) => buffers.with(bytes, async (memory) => memory);
  const first = await use(100_000);
  assert.equal(await use(90_000), first);
  const larger = await use(1_000_000);
  assert.ok(larger !== first && larger.length >= 1_000_000);
  await assert.rejects(
    buffers.with(10, async (memory) => {
      assert.equal(memory, larger);
      throw new Error('interrupted');
    }),
  );
  assert.notEqual(await use(10), larger);
});
