/** What reconciliation reaches of the outside world, handed in once. */

import type { Contact, Milliseconds, Random } from '@chordial/ring';
import type { EncodedEntry } from '../records/entry.ts';
import type { OfferedRun } from '../records/share-holder.ts';
import type { Catalog } from '../storage/catalog.ts';
import type { ItemIndex } from '../storage/item-index.ts';
import type { RecordRow, RecordTable } from '../storage/record-table.ts';
import type { ShareTable } from '../storage/share-table.ts';
import type { AuthoritativeRanges } from './authoritative-ranges.ts';
import type { BlockSenders } from './block-senders.ts';
import type { DataPorts } from './data-ports.ts';
import type { Leavers } from './leavers.ts';
import type { Pointers } from './pointers.ts';
import type { RecentlyTransferred } from './recently-transferred.ts';
import type { SupersededPuts } from './superseded-puts.ts';

export interface SyncedRecords {
  readonly table: Pick<RecordTable, 'range' | 'byRow' | 'removeExactly'>;
  /** Kept here for good, at a place or not: a name that this host publishes. */
  isOwn(row: Pick<RecordRow, 'kind' | 'publisher'>): boolean;
  /** Resolves when the host holds all of them, or newer ones. */
  push(host: Contact, entries: readonly EncodedEntry[]): Promise<void>;
  /** Verifies and stores what a host handed over; resolves with how many it had not. */
  keep(from: Contact, entries: readonly Uint8Array[]): Promise<number>;
}

export interface SyncedShares {
  readonly table: Pick<ShareTable, 'byRow' | 'walk' | 'removeLeaves'>;
  /** Verifies and stores what a host handed over; entry i says what became of run i. */
  keep(from: Contact, runs: readonly OfferedRun[]): Promise<readonly string[]>;
}

export interface SyncTimes {
  /** How long neighbours must have been quiet before a round: a joiner settles, a restarting peer comes back. */
  readonly settleMilliseconds: Milliseconds;
  /** After a round that failed, or could not finish. */
  readonly retryMilliseconds: Milliseconds;
  /** Between rounds when nothing changes, the longest; chance takes up to half of it off. */
  readonly intervalMilliseconds: Milliseconds;
  /** A host that is away is replaced after so long; blocks with fewer than w copies are not kept waiting. */
  readonly graceMilliseconds: Milliseconds;
  /** How long nothing must have changed until who came back counts as settled at its places. */
  readonly quietMilliseconds: Milliseconds;
  /** How long nothing must have changed before surplus copies are removed. */
  readonly excessReplicasMilliseconds: Milliseconds;
}

export const defaultSyncTimes: SyncTimes = {
  settleMilliseconds: 1000,
  retryMilliseconds: 1000,
  intervalMilliseconds: 60_000,
  graceMilliseconds: 20_000,
  quietMilliseconds: 5000,
  excessReplicasMilliseconds: 1500,
};

export const defaultSyncBytesPerSecond = 100_000_000;

export interface SyncPorts extends DataPorts {
  readonly lanes: BlockSenders;
  readonly index: ItemIndex;
  readonly confirmed: AuthoritativeRanges;
  readonly records: SyncedRecords;
  readonly shares: SyncedShares;
  /** Told where blocks went for which a place had no room. */
  readonly pointers?: Pick<Pointers, 'tell' | 'liveHolder'>;
  /** Told of every block that was carried to another host. */
  readonly recentlyTransferred?: Pick<RecentlyTransferred, 'note' | 'doubt'>;
  /** While somebody is handing over nothing is dropped. */
  readonly leavers: Pick<Leavers, 'isAny'>;
  /** What only these claim is neither taken nor fetched. */
  readonly ended: SupersededPuts;
  /** r and w of the network. */
  readonly replicas: number;
  readonly writeQuorum: number;
  readonly random: Random;
  readonly catalog: Pick<Catalog, 'write'>;
  /** Blocks of this host's own puts stay here as cache while there is room. */
  readonly keepOwn: boolean;
  readonly times: SyncTimes;
  readonly bytesPerSecond: number;
  /** Told of what a round did, when it did something. */
  readonly moved?: (moved: {
    readonly blocks: number;
    readonly records: number;
    readonly dropped: number;
    readonly cached: number;
  }) => void;
}
