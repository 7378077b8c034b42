/**
 * A batch in the making: entries of many files sorted by record key, cut into leaves at the borders of cells, under one
 * Merkle root. Sorting and hashing a hundred thousand entries takes half a second, so it pauses to let others work.
 */
import { ChordialError } from '../errors.ts';
import { maximumBatchEntries } from './batch-header.ts';
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

/** Entries about one name, content or word: they have one key. */
interface Subject {
  readonly key: string;
  readonly entries: ShareEntry[];
}

/** Entries keyed, or sorted, between two pauses: ten milliseconds. */
const entriesPerPause = 4096;
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
  const byCell = await subjectsByCell(files, places, pause);
  const leaves: Uint8Array[] = [];
  const cells: number[] = [];
  let [entries, sorted] = [0, 0];
  for (const [cell, subjects] of byCell.entries()) {
    subjects.sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const leaf of leavesOf(subjects)) {
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

/** A word comes with many files, and its key is computed once. */
async function subjectsByCell(
  files: readonly (readonly ShareEntry[])[],
  places: RecordPlaces,
  pause: () => Promise<void>,
): Promise<readonly Subject[][]> {
  const byCell: Subject[][] = Array.from({ length: cellCount }, () => []);
  const known = {
    name: new Map<string, Subject>(),
    provider: new Map<string, Subject>(),
    posting: new Map<string, Subject>(),
  };
  let gathered = 0;
  for (const file of files) {
    for (const entry of file) {
      const name = nameOfSubject(entry);
      let subject = known[entry.kind].get(name);
      if (subject === undefined) {
        subject = { key: shareEntryKey(entry, places), entries: [] };
        known[entry.kind].set(name, subject);
        byCell[cellOf(subject.key)]!.push(subject);
      }
      subject.entries.push(entry);
      gathered += 1;
      if (gathered % entriesPerPause === 0) await pause();
    }
  }
  return byCell;
}

function nameOfSubject({ kind, subject }: ShareEntry): string {
  const bytes = Buffer.from(subject.buffer, subject.byteOffset, subject.length);
  return bytes.toString('latin1', 0, kind === 'provider' ? bytes.length : Math.max(0, bytes.indexOf(0)));
}

function* leavesOf(subjects: readonly Subject[]): Generator<readonly ShareEntry[], void, undefined> {
  let leaf: ShareEntry[] = [];
  let bytes = 0;
  for (const { entries } of subjects) {
    if (entries.length > 1) entries.sort(bySubject);
    for (const [index, entry] of entries.entries()) {
      if (index > 0 && bySubject(entries[index - 1]!, entry) === 0) continue;
      const size = bytesOfEntry(entry);
      if (leaf.length === maximumLeafEntries || bytes + size > maximumLeafBytes) {
        yield leaf;
        [leaf, bytes] = [[], 0];
      }
      leaf.push(entry);
      bytes += size;
    }
  }
  if (leaf.length > 0) yield leaf;
}

function bySubject(a: ShareEntry, b: ShareEntry): number {
  return Buffer.compare(a.subject, b.subject);
}

function tooMany(entries: number): ChordialError {
  return new ChordialError(
    'too-many-entries',
    `A shared file has ${entries} entries, more than the ${maximumEntriesPerFile} that one may have. Index fewer of its words.`,
  );
}
