/**
 * How long a host takes to begin to answer, and how much has to be under way for a long path to stay full. On a short
 * one a few streams suffice and keep memory low; where an answer takes 100 ms, as much must be asked for as arrives in it.
 */
import type { Milliseconds } from '@chordial/ring';

/** Below this nothing is gained by asking for more at once: disks and busy processors take as long. */
const longMilliseconds = 20;
/** A delay that has grown is believed slowly: mostly an answer waited behind others. */
const growthPerAnswer = 0.05;

export class PathDelay {
  /** Of the last answers rather the shortest; null until there was one. */
  #delay: Milliseconds | null = null;

  answeredAfter(took: Milliseconds): void {
    const known = this.#delay;
    this.#delay = known === null || took < known ? took : known + (took - known) * growthPerAnswer;
  }

  get isLong(): boolean {
    return this.#delay !== null && this.#delay >= longMilliseconds;
  }
}
