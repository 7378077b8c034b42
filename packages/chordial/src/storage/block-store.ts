/** The store of a peer's blocks. Every implementation passes the contract suite test/contracts/block-store.ts. */
import type { CID } from 'multiformats/cid';
import { type Block, blockKey } from '../content/cid.ts';
import type { LeafPool } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import type { Claim } from './claim-table.ts';
import type { KeyRange, Page } from './key-range.ts';

export interface StoredBlock {
  /** The ring key, 64 hexadecimal digits. */
  readonly key: string;
  readonly cid: CID;
  readonly size: number;
}

/** A block with the claims of the puts that it belongs to. */
export interface ClaimedBlock extends Block {
  readonly claims?: readonly Claim[];
}

export interface NewClaims {
  readonly cid: CID;
  readonly claims: readonly Claim[];
}

/** A block as of an earlier look. */
export interface LookedAtBlock {
  readonly cid: CID;
  /** Digest of its item in the index. */
  readonly digest: string;
}

/**
 * Blocks are identified by multihash: CIDs that share it, such as CIDv0 and CIDv1, name one block. Bytes are not hashed
 * here: the caller has verified them.
 */
export interface BlockStore {
  /** Entry i belongs to CID i. */
  has(cids: readonly CID[]): Promise<boolean[]>;
  /**
   * The bytes in a buffer owned by the caller, or null. A leaf may use a buffer of `pool`, to be returned to it. Throws
   * ChordialError 'bad-content' where the block is known to be damaged, and 'store-away' or 'store-refused' where it lies
   * in an object store that does not give it now.
   */
  get(cid: CID, pool?: LeafPool): Promise<Uint8Array | null>;
  /** Whether reading may take seconds, and other holders be faster: blocks lie in a store beside this peer. */
  readonly isRemote?: boolean;
  /** Size of the block, or null. */
  size(cid: CID): Promise<number | null>;
  /**
   * Resolves when every block and its claims are durable; blocks already present cost only their claims. Throws
   * ChordialError 'quota-full' before anything is written, 'disk-full', or 'bad-cid' for one not addressed by SHA-256;
   * of several blocks some may then be stored, each whole. The store does not retain the buffers.
   */
  put(blocks: readonly ClaimedBlock[]): Promise<void>;
  /** Adds claims to blocks that are present. Once durable, resolves with the size of each, null for absent ones. */
  claim(blocks: readonly NewClaims[]): Promise<(number | null)[]>;
  claimsOf(cid: CID): readonly Claim[];
  /** Resolves with the number of blocks deleted, regardless of claims. */
  delete(cids: readonly CID[]): Promise<number>;
  /**
   * Deletes those whose claims are unchanged since that look; resolves with the number. Never deletes a block that was
   * claimed in between.
   */
  deleteUnchanged(items: readonly LookedAtBlock[]): Promise<number>;
  /**
   * Deletes those of these blocks that are unclaimed; resolves with the number. Never deletes a block that was claimed
   * in between.
   */
  collect(keys: readonly string[]): Promise<number>;
  /** Of at most `limit` blocks after the cursor in key order, those without claims that were added before `addedBefore`. */
  unclaimed(cursor: string | null, addedBefore: number, limit: number): Promise<Page<string>>;
  /** Blocks of a range in key order from its start. `cursor` is that of the previous page, or null. */
  keys(range: KeyRange, cursor: string | null, limit: number): Promise<Page<StoredBlock>>;
  count(): number;
  /** Total bytes of all blocks. */
  bytes(): number;
  /** The hard limit on `bytes()`, including puts in flight. */
  readonly quotaBytes: number;
  /** Bytes that puts of this publisher may still use. */
  roomFor(publisher: string): number;
  /** Called before a put is refused for lack of space: frees up to that many bytes; resolves with the number freed. */
  makeRoom: ((bytes: number) => Promise<number>) | null;
  /** Waits for operations in flight; no calls are allowed afterwards. */
  close(): Promise<void>;
}

const sha256Hash = 0x12;

/** Distinct blocks by key. Throws ChordialError('bad-cid') for a CID that cannot be verified later. */
export function uniqueBlocks(blocks: readonly ClaimedBlock[]): ReadonlyMap<string, ClaimedBlock> {
  const unique = new Map<string, ClaimedBlock>();
  for (const block of blocks) {
    if (block.cid.multihash.code !== sha256Hash || block.cid.multihash.digest.length !== 32) {
      throw new ChordialError(
        'bad-cid',
        `The block ${block.cid} cannot be stored: only blocks addressed by SHA-256 are.`,
      );
    }
    const key = blockKey(block.cid);
    const claims = [...(unique.get(key)?.claims ?? []), ...(block.claims ?? [])];
    unique.set(key, { ...block, claims });
  }
  return unique;
}

/** A put that evicts cache while there is any. */
export async function puttingWithRoom(
  { makeRoom }: Pick<BlockStore, 'makeRoom'>,
  blocks: readonly ClaimedBlock[],
  put: () => Promise<void>,
): Promise<void> {
  for (;;) {
    try {
      return await put();
    } catch (error) {
      const isFull = error instanceof ChordialError && (error.code === 'quota-full' || error.code === 'disk-full');
      const wanted = blocks.reduce((sum, { bytes }) => sum + bytes.length, 0);
      if (!isFull || makeRoom === null || (await makeRoom(wanted)) === 0) throw error;
    }
  }
}

export function quotaFull(wanted: number, used: number, quota: number): ChordialError {
  const message = `${wanted} bytes do not fit: ${used} of the quota of ${quota} bytes are used or promised. Remove files, or raise --quota.`;
  return new ChordialError('quota-full', message);
}
