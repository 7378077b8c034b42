/**
 * A share of 10^5 small files and one of 20 GB at one peer of a ring of three: time until all is indexed and announced,
 * memory, latency of another peer's small reads meanwhile, and a restart, which must not hash again.
 */
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ShareStatus } from '../packages/chordial/src/sharing/shared-folders.ts';
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import type { PeerProcess } from '../packages/chordial/test/end-to-end/peer-process.ts';
import { until } from '../packages/chordial/test/fixtures/until.ts';
import { median } from './alternating.ts';
import { bytesRead, cpuSeconds, metered, residentBytes } from './chordial-transfer.ts';
import { mebibyte } from './random-file.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const filesPerFolder = 500;
const filesRead = 50;
const indexSizes = [1000, 10_000, 100_000];
const quickIndexSizes = [100, 500, 2000];
const betweenReadsMilliseconds = 100;
const betweenLooksMilliseconds = 500;
const readMilliseconds = 20_000;
const maxMegabytes = 250;
const patienceMilliseconds = 1_800_000;

export async function largeShare({ isQuick, note }: BenchOptions): Promise<readonly BenchRow[]> {
  const files = isQuick ? 10_000 : 100_000;
  const largeBytes = (isQuick ? 2 : 20) * 1e9;
  const what = `${files} small files and one of ${largeBytes / 1e9} GB`;
  await using network = await NetworkFixture.open();
  await compile(network);
  const [sharer, reader] = (await network.startRing(3)) as [PeerProcess, PeerProcess, PeerProcess];
  const [small, large] = [path.join(network.folder, 'small'), path.join(network.folder, 'large')];
  await makeSmall(small, filesRead);
  await makeSmall(large, files);
  await makeSparse(path.join(large, 'The Large One.bin'), largeBytes);
  note(`${what} made`);
  await share(sharer, small);
  await until('the small share is announced', async () => (await shares(sharer))[0]?.announced === filesRead, 60_000);

  const before = await cpuSeconds(sharer.pid);
  const since = performance.now();
  await share(sharer, large);
  const [{ indexed, announced }, reads] = await reading(reader, () => untilAnnounced(sharer, since, files + 1, note));
  await until('the SHA-256 of the large one is told', () => hasWholeHash(reader), patienceMilliseconds);
  const told = (performance.now() - since) / 1000;
  const cpu = (await cpuSeconds(sharer.pid)) - before;
  const memory = (await residentBytes(sharer.pid)).highest / 1e6;
  await sharer.kill9();
  const again = performance.now();
  const restarted = await network.restart(sharer);
  await until('all is there', () => isWatching(restarted, files + 1), patienceMilliseconds);
  const back = (performance.now() - again) / 1000;
  const read = await bytesRead(restarted.pid);
  const memoryAfter = (await residentBytes(restarted.pid)).highest / 1e6;
  await Promise.all([sharer, reader, restarted].map((peer) => peer.kill9()));
  await rm(network.folder, { recursive: true, force: true });
  const rowOfMemory = (when: string, megabytes: number): BenchRow =>
    row(`highest memory of the sharer ${when}`, `${megabytes.toFixed(0)} MB resident`, {
      target: `≤ ${maxMegabytes} MB`,
      verdict: verdict(megabytes <= maxMegabytes),
    });
  return [
    row(`${what}: all indexed`, `${indexed.toFixed(1)} s`),
    row(`${what}: all announced`, `${announced.toFixed(1)} s`),
    row(`${what}: SHA-256 of the large one told`, `${told.toFixed(1)} s`),
    row('processor time of the sharer for it', `${cpu.toFixed(1)} s`),
    rowOfMemory('until then', memory),
    row(
      `another peer's read of a small file meanwhile, ${reads.milliseconds.length} reads`,
      `p50 ${median(reads.milliseconds).toFixed(0)} ms, highest ${Math.max(...reads.milliseconds).toFixed(0)} ms`,
      { target: 'none fails', verdict: verdict(reads.failed === 0) },
    ),
    row('restart after kill -9 until all is watched again', `${back.toFixed(1)} s`),
    row('bytes that it read for that', `${(read / 1e6).toFixed(0)} MB`, {
      target: 'no file again',
      verdict: verdict(read < largeBytes / 4),
    }),
    rowOfMemory('after the restart', memoryAfter),
  ];
}

export interface IndexFigures {
  readonly files: number;
  /** CPU seconds of the sharer until all are announced, and its peak memory in megabytes above the start. */
  readonly cpu: number;
  readonly memory: number;
}

/** Small files at a single peer, a new one per size. */
export async function indexFigures({ isQuick, note }: BenchOptions): Promise<readonly IndexFigures[]> {
  const figures: IndexFigures[] = [];
  await using network = await NetworkFixture.open();
  for (const files of isQuick ? quickIndexSizes : indexSizes) {
    const folder = path.join(network.folder, String(files));
    const large = path.join(folder, 'large');
    await makeSmall(large, files);
    const peer = await network.start();
    const before = (await residentBytes(peer.pid)).highest;
    const since = performance.now();
    const { cpu } = await metered([peer.pid], async () => {
      await share(peer, large);
      await untilAnnounced(peer, since, files, note);
    });
    const memory = ((await residentBytes(peer.pid)).highest - before) / 1e6;
    figures.push({ files, cpu: cpu[0] ?? 0, memory });
    note(`${files} files: ${cpu[0]?.toFixed(1)} s of CPU, ${memory.toFixed(0)} MB more`);
    await peer.kill9();
    for (const gone of [folder, peer.dataFolder]) await rm(gone, { recursive: true, force: true });
  }
  return figures;
}

