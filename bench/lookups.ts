/**
 * Latency of sequential lookups in a warm network of 16 and of 64 nodes in one process: of a value (ours: verified signed
 * entries of a name from two replicas), and of the owner of a key.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { alternate, type Contender, median } from './alternating.ts';
import { needNpmPackages } from './rivals/npm-packages.ts';
import { RunningProgram } from './rivals/program.ts';
import { type BenchOptions, type BenchRow, row, rowsOfParts, verdict } from './row.ts';

const values = 100;
const lookupsPerRun = 1000;
/** kad-dht takes a thousand times as long; measured only with --full. */
const slowLookupsPerRun = 30;
/** Warm-up: connections open and caches fill, between all pairs of nodes. */
const warmLookups = 6000;
const settleMilliseconds = 5000;

interface Size {
  readonly nodes: number;
  /** As a multiple of the rival's median, and in milliseconds. */
  readonly maxOfRival: number;
  readonly maxTail: number;
}

const sizes: readonly Size[] = [
  { nodes: 16, maxOfRival: 0.8, maxTail: 5 },
  { nodes: 64, maxOfRival: 1.2, maxTail: 12 },
];

interface Answer {
  readonly p50: number | null;
  readonly p99: number | null;
  readonly failed: number;
  readonly hops?: number;
}

class Network implements Contender {
  readonly name: string;
  readonly tails: number[] = [];
  readonly #program: RunningProgram;
  readonly #lookups: number;
  readonly #kind: string;
  failed = 0;
  hops = 0;

  constructor(name: string, program: RunningProgram, lookups: number, kind = 'value') {
    this.name = name;
    this.#program = program;
    this.#lookups = lookups;
    this.#kind = kind;
  }

  async measure(): Promise<number> {
    const { p50, p99, failed, hops = 0 } = await this.ask(this.#lookups);
    this.failed += failed;
    this.hops = hops;
    if (p50 === null || p99 === null) throw new Error('it found nothing');
    this.tails.push(p99);
    return p50;
  }

  async ask(lookups: number): Promise<Answer> {
    this.#program.say({ lookups, kind: this.#kind });
    return this.#program.line<Answer>();
  }
}

export function lookups(options: BenchOptions): Promise<readonly BenchRow[]> {
  const asked = options.isQuick ? sizes.slice(0, 1) : sizes;
  return rowsOfParts(
    asked.map((size) => () => lookupsAmong(size, options)),
    options,
  );
}

async function lookupsAmong(size: Size, options: BenchOptions): Promise<readonly BenchRow[]> {
  const { isQuick, note } = options;
  const { nodes, maxTail } = size;
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-bench-'));
  await using opened = new AsyncDisposableStack();
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const start = async (script: string, more: readonly string[] = []): Promise<RunningProgram> => {
    const args = ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, script)];
    const program = opened.use(new RunningProgram(process.execPath, [...args, `${nodes}`, `${values}`, ...more]));
    await program.line();
    note(`${script}: ${nodes} nodes are up`);
    return program;
  };
  const own = await start('lookup-peers.ts', [folder]);
  await wait(settleMilliseconds);
  const ours = new Network('chordial', own, lookupsPerRun);
  const owners = new Network('owner of a key', own, lookupsPerRun, 'owner');
  const rivals = await startRivals(start, options);
  for (const network of [ours, owners]) await network.ask(isQuick ? warmLookups / 4 : warmLookups);
  const samples = await alternate([ours, owners, ...rivals], options);
  const medianOf = (network: Network) => samples.find(({ name }) => name === network.name)?.median ?? Number.NaN;
  const tail = median(ours.tails);
  return [
    ...rivals.map((rival) => besideRival(rival, { p50: medianOf(ours), p99: tail, theirs: medianOf(rival) }, size)),
    row(`value lookup, ${nodes} peers, warm: p99`, milliseconds(tail), {
      target: `≤ ${maxTail} ms`,
      verdict: verdict(tail <= maxTail),
    }),
    row(
      `owner of a key, ${nodes} peers: p50, p99`,
      `${milliseconds(medianOf(owners))}, ${milliseconds(median(owners.tails))}`,
    ),
    row(`owner of a key, ${nodes} peers: mean hops`, owners.hops.toFixed(3), {
      target: '≤ 1.2',
      verdict: verdict(owners.hops <= 1.2),
    }),
    row(`failed lookups, ${nodes} peers`, `${ours.failed + owners.failed}`, {
      target: '0',
      verdict: verdict(ours.failed + owners.failed === 0),
    }),
  ];
}

async function startRivals(
  start: (script: string) => Promise<RunningProgram>,
  { isFull, note }: BenchOptions,
): Promise<readonly Network[]> {
  const rivals: Network[] = [];
  for (const [name, script, count] of [
    ['bittorrent-dht', 'rivals/bittorrent_lookups.mjs', lookupsPerRun],
    ['hyperdht', 'rivals/hyperdht_lookups.mjs', lookupsPerRun],
    ...(isFull ? [['libp2p kad-dht', 'rivals/libp2p_lookups.mjs', slowLookupsPerRun] as const] : []),
  ] as const) {
    try {
      await needNpmPackages(note);
      rivals.push(new Network(name, await start(script), count));
    } catch (error) {
      note(`${name} left out: ${(error as Error).message}`);
    }
  }
  return rivals;
}

function besideRival(
  rival: Network,
  { p50, p99, theirs }: { readonly p50: number; readonly p99: number; readonly theirs: number },
  { nodes, maxOfRival }: Size,
): BenchRow {
  const what = `value lookup, ${nodes} peers, warm: p50, p99, beside ${rival.name}`;
  const judged = rival.name === 'bittorrent-dht';
  return row(what, `${milliseconds(p50)}, ${milliseconds(p99)}`, {
    rival: `${milliseconds(theirs)}, ${milliseconds(median(rival.tails))}`,
    ratio: (p50 / theirs).toFixed(2),
    ...(judged ? { target: `p50 ≤ ${maxOfRival} ×`, verdict: verdict(p50 <= maxOfRival * theirs) } : {}),
  });
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
}
