/** What the data path needs of this host's own store of blocks; `src/storage` fulfils it. */
import type { CID } from 'multiformats/cid';
import type { Block } from '../content/cid.ts';

export interface LocalBlocks {
  /** Bytes of a block held here, or null. */
  size(cid: CID): number | null;
  /** The bytes in a buffer of their own, or null. */
  get(cid: CID): Promise<Uint8Array | null>;
  /** Resolves once every block is durable. Rejects with `disk-full` or `quota-full`, having stored none by halves. */
  put(blocks: readonly Block[]): Promise<void>;
}
