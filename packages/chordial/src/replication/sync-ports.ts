/** What reconciliation needs from outside. */

import type { Contact, Milliseconds, Random } from '@chordial/ring';
import type { PerPeer } from '../network/peer-queue.ts';
import type { EncodedEntry } from '../records/entry.ts';
import type { OfferedRun } from '../records/share-holder.ts';
import type { Catalog } from '../storage/catalog.ts';
import type { ItemIndex } from '../storage/item-index.ts';
import type { RecordRow, RecordTable } from '../storage/record-table.ts';
import type { ShareTable } from '../storage/share-table.ts';
import type { AuthoritativeRanges } from './authoritative-ranges.ts';
import type { BlockSender } from './block-sender.ts';
import type { DataPorts } from './data-ports.ts';
import type { Leavers } from './leavers.ts';
import type { Pointers } from './pointers.ts';
import type { RecentlyTransferred } from './recently-transferred.ts';
import type { SupersededPuts } from './superseded-puts.ts';

export interface SyncedRecords {
  readonly table: Pick<RecordTable, 'range' | 'byRow' | 'removeExactly'>;
  /** Kept here at any place: a name that this host publishes. */
  isOwn(row: Pick<RecordRow, 'kind' | 'publisher'>): boolean;
  /** Resolves when the host holds all of them, in this or a newer version. */
  push(host: Contact, entries: readonly EncodedEntry[]): Promise<void>;
  /** Verifies and stores what a host sent; resolves with the number of new ones. */
  keep(from: Contact, entries: readonly Uint8Array[]): Promise<number>;
}

export interface SyncedShares {
  readonly table: Pick<ShareTable, 'byRow' | 'walk' | 'removeLeaves'>;
  /** Verifies and stores what a host sent; entry i is the result of run i. */
  keep(from: Contact, runs: readonly OfferedRun[]): Promise<readonly string[]>;
}

export interface SyncTimes {
  /** How long neighbours must have been quiet before a round: a joiner settles, a restarting peer returns. */
  readonly settleMilliseconds: Milliseconds;
  /** After a round that failed, or could not finish. */
  readonly retryMilliseconds: Milliseconds;
  /** Maximum time between rounds when nothing changes; up to half of it is random. */
  readonly intervalMilliseconds: Milliseconds;
  /** An absent host is replaced after this time; blocks with fewer than w replicas do not wait. */
  readonly graceMilliseconds: Milliseconds;
  /** How long nothing must have changed until a returned host counts as settled. */
  readonly quietMilliseconds: Milliseconds;
  /** How long nothing must have changed before excess replicas are removed. */
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

export interface SyncPorts extends DataPorts {
  readonly senders: PerPeer<BlockSender>;
  readonly index: ItemIndex;
  readonly confirmed: AuthoritativeRanges;
  readonly records: SyncedRecords;
  readonly shares: SyncedShares;
  /** Receives where blocks went that a place had no room for. */
  readonly pointers?: Pick<Pointers, 'tell' | 'liveHolder'>;
  /** Called for every block sent to another host. */
  readonly recentlyTransferred?: Pick<RecentlyTransferred, 'note' | 'doubt'>;
  /** While a host is handing over nothing is dropped. */
  readonly leavers: Pick<Leavers, 'isAny' | 'isLeaving'>;
  /** Items with only these claims are neither accepted nor fetched. */
  readonly ended: SupersededPuts;
  /** r and w of the network. */
  readonly replicas: number;
  readonly writeQuorum: number;
  readonly random: Random;
  readonly catalog: Pick<Catalog, 'write'>;
  /** Whether blocks of this host's own puts stay here as cache while there is room. */
  readonly keepsOwn: () => boolean;
  readonly times: SyncTimes;
  /** Receives the result of a round that did something. */
  readonly moved?: (moved: {
    readonly blocks: number;
    readonly records: number;
    readonly dropped: number;
    readonly cached: number;
  }) => void;
}
