import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open, rm, truncate } from 'node:fs/promises';
import path from 'node:path';
import { describe, it, test } from 'node:test';
import { temporaryFolder } from '../contracts/temporary-folder.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const mebibyte = 1024 * 1024;
/** The upkeep of claims keeps to 60 s by its clock (claim-upkeep.test.ts); here a machine does much else. */
const freedMilliseconds = 90_000;
const route = (name: string) => `/api/v1/files/${encodeURIComponent(name)}`;

async function bytesAt(peer: PeerProcess): Promise<number> {
  const roles = await Promise.all(
    ['primary', 'replica'].map((role) => peer.json<{ bytes: number }>(`/api/v1/storage?role=${role}`)),
  );
  return roles.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Begins a put of so many bytes that never ends; resolves once they were taken. */
function endlessPut(
  peer: PeerProcess,
  name: string,
  bytes: number,
): { readonly left: Promise<void>; readonly stop: () => void } {
  const stop = new AbortController();
  const taken = Promise.withResolvers<void>();
  let left = bytes;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left > 0) controller.enqueue(new Uint8Array(randomBytes(Math.min(left, 65_536))));
      else taken.resolve();
      left -= 65_536;
      return left > -65_536 ? undefined : new Promise(() => undefined);
    },
  });
  peer
    .request(route(name), { method: 'PUT', body, duplex: 'half', signal: stop.signal } as RequestInit)
    .catch(() => undefined);
  return { left: taken.promise, stop: () => stop.abort() };
}

test('case 2 a file that cannot fit is refused at once, and leaves the room to others', async (t) => {
  await using network = await NetworkFixture.open();
  await using folder = await temporaryFolder();
  const peer = await network.start({ flags: ['--quota', '100M'] });
  const large = path.join(folder.path, 'large');
  await (await open(large, 'w')).close();
  await truncate(large, 150 * mebibyte);
  const began = performance.now();
  const { exit, stderr } = await network.command(['put', large], peer);
  t.diagnostic(`refused after ${(performance.now() - began).toFixed(0)} ms: ${stderr}`);
  assert.equal(exit, 1);
  assert.match(stderr, /quota|do not fit/);
  const head = { method: 'PUT', body: randomBytes(1), headers: { 'content-length': String(150 * mebibyte) } };
  await peer.request(route('large'), head).catch(() => undefined);
  assert.equal(await bytesAt(peer), 0);
  const small = await peer.request(route('small'), { method: 'PUT', body: '7 bytes' });
  assert.equal(small.status, 201);
  await rm(large);
});

/** A ring of two, the second of which has put a file that stays and some of another. */
async function withBrokenPut(network: NetworkFixture) {
  const flags = ['--quota', '100M'];
  const first = await network.start({ flags });
  const putter = await network.start({ join: first, flags });
  await until('one ring of two', () => network.isIdeal([first, putter]), 60_000);
  assert.equal((await putter.request(route('kept'), { method: 'PUT', body: randomBytes(mebibyte) })).status, 201);
  const kept = await bytesAt(first);
  const put = endlessPut(putter, 'broken', 20 * mebibyte);
  await until('blocks of the put at both', async () => (await bytesAt(first)) > 10 * mebibyte, 60_000);
  return { first, putter, kept, put };
}

// Both wait for the same half a minute.
describe('case 2 what was put is free again at every holder', { concurrency: 2 }, () => {
  it('case 2 when the put is interrupted', async (t) => {
    await using network = await NetworkFixture.open();
    const { first, putter, kept, put } = await withBrokenPut(network);
    put.stop();
    const since = performance.now();
    for (const peer of [first, putter])
      await until('the room of the broken put', async () => (await bytesAt(peer)) === kept, freedMilliseconds);
    t.diagnostic(`free after ${((performance.now() - since) / 1000).toFixed(1)} s`);
  });

  it('case 2 when its putter is killed', async (t) => {
    await using network = await NetworkFixture.open();
    const { first, putter, kept } = await withBrokenPut(network);
    await putter.kill9();
    const since = performance.now();
    await until('the room of the killed put', async () => (await bytesAt(first)) === kept, freedMilliseconds);
    t.diagnostic(`free after ${((performance.now() - since) / 1000).toFixed(1)} s`);
    assert.equal((await first.request(route('kept'))).status, 200);
  });
});
