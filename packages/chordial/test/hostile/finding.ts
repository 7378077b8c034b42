/**
 * An attack for a finding of the security review, on real processes: its effect before the fix, its effect now, and whether
 * the peers withstood it. A new one belongs in the file of its area in `findings/`, which exports `attacks`, and
 * `findings-AREA.test.ts` beside this file calls `testFindings(attacks)`. `npm run faults -- hostile` prints all of them.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { NetworkFixture, type PeerOptions } from '../end-to-end/network-fixture.ts';
import type { PeerProcess } from '../end-to-end/peer-process.ts';
import { until, within } from '../fixtures/until.ts';

/** In the order of the review; L are the low ones. */
export const findings = [
  ...['C1', 'C2', 'C3', 'H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'H7', 'H8'],
  ...['M1', 'M2', 'M3', 'M4', 'M5', 'M6', 'M7', 'M8', 'M9', 'L'],
] as const;

export type Finding = (typeof findings)[number];

export interface FindingAttack {
  readonly finding: Finding;
  /** A few words, such as `64 silent sockets keep a peer closed`; the title of the test, after the finding. */
  readonly title: string;
  /** Its effect at the time of the review. */
  readonly before: string;
  /** Starts its peers through the scene, attacks, and checks. An exception counts as a failure. */
  run(scene: Scene): Promise<Reached>;
}

export interface Reached {
  /** The effect with figures: `3 of 3 joins done, slowest 0.4 s`. */
  readonly reached: string;
  readonly held: boolean;
}

export interface Outcome extends Reached {
  readonly attack: FindingAttack;
  /** Slowest /healthz of an attacked peer. */
  readonly healthMilliseconds: number;
}

/** Another user of this machine, for `spawn`; null if this process cannot change its user. */
export const otherUser: { readonly uid: number; readonly gid: number } | null =
  process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : null;

/**
 * A peer whose event loop blocks for longer has failed. The short form runs in the gate, under other load; the review saw
 * seconds to minutes.
 */
const maxHealthMilliseconds = { short: 2000, long: 500 } as const;
const attackMilliseconds = { short: 110_000, long: 300_000 } as const;
const settleMilliseconds = 60_000;

/** Context of an attack; everything it starts ends with it. */
export class Scene {
  readonly network: NetworkFixture;
  /** In `npm test` the smallest scale that shows the difference, in `npm run faults` the scale of the review. */
  readonly isShort: boolean;
  readonly ends: AsyncDisposableStack;
  readonly #health: HealthWatch;

  private constructor(network: NetworkFixture, isShort: boolean, ends: AsyncDisposableStack) {
    this.network = network;
    this.isShort = isShort;
    this.ends = ends;
    this.#health = ends.use(new HealthWatch());
  }

  static async play(attack: FindingAttack, isShort: boolean): Promise<Outcome> {
    await using ends = new AsyncDisposableStack();
    const network = ends.use(await NetworkFixture.open());
    const scene = new Scene(network, isShort, ends);
    const form = isShort ? 'short' : 'long';
    const milliseconds = attackMilliseconds[form];
    let reached: Reached;
    try {
      reached = await within('the attack ends', attack.run(scene), milliseconds);
    } catch (error) {
      reached = { reached: `interrupted: ${(error as Error).message.slice(0, 2000)}`, held: false };
    }
    const healthMilliseconds = await scene.#health.longest();
    const held = reached.held && healthMilliseconds <= maxHealthMilliseconds[form];
    return { ...reached, held, attack, healthMilliseconds };
  }

  /** Starts a ring of peers, the first its founder, and polls their /healthz until the attack ends. */
  async ring(count: number, options: PeerOptions = {}): Promise<readonly [PeerProcess, ...PeerProcess[]]> {
    const [first, ...others] = await this.network.startRing(count, options);
    if (first === undefined) throw new Error('a ring has at least one peer');
    const peers = [first, ...others] as const;
    await until('one ring', () => this.network.isIdeal(peers), settleMilliseconds);
    for (const peer of peers) this.#health.watch(peer);
    // The start is over; delays from here on count.
    await wait(200);
    return peers;
  }
}

/**
 * Polls /healthz in a separate thread, so that CPU of the attack in this process does not count, nor, where the system
 * reports it, the time that the peer or the thread waited for a CPU.
 */
class HealthWatch implements AsyncDisposable {
  readonly #worker = new Worker(watching, { eval: true });

  watch({ apiUrl, ready }: PeerProcess): void {
    this.#worker.postMessage({ apiUrl, pid: ready.pid });
  }

  longest(): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#worker.once('message', resolve);
    this.#worker.postMessage(null);
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

const watching = `
const { parentPort } = require('node:worker_threads');
const { readFileSync } = require('node:fs');
const http = require('node:http');
let longest = 0;
function waited(file) {
  try {
    return Number(readFileSync(file, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}
function ask(peer) {
  const queued = () => waited('/proc/' + peer.pid + '/task/' + peer.pid + '/schedstat') + waited('/proc/thread-self/schedstat');
  const began = performance.now();
  const before = queued();
  let isOver = false;
  const answered = (isAnswer) => {
    if (isOver) return;
    isOver = true;
    if (isAnswer) longest = Math.max(longest, performance.now() - began - Math.max(0, queued() - before));
    setTimeout(() => ask(peer), 100);
  };
  const question = http.get(peer.apiUrl + '/healthz', { agent: false }, (answer) => {
    answer.resume();
    answer.once('end', () => answered(true));
  });
  question.setTimeout(20_000, () => {
    answered(true);
    question.destroy();
  });
  // A peer stopped on purpose by its attack refuses connections, which is not an answer.
  question.once('error', () => answered(false));
}
parentPort.on('message', (peer) => {
  if (peer === null) parentPort.postMessage(Math.round(longest));
  else ask(peer);
});
`;
