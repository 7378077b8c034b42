/**
 * Leaf buffers used again. Without it a peer that moves a gigabyte leaves a gigabyte of dead buffers, which the garbage
 * collector notices only 80 MB late (measured); with it memory stays at what is really under way.
 *
 * They begin at a page, so that they can be written past the cache of the system (durable-file.ts), and can be seen by
 * other threads, so that those can hash them (hashing-thread.ts).
 */

/** Leaf size of profile unixfs-v1-2025. */
export const leafBytes = 1024 * 1024;

/** Idle buffers kept: as many as are usually under way between reading a file and the last copy of a block. */
const maxIdleLeaves = 16;

export class LeafPool {
  /** Bytes of a leaf. */
  readonly size: number;
  readonly #idle: Uint8Array[] = [];

  constructor(size: number = leafBytes) {
    this.size = size;
  }

  /** A buffer of one leaf, with whatever was last in it. */
  take(): Uint8Array {
    return this.#idle.pop() ?? pageAlignedBuffer(this.size) ?? unpooledBuffer(this.size);
  }

  /**
   * The owner has no more use for these bytes, and neither has anyone it handed them to: they will be overwritten.
   * Buffers of other sizes (nodes, short last leaves) are left to the garbage collector, so any block may be given.
   */
  giveBack(bytes: Uint8Array): void {
    const fits = bytes.length === this.size && bytes.buffer.byteLength === this.size;
    if (fits && this.#idle.length < maxIdleLeaves) this.#idle.push(bytes);
  }
}

/** What of WebAssembly is used: its memories begin at a page, and nothing else in JavaScript says where in memory it lies. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number; shared: true }) => { buffer: SharedArrayBuffer };
};

const bytesPerPage = 64 * 1024;
const pageAligned = new WeakSet<ArrayBufferLike>();

/** null for sizes other than whole pages, and where a process may not reserve the 8 GiB of addresses that each one takes. */
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

/** Whether the bytes are a whole buffer that begins and ends at a page, which a disk can take without a copy of it. */
export function isPageAligned({ buffer, length }: Uint8Array): boolean {
  return length === buffer.byteLength && pageAligned.has(buffer);
}

/** Outside Node's own pool, so that the whole buffer is this leaf's, and not zeroed: every byte is written before it is seen. */
export function unpooledBuffer(size: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}
