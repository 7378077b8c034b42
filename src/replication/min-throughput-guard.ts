/**
 * Watches the throughput of one stream: a host that sends a few bytes at a time is never silent, and would be awaited
 * without end.
 */
import type { Clock, Milliseconds, Timer } from '@chordial/ring';

/** A slow link delivers ten times as much in this time. */
const windowMilliseconds: Milliseconds = 5000;
const minWindowBytes = 16 * 1024;

export class MinThroughputGuard {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #tooSlow: () => void;
  #windowBytes = 0;
  #timer: Timer;
  #isTooSlow = false;

  /** @param tooSlow called once, when a window ended below the minimum */
  constructor(clock: Pick<Clock, 'after'>, tooSlow: () => void) {
    this.#clock = clock;
    this.#tooSlow = tooSlow;
    this.#timer = clock.after(windowMilliseconds, () => this.#look());
  }

  get isTooSlow(): boolean {
    return this.#isTooSlow;
  }

  came(bytes: number): void {
    this.#windowBytes += bytes;
  }

  end(): void {
    this.#timer.cancel();
  }

  #look(): void {
    if (this.#windowBytes < minWindowBytes) {
      this.#isTooSlow = true;
      this.#tooSlow();
      return;
    }
    this.#windowBytes = 0;
    this.#timer = this.#clock.after(windowMilliseconds, () => this.#look());
  }
}
