/** 10 GB through two peers: how fast, and how much memory each needs at its highest. */
import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { NetworkFixture } from '../test/end-to-end/network-fixture.ts';
import { threeDigits } from './alternating.ts';
import { residentBytes, timedGet, timedPut } from './chordial-transfer.ts';
import { makeRandomFile, mebibyte } from './random-file.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const mostMegabytes = 250;

export async function moveLargeFile({ isQuick, note }: BenchOptions): Promise<readonly BenchRow[]> {
  const bytes = (isQuick ? 1024 : 10 * 1024) * mebibyte;
  const gigabytes = `${(bytes / 1e9).toFixed(1)} GB`;
  await using network = await NetworkFixture.open();
  const holder = await network.start({ flags: ['--quota', String(2 * bytes)] });
  const client = await network.start({ join: holder, flags: ['--quota', '0'] });
  const file = path.join(network.folder, 'file');
  await makeRandomFile(file, bytes);
  const putRate = bytes / 1e6 / (await timedPut(holder, 'file', file, 1));
  note(`put ${gigabytes} with one copy: ${threeDigits(putRate)} MB/s`);
  // The disk need not hold it three times.
  await rm(file);
  const target = path.join(network.folder, 'got');
  const getRate = bytes / 1e6 / (await timedGet(client, 'file', target));
  const { size } = await stat(target);
  if (size !== bytes) throw new Error(`the file got has ${size} bytes of ${bytes}`);
  const memory = async (pid: number): Promise<number> => (await residentBytes(pid)).highest / 1e6;
  const rowOfMemory = (who: string, megabytes: number): BenchRow =>
    row(`highest memory of ${who}, ${gigabytes}`, `${megabytes.toFixed(0)} MB resident`, {
      target: `≤ ${mostMegabytes} MB`,
      verdict: verdict(megabytes <= mostMegabytes),
    });
  const rows = [
    row(`put ${gigabytes}, one copy on the putting peer`, `${threeDigits(putRate)} MB/s`),
    row(`get ${gigabytes} from one peer`, `${threeDigits(getRate)} MB/s`),
    rowOfMemory('the peer that put and sent', await memory(holder.pid)),
    rowOfMemory('the peer that got', await memory(client.pid)),
  ];
  await Promise.all([holder, client].map((peer) => peer.kill9()));
  await rm(network.folder, { recursive: true, force: true });
  return rows;
}
