/**
 * Buffers of one leaf, used again: a fresh megabyte costs as much as hashing it, for the pages must be made and zeroed.
 * Whoever takes one owns it until giving it back, and gives it back only when nobody can look at it any more.
 */
import { leafBytes } from '../content/chunker.ts';

/** As many as one reader has under way; more are left to the garbage collector. */
const maximumPooledBuffers = 32;

export class BufferPool {
  readonly #free: Uint8Array[] = [];

  take(size: number): Uint8Array {
    if (size !== leafBytes) return Buffer.allocUnsafeSlow(size);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(leafBytes);
  }

  give(buffer: Uint8Array): void {
    if (buffer.length === leafBytes && this.#free.length < maximumPooledBuffers) this.#free.push(buffer);
  }
}
