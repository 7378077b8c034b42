/** What every part of a tortured network works on. */
import type { Random } from '@chordial/ring';
import type { TortureHost } from './host.ts';
import { Oracle } from './oracle.ts';
import type { StepLog } from './step-log.ts';
import { emptyTally, type Tally } from './tally.ts';
import type { TortureNetwork } from './torture-network.ts';

/** Copies of a block, the default of a network; at most one fewer hosts are out at a time. */
export const replicas = 3;

export class Torture {
  readonly network: TortureNetwork;
  readonly random: Random;
  readonly log: StepLog;
  readonly signal: AbortSignal;
  readonly oracle = new Oracle();
  readonly tally: Tally = emptyTally();
  /** On the small side of a cut: what they cannot read is not lost. */
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

  /** Copies that a file can have now. */
  get fullCopies(): number {
    return Math.min(replicas, this.network.running.length);
  }

  /** A number from `least` to below `most`. */
  between(least: number, most: number): number {
    return least + (most - least) * this.random.next();
  }
}
