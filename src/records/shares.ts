/** What the records of shares offer to those who index folders and to those who search. */

import type { Contact } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import type { RecordKind } from './entry.ts';
import type { RecordKey } from './record-keys.ts';
import type { HeldShareEntry, ShareEntry } from './share-entry.ts';

/** A file's entries in a batch, as `announce` put them there. */
export interface AnnouncedFile {
  /** The same as were announced; only their kinds and subjects count. */
  readonly entries: readonly Pick<ShareEntry, 'kind' | 'subject'>[];
  readonly batch: number;
}

export interface ShareAnnouncer {
  /**
   * Batches of this host that are on the ring and being renewed, from before a restart as well. A file whose batch is not
   * among them is not announced: it is to be announced (again). A batch that no file has is to be ended: the host was
   * killed before it was written down.
   */
  live(): ReadonlySet<number>;
  /**
   * Entries of files, at most 20 each, become batches of up to 131 072 entries; files are asked for as their batch is made, so
   * that a generator keeps no more than two batches in memory. Resolves, when all are durable on w copies, with the
   * batch of each file, to be kept with it. Rejects with `too-many-entries`, `too-large`, `bad-content`, and
   * with `too-few-copies` or `publisher-full` when some could not be made durable; then nothing counts as announced.
   */
  announce(files: Iterable<readonly ShareEntry[]>, signal?: AbortSignal): Promise<readonly number[]>;
  /** Takes files out of their batches: durable at w places of their entries when it resolves. Provider entries with a root that another file of the batch shares go too: announce that file again. */
  withdraw(files: readonly AnnouncedFile[]): Promise<void>;
  /** Ends batches whole, after their files have been announced again or are gone. */
  end(batches: readonly number[]): Promise<void>;
  /**
   * Called with batches whose remaining files are to be announced again together, and which are then to be ended: there are too many small
   * ones, too much was withdrawn, or the ring lost copies. Returns the undo.
   */
  onWorn(listener: (batches: readonly number[]) => void): () => void;
}

export interface ShareReader {
  /** Who says to have the content, this host included. Several replicas, merged and verified. Rejects with `no-live-source` when no one can tell. */
  providersOf(root: CID): Promise<readonly Contact[]>;
  /** Entries at a key: verified, current, newest per publisher and subject. Rejects with `no-live-source` when no one can tell. */
  entriesOf(key: RecordKey, kind: RecordKind, signal?: AbortSignal): Promise<readonly HeldShareEntry[]>;
  /** The same from what this host holds itself, without asking anybody: for the owner of a word. */
  heldHere(key: RecordKey, kind: RecordKind): readonly HeldShareEntry[];
}
