/** So many a second on average, and up to a burst at once: unused time is saved up to the burst. */
import type { Milliseconds } from '@chordial/ring';

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

export class TokenBucket {
  readonly #rate: Rate;
  readonly #now: () => number;
  /** Below zero: a debt, which takes time to pay off. */
  #left: number;
  #asOf: number;

  constructor(rate: Rate, now: () => number) {
    this.#rate = rate;
    this.#now = now;
    this.#left = rate.burst;
    this.#asOf = now();
  }

  /** Of tokens, with fractions. */
  get left(): number {
    const now = this.#now();
    const { burst, perSecond } = this.#rate;
    this.#left = Math.min(burst, this.#left + ((now - this.#asOf) / 1000) * perSecond);
    this.#asOf = now;
    return this.#left;
  }

  take(tokens = 1): void {
    this.#left -= tokens;
  }

  giveBack(tokens = 1): void {
    this.#left = Math.min(this.#rate.burst, this.#left + tokens);
  }

  /** What is saved beyond this is lost. */
  cap(most: number): void {
    this.#left = Math.min(this.left, most);
  }

  /** Milliseconds until no debt is left. */
  get untilPaid(): Milliseconds {
    return Math.max(0, (-this.left * 1000) / this.#rate.perSecond);
  }
}
