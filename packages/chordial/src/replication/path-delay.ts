/**
 * The delay of a host's answers, and how much must be in flight to keep a long path full. On a short one a few streams
 * suffice and keep memory low; with a delay of 100 ms, the amount that arrives in it must be requested ahead.
 */
import type { Milliseconds } from '@chordial/ring';

/** Below this more in flight gains nothing: disks and busy processors take as long. */
const longMilliseconds = 20;
/** An increased delay is accepted slowly: usually the answer was queued behind others. */
const growthPerAnswer = 0.05;

export class PathDelay {
  /** Weighted towards the shortest recent one; null until measured. */
  #delay: Milliseconds | null = null;

  answeredAfter(took: Milliseconds): void {
    const known = this.#delay;
    this.#delay = known === null || took < known ? took : known + (took - known) * growthPerAnswer;
  }

  get isLong(): boolean {
    return this.#delay !== null && this.#delay >= longMilliseconds;
  }
}
