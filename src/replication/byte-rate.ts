/** Limits bytes per second: a sender waits until earlier bytes have had their time. */
import type { Clock, Milliseconds } from '@chordial/ring';

/** Unused time is saved up to this much, so that small items do not wait one by one. */
const burstMilliseconds = 250;

export class ByteRate {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  /** When everything admitted so far has had its time. */
  #paidUntil: Milliseconds = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Resolves when the bytes may be sent, at once when the signal fires. */
  async pass(bytes: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    const start = Math.max(this.#paidUntil, now - burstMilliseconds);
    this.#paidUntil = start + (bytes * 1000) / this.#bytesPerSecond;
    const wait = start - now;
    if (wait <= 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.#clock.after(wait, done);
      signal.addEventListener('abort', done);
    });
  }
}
