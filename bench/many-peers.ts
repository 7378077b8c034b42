/** 64 real peers on one machine: until they are one ring, what they cost together, and a file through them. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { NetworkFixture } from '../test/end-to-end/network-fixture.ts';
import type { PeerProcess } from '../test/end-to-end/peer-process.ts';
import { until } from '../test/end-to-end/until.ts';
import { threeDigits } from './alternating.ts';
import { cpuSeconds, residentBytes, timedGet, timedPut } from './chordial-transfer.ts';
import { makeRandomFile, mebibyte } from './random-file.ts';
import { type BenchOptions, type BenchRow, row } from './row.ts';
import { sameBytes } from './same-bytes.ts';

const joiningAtOnce = 4;
const ringMilliseconds = 300_000;
const fileBytes = 64 * mebibyte;
const idleSeconds = 10;

export async function manyPeers({ isQuick, note }: BenchOptions): Promise<readonly BenchRow[]> {
  const count = isQuick ? 16 : 64;
  await using network = await NetworkFixture.open();
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  const first = await network.start();
  const ring = [first, ...(await joinAll(network, first, count - 1))];
  const ready = seconds();
  note(`${count} peers ready after ${ready.toFixed(1)} s`);
  await until('one ring', () => network.isIdeal(ring), ringMilliseconds);
  const ideal = seconds();
  note(`one ring after ${ideal.toFixed(1)} s`);

  const file = path.join(network.folder, 'file');
  const target = path.join(network.folder, 'got');
  await makeRandomFile(file, fileBytes);
  const putRate = fileBytes / 1e6 / (await timedPut(ring[1]!, 'file', file, 3));
  const getRate = fileBytes / 1e6 / (await timedGet(ring.at(-1)!, 'file', target));
  await sameBytes(file, target);

  const before = await sum(ring, cpuSeconds);
  await wait(idleSeconds * 1000);
  const percent = (100 * ((await sum(ring, cpuSeconds)) - before)) / idleSeconds / count;
  const memory = (await sum(ring, async (pid) => (await residentBytes(pid)).now)) / count / 1e6;
  await Promise.all(ring.map((peer) => peer.kill9()));
  await rm(network.folder, { recursive: true, force: true });
  const what = `${count} peers on one machine`;
  return [
    row(`${what}: all ready, ${joiningAtOnce} joining at a time`, `${ready.toFixed(1)} s`),
    row(`${what}: one ring, every pointer right`, `${ideal.toFixed(1)} s`),
    row(`${what}: put of 64 MiB, 3 copies`, `${threeDigits(putRate)} MB/s`),
    row(`${what}: get of 64 MiB`, `${threeDigits(getRate)} MB/s`),
    row(`${what}: memory of each`, `${memory.toFixed(0)} MB resident`),
    row(`${what}: CPU of each, idle`, `${percent.toFixed(2)} % of a core`),
  ];
}

async function joinAll(network: NetworkFixture, first: PeerProcess, count: number): Promise<PeerProcess[]> {
  const joined: PeerProcess[] = [];
  let left = count;
  const joinOn = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      joined.push(await network.start({ join: first }));
    }
  };
  await Promise.all(Array.from({ length: joiningAtOnce }, joinOn));
  return joined;
}

async function sum(peers: readonly PeerProcess[], of: (pid: number) => Promise<number>): Promise<number> {
  return (await Promise.all(peers.map(({ pid }) => of(pid)))).reduce((total, one) => total + one, 0);
}
