/** Bytes per second over the last few seconds. */
import type { Milliseconds } from '@chordial/ring';

const windowMilliseconds = 5000;
const minIntervalMilliseconds = 250;

export class TransferRate {
  /** At most windowMilliseconds / minIntervalMilliseconds + 1 samples, oldest first. */
  #samples: { readonly at: Milliseconds; readonly bytes: number }[] = [];

  note(at: Milliseconds, bytes: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && at - last.at < minIntervalMilliseconds) return;
    this.#samples = [...this.#samples.filter((sample) => at - sample.at <= windowMilliseconds), { at, bytes }];
  }

  perSecond(now: Milliseconds, bytes: number): number {
    const first = this.#samples.find((sample) => now - sample.at <= windowMilliseconds);
    if (first === undefined || now <= first.at) return 0;
    return Math.round(((bytes - first.bytes) * 1000) / (now - first.at));
  }
}
