/**
 * Whether to ask a host what it has before blocks are sent there. A put that is resumed begins with blocks that are
 * there; in a new one none is, and asking costs as much as sending. So one stops asking after many in a row were not there,
 * and begins again with the first one that was: the host says so of each block that it is sent.
 */

/** Blocks in a row that were not there before one stops asking. */
const blocksToBeSure = 16;
/** So many are then sent unasked at most, so that also a path that has become long is noticed. */
const blocksUnasked = 128;

export class Presence {
  #absentInARow = 0;
  #unasked = 0;

  get isWorthAsking(): boolean {
    return this.#absentInARow < blocksToBeSure || this.#unasked >= blocksUnasked;
  }

  /** What the host said when it was asked. */
  answered(sizes: readonly number[]): void {
    this.#unasked = 0;
    const last = sizes.findLastIndex((size) => size >= 0);
    this.#absentInARow = last === -1 ? this.#absentInARow + sizes.length : sizes.length - 1 - last;
  }

  /** What the host said of blocks that it was sent without being asked. */
  sentUnasked(results: readonly string[]): void {
    this.#unasked += results.length;
    if (results.includes('present')) this.#absentInARow = 0;
  }
}
