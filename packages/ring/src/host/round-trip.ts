import type { Milliseconds } from './ports.ts';

/** Smoothed round-trip time of one host (RFC 6298) and the time-out that follows from it. */
export class RoundTrip {
  #smoothed: Milliseconds | null = null;
  #variation: Milliseconds = 0;

  get smoothed(): Milliseconds | null {
    return this.#smoothed;
  }

  sample(measured: Milliseconds): void {
    if (this.#smoothed === null) {
      this.#smoothed = measured;
      this.#variation = measured / 2;
      return;
    }
    this.#variation += (Math.abs(this.#smoothed - measured) - this.#variation) / 4;
    this.#smoothed += (measured - this.#smoothed) / 8;
  }

  /** SRTT + 4·RTTVAR, doubled per miss, within [minimum, maximum]. */
  timeout(misses: number, minimum: Milliseconds, maximum: Milliseconds): Milliseconds {
    const base = this.#smoothed === null ? minimum : this.#smoothed + 4 * this.#variation;
    return Math.min(Math.max(base, minimum) * 2 ** misses, maximum);
  }
}
