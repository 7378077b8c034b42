/**
 * Whether to ask a host what it has before sending blocks. A resumed put begins with blocks that are present; in a new
 * one none is, and asking costs as much as sending. So asking stops after many in a row were absent, and starts again
 * with the first present one, which the host reports for each block it is sent.
 */

/** Absent blocks in a row before asking stops. */
const blocksToBeSure = 16;
/** At most this many are then sent unasked, so that a path that has become long is noticed too. */
const blocksUnasked = 128;

export class Presence {
  #absentInARow = 0;
  #unasked = 0;

  get isWorthAsking(): boolean {
    return this.#absentInARow < blocksToBeSure || this.#unasked >= blocksUnasked;
  }

  /** The host's answers to requests. */
  answered(sizes: readonly number[]): void {
    this.#unasked = 0;
    const last = sizes.findLastIndex((size) => size >= 0);
    this.#absentInARow = last === -1 ? this.#absentInARow + sizes.length : sizes.length - 1 - last;
  }

  /** The host's results for blocks sent unasked. */
  sentUnasked(results: readonly string[]): void {
    this.#unasked += results.length;
    if (results.includes('present')) this.#absentInARow = 0;
  }
}
