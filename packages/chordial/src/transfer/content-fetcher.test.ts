import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestStop } from '../../test/fixtures/stop-switch.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import { type ContentFetcher, resumedAfterStop } from './content-fetcher.ts';

const bytes = Buffer.from('a block');
const cid = cidOfBlock(rawCodec, bytes);

/** Fetches unless there is a stop. */
function fetcherUnder(stop: TestStop): ContentFetcher {
  return {
    fetch: async () => {
      const reason = stop.reason();
      if (reason !== null) throw new ChordialError('stopped', reason);
      return bytes;
    },
    release: () => undefined,
  };
}

const isSettled = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([
    promise.then(
      () => true,
      () => true,
    ),
    new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
  ]);

test('B11 a reader that has begun waits for the end of a stop, one that has not is told', async () => {
  const stop = new TestStop('The limit is stop.');
  const fetcher = resumedAfterStop(fetcherUnder(stop), stop);
  await assert.rejects(fetcher.fetch(cid), { code: 'stopped' });
  stop.set(null);
  await fetcher.fetch(cid);
  stop.set('The limit is stop.');
  const waiting = fetcher.fetch(cid);
  assert.equal(await isSettled(waiting), false);
  stop.set('It is stop for longer.');
  assert.equal(await isSettled(waiting), false);
  stop.set(null);
  assert.equal(await waiting, bytes);
  assert.equal(stop.listeners.size, 0);
});

test('B11 a reader that goes away during a stop waits no longer, and other errors pass', async () => {
  const stop = new TestStop(null);
  const fetcher = resumedAfterStop(fetcherUnder(stop), stop);
  await fetcher.fetch(cid);
  stop.set('The limit is stop.');
  const gone = new AbortController();
  const waiting = fetcher.fetch(cid, gone.signal);
  assert.equal(await isSettled(waiting), false);
  gone.abort();
  await assert.rejects(waiting, { code: 'interrupted' });
  assert.equal(stop.listeners.size, 0);
  const failing: ContentFetcher = {
    fetch: () => Promise.reject(new ChordialError('no-live-source', 'None.')),
    release: () => undefined,
  };
  await assert.rejects(resumedAfterStop(failing, stop).fetch(cid), { code: 'no-live-source' });
});
