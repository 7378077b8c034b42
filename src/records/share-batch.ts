/**
 * A batch in the making: entries of many files sorted by record key, cut into leaves at the borders of cells, under one
 * Merkle root. Sorting and hashing a hundred thousand entries takes half a second, so it pauses to let others work.
 */
import { ChordialError } from '../errors.ts';
import { maximumBatchEntries } from './batch-header.ts';
import { recordKinds } from './entry.ts';
import { hashOfLeaf, type MerkleTree, merkleTree, rootOf } from './merkle-run.ts';
import type { RecordPlaces } from './record-keys.ts';
import { checkShareEntry, maximumEntriesPerFile, type ShareEntry, shareEntryKey } from './share-entry.ts';
import { bytesOfEntry, cellCount, cellOf, encodeLeaf, maximumLeafBytes, maximumLeafEntries } from './share-leaf.ts';

export interface ShareBatch {
  readonly root: Uint8Array;
  readonly entries: number;
  /** In the order of their keys. */
  readonly leaves: readonly Uint8Array[];
  /** Cell of each leaf; never falls. */
  readonly cells: readonly number[];
  readonly tree: MerkleTree;
}

interface Keyed {
  readonly key: string;
  readonly entry: ShareEntry;
}

/** Entries keyed, or sorted, between two pauses: ten milliseconds. */
const entriesPerPause = 4096;

/** Files that go into one batch, by the bounds on entries. Throws `too-many-entries` for a file with more than 20, `too-large`, `bad-content`. */
export function filesOfBatches(files: readonly (readonly ShareEntry[])[]): readonly { from: number; to: number }[] {
  const batches: { from: number; to: number }[] = [];
  let [from, entries] = [0, 0];
  for (const [index, file] of files.entries()) {
    if (file.length > maximumEntriesPerFile) throw tooMany(file.length);
    for (const entry of file) checkShareEntry(entry);
    if (entries + file.length > maximumBatchEntries) {
      batches.push({ from, to: index });
      [from, entries] = [index, 0];
    }
    entries += file.length;
  }
  if (entries > 0) batches.push({ from, to: files.length });
  return batches;
}

/** Entries of one kind and subject count once. Rejects with `bad-content` when an entry does not say what it is about. */
export async function makeBatch(
  files: readonly (readonly ShareEntry[])[],
  places: RecordPlaces,
  pause: () => Promise<void>,
): Promise<ShareBatch> {
  const byCell: Keyed[][] = Array.from({ length: cellCount }, () => []);
  let made = 0;
  for (const file of files) {
    for (const entry of file) {
      const key = shareEntryKey(entry, places);
      byCell[cellOf(key)]!.push({ key, entry });
      made += 1;
      if (made % entriesPerPause === 0) await pause();
    }
  }
  const leaves: Uint8Array[] = [];
  const cells: number[] = [];
  let [entries, sorted] = [0, 0];
  for (const [cell, keyed] of byCell.entries()) {
    for (const leaf of leavesOf(distinct(keyed.sort(inOrder)))) {
      leaves.push(encodeLeaf(leaf));
      cells.push(cell);
      entries += leaf.length;
    }
    if (entries - sorted >= entriesPerPause) {
      sorted = entries;
      await pause();
    }
  }
  const tree = merkleTree(leaves.map(hashOfLeaf));
  return { root: rootOf(tree), entries, leaves, cells, tree };
}

function* leavesOf(keyed: readonly Keyed[]): Generator<readonly ShareEntry[], void, undefined> {
  let leaf: ShareEntry[] = [];
  let bytes = 0;
  for (const { entry } of keyed) {
    const size = bytesOfEntry(entry);
    if (leaf.length === maximumLeafEntries || bytes + size > maximumLeafBytes) {
      yield leaf;
      [leaf, bytes] = [[], 0];
    }
    leaf.push(entry);
    bytes += size;
  }
  if (leaf.length > 0) yield leaf;
}

function distinct(sorted: readonly Keyed[]): readonly Keyed[] {
  return sorted.filter((one, index) => index === 0 || inOrder(sorted[index - 1]!, one) !== 0);
}

/** By key, kind and subject. */
function inOrder(a: Keyed, b: Keyed): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  const kinds = recordKinds.indexOf(a.entry.kind) - recordKinds.indexOf(b.entry.kind);
  return kinds !== 0 ? kinds : Buffer.compare(a.entry.subject, b.entry.subject);
}

function tooMany(entries: number): ChordialError {
  return new ChordialError(
    'too-many-entries',
    `A shared file has ${entries} entries, more than the ${maximumEntriesPerFile} that one may have. Index fewer of its words.`,
  );
}
