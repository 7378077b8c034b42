/**
 * Rings of real peers, measured once for all questions about them: the time to form one ring, the idle cost per peer, and
 * the cost of a join to the others. Small rings settle in parallel.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import type { PeerProcess } from '../packages/chordial/test/end-to-end/peer-process.ts';
import { until } from '../packages/chordial/test/fixtures/until.ts';
import { median } from './alternating.ts';
import { metered, residentBytes, TransferCost, timedGet, timedPut } from './chordial-transfer.ts';
import { makeRandomFile, mebibyte } from './random-file.ts';
import { type BenchOptions, sharedMeasurement } from './row.ts';
import { sameBytes } from './same-bytes.ts';

/** Peers, and for --quick. */
export const ringSizes = { alone: [4, 3], small: [7, 4], middle: [16, 5], large: [32, 6], largest: [64, 8] } as const;
export type RingSize = keyof typeof ringSizes;

export interface RingFigures {
  readonly hosts: number;
  /** Seconds from the first start until all were ready, and until every pointer was right. */
  readonly ready: number;
  readonly ring: number;
  /** Of an idle peer: per cent of a core, and pings and questions sent per second. */
  readonly idle: { readonly cpu: number; readonly pings: number; readonly questions: number };
  /** Largest and median memory of a peer, in megabytes. */
  readonly memory: { readonly highest: number; readonly median: number };
  /** Cost of a join to all others above idle; seconds until the newcomer was ready. */
  readonly join: { readonly cpu: number; readonly questions: number; readonly ready: number };
}

export interface ManyFigures extends RingFigures {
  /** Seconds for a file of `transferBytes` with three replicas. */
  readonly put: number;
  readonly get: number;
  readonly putCost: TransferCost;
  readonly getCost: TransferCost;
}

export const transferBytes = 64 * mebibyte;
export const joinConcurrency = 4;
const ringMilliseconds = 300_000;
/**
 * Work continues after a join: replicas are compared, and members ask their neighbours every second at first and every
 * 20 s after two quiet minutes.
 */
const settlingMilliseconds = 130_000;
const quickSettlingMilliseconds = 5000;
const windowMilliseconds = 10_000;
/** All messages of a join are sent by then. */
const joinMilliseconds = 10_000;

/** Rings that settle in parallel, and rings that need the whole machine. */
const smallRings = sharedMeasurement(async (options) => {
  await using stack = new AsyncDisposableStack();
  const rings: Ring[] = [];
  for (const size of ['alone', 'small', 'middle'] as const) rings.push(stack.use(await Ring.start(size, options)));
  await settling(options);
  const figures: RingFigures[] = [];
  for (const ring of rings) figures.push(await ring.measure());
  return figures;
});
const largeRing = sharedMeasurement((options) => ringAlone('large', options, (ring) => ring.measure()));
const largestRing = sharedMeasurement((options) =>
  ringAlone('largest', options, async (ring) => ({ ...(await ring.measure()), ...(await ring.transfer()) })),
);

export async function ringOf(size: Exclude<RingSize, 'largest'>, options: BenchOptions): Promise<RingFigures> {
  if (size === 'large') return largeRing(options);
  const [alone, small, middle] = await smallRings(options);
  return { alone, small, middle }[size]!;
}

export function ringOfMany(options: BenchOptions): Promise<ManyFigures> {
  return largestRing(options);
}

async function ringAlone<T>(size: RingSize, options: BenchOptions, work: (ring: Ring) => Promise<T>): Promise<T> {
  await using ring = await Ring.start(size, options);
  await settling(options);
  return await work(ring);
}

async function settling({ isQuick, note }: BenchOptions): Promise<void> {
  const milliseconds = isQuick ? quickSettlingMilliseconds : settlingMilliseconds;
  note(`it settles for ${milliseconds / 1000} s`);
  await wait(milliseconds);
}

class Ring implements AsyncDisposable {
  readonly #network: NetworkFixture;
  readonly #peers: PeerProcess[];
  readonly #options: BenchOptions;
  readonly #formed: { readonly ready: number; readonly ring: number };

  private constructor(
    network: NetworkFixture,
    peers: PeerProcess[],
    formed: { readonly ready: number; readonly ring: number },
    options: BenchOptions,
  ) {
    this.#network = network;
    this.#peers = peers;
    this.#formed = formed;
    this.#options = options;
  }

