/** Blocks that this host has in files of its own, outside the store: readers may have them, but they are no copies of the ring's. */
import type { CID } from 'multiformats/cid';
import type { LeafPool } from '../content/leaf-pool.ts';

export interface InPlaceBlocks {
  /** Bytes, or null. */
  size(cid: CID): Promise<number | null>;
  /** Verified, in a buffer of the caller's own; null when it is not to be had any more. A leaf may come from the pool. */
  read(cid: CID, pool: LeafPool): Promise<Uint8Array | null>;
}
