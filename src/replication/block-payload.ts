/** Many blocks, one after the other, as one stream of bytes: each arriving piece is copied once, into its block's own buffer. */
import { malformed } from '../network/wire-reading.ts';

export interface Receiving {
  /** The buffer of block `index`, of exactly `size` bytes; may wait until there is room in memory. */
  allocate(index: number, size: number): Uint8Array | Promise<Uint8Array>;
  /** Block `index` is complete, though not yet verified. */
  complete(index: number, bytes: Uint8Array): void;
  /** Called for every piece. */
  progress?(bytes: number): void;
}

/** Reads blocks of these sizes. Throws a TransportError when the stream breaks, or is shorter or longer than they are. */
export async function receiveBlocks(
  payload: AsyncIterable<Uint8Array>,
  sizes: readonly number[],
  receiving: Receiving,
): Promise<void> {
  let index = 0;
  let block: Uint8Array | null = null;
  let filled = 0;
  const finishEmpty = async (): Promise<void> => {
    while (index < sizes.length && sizes[index] === 0) {
      receiving.complete(index, await receiving.allocate(index, 0));
      index += 1;
    }
  };
  await finishEmpty();
  for await (const piece of payload) {
    receiving.progress?.(piece.length);
    for (let taken = 0; taken < piece.length; ) {
      const size = sizes[index];
      if (size === undefined) throw malformed('more bytes came than its blocks have');
      block ??= await receiving.allocate(index, size);
      const part = taken === 0 && piece.length <= size - filled ? piece : piece.subarray(taken, taken + size - filled);
      block.set(part, filled);
      filled += part.length;
      taken += part.length;
      if (filled < size) continue;
      receiving.complete(index, block);
      block = null;
      filled = 0;
      index += 1;
      await finishEmpty();
    }
  }
  if (index < sizes.length) throw malformed('fewer bytes came than its blocks have');
}
