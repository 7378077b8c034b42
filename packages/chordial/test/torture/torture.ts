/** Shared state of a run. */
import type { Random } from '@chordial/ring';
import type { TortureHost } from './host.ts';
import { Oracle } from './oracle.ts';
import type { StepLog } from './step-log.ts';
import { emptyTally, type Tally } from './tally.ts';
import type { TortureNetwork } from './torture-network.ts';

/** Copies of a block, the network default; at most one fewer hosts are out at once. */
export const replicas = 3;

export class Torture {
  readonly network: TortureNetwork;
  readonly random: Random;
  readonly log: StepLog;
  readonly signal: AbortSignal;
  readonly oracle = new Oracle();
  readonly tally: Tally = emptyTally();
  /** Hosts on the small side of a partition, whose failed reads do not count as losses. */
  apart: ReadonlySet<TortureHost> = new Set();

  constructor(network: TortureNetwork, random: Random, log: StepLog, signal: AbortSignal) {
    this.network = network;
    this.random = random;
    this.log = log;
    this.signal = signal;
  }

  /** Hosts that must be able to read everything. */
  get readers(): readonly TortureHost[] {
    return this.network.up.filter((host) => !this.apart.has(host));
  }

  /** Possible copies of a file now. */
  get fullCopies(): number {
    return Math.min(replicas, this.network.running.length);
  }

  /** A number from `min` to below `max`. */
  between(min: number, max: number): number {
    return min + (max - min) * this.random.next();
  }
}