  /** Resolves when every pointer is right. */
  static async start(size: RingSize, options: BenchOptions): Promise<Ring> {
    const count = ringSizes[size][options.isQuick ? 1 : 0];
    const network = await NetworkFixture.open();
    try {
      // A package has compiled sources. Here the first peer fills the compile cache when it stops.
      await (await network.start()).stop();
      const start = performance.now();
      const seconds = (): number => (performance.now() - start) / 1000;
      const first = await network.start();
      const peers = [first, ...(await joinAll(network, first, count - 1))];
      const ready = seconds();
      await until('one ring', () => network.isIdeal(peers), ringMilliseconds);
      options.note(`${count} peers ready after ${ready.toFixed(1)} s, one ring after ${seconds().toFixed(1)} s`);
      return new Ring(network, peers, { ready, ring: seconds() }, options);
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  async measure(): Promise<RingFigures> {
    const hosts = this.#peers.length;
    const idle = await this.#idle();
    const sizes = await Promise.all(this.#peers.map(async ({ pid }) => (await residentBytes(pid)).now / 1e6));
    const memory = { highest: Math.max(...sizes), median: median(sizes) };
    const join = await this.#join(idle);
    const per = (value: number): string => `${value.toFixed(1)}/s`;
    this.#options.note(
      `${hosts} hosts: ${idle.cpu.toFixed(2)} % of a core, ${per(idle.pings)} pings, ${per(idle.questions)} questions; ` +
        `a join: ${join.cpu.toFixed(2)} s of CPU and ${join.questions.toFixed(0)} questions of the others`,
    );
    return { hosts, ...this.#formed, idle, memory, join };
  }

  /** Puts and gets a file. */
  async transfer(): Promise<Pick<ManyFigures, 'put' | 'get' | 'putCost' | 'getCost'>> {
    const [file, target] = [path.join(this.#network.folder, 'file'), path.join(this.#network.folder, 'got')];
    const [putter, getter] = [this.#peers[1]!, this.#peers.at(-1)!];
    await makeRandomFile(file, transferBytes);
    const [putCost, getCost] = [new TransferCost(transferBytes), new TransferCost(transferBytes)];
    const put = await this.#metered(putter, putCost, () => timedPut(putter, 'file', file, { replicas: 3 }));
    const get = await this.#metered(getter, getCost, () => timedGet(getter, 'file', target));
    await sameBytes(file, target);
    return { put, get, putCost, getCost };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]();
    await rm(this.#network.folder, { recursive: true, force: true });
  }

  async #idle(): Promise<RingFigures['idle']> {
    const windows: RingFigures['idle'][] = [];
    for (let run = 1; run <= this.#options.runs; run++) windows.push(await this.#window());
    const middle = (of: (window: RingFigures['idle']) => number): number => median(windows.map(of));
    return {
      cpu: middle(({ cpu }) => cpu),
      pings: middle(({ pings }) => pings),
      questions: middle(({ questions }) => questions),
    };
  }

  async #window(): Promise<RingFigures['idle']> {
    // Answers to these requests fall outside the window.
    const before = await countsOf(this.#peers);
    const start = performance.now();
    const { cpu } = await metered(
      this.#peers.map(({ pid }) => pid),
      () => wait(windowMilliseconds),
    );
    const seconds = (performance.now() - start) / 1000;
    const after = await countsOf(this.#peers);
    const perPeer = (value: number): number => value / seconds / this.#peers.length;
    return {
      cpu: 100 * perPeer(cpu.reduce((sum, one) => sum + one, 0)),
      pings: perPeer(after.pings - before.pings),
      questions: perPeer(after.questions - before.questions),
    };
  }

  async #join(idle: RingFigures['idle']): Promise<RingFigures['join']> {
    const others = [...this.#peers];
    const before = await countsOf(others);
    const start = performance.now();
    let ready = 0;
    const { cpu } = await metered(
      others.map(({ pid }) => pid),
      async () => {
        this.#peers.push(await this.#network.start({ join: others[0]! }));
        ready = (performance.now() - start) / 1000;
        await wait(Math.max(0, joinMilliseconds - 1000 * ready));
      },
    );
    const seconds = (performance.now() - start) / 1000;
    const after = await countsOf(others);
    await until('one ring with the newcomer', () => this.#network.isIdeal(this.#peers), ringMilliseconds);
    const anyway = (perSecond: number): number => perSecond * seconds * others.length;
    return {
      cpu: cpu.reduce((sum, one) => sum + one, 0) - anyway(idle.cpu / 100),
      questions: after.questions - before.questions - anyway(idle.questions),
      ready,
    };
  }

  /** Seconds, and the CPU of the acting peer and of all others. */
  async #metered(peer: PeerProcess, cost: TransferCost, work: () => Promise<number>): Promise<number> {
    const pids = [peer, ...this.#peers.filter((one) => one !== peer)].map(({ pid }) => pid);
    const { result, cpu } = await metered(pids, work);
    const [own = 0, ...others] = cpu;
    cost.add([own, others.reduce((sum, one) => sum + one, 0)]);
    return result;
  }
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
  await Promise.all(Array.from({ length: joinConcurrency }, joinOn));
  return joined;
}

/** Total sent by all of them. */
async function countsOf(
  peers: readonly PeerProcess[],
): Promise<{ readonly pings: number; readonly questions: number }> {
  const texts = await Promise.all(peers.map(async (peer) => (await peer.request('/metrics')).text()));
  const sum = (series: string): number =>
    texts.reduce((total, text) => total + Number(new RegExp(`^${series} (\\d+)`, 'm').exec(text)?.[1] ?? 0), 0);
  return { pings: sum('chordial_pings_total'), questions: sum('chordial_questions_total') };
}
