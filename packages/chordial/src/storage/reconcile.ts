/**
 * Makes large blocks and the catalogue agree after a crash, or when the catalogue is new. What lies there without a row was
 * interrupted while it was written, before its commit, or between the commit of a deletion and the removal. It was never
 * acknowledged; it is made durable and adopted when its bytes match its name and it fits the quota, else removed. A row
 * without its block is dropped: the disk lost it, and repair restores it. With a new catalogue this recovers all blocks
 * but the small ones, which were in the old one.
 *
 * Cost: listing 256 shelves and one scan of the table; only strays are read, and only what seems lost is asked for.
 */
import { blockKey, cidIn, maxBlockBytes, parseCid } from '../content/cid.ts';
import { forEachConcurrently } from '../flow/for-each.ts';
import type { StoredBlock } from './block-store.ts';
import type { BlockTable } from './block-table.ts';
import type { FileRow, FileRows } from './file-rows.ts';
import { type BlockFile, blockFileName, type LargeBlocks } from './large-blocks.ts';

export interface Reconciled {
  readonly adopted: number;
  readonly removed: number;
  readonly lost: number;
}

export type ReconciledBlocks = Pick<LargeBlocks, 'isWhole' | 'list' | 'makeDurable' | 'removeStray' | 'sizeOf'>;

/** The rows that are compared. */
export interface ReconciledRows {
  /** Those of a shelf, by file name, as of now. */
  ofShelf(shelf: string): ReadonlyMap<string, FileRow>;
  /** Calls `makeDurable` and adds a row; false when there is one already, or no room within the quota. */
  adopt(block: StoredBlock, makeDurable: () => Promise<void>): Promise<boolean>;
  /** Drops the row when the block is still not there; resolves with whether it was dropped. */
  drop(row: FileRow, isLost: () => Promise<boolean>): Promise<boolean>;
  /** Runs the removal of what has no row when nothing else concerns it, unless it has a row by then. */
  removing(file: BlockFile, remove: () => Promise<boolean>): Promise<boolean>;
}

/** Strays that are checked at the same time, each of up to 2 MiB. */
const maxConcurrent = 16;

/** May run while blocks come and go. */
export async function reconcile(files: ReconciledBlocks, rows: ReconciledRows): Promise<Reconciled> {
  let [adopted, removed, lost] = [0, 0, 0];
  for await (const { shelf, names } of files.list()) {
    const known = rows.ofShelf(shelf);
    const missing = [...known].filter(([name]) => !names.has(name));
    await forEachConcurrently(missing, maxConcurrent, async ([name, row]) => {
      const isLost = async (): Promise<boolean> => (await files.sizeOf({ key: row.key, cid: parseCid(name) })) === null;
      if (await rows.drop(row, isLost)) lost += 1;
    });
    const strays = [...names].filter((name) => !known.has(name));
    await forEachConcurrently(strays, maxConcurrent, async (name) => {
      const file = fileNamed(shelf, name);
      const block = file === null ? null : await wholeBlock(files, file);
      const isAdopted = block !== null && (await rows.adopt(block, () => files.makeDurable(block)));
      if (isAdopted) adopted += 1;
      else if (await removeStray(name, { files, rows, shelf, file, block })) removed += 1;
    });
  }
  return { adopted, removed, lost };
}

interface Stray {
  readonly files: ReconciledBlocks;
  readonly rows: ReconciledRows;
  readonly shelf: string;
  /** Null when its name is none of a block. */
  readonly file: BlockFile | null;
  readonly block: StoredBlock | null;
}

async function removeStray(name: string, { files, rows, shelf, file, block }: Stray): Promise<boolean> {
  const remove = () => files.removeStray(shelf, name, block !== null);
  return file === null ? remove() : rows.removing(file, remove);
}

/** Rows of a catalogue that nothing else uses yet. */
export function rowsAtOpening(table: BlockTable, rows: FileRows, quotaBytes: number): ReconciledRows {
  let { bytes } = table.totals();
  const adopting = new Set<string>();
  return {
    ofShelf: (shelf) => rows.ofShelf(shelf),
    adopt: async (block, makeDurable) => {
      if (adopting.has(block.key) || table.find(block.key) !== null || bytes + block.size > quotaBytes) return false;
      adopting.add(block.key);
      bytes += block.size;
      await makeDurable();
      await table.add(block);
      return true;
    },
    drop: async ({ key, size }, isLost) => {
      if (!(await isLost())) return false;
      bytes -= size;
      await table.remove([key]);
      return true;
    },
    removing: (_, remove) => remove(),
  };
}

/** What the name says, when it is the one name of a block on that shelf. */
function fileNamed(shelf: string, name: string): BlockFile | null {
  const cid = cidIn(name);
  if (cid === null || blockFileName(cid) !== name) return null;
  const key = blockKey(cid);
  return key.startsWith(shelf) ? { key, cid } : null;
}

async function wholeBlock(files: ReconciledBlocks, file: BlockFile): Promise<StoredBlock | null> {
  const size = await files.sizeOf(file);
  if (size === null || size > maxBlockBytes) return null;
  return (await files.isWhole(file, size)) ? { ...file, size } : null;
}
