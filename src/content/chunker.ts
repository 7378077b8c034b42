/** Cuts a stream into leaves of a fixed size. The consumer owns each leaf; the source may reuse its own buffers. */
import { LeafPool, leafBytes } from './leaf-pool.ts';

/** Yields full leaves and a shorter last one; for an empty source one empty leaf, as IPFS does. */
export async function* cutIntoLeaves(
  source: AsyncIterable<Uint8Array>,
  size: number = leafBytes,
  /** Of the same leaf size; the consumer may return leaves to it. */
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
  // A copy, so that a short last leaf does not retain a megabyte.
  if (leaf !== null) {
    const last = leaf.slice(0, filled);
    pool.giveBack(leaf);
    yield last;
  }
  if (leaf === null && leaves === 0) yield new Uint8Array(0);
}
