/**
 * A file through a path of 100 ms round trip and a limited rate, with and without losses: the share of the
 * rate used for file bytes. The time runs from locating the file to its last byte on disk.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import { type PathOptions, SlowPath } from '../packages/chordial/test/fixtures/slow-path.ts';
import { median } from './alternating.ts';
import { metered, TransferCost, timedGet, timedPut } from './chordial-transfer.ts';
import { makeRandomFile, mebibyte } from './random-file.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const min = 0.94;
const roundTripMilliseconds = 100;
/** Rounding error of the percentages shown. */
const rounding = 0.005;
/** Longer runs would only hide the cost of the start. */
const secondsOfPath = 20;

const paths: readonly (PathOptions & { readonly name: string })[] = [
  { name: '100 Mbit/s', roundTripMilliseconds, bytesPerSecond: 12.5e6 },
  { name: '100 Mbit/s, a loss every 10 MB', roundTripMilliseconds, bytesPerSecond: 12.5e6, bytesBetweenLosses: 10e6 },
  { name: '500 Mbit/s', roundTripMilliseconds, bytesPerSecond: 62.5e6 },
];

export async function slowPaths({ runs, isQuick, note }: BenchOptions): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const { name, ...options } of paths) {
    const bytes = mebibyte * Math.round((options.bytesPerSecond * (isQuick ? 5 : secondsOfPath)) / mebibyte);
    const shares = { get: [] as number[], put: [] as number[] };
    const costs = { get: new TransferCost(bytes), put: new TransferCost(bytes) };
    for (let run = 1; run <= runs; run++) {
      const { get, put, cpu } = await through(options, bytes);
      shares.get.push(bytes / get / options.bytesPerSecond);
      shares.put.push(bytes / put / options.bytesPerSecond);
      for (const kind of ['get', 'put'] as const) costs[kind].add(cpu[kind]);
      note(`${name}: get ${percent(shares.get.at(-1))}, put ${percent(shares.put.at(-1))}`);
    }
    for (const kind of ['get', 'put'] as const) {
      const share = median(shares[kind]);
      rows.push(
        row(
          `${kind} of ${Math.round(bytes / mebibyte)} MiB through ${roundTripMilliseconds} ms, ${name}`,
          `${percent(share)} (${costs[kind]})`,
          {
            rival: `${(options.bytesPerSecond / 1e6).toFixed(1)} MB/s (the path)`,
            ratio: share.toFixed(2),
            target: `≥ ${min} ×`,
            verdict: verdict(share >= min - rounding),
          },
        ),
      );
    }
  }
  return rows;
}

interface Through {
  /** Seconds of a get from, and of a put to, the peer at the other end. */
  readonly get: number;
  readonly put: number;
  /** Of both peers for each, the getting or putting one first. */
  readonly cpu: { readonly get: readonly number[]; readonly put: readonly number[] };
}

async function through(options: PathOptions, bytes: number): Promise<Through> {
  await using network = await NetworkFixture.open();
  let port = 0;
  await using slow = await SlowPath.open(() => port, options);
  const holder = await network.start({ flags: ['--advertise', `127.0.0.1:${slow.port}`] });
  port = Number(holder.ready.listen.split(':').at(-1));
  const client = await network.start({ join: `127.0.0.1:${slow.port}`, flags: ['--quota', '0'] });
  const file = path.join(network.folder, 'file');
  await makeRandomFile(file, bytes);
  await timedPut(holder, 'there', file, { replicas: 1 });
  const pids = [client.pid, holder.pid];
  const get = await metered(pids, () => timedGet(client, 'there', path.join(network.folder, 'got')));
  await makeRandomFile(file, bytes);
  const put = await metered(pids, () => timedPut(client, 'here', file, { replicas: 1 }));
  await Promise.all([holder, client].map((peer) => peer.kill9()));
  await rm(network.folder, { recursive: true, force: true });
  return { get: get.result, put: put.result, cpu: { get: get.cpu, put: put.cpu } };
}

function percent(share = 0): string {
  return `${(100 * share).toFixed(0)} % of the path`;
}
