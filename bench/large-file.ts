/** Files of 10 MB to 10 GB through two peers: speed and peak memory. */
import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import { median, threeDigits } from './alternating.ts';
import { metered, residentBytes, TransferCost, timedGet, timedPut } from './chordial-transfer.ts';
import { makeRandomFile } from './random-file.ts';
import { type BenchOptions, type BenchRow, row, sharedMeasurement, verdict } from './row.ts';

const maxMegabytes = 250;
/** Bytes, and the number of transfers of each; small ones are quick. */
const sizes = [
  { bytes: 10e6, times: 5 },
  { bytes: 100e6, times: 3 },
  { bytes: 1e9, times: 1 },
  { bytes: 10e9, times: 1 },
];
const quickSizes = 3;

export interface SizeFigures {
  readonly bytes: number;
  /** Seconds. */
  readonly put: number;
  readonly get: number;
  readonly putCost: TransferCost;
  readonly getCost: TransferCost;
  /** Peak memory in megabytes of the putting and of the getting peer. */
  readonly memory: readonly [number, number];
}

/** One per size, the largest last. */
export const sizeFigures = sharedMeasurement(
  async ({ isQuick, note }: BenchOptions): Promise<readonly SizeFigures[]> => {
    const measured = isQuick ? sizes.slice(0, quickSizes) : sizes;
    const total = measured.reduce((sum, { bytes, times }) => sum + bytes * times, 0);
    await using network = await NetworkFixture.open();
    const holder = await network.start({ flags: ['--quota', String(2 * total)] });
    const client = await network.start({ join: holder, flags: ['--quota', '0'] });
    const [file, target] = [path.join(network.folder, 'file'), path.join(network.folder, 'got')];
    const memory = async (pid: number): Promise<number> => (await residentBytes(pid)).highest / 1e6;
    const figures: SizeFigures[] = [];
    for (const { bytes, times } of measured) {
      const [puts, gets] = [[] as number[], [] as number[]];
      const [putCost, getCost] = [new TransferCost(bytes), new TransferCost(bytes)];
      for (let time = 1; time <= times; time++) {
        const name = `file of ${bytes}, ${time}`;
        await makeRandomFile(file, bytes);
        const put = await metered([holder.pid], () => timedPut(holder, name, file, { replicas: 1 }));
        // Saves disk space.
        await rm(file);
        const get = await metered([client.pid, holder.pid], () => timedGet(client, name, target));
        const { size } = await stat(target);
        if (size !== bytes) throw new Error(`the file got has ${size} bytes of ${bytes}`);
        await rm(target);
        puts.push(put.result);
        gets.push(get.result);
        putCost.add(put.cpu);
        getCost.add(get.cpu);
      }
      const [put, get] = [median(puts), median(gets)];
      note(`${shown(bytes)}: put ${rate(bytes, put)} (${putCost}), get ${rate(bytes, get)} (${getCost})`);
      const both = [await memory(holder.pid), await memory(client.pid)] as const;
      figures.push({ bytes, put, get, putCost, getCost, memory: both });
    }
    await Promise.all([holder, client].map((peer) => peer.kill9()));
    await rm(network.folder, { recursive: true, force: true });
    return figures;
  },
);

export async function moveLargeFile(options: BenchOptions): Promise<readonly BenchRow[]> {
  const { bytes, put, get, putCost, getCost, memory } = (await sizeFigures(options)).at(-1)!;
  const rowOfMemory = (who: string, megabytes: number): BenchRow =>
    row(`highest memory of ${who}, ${shown(bytes)}`, `${megabytes.toFixed(0)} MB resident`, {
      target: `≤ ${maxMegabytes} MB`,
      verdict: verdict(megabytes <= maxMegabytes),
    });
  return [
    row(`put ${shown(bytes)}, one copy on the putting peer`, `${rate(bytes, put)} (${putCost})`),
    row(`get ${shown(bytes)} from one peer`, `${rate(bytes, get)} (${getCost})`),
    rowOfMemory('the peer that put and sent', memory[0]),
    rowOfMemory('the peer that got', memory[1]),
  ];
}

function rate(bytes: number, seconds: number): string {
  return `${threeDigits(bytes / 1e6 / seconds)} MB/s`;
}

function shown(bytes: number): string {
  return bytes < 1e9 ? `${bytes / 1e6} MB` : `${bytes / 1e9} GB`;
}
