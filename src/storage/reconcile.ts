/**
 * After a crash: files and catalogue are made to agree. A file without a row was killed between rename and commit (or
 * between the commit of a deletion and the removal): it was never acknowledged, yet it is whole, so it is adopted when
 * its bytes are what its name says and it fits, else removed. A row without a file is dropped: the disk lost it, and
 * repair brings it back. With a new catalogue this finds all blocks anew that are files; small ones were in the old one.
 *
 * Cost: one listing of 256 folders and one walk of the table; only strays are read.
 */
import { blockKey, cidIn, maximumBlockBytes, verifyBlock } from '../content/cid.ts';
import { type BlockFiles, fileName } from './block-files.ts';
import type { StoredBlock } from './block-store.ts';
import type { BlockTable, CataloguedBlock } from './block-table.ts';
import { type KeyRange, maximumPageItems } from './key-range.ts';

export interface Reconciled {
  readonly adopted: number;
  readonly removed: number;
  readonly lost: number;
}

/** `quotaBytes` bounds what is adopted, beside the bytes already catalogued. */
export async function reconcile(files: BlockFiles, table: BlockTable, quotaBytes: number): Promise<Reconciled> {
  let { bytes } = table.totals();
  let [adopted, removed, lost] = [0, 0, 0];
  for await (const { shelf, names } of files.list()) {
    const known = new Set<string>();
    const missing: string[] = [];
    for (const block of rowsOf(table, shelf)) {
      if (block.small !== null) continue;
      const name = fileName(block.cid);
      known.add(name);
      if (names.has(name)) continue;
      missing.push(block.key);
      bytes -= block.size;
    }
    if (missing.length > 0) await table.remove(missing);
    lost += missing.length;
    const additions: Promise<void>[] = [];
    for (const name of names) {
      if (known.has(name)) continue;
      const block = await wholeBlock(files, shelf, name);
      if (block !== null && table.find(block.key) === null && bytes + block.size <= quotaBytes) {
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

/** The block that a stray file is, when its name and bytes agree. */
async function wholeBlock(files: BlockFiles, shelf: string, name: string): Promise<StoredBlock | null> {
  const cid = cidIn(name);
  if (cid === null || fileName(cid) !== name) return null;
  const key = blockKey(cid);
  if (!key.startsWith(shelf)) return null;
  const size = await files.sizeOnDisk({ key, cid });
  if (size > maximumBlockBytes) return null;
  const bytes = await files.read({ key, cid }, size);
  return bytes !== null && verifyBlock(cid, bytes) ? { key, cid, size } : null;
}

function* rowsOf(table: BlockTable, shelf: string): Generator<CataloguedBlock, void, undefined> {
  const number = Number.parseInt(shelf, 16);
  const before = (number + 255) % 256;
  const range: KeyRange = { after: lastKeyOf(before), upTo: lastKeyOf(number) };
  for (let cursor: string | null = null; ; ) {
    const page = table.page(range, cursor, maximumPageItems);
    yield* page.items;
    cursor = page.cursor;
    if (cursor === null) return;
  }
}

function lastKeyOf(shelf: number): string {
  return shelf.toString(16).padStart(2, '0') + 'f'.repeat(62);
}
