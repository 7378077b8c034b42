/**
 * Makes files and catalogue agree after a crash. A file without a row was interrupted while it was written, before its
 * commit, or between the commit of a deletion and the removal. It was never acknowledged; it is flushed and adopted when
 * its bytes match its name and it fits the quota, else removed. A row without a file is dropped: the disk lost it, and repair
 * restores it. With a new catalogue this recovers all blocks that are files; small ones were in the old one.
 *
 * Cost: listing 256 folders and one scan of the table; only stray files are read.
 */
import { blockKey, cidIn, maxBlockBytes, verifyBlock } from '../content/cid.ts';
import { type BlockFiles, blockFileName } from './block-files.ts';
import type { StoredBlock } from './block-store.ts';
import type { BlockTable } from './block-table.ts';
import type { FileRows } from './file-rows.ts';

export interface ReconciledFiles {
  readonly adopted: number;
  readonly removed: number;
  readonly lost: number;
}

/** `quotaBytes` limits what is adopted, in addition to the bytes already catalogued. */
export async function reconcile(
  files: Pick<BlockFiles, 'list' | 'makeDurable' | 'read' | 'removeStray' | 'sizeOnDisk'>,
  table: BlockTable,
  rows: FileRows,
  quotaBytes: number,
): Promise<ReconciledFiles> {
  let { bytes } = table.totals();
  let [adopted, removed, lost] = [0, 0, 0];
  for await (const { shelf, names } of files.list()) {
    const known = rows.ofShelf(shelf);
    const missing: string[] = [];
    for (const [name, { key, size }] of known) {
      if (names.has(name)) continue;
      missing.push(key);
      bytes -= size;
    }
    if (missing.length > 0) await table.remove(missing);
    lost += missing.length;
    const additions: Promise<void>[] = [];
    for (const name of names) {
      if (known.has(name)) continue;
      const block = await wholeBlock(files, shelf, name);
      if (block !== null && table.find(block.key) === null && bytes + block.size <= quotaBytes) {
        await files.makeDurable(block);
        additions.push(table.add(block));
        bytes += block.size;
        adopted += 1;
      } else {
        await files.removeStray(shelf, name);
        removed += 1;
      }
    }
    await Promise.all(additions);
  }
  return { adopted, removed, lost };
}

/** The block in a stray file, when its name and bytes match. */
async function wholeBlock(
  files: Pick<BlockFiles, 'read' | 'sizeOnDisk'>,
  shelf: string,
  name: string,
): Promise<StoredBlock | null> {
  const cid = cidIn(name);
  if (cid === null || blockFileName(cid) !== name) return null;
  const key = blockKey(cid);
  if (!key.startsWith(shelf)) return null;
  const size = await files.sizeOnDisk({ key, cid });
  if (size === null || size > maxBlockBytes) return null;
  const bytes = await files.read({ key, cid }, size);
  return bytes !== null && verifyBlock(cid, bytes) ? { key, cid, size } : null;
}
