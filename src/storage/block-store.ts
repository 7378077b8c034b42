/** Where a peer keeps blocks. One contract suite (test/contracts/block-store.ts) holds for all implementations. */
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
  /** Bytes. */
  readonly size: number;
}

/** A block with the word of the puts that it is part of. */
export interface ClaimedBlock extends Block {
  readonly claims?: readonly Claim[];
}

export interface NewClaims {
  readonly cid: CID;
  readonly claims: readonly Claim[];
}

/** A block as it was when somebody looked. */
export interface LookedAtBlock {
  readonly cid: CID;
  /** That of its item in the index. */
  readonly digest: string;
}

/**
 * Blocks are known by their multihash: CIDs that share it, such as CIDv0 and CIDv1, name one block. Bytes are not
 * hashed here: the one that puts a block has verified it.
 */
export interface BlockStore {
  /** Entry i belongs to CID i. */
  has(cids: readonly CID[]): Promise<boolean[]>;
  /** The bytes in a buffer of the caller's own, or null. A leaf may come in a buffer of `pool`, to be given back to it. */
  get(cid: CID, pool?: LeafPool): Promise<Uint8Array | null>;
  /** Bytes of the block, or null. */
  size(cid: CID): Promise<number | null>;
  /**
   * Resolves when every block is durable, and its claims with it; those already there cost nothing but their claims. Throws ChordialError 'quota-full' before
   * anything is written, 'disk-full', or 'bad-cid' for one not addressed by SHA-256; of several blocks some may then
   * be there, each whole. The store keeps no hold on the buffers.
   */
  put(blocks: readonly ClaimedBlock[]): Promise<void>;
  /** Adds claims to blocks that are there. Durable when it resolves with the bytes of each, null for those that are not there. */
  claim(blocks: readonly NewClaims[]): Promise<(number | null)[]>;
  claimsOf(cid: CID): readonly Claim[];
  /** Resolves with the number of blocks that were there and are gone, no matter who claims them. */
  delete(cids: readonly CID[]): Promise<number>;
  /** Deletes those whose claims are still those that were looked at; resolves with how many. Never one that a claim came to meanwhile. */
  deleteUnchanged(items: readonly LookedAtBlock[]): Promise<number>;
  /** Deletes those of these blocks that nothing claims; resolves with how many. Never one that a claim came to meanwhile. */
  collect(keys: readonly string[]): Promise<number>;
  /** Of at most `limit` blocks after the cursor in key order, those without claims that came before `addedBefore`. */
  unclaimed(cursor: string | null, addedBefore: number, limit: number): Promise<Page<string>>;
  /** Blocks of a range in key order from its start. `cursor` is that of the page before, or null. */
  keys(range: KeyRange, cursor: string | null, limit: number): Promise<Page<StoredBlock>>;
  count(): number;
  /** Bytes of all blocks. */
  bytes(): number;
  /** The hard limit on `bytes()`, counting what is being put. */
  readonly quotaBytes: number;
  /** Bytes that may come of puts of this publisher, as things stand. */
  roomFor(publisher: string): number;
  /** Asked before a put is refused for want of room: makes so many bytes free if it can; resolves with how many it made free. */
  makeRoom: ((bytes: number) => Promise<number>) | null;
  /** Waits for what is under way; nothing may be asked afterwards. */
  close(): Promise<void>;
}

const sha256Hash = 0x12;

/** Different blocks by key. Throws ChordialError('bad-cid') for what no store can verify later. */
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

/** A put for which cache makes room, as long as there is some. */
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
