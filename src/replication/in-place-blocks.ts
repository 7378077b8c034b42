/** Blocks in shared files of this host, outside the store: served to readers, but not replicas of the ring. */
import type { CID } from 'multiformats/cid';
import type { LeafPool } from '../content/leaf-pool.ts';

export interface InPlaceBlocks {
  /** Size, or null. */
  size(cid: CID): Promise<number | null>;
  /** Verified, in a buffer owned by the caller; null when no longer available. A leaf may be pooled. */
  read(cid: CID, pool: LeafPool): Promise<Uint8Array | null>;
}
