/**
 * Cuts a stream into leaves of a fixed size. Each leaf is a fresh buffer that belongs to whoever takes it: the source
 * may reuse its own.
 */

/** Leaf size of profile unixfs-v1-2025. */
export const leafBytes = 1024 * 1024;

/** Yields full leaves and a last shorter one; for an empty source one leaf of no bytes, as the IPFS world has it. */
export async function* cutIntoLeaves(
  source: AsyncIterable<Uint8Array>,
  size: number = leafBytes,
): AsyncGenerator<Uint8Array, void, undefined> {
  let leaf: Uint8Array | null = null;
  let filled = 0;
  let leaves = 0;
  for await (const piece of source) {
    for (let taken = 0; taken < piece.length; ) {
      leaf ??= uninitialised(size);
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
  if (leaf !== null) yield leaf.slice(0, filled);
  else if (leaves === 0) yield new Uint8Array(0);
}

/** Unpooled and not zeroed: every byte is written before the leaf is seen. */
function uninitialised(size: number): Uint8Array {
  const buffer = Buffer.allocUnsafeSlow(size);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, size);
}
