/**
 * Cuts a stream into leaves of a fixed size. Each leaf is a buffer that belongs to the one that takes it: the source may
 * reuse its own.
 */
import { LeafPool, leafBytes } from './leaf-pool.ts';

/** Yields full leaves and a last shorter one; for an empty source one leaf of no bytes, as the IPFS world has it. */
export async function* cutIntoLeaves(
  source: AsyncIterable<Uint8Array>,
  size: number = leafBytes,
  /** Of the same size; the one that takes the leaves may give them back to it. */
  pool: LeafPool = new LeafPool(size),
): AsyncGenerator<Uint8Array, void, undefined> {
  let leaf: Uint8Array | null = null;
  let filled = 0;
  let leaves = 0;
  for await (const piece of source) {
    for (let taken = 0; taken < piece.length; ) {
      leaf ??= pool.take();
      const part = piece.subarray(taken, taken + size - filled);
      leaf.set(part, filled);
      filled += part.length;
      taken += part.length;
      if (filled < size) continue;
      yield leaf;
      leaves += 1;
      leaf = null;
      filled = 0;
    }
  }
  // A copy, so that a short last leaf does not hold on to a megabyte.
  if (leaf !== null) {
    const last = leaf.slice(0, filled);
    pool.giveBack(leaf);
    yield last;
  }
  if (leaf === null && leaves === 0) yield new Uint8Array(0);
}