async function makeSmall(folder: string, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    const inside = path.join(folder, `folder ${Math.floor(number / filesPerFolder)}`);
    if (number % filesPerFolder === 0) await mkdir(inside, { recursive: true });
    await writeFile(path.join(inside, nameOf(folder, number)), `${folder} ${number}\n`.repeat(1 + (number % 50)));
  }
}

function nameOf(folder: string, number: number): string {
  return `${path.basename(folder)} photo ${number} of the holiday ${(number * 7919) % 1000}.jpeg`;
}

/** Sparse, but no two blocks are equal. */
async function makeSparse(file: string, bytes: number): Promise<void> {
  await using handle = await open(file, 'w');
  await handle.truncate(bytes);
  for (let at = 0; at + 8 <= bytes; at += mebibyte) await handle.write(Buffer.from(String(at).padStart(8)), 0, 8, at);
}

/**
 * Warms the compile cache by a peer that hashes a large file and stops. Otherwise each thread strips types, which an
 * installed package never does: 20 MB per peer and 8 MB per hashing thread (measured).
 */
async function compile(network: NetworkFixture): Promise<void> {
  const peer = await network.start();
  const large = path.join(network.folder, 'first');
  await mkdir(large);
  await makeSparse(path.join(large, 'first.bin'), 200 * mebibyte);
  await share(peer, large);
  await until('it is announced', async () => (await shares(peer))[0]?.announced === 1, 60_000);
  await peer.stop();
}

async function share(peer: PeerProcess, folder: string): Promise<void> {
  const init = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ path: folder, key: await peer.key() }),
  };
  const response = await peer.request('/api/v1/shares', init);
  if (!response.ok) throw new Error(`the share was refused: ${response.status} ${await response.text()}`);
}

async function shares(peer: PeerProcess): Promise<readonly ShareStatus[]> {
  return (await peer.json<{ shares: ShareStatus[] }>('/api/v1/shares')).shares;
}

async function largeOne(peer: PeerProcess): Promise<ShareStatus | undefined> {
  return (await shares(peer)).find((one) => path.basename(one.path) === 'large');
}

async function isWatching(peer: PeerProcess, files: number): Promise<boolean> {
  const status = await largeOne(peer);
  return status?.state === 'watching' && status.indexed === files;
}

/** Seconds since `since`. */
async function untilAnnounced(
  peer: PeerProcess,
  since: number,
  files: number,
  note: (text: string) => void,
): Promise<{ readonly indexed: number; readonly announced: number }> {
  const seconds = (): number => (performance.now() - since) / 1000;
  await slowly(() => isWatching(peer, files));
  const indexed = seconds();
  note(`indexed after ${indexed.toFixed(1)} s`);
  await slowly(async () => (await largeOne(peer))?.announced === files);
  note(`announced after ${seconds().toFixed(1)} s`);
  return { indexed, announced: seconds() };
}

/** Polls twice a second, which costs the peer nothing. */
async function slowly(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMilliseconds;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the share was not announced in half an hour');
    await wait(betweenLooksMilliseconds);
  }
}

async function hasWholeHash(peer: PeerProcess): Promise<boolean> {
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"query":"large one"}' };
  const { queryId } = (await (await peer.request('/api/v1/search', init)).json()) as { queryId: string };
  const { hits } = await until('it has an answer', async () => {
    const found = await peer.json<{ state: string; hits: { sha256: string | null }[] }>(`/api/v1/search/${queryId}`);
    return found.state === 'running' ? null : found;
  });
  return hits.length === 1 && hits[0]?.sha256 !== null;
}

interface Reads {
  readonly milliseconds: readonly number[];
  readonly failed: number;
}

/** Reads small files at the peer repeatedly during `work`. */
async function reading<T>(peer: PeerProcess, work: () => Promise<T>): Promise<readonly [T, Reads]> {
  const milliseconds: number[] = [];
  let failed = 0;
  const working = work().finally(() => over.abort());
  const over = new AbortController();
  while (!over.signal.aborted) {
    const name = nameOf('small', Math.floor(Math.random() * filesRead));
    const since = performance.now();
    if (await isRead(peer, name)) milliseconds.push(performance.now() - since);
    else failed += 1;
    await wait(betweenReadsMilliseconds);
  }
  return [await working, { milliseconds, failed }];
}

async function isRead(peer: PeerProcess, name: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(readMilliseconds);
    const response = await peer.request(`/api/v1/files/${encodeURIComponent(name)}`, { signal });
    return response.ok && (await response.text()).includes('small');
  } catch (error) {
    if ((error as Error).name === 'TimeoutError') return false;
    throw error;
  }
}
