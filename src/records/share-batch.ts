/**
 * A batch in the making: entries of many files sorted by record key, cut into leaves at the borders of cells, under one
 * Merkle root.
 */
import { maxBatchEntries } from './batch-header.ts';
import { GatheredEntries } from './gathered-entries.ts';
import type { ShareBatch } from './leaf-cutter.ts';
import type { RecordPlaces } from './record-keys.ts';
import { checkShareEntry, malformed, maxEntriesPerFile, type ShareEntry, tooManyEntries } from './share-entry.ts';

export interface BatchOfFiles {
  readonly batch: ShareBatch;
  /** So many of the files, in their order, are in it. */
  readonly files: number;
}

/** Entries of all leaves of a batch together: what the bound on their number lets through at 128 bytes each. */
export const maxBatchBytes = 16 * 1024 * 1024;
/** Files whose entries are made by the host that announces them. */
const filesPerPause = 256;

/**
 * Parts the files, as they come, into batches within their bounds; entries of one kind and subject count once in each. It
 * pauses to let others work. Throws `too-many-entries` for a file with more than 20, `too-large` or `bad-content` for an entry
 * that no host would take, or that does not say what it is about.
 * @param spare memory of batches that are done with, to be used again
 */
export async function* batchesOf(
  files: Iterable<readonly ShareEntry[]>,
  places: RecordPlaces,
  pause: () => Promise<void>,
  spare: Buffer[] = [],
): AsyncGenerator<BatchOfFiles, void, undefined> {
  const gathered = new GatheredEntries(places, { entries: maxBatchEntries, bytes: maxBatchBytes }, spare);
  let inBatch = 0;
  for (const file of files) {
    if (file.length === 0) throw malformed('a file has none');
    if (file.length > maxEntriesPerFile) throw tooManyEntries(file.length);
    for (const entry of file) checkShareEntry(entry);
    if (!gathered.hasRoomFor(file)) {
      yield { batch: await gathered.cut(pause), files: inBatch };
      inBatch = 0;
    }
    for (const entry of file) gathered.add(entry);
    inBatch += 1;
    if (inBatch % filesPerPause === 0) await pause();
  }
  if (inBatch > 0) yield { batch: await gathered.cut(pause), files: inBatch };
}
