/** How far repair is, as rounds of reconciliation see it, and an estimate of when it has made what lacks. */
import type { Clock, Milliseconds } from '@chordial/ring';
import type { CID } from 'multiformats/cid';

/** A block with fewer copies than acknowledge a put. */
export interface RareBlock {
  readonly cid: CID;
  readonly copies: number;
}

export interface RepairState {
  /** Copies to be made of what this host owns: null before a first round, and at least so many while one is cut off. */
  readonly lacking: number | null;
  /** Until they are made, by the pace so far; null where none lacks or nothing was made yet. */
  readonly remaining: Milliseconds | null;
  /** Until replicas of a host that is away are made elsewhere; null while none is awaited. */
  readonly graceLeft: Milliseconds | null;
  readonly rare: readonly RareBlock[];
}

export class RepairProgress {
  readonly #clock: Pick<Clock, 'now'>;
  #lacking: number | null = null;
  /** Since copies began to lack, with the most that did. */
  #since: Milliseconds = 0;
  #most = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  note(lacking: number): void {
    if ((this.#lacking ?? 0) === 0 || lacking > this.#most) {
      this.#since = this.#clock.now();
      this.#most = lacking;
    }
    this.#lacking = lacking;
  }

  get lacking(): number | null {
    return this.#lacking;
  }

  get remaining(): Milliseconds | null {
    const lacking = this.#lacking ?? 0;
    const made = this.#most - lacking;
    if (lacking === 0 || made <= 0) return null;
    return ((this.#clock.now() - this.#since) / made) * lacking;
  }
}
