import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const contents = new Map(
  Array.from({ length: 12 }, (_, index) => [`file-${index}`, randomBytes(1_000 + index * 100_000)]),
);
const ringMilliseconds = 60_000;

test('A9 A3 five peers join at once a ring of one: every file readable at every moment, and soon in three copies', async (t) => {
  await using network = await NetworkFixture.open();
  const founder = await network.start();
  await putAll(founder);
  let reads = 0;
  const ring = [founder];
  const reading = async () => {
    for (; ring.length < 6; reads += contents.size) await readAll([founder]);
  };
  const joining = async () => {
    const joiners = await Promise.all(Array.from({ length: 5 }, () => network.start({ join: founder })));
    ring.push(...joiners);
    await readAll(joiners);
  };
  await Promise.all([reading(), joining()]);
  t.diagnostic(`${reads} reads at the founder while five joined`);
  await until('one ring of six', () => network.isIdeal(ring), ringMilliseconds);
  await until('every file in three copies', () => everyFileHas(3, founder), ringMilliseconds);
  await readAll(ring);
});

test('A4 A8 peers that leave for good lose nothing; the last one leaves only when forced', async () => {
  await using network = await NetworkFixture.open();
  const [first, second, third, last] = (await network.startRing(4)) as [
    PeerProcess,
    PeerProcess,
    PeerProcess,
    PeerProcess,
  ];
  await until('one ring of four', () => network.isIdeal([first, second, third, last]), ringMilliseconds);
  await putAll(second);
  for (const [index, leaver] of [first, second, third].entries()) {
    const staying = [second, third, last].slice(index);
    const reading = readAll([last]);
    const left = await network.command(['leave'], leaver);
    assert.equal(left.exit, 0, left.stderr);
    assert.deepEqual(await leaver.exited, { code: 0, signal: null });
    await reading;
    await until('one ring of those that stay', () => network.isIdeal(staying), ringMilliseconds);
    await readAll(staying);
  }
  const refused = await network.command(['leave', '--json'], last);
  assert.equal(refused.exit, 1);
  assert.match(refused.stderr, /"last-peer".*every file is gone.*--force/);
  await readAll([last]);
  const forced = await network.command(['leave', '--force'], last);
  assert.equal(forced.exit, 0, forced.stderr);
  assert.deepEqual(await last.exited, { code: 0, signal: null });
});

test('A26 known peers are remembered: a restart without --join returns, also through one that it was never told of', async () => {
  await using network = await NetworkFixture.open();
  const [first, second] = (await network.startRing(2)) as [PeerProcess, PeerProcess];
  const third = await network.start({ join: second });
  await until('one ring of three', () => network.isIdeal([first, second, third]), ringMilliseconds);
  await third.stop();
  await second.kill9();
  // `third` joined through `second`, which is gone; `first` it knows from the ring alone.
  const back = await network.restart(third);
  assert.deepEqual([back.ready.id, back.ready.network], [third.ready.id, first.ready.network]);
  await until('one ring of two', () => network.isIdeal([first, back]), ringMilliseconds);
  const again = await network.restart(second);
  await until('one ring of three again', () => network.isIdeal([first, back, again]), ringMilliseconds);
});

async function putAll(peer: PeerProcess): Promise<void> {
  for (const [name, body] of contents) {
    const put = await peer.request(`/api/v1/files/${name}`, { method: 'PUT', body });
    assert.equal(put.status, 201, await put.text());
  }
}

async function readAll(peers: readonly PeerProcess[]): Promise<void> {
  await Promise.all(
    peers.map(async (peer) => {
      for (const [name, bytes] of contents) {
        try {
          const response = await peer.request(`/api/v1/files/${name}`);
          const read = Buffer.from(await response.arrayBuffer());
          assert.equal(response.status, 200, read.toString().slice(0, 1000));
          assert.ok(bytes.equals(read), 'other bytes');
        } catch (cause) {
          throw new Error(`${name} could not be read at ${peer.describe()}`, { cause });
        }
      }
    }),
  );
}

async function everyFileHas(copies: number, peer: PeerProcess): Promise<boolean> {
  const stats = await Promise.all(
    [...contents.keys()].map((name) => peer.json<{ copies: number }>(`/api/v1/files/${name}/stat`)),
  );
  return stats.every((stat) => stat.copies >= copies);
}
