/**
 * Pool of leaf buffers. Without it a peer that moves a gigabyte leaves a gigabyte of garbage, which the collector
 * notices only 80 MB late (measured); with it memory stays at what is in flight.
 *
 * Buffers are page-aligned, for direct writes (durable-file.ts), and shared, for hashing on other threads
 * (hashing-thread.ts).
 */

/** Leaf size of profile unixfs-v1-2025. */
export const leafBytes = 1024 * 1024;

/** Idle buffers kept: about as many as are in flight between reading a file and the last replica of a block. */
const maxIdleLeaves = 16;

export class LeafPool {
  /** Bytes of a leaf. */
  readonly size: number;
  readonly #idle: Uint8Array[] = [];

  constructor(size: number = leafBytes) {
    this.size = size;
  }

  /** A buffer of one leaf, not cleared. */
  take(): Uint8Array {
    return this.#idle.pop() ?? pageAlignedBuffer(this.size) ?? unpooledBuffer(this.size);
  }

  /**
   * Returns a buffer: neither the caller nor anyone it passed the bytes to may use them again. Buffers of other sizes
   * (nodes, short last leaves) are left to the garbage collector, so any block may be passed.
   */
  giveBack(bytes: Uint8Array): void {
    const fits = bytes.length === this.size && bytes.buffer.byteLength === this.size;
    if (fits && this.#idle.length < maxIdleLeaves) this.#idle.push(bytes);
  }
}

/** The part of WebAssembly used: its memories begin at a page, and nothing else in JavaScript controls alignment. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number; shared: true }) => { buffer: SharedArrayBuffer };
};

const bytesPerPage = 64 * 1024;
const pageAligned = new WeakSet<ArrayBufferLike>();

/**
 * Null for sizes that are not whole pages, and where a process may not reserve the 8 GiB of address space that each
 * memory takes.
 */
function pageAlignedBuffer(size: number): Uint8Array | null {
  const pages = size / bytesPerPage;
  if (!Number.isInteger(pages)) return null;
  try {
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    pageAligned.add(buffer);
    return new Uint8Array(buffer);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Whether the bytes are a whole page-aligned buffer, which a disk accepts without a copy. */
export function isPageAligned({ buffer, length }: Uint8Array): boolean {
  return length === buffer.byteLength && pageAligned.has(buffer);
}

/** Outside Node's pool, so that the buffer holds this leaf alone, and not zeroed: every byte is written before it is read. */
export function unpooledBuffer(size: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}
