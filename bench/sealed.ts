/** Sealed files against plain ones: a client puts and gets both through one peer, in turn. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import { median, threeDigits } from './alternating.ts';
import { metered, TransferCost, timedGet, timedPut } from './chordial-transfer.ts';
import { makeRandomFile, mebibyte } from './random-file.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const minOfPlain = 0.6;
/** A client that stores nothing may use this part of a peer. */
const sharePerClient = 20;

export async function sealedFiles({ runs, isQuick, note }: BenchOptions): Promise<readonly BenchRow[]> {
  const bytes = (isQuick ? 256 : 1024) * mebibyte;
  await using network = await NetworkFixture.open();
  const holder = await network.start({ flags: ['--quota', String(sharePerClient * 2 * (runs + 1) * bytes)] });
  const client = await network.start({ join: holder, flags: ['--quota', '0'] });
  const [file, target] = [path.join(network.folder, 'file'), path.join(network.folder, 'got')];
  const kinds = { plain: {}, sealed: { sealed: {} } } as const;
  const figures = Object.keys(kinds).map((kind) => ({
    kind: kind as keyof typeof kinds,
    put: [] as number[],
    get: [] as number[],
    putCost: new TransferCost(bytes),
    getCost: new TransferCost(bytes),
  }));
  for (let run = 1; run <= runs; run++) {
    for (const { kind, put, get, putCost, getCost } of figures) {
      const name = `${kind} ${run}`;
      await makeRandomFile(file, bytes);
      const stored = await metered([client.pid], () => timedPut(client, name, file, { replicas: 1, ...kinds[kind] }));
      const fetched = await metered([client.pid], () => timedGet(client, name, target));
      await rm(target);
      put.push(stored.result);
      get.push(fetched.result);
      putCost.add(stored.cpu);
      getCost.add(fetched.cpu);
    }
    note(
      `run ${run} of ${runs}: ${figures.map(({ kind, put, get }) => `${kind} put ${rate(bytes, put.at(-1)!)}, get ${rate(bytes, get.at(-1)!)}`).join('; ')}`,
    );
  }
  const [plain, sealed] = figures as [(typeof figures)[0], (typeof figures)[0]];
  return (['put', 'get'] as const).map((way) => {
    const ratio = median(plain[way]) / median(sealed[way]);
    const cost = (of: typeof plain): TransferCost => (way === 'put' ? of.putCost : of.getCost);
    return row(
      `${way} of ${Math.round(bytes / mebibyte)} MiB, sealed`,
      `${rate(bytes, median(sealed[way]))} (${cost(sealed)})`,
      {
        rival: `plain ${rate(bytes, median(plain[way]))} (${cost(plain)})`,
        ratio: ratio.toFixed(2),
        target: `≥ ${minOfPlain} ×`,
        verdict: verdict(ratio >= minOfPlain),
      },
    );
  });
}

function rate(bytes: number, seconds: number): string {
  return `${threeDigits(bytes / 1e6 / seconds)} MB/s`;
}
