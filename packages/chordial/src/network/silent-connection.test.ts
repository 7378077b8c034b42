import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { PooledBulk } from './connection-pool.ts';
import { openStream } from './tls-transport.ts';
import { TransportError } from './transport.ts';

/** A connection on which streams time out after 3 s each, in a time that the test lets pass. */
function silentConnection(t: TestContext, isThrough: boolean) {
  let now = 100_000;
  t.mock.method(performance, 'now', () => now);
  const bulk = {
    lastData: Number.NEGATIVE_INFINITY,
    open: () => {
      const over = Promise.withResolvers<void>();
      const failure = new TransportError('timeout', 'Not a byte.');
      const answer = async () => {
        now += 3000;
        over.resolve();
        throw failure;
      };
      return { over: over.promise, failure, send: async () => undefined, answer, fail: () => undefined };
    },
  };
  const connection = { isThrough, bulk, end: () => ended.push(now) };
  const pooled = { connection, inUse: 0, lastUsed: 0, unansweredSince: null, heardAt: 0 } as unknown as PooledBulk;
  const ended: number[] = [];
  const ask = async () => {
    const began = now;
    await assert.rejects(openStream(pooled, 'kind', { header: null }, { deadline: 3000 }), { failure: 'timeout' });
    await new Promise((resolve) => setImmediate(resolve));
    return now - began;
  };
  return { bulk, pooled, ask, ended };
}

test('B10 a connection whose streams time out one after the other is dialled again, to a hidden host after the first', async (t) => {
  const direct = silentConnection(t, false);
  await direct.ask();
  assert.deepEqual(direct.ended, []);
  await direct.ask();
  assert.deepEqual(direct.ended, [106_000]);
  t.mock.restoreAll();
  const through = silentConnection(t, true);
  await through.ask();
  assert.deepEqual(through.ended, [103_000]);
});

test('one on which something came meanwhile is kept', async (t) => {
  const { bulk, pooled, ask, ended } = silentConnection(t, false);
  await ask();
  bulk.lastData = 102_000;
  await ask();
  pooled.heardAt = 105_000;
  pooled.unansweredSince = null;
  await ask();
  assert.deepEqual(ended, []);
});
