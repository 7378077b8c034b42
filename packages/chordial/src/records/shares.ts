/** Records of shares as used by indexing and search. */

import type { Contact } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import type { RecordKind } from './entry.ts';
import type { RecordKey } from './record-keys.ts';
import type { HeldShareEntry, ShareEntry } from './share-entry.ts';

/** A file's entries in a batch, as passed to `announce`. */
export interface AnnouncedFile {
  /** The same as announced; only kinds and subjects count. */
  readonly entries: readonly Pick<ShareEntry, 'kind' | 'subject'>[];
  readonly batch: number;
}

/** The entries of each file. */
export type EntriesOfFiles = Iterable<readonly ShareEntry[]> | AsyncIterable<readonly ShareEntry[]>;

export interface ShareAnnouncer {
  /**
   * Batches of this host that are on the ring and being renewed, including those from before a restart. A file whose
   * batch is missing here must be announced (again). A batch without files must be ended: the host was killed before it
   * was recorded.
   */
  live(): ReadonlySet<number>;
  /**
   * Entries of files, at most 20 each, become batches of up to 131 072 entries; files are requested while their batch
   * is built, so that a generator keeps at most two batches in memory. When all are durable on w replicas, resolves
   * with the batch of each file, to be stored with it. Rejects with `too-many-entries`, `too-large`, `bad-content`, and
   * with `too-few-copies` or `publisher-full` when some could not be made durable; then nothing counts as announced.
   */
  announce(files: EntriesOfFiles, signal?: AbortSignal): Promise<readonly number[]>;
  /**
   * Withdraws files from their batches: durable at w places of their entries when it resolves. Provider entries of a
   * root that another file of the batch shares are withdrawn too: announce that file again.
   */
  withdraw(files: readonly AnnouncedFile[]): Promise<void>;
  /** Ends whole batches, after their files have been announced again or are gone. */
  end(batches: readonly number[]): Promise<void>;
  /**
   * Called with batches whose remaining files are to be announced again together, after which the batches are ended:
   * there are too many small ones, too much was withdrawn, or replicas were lost. Returns the undo.
   */
  onWorn(listener: (batches: readonly number[]) => void): () => void;
}

export interface ShareReader {
  /**
   * Hosts that claim to have the content, possibly this one. Merged from several replicas and verified. Rejects with
   * `no-live-source` when that cannot be decided.
   */
  providersOf(root: CID): Promise<readonly Contact[]>;
  /**
   * Entries at a key: verified, current, newest per publisher and subject. Rejects with `no-live-source` when that
   * cannot be decided.
   */
  entriesOf(key: RecordKey, kind: RecordKind, signal?: AbortSignal): Promise<readonly HeldShareEntry[]>;
  /** The same from what this host holds, without asking others: for the owner of a word. */
  heldHere(key: RecordKey, kind: RecordKind): readonly HeldShareEntry[];
}
