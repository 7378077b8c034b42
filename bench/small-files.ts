/**
 * Small files per second: 10 000 files of 10 kB in a ring of 4 peers on this machine, 3 replicas, write quorum 2. Once as
 * one folder and once as separate names; fetched by a peer of the ring and by a client. Compared with the machine's time for
 * one copy: `cp` and `sync`.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import type { PeerProcess } from '../packages/chordial/test/end-to-end/peer-process.ts';
import { median, threeDigits } from './alternating.ts';
import { metered, residentBytes } from './chordial-transfer.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const fileBytes = 10_000;
const peerCount = 4;
/** Files per second. */
const minOfAll = 500;
const targets = new Map([
  ['put as so many names', 800],
  ['get of the folder by a client', 1000],
]);
const targetPutterBytes = 150e6;
const commandMilliseconds = 600_000;
const copying = 'cp and sync';

interface Step {
  readonly seconds: number;
  /** CPU seconds of the putting or getting peer, and of all others together. */
  readonly cpu: readonly [number, number];
}

interface Measured {
  readonly steps: ReadonlyMap<string, Step>;
  /** Peak resident memory of the putting peer. */
  readonly putterBytes: number;
}

export async function smallFiles({ runs, isQuick, note }: BenchOptions): Promise<readonly BenchRow[]> {
  const files = isQuick ? 1000 : 10_000;
  const measured: Measured[] = [];
  for (let run = 1; run <= runs; run++) {
    note(`run ${run}`);
    measured.push(await new Run(files, note).measure());
  }
  const medianOf = (step: string, of: (step: Step) => number): number =>
    median(measured.flatMap(({ steps }) => steps.get(step) ?? []).map(of));
  const perSecond = (step: string): number => files / medianOf(step, ({ seconds }) => seconds);
  const copied = perSecond(copying);
  const speeds = [...(measured[0]?.steps.keys() ?? [])].filter((step) => step !== copying);
  const putterBytes = Math.max(...measured.map((one) => one.putterBytes));
  return [
    ...speeds.map((step) => {
      const [ours, min] = [perSecond(step), targets.get(step) ?? minOfAll];
      const cpu = [0, 1].map((side) => ((1000 * medianOf(step, (one) => one.cpu[side] ?? 0)) / files).toFixed(1));
      const text = `${threeDigits(ours)} files/s (CPU ${cpu.join(' + ')} ms a file)`;
      return row(`${step}, ${files} files of ${fileBytes / 1000} kB`, text, {
        rival: `${threeDigits(copied)} files/s (${copying})`,
        ratio: (ours / copied).toFixed(2),
        target: `≥ ${min} files/s`,
        verdict: verdict(ours >= min),
      });
    }),
    row('memory of the putting peer at its highest', `${Math.round(putterBytes / 1e6)} MB`, {
      target: `< ${targetPutterBytes / 1e6} MB`,
      verdict: verdict(putterBytes < targetPutterBytes),
    }),
  ];
}

/** Runs all steps in its own network. */
class Run {
  readonly #files: number;
  readonly #note: (text: string) => void;
  readonly #taken = new Map<string, Step>();
  #peers: readonly PeerProcess[] = [];

  constructor(files: number, note: (text: string) => void) {
    this.#files = files;
    this.#note = note;
  }

  async measure(): Promise<Measured> {
    await using network = await NetworkFixture.open();
    try {
      return await this.#steps(network);
    } finally {
      // Frees the space before the network ends.
      await Promise.all(this.#peers.map((peer) => peer.kill9()));
      await rm(network.folder, { recursive: true, force: true });
    }
  }

  async #steps(network: NetworkFixture): Promise<Measured> {
    const { folder } = network;
    const ring = await network.startRing(peerCount);
    const [putter, , getter] = ring as [PeerProcess, PeerProcess, PeerProcess];
    const client = await network.start({ join: putter, flags: ['--quota', '0'] });
    this.#peers = [...ring, client];
    const command = async (peer: PeerProcess, args: readonly string[], within = folder): Promise<void> => {
      const options = { folder: within, deadlineMilliseconds: commandMilliseconds };
      const { exit, stderr } = await network.command(args, peer, options);
      if (exit !== 0) throw new Error(`chordial ${args.slice(0, 2).join(' ')} ended with ${exit}: ${stderr}`);
    };

    const names = await makeFiles(path.join(folder, 'one'), this.#files);
    await this.#time(copying, null, () => copyAndSync(path.join(folder, 'one'), path.join(folder, 'copy')));
    await this.#time('put as one folder', putter, () => command(putter, ['put', 'one']));
    await this.#time('get of the folder by a peer', getter, () => command(getter, ['get', 'one', '-o', 'by-peer']));
    await this.#time('get of the folder by a client', client, () => command(client, ['get', 'one', '-o', 'by-client']));
    for (const got of ['by-peer', 'by-client']) await compare(folder, 'one', got, names);

    // New bytes, so that no block exists already.
    const [many, fetched] = [path.join(folder, 'many'), path.join(folder, 'fetched')];
    await makeFiles(many, this.#files);
    await this.#time('put as so many names', putter, () => command(putter, ['put', ...names], many));
    await mkdir(fetched);
    await this.#time('get of so many names by a peer', getter, () => command(getter, ['get', ...names], fetched));
    await compare(folder, 'many', 'fetched', names);
    return { steps: this.#taken, putterBytes: (await residentBytes(putter.pid)).highest };
  }

  async #time(step: string, acting: PeerProcess | null, work: () => Promise<unknown>): Promise<void> {
    const start = performance.now();
    const { cpu } = await metered(
      this.#peers.map(({ pid }) => pid),
      work,
    );
    const seconds = (performance.now() - start) / 1000;
    const own = acting === null ? 0 : (cpu[this.#peers.indexOf(acting)] ?? 0);
    this.#taken.set(step, { seconds, cpu: [own, cpu.reduce((sum, one) => sum + one, 0) - own] });
    const each = cpu.map((used) => used.toFixed(1)).join(' ');
    this.#note(
      `${step}: ${seconds.toFixed(2)} s, ${Math.round(this.#files / seconds)} files/s, CPU s per peer ${each}`,
    );
  }
}

async function makeFiles(folder: string, count: number): Promise<readonly string[]> {
  await mkdir(folder);
  const names = Array.from({ length: count }, (_, index) => `f${String(index).padStart(5, '0')}`);
  for (const name of names) await writeFile(path.join(folder, name), randomBytes(fileBytes));
  return names;
}

async function copyAndSync(from: string, to: string): Promise<void> {
  for (const [program, ...args] of [
    ['cp', '-r', from, to],
    ['sync', '-f', to],
  ] as const) {
    const [code] = await once(spawn(program, args), 'exit');
    if (code !== 0) throw new Error(`${program} ended with ${code}`);
  }
}

async function compare(folder: string, original: string, got: string, names: readonly string[]): Promise<void> {
  const there = await readdir(path.join(folder, got));
  if (there.length !== names.length) throw new Error(`${got} holds ${there.length} files of ${names.length}.`);
  for (const name of names) {
    const [a, b] = await Promise.all([original, got].map((part) => readFile(path.join(folder, part, name))));
    if (a === undefined || b === undefined || !a.equals(b)) throw new Error(`${got}/${name} has other bytes.`);
  }
}
