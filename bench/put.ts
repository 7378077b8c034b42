/**
 * A put into a ring of three peers on this machine, 3 replicas, write quorum 2. Compared with curl from nginx, which writes
 * one copy and flushes nothing.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import { alternate, type Contender, threeDigits } from './alternating.ts';
import { metered, TransferCost, timedPut } from './chordial-transfer.ts';
import { makeRandomFile, mebibyte } from './random-file.ts';
import { Nginx } from './rivals/nginx.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const minOfCurl = 0.38;
/** CPU seconds per GiB, of all peers together. */
const maxCpu = 8.5;
const copies = 3;

export async function putThreeCopies(options: BenchOptions): Promise<readonly BenchRow[]> {
  await using stack = new AsyncDisposableStack();
  const bytes = (options.isQuick ? 256 : 1024) * mebibyte;
  const { folder } = stack.use(await NetworkFixture.open());
  const served = path.join(folder, 'served');
  await mkdir(served);
  const file = path.join(served, 'file');
  const cost = new TransferCost(bytes);
  const ours: Contender = {
    name: 'chordial',
    measure: async () => {
      // New bytes and peers each time, since existing blocks are not sent again. Folders stay to the end: ext4 without a journal
      // skips recently freed inodes one by one, which was half of the work of the disk threads.
      const network = stack.use(await NetworkFixture.open());
      await makeRandomFile(file, bytes);
      const ring = await network.startRing(copies);
      const pids = ring.map(({ pid }) => pid);
      const { result, cpu } = await metered(pids, () => timedPut(ring[0]!, 'file', file, { replicas: copies }));
      cost.add(cpu);
      await Promise.all(ring.map((peer) => peer.kill9()));
      return bytes / 1e6 / result;
    },
  };
  const contenders = [ours];
  try {
    const nginx = stack.use(await Nginx.start(folder, served, options.note));
    const target = path.join(folder, 'got');
    contenders.push({
      name: 'curl from nginx',
      measure: async () => bytes / 1e6 / (await nginx.curl('file', target)),
    });
  } catch (error) {
    options.note(`curl from nginx left out: ${(error as Error).message}`);
  }
  const [own, curl] = await alternate(contenders, options);
  if (own === undefined) throw new Error('nothing was measured');
  const what = `put of ${Math.round(bytes / mebibyte)} MiB, ${copies} copies`;
  const text = `${threeDigits(own.median)} MB/s (${cost}, the putter first)`;
  const cpuRow = row(`${what}: CPU of all peers a GiB`, `${cost.all.toFixed(1)} s`, {
    target: `≤ ${maxCpu} s`,
    verdict: verdict(cost.all <= maxCpu),
  });
  if (curl === undefined) return [row(what, text), cpuRow];
  const ratio = own.median / curl.median;
  return [
    row(`${what}, beside curl from nginx`, text, {
      rival: `${threeDigits(curl.median)} MB/s`,
      ratio: ratio.toFixed(2),
      target: `≥ ${minOfCurl} ×`,
      verdict: verdict(ratio >= minOfCurl),
    }),
    cpuRow,
  ];
}
