/**
 * Blocks of shared files, read from the files themselves at the moment they are wanted. What is handed out hashes to the
 * block's address; a file that was changed, cut off or replaced since it was indexed hands out nothing.
 */
import { lstat } from 'node:fs/promises';
import type { CID } from 'multiformats/cid';
import { type BlockHashing, verifyBlockBy } from '../content/block-hashing.ts';
import { hasSha256 } from '../content/cid.ts';
import { type LeafPool, leafBytes, unpooledBuffer } from '../content/leaf-pool.ts';
import type { SharedBlocks } from '../replication/shared-blocks.ts';
import type { SharedBlock, SharedFileTable } from '../storage/shared-file-table.ts';
import { openToRead } from '../transfer/local-file.ts';
import { stampOf } from './look-through.ts';

export class SharedFileBlocks implements SharedBlocks {
  readonly #table: Pick<SharedFileTable, 'blocks'>;
  readonly #hashing: BlockHashing;
  readonly #changed: (file: number) => void;

  /** @param changed told of a file that is not what was indexed. */
  constructor(table: Pick<SharedFileTable, 'blocks'>, hashing: BlockHashing, changed: (file: number) => void) {
    this.#table = table;
    this.#hashing = hashing;
    this.#changed = changed;
  }

  async size(cid: CID): Promise<number | null> {
    for (const block of this.#places(cid)) {
      if (block.bytes !== null) return block.bytes.length;
      if (await isAsIndexed(block)) return lengthOf(block);
      this.#changed(block.file);
    }
    return null;
  }

  async read(cid: CID, pool: LeafPool): Promise<Uint8Array | null> {
    for (const block of this.#places(cid)) {
      const bytes = block.bytes === null ? await readLeaf(block, pool) : Uint8Array.from(block.bytes);
      if (bytes !== null && (await verifyBlockBy(this.#hashing, cid, bytes))) return bytes;
      if (bytes !== null) pool.giveBack(bytes);
      this.#changed(block.file);
    }
    return null;
  }

  #places(cid: CID): readonly SharedBlock[] {
    return hasSha256(cid) ? this.#table.blocks(cid.multihash.digest) : [];
  }
}

function lengthOf({ size, place }: SharedBlock): number {
  return Math.max(0, Math.min(leafBytes, size - place * leafBytes));
}

async function isAsIndexed({ path, size, stamp }: SharedBlock): Promise<boolean> {
  try {
    const status = await lstat(path, { bigint: true });
    return status.isFile() && Number(status.size) === size && stampOf(status) === stamp;
  } catch {
    // Whatever keeps it from being looked at keeps it from being read.
    return false;
  }
}

/** Null when the file is not what was indexed. The stamp holds the inode: a link on the way there leads to another one. */
async function readLeaf(block: SharedBlock, pool: LeafPool): Promise<Uint8Array | null> {
  try {
    await using file = await openToRead(block.path, false);
    const status = await file.stat({ bigint: true });
    if (!status.isFile() || Number(status.size) !== block.size || stampOf(status) !== block.stamp) return null;
    const length = lengthOf(block);
    const bytes = length === leafBytes ? pool.take() : unpooledBuffer(length);
    for (let filled = 0; filled < length; ) {
      const { bytesRead } = await file.read(bytes, filled, length - filled, block.place * leafBytes + filled);
      if (bytesRead === 0) return null;
      filled += bytesRead;
    }
    return bytes;
  } catch {
    // It went away, or may not be read any more: the next look at the share says so.
    return null;
  }
}
