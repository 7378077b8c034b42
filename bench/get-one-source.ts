/**
 * A get of 1 GiB by a peer that holds nothing (`--quota 0`) from the one peer with all its blocks: encrypted, verified,
 * written. Compared with curl from nginx over HTTPS and HTTP/2, which verifies nothing, with libtorrent, which encrypts
 * nothing, and with the limits of the machine.
 */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import { alternate, type Contender, threeDigits } from './alternating.ts';
import { metered, TransferCost, timedGet, timedPut } from './chordial-transfer.ts';
import { limitsOf } from './limits/limits.ts';
import { makeRandomFile, mebibyte } from './random-file.ts';
import { Libtorrent } from './rivals/libtorrent.ts';
import { hasAria2, Nginx } from './rivals/nginx.ts';
import { NodeRival } from './rivals/node-rivals.ts';
import { Syncthing } from './rivals/syncthing.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';
import { sameBytes } from './same-bytes.ts';

const minOfCurl = 0.95;
const minOfLibtorrent = 1.25;
/** CPU seconds per GiB. */
const maxOfGetter = 2.1;
const maxOfHolder = 0.9;
const aria2Connections = 4;

export async function getFromOneSource(options: BenchOptions): Promise<readonly BenchRow[]> {
  await using stack = new AsyncDisposableStack();
  const network = stack.use(await NetworkFixture.open());
  const bytes = (options.isQuick ? 256 : 1024) * mebibyte;
  const served = path.join(network.folder, 'served');
  await mkdir(served);
  const file = path.join(served, 'file');
  await makeRandomFile(file, bytes);
  const megabytes = bytes / 1e6;

  const holder = await network.start();
  const client = await network.start({ join: holder, flags: ['--quota', '0'] });
  await timedPut(holder, 'file', file, { replicas: 1 });
  const target = path.join(network.folder, 'got');
  const cost = new TransferCost(bytes);

  const ours: Contender = {
    name: 'chordial',
    measure: async (run) => {
      await rm(target, { force: true });
      const { result, cpu } = await metered([client.pid, holder.pid], () => timedGet(client, 'file', target));
      cost.add(cpu);
      if (run === 1) await sameBytes(file, target);
      return megabytes / result;
    },
  };
  const contenders = [ours];
  const { note } = options;
  const other = path.join(network.folder, 'other');
  const rival = async <Rival extends AsyncDisposable>(
    name: string,
    start: () => Promise<Rival>,
    get: (rival: Rival) => Promise<number>,
  ): Promise<Rival | null> => {
    try {
      const started = stack.use(await start());
      contenders.push({ name, measure: async () => megabytes / (await get(started)) });
      return started;
    } catch (error) {
      note(`${name} left out: ${(error as Error).message}`);
      return null;
    }
  };
  const nginx = await rival(
    'curl from nginx',
    () => Nginx.start(network.folder, served, note),
    (server) => server.curl('file', other),
  );
  if (nginx !== null && (await hasAria2(note))) {
    contenders.push({
      name: `aria2 from nginx, ${aria2Connections} connections`,
      measure: async () => megabytes / (await nginx.aria2('file', other, aria2Connections)),
    });
  }
  const folder = path.join(network.folder, 'torrents');
  const get = (peer: { get(): Promise<number> }): Promise<number> => peer.get();
  await rival('libtorrent', () => Libtorrent.seed(file, path.join(folder, 'libtorrent'), note), get);
  await rival('Syncthing', () => Syncthing.serve(served, bytes, path.join(folder, 'syncthing'), note), get);
  await rival('WebTorrent', () => NodeRival.webtorrent(file, path.join(folder, 'webtorrent'), note), get);
  await rival('HyperDHT stream, no disk', () => NodeRival.hyperdht(bytes, note), get);

  const measured = await alternate(contenders, options);
  const [own] = measured;
  if (own === undefined) throw new Error('nothing was measured');
  const [getter, holding] = [cost.of(0), cost.of(1)];
  const min = new Map([
    ['curl from nginx', minOfCurl],
    ['libtorrent', minOfLibtorrent],
  ]);
  const rows = measured.slice(1).map(({ name, median }) => {
    const [ratio, wanted] = [own.median / median, min.get(name)];
    return row(
      `get of ${Math.round(bytes / mebibyte)} MiB by a client from one peer, beside ${name}`,
      `${threeDigits(own.median)} MB/s (${cost})`,
      {
        rival: `${threeDigits(median)} MB/s`,
        ratio: ratio.toFixed(2),
        ...(wanted === undefined ? {} : { target: `≥ ${wanted} ×`, verdict: verdict(ratio >= wanted) }),
      },
    );
  });
  const cpuRow = (who: string, seconds: number, max: number): BenchRow =>
    row(`CPU of the ${who} a GiB`, `${seconds.toFixed(2)} s`, {
      target: `≤ ${max} s`,
      verdict: verdict(seconds <= max),
    });
  return [
    ...rows,
    cpuRow('getter, verified and on disk,', getter, maxOfGetter),
    cpuRow('holder', holding, maxOfHolder),
    ...(await limitsOf(file, bytes, own.median, options)),
  ];
}
