/**
 * A batch in the making: entries of many files sorted by record key, cut into leaves at the borders of cells, under one
 * Merkle root. Sorting and hashing a hundred thousand entries takes half a second, so it pauses to let others work.
 */
import { ChordialError } from '../errors.ts';
import { maximumBatchEntries } from './batch-header.ts';
import { recordKinds } from './entry.ts';
import { hashOfLeaf, type MerkleTree, merkleTree, rootOf } from './merkle-run.ts';
import type { RecordPlaces } from './record-keys.ts';
import { checkShareEntry, malformed, maximumEntriesPerFile, type ShareEntry, shareEntryKey } from './share-entry.ts';
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

interface Place {
  readonly key: string;
  readonly cell: number;
  /** The first 48 bits of the key: numbers are compared in no time, and only equal ones have to be looked at. */
  readonly order: number;
}

interface Keyed {
  readonly place: Place;
  readonly entry: ShareEntry;
}

/** Entries keyed, or sorted, between two pauses: ten milliseconds. */
const entriesPerPause = 4096;
const orderDigits = 12;
/** Files whose entries are made by whoever announces them. */
const filesPerPause = 256;

/**
 * Parts the files, as they come, into those of one batch each, by the bound on its entries. Throws `too-many-entries` for a file with
 * more than 20, `too-large` or `bad-content` for an entry that no host would take.
 */
export async function* filesOfBatches(
  files: Iterable<readonly ShareEntry[]>,
  pause: () => Promise<void>,
): AsyncGenerator<readonly (readonly ShareEntry[])[], void, undefined> {
  let batch: (readonly ShareEntry[])[] = [];
  let entries = 0;
  for (const file of files) {
    if (file.length === 0) throw malformed('a file has none');
    if (file.length > maximumEntriesPerFile) throw tooMany(file.length);
    for (const entry of file) checkShareEntry(entry);
    if (entries + file.length > maximumBatchEntries) {
      yield batch;
      [batch, entries] = [[], 0];
    }
    batch.push(file);
    entries += file.length;
    if (batch.length % filesPerPause === 0) await pause();
  }
  if (entries > 0) yield batch;
}

/** Entries of one kind and subject count once. Rejects with `bad-content` when an entry does not say what it is about. */
export async function makeBatch(
  files: readonly (readonly ShareEntry[])[],
  places: RecordPlaces,
  pause: () => Promise<void>,
): Promise<ShareBatch> {
  const byCell = await keyedByCell(files, places, pause);
  const leaves: Uint8Array[] = [];
  const cells: number[] = [];
  let [entries, sorted] = [0, 0];
  for (const [cell, keyed] of byCell.entries()) {
    for (const leaf of leavesOf(keyed.sort(inOrder))) {
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

async function keyedByCell(
  files: readonly (readonly ShareEntry[])[],
  places: RecordPlaces,
  pause: () => Promise<void>,
): Promise<readonly Keyed[][]> {
  const byCell: Keyed[][] = Array.from({ length: cellCount }, () => []);
  /** A word comes with many files, and its place is computed once. */
  const words = new Map<string, Place>();
  let gathered = 0;
  for (const file of files) {
    for (const entry of file) {
      const place = entry.kind === 'posting' ? placeOfWord(entry, words, places) : placeOf(entry, places);
      byCell[place.cell]!.push({ place, entry });
    }
    gathered += file.length;
    if (gathered >= entriesPerPause) {
      gathered = 0;
      await pause();
    }
  }
  return byCell;
}

function placeOfWord(entry: ShareEntry, known: Map<string, Place>, places: RecordPlaces): Place {
  const { subject } = entry;
  const bytes = Buffer.from(subject.buffer, subject.byteOffset, subject.length);
  let end = 0;
  while (end < bytes.length && bytes[end] !== 0) end++;
  const word = bytes.toString('latin1', 0, end);
  let place = known.get(word);
  if (place === undefined) {
    place = placeOf(entry, places);
    known.set(word, place);
  }
  return place;
}

function placeOf(entry: ShareEntry, places: RecordPlaces): Place {
  const key = shareEntryKey(entry, places);
  return { key, cell: cellOf(key), order: Number.parseInt(key.slice(0, orderDigits), 16) };
}

function* leavesOf(keyed: readonly Keyed[]): Generator<readonly ShareEntry[], void, undefined> {
  let leaf: ShareEntry[] = [];
  let bytes = 0;
  let before: Keyed | null = null;
  for (const one of keyed) {
    const isTwice = before !== null && inOrder(before, one) === 0;
    before = one;
    if (isTwice) continue;
    const size = bytesOfEntry(one.entry);
    if (leaf.length === maximumLeafEntries || bytes + size > maximumLeafBytes) {
      yield leaf;
      [leaf, bytes] = [[], 0];
    }
    leaf.push(one.entry);
    bytes += size;
  }
  if (leaf.length > 0) yield leaf;
}

function inOrder(a: Keyed, b: Keyed): number {
  if (a.place.order !== b.place.order) return a.place.order - b.place.order;
  if (a.place.key !== b.place.key) return a.place.key < b.place.key ? -1 : 1;
  // Keys of different kinds never meet by chance, but a teaching ring places names as it is told.
  if (a.entry.kind !== b.entry.kind) return recordKinds.indexOf(a.entry.kind) - recordKinds.indexOf(b.entry.kind);
  return Buffer.compare(a.entry.subject, b.entry.subject);
}

function tooMany(entries: number): ChordialError {
  return new ChordialError(
    'too-many-entries',
    `A shared file has ${entries} entries, more than the ${maximumEntriesPerFile} that one may have. Index fewer of its words.`,
  );
}
