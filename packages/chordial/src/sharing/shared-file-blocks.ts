/**
 * Blocks of shared files, read from the files on request. Only bytes that match the block's address are served; a file
 * that was changed, truncated or replaced since it was indexed serves nothing.
 */
import type { CID } from 'multiformats/cid';
import { type BlockHashing, verifyBlockBy } from '../content/block-hashing.ts';
import { hasSha256 } from '../content/cid.ts';
import { type LeafPool, leafBytes, unpooledBuffer } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import type { InPlaceBlocks } from '../replication/data-ports.ts';
import type { SharedBlock, SharedFileTable } from '../storage/shared-file-table.ts';
import { stampOf } from './look-through.ts';
import { type OpenedFile, SharedFileOpener } from './shared-file-opener.ts';

/** A file differs from its index entry; `isSilent`: its status does not show it. */
export type ChangedFile = Pick<SharedBlock, 'file' | 'folder' | 'parent'> & { readonly isSilent: boolean };

export class SharedFileBlocks implements InPlaceBlocks {
  readonly #table: Pick<SharedFileTable, 'blocks'>;
  readonly #hashing: BlockHashing;
  readonly #changed: (file: ChangedFile) => void;
  readonly #opener = new SharedFileOpener();

  constructor(table: Pick<SharedFileTable, 'blocks'>, hashing: BlockHashing, changed: (file: ChangedFile) => void) {
    this.#table = table;
    this.#hashing = hashing;
    this.#changed = changed;
  }

  async size(cid: CID): Promise<number | null> {
    for (const block of this.#places(cid)) {
      if (block.bytes !== null) return block.bytes.length;
      const opened = await this.#open(block);
      await opened?.file.close();
      if (opened !== null) return lengthOf(block);
    }
    return null;
  }

  async read(cid: CID, pool: LeafPool): Promise<Uint8Array | null> {
    for (const block of this.#places(cid)) {
      const bytes = block.bytes === null ? await this.#leaf(block, pool) : Uint8Array.from(block.bytes);
      if (bytes === null) continue;
      if (await verifyBlockBy(this.#hashing, cid, bytes)) return bytes;
      pool.giveBack(bytes);
      this.#changed({ ...block, isSilent: true });
    }
    return null;
  }

  #places(cid: CID): readonly SharedBlock[] {
    return hasSha256(cid) ? this.#table.blocks(cid.multihash.digest) : [];
  }

  /** Null when the file differs from its index entry, which is reported. */
  async #open(block: SharedBlock): Promise<OpenedFile | null> {
    try {
      const opened = await this.#opener.open(block);
      const { status, file } = opened;
      const isAsIndexed = Number(status.size) === block.size && stampOf(status) === block.stamp;
      if (isAsIndexed) return opened;
      await file.close();
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
    }
    this.#changed({ ...block, isSilent: false });
    return null;
  }

  async #leaf(block: SharedBlock, pool: LeafPool): Promise<Uint8Array | null> {
    const opened = await this.#open(block);
    if (opened === null) return null;
    await using file = opened.file;
    const length = lengthOf(block);
    const bytes = length === leafBytes ? pool.take() : unpooledBuffer(length);
    try {
      for (let filled = 0; filled < length; ) {
        const { bytesRead } = await file.read(bytes, filled, length - filled, block.place * leafBytes + filled);
        if (bytesRead === 0) throw new ChordialError('changed', 'It was cut off while it was read.');
        filled += bytesRead;
      }
      return bytes;
    } catch {
      // The disk fails, or the file was truncated: the next scan of the share tells which.
      pool.giveBack(bytes);
      this.#changed({ ...block, isSilent: false });
      return null;
    }
  }
}

function lengthOf({ size, place }: SharedBlock): number {
  return Math.max(0, Math.min(leafBytes, size - place * leafBytes));
}
