import type { Clock, Contact, Random } from '@chordial/ring';
import type { BlockHashing } from '../content/block-hashing.ts';
import type { BuildOptions } from '../content/builder.ts';
import type { Membership } from '../network/membership.ts';
import type { Transport } from '../network/transport.ts';
import type { UnresponsivePeers } from '../network/unresponsive-peers.ts';
import type { AnnouncerTimes } from '../records/batch-announcer.ts';
import type { CopyRule } from '../records/durable-copies.ts';
import type { Verify } from '../records/entry-verifier.ts';
import type { Signer } from '../records/names.ts';
import type { RingView } from '../records/ring-view.ts';
import type { InPlaceBlocks } from '../replication/data-ports.ts';
import type { SyncTimes } from '../replication/sync-ports.ts';
import type { BlockStore } from '../storage/block-store.ts';
import type { Catalog } from '../storage/catalog.ts';
import type { ClaimTable } from '../storage/claim-table.ts';
import type { ItemIndex } from '../storage/item-index.ts';
import type { OwnBatchTable } from '../storage/own-batch-table.ts';
import type { PointerTable } from '../storage/pointer-table.ts';
import type { RecordTable } from '../storage/record-table.ts';
import type { ShareTable } from '../storage/share-table.ts';
import type { StorageShares } from '../storage/storage-shares.ts';
import type { NameChanges, PeerCalling, Pins } from './file-ports.ts';
import type { FileEvent } from './files.ts';

export interface DataPathOptions {
  readonly view: RingView;
  readonly transport: Transport;
  readonly membership: Membership;
  /** Tracks unresponsive peers, if the transport already does; requests of the data path are tracked as well. */
  readonly unresponsivePeers?: UnresponsivePeers;
  readonly clock: Clock;
  readonly random: Random;
  readonly blocks: BlockStore;
  readonly records: RecordTable;
  /** Of blocks and records, updated with both. */
  readonly index: ItemIndex;
  /** Why the blocks are kept; on the catalogue and known to `blocks`. */
  readonly claims: ClaimTable;
  /** Limits per publisher; without it there are none. */
  readonly storageShares?: StorageShares;
  /** Where the blocks are that this host had no room for. */
  readonly pointers: PointerTable;
  readonly catalog: Pick<Catalog, 'write' | 'durable' | 'setting' | 'settings' | 'setSetting'>;
  /** Share entries stored here, of all publishers, and the batches that this host announces. */
  readonly shares: ShareTable;
  readonly ownBatches: OwnBatchTable;
  /** Blocks of files shared by this host. */
  readonly shared?: InPlaceBlocks;
  /** Default: this thread. */
  readonly hashing?: BlockHashing;
  readonly announcerTimes?: Partial<AnnouncerTimes>;
  readonly signer: Signer;
  readonly verify: Verify;
  readonly networkId: string;
  /** Whether ids are chosen, so that a decimal name is at the position it says. */
  readonly teaching: boolean;
  /** r and w of the genesis. */
  readonly rule: CopyRule;
  /** Small leaves and nodes, which make trees of small files, for the simulator: no other tool computes these CIDs. */
  readonly cut?: Pick<BuildOptions, 'leafBytes' | 'linksPerNode'>;
  /** Rate of the disk scrub; default 8 MB/s, 0: off. */
  readonly scrubBytesPerSecond?: number;
  /** Whether blocks put by this host stay here as cache while there is room; default false. */
  readonly keepOwn?: boolean;
  readonly syncTimes?: Partial<SyncTimes>;
  /** Limit on what reconciliation transfers. */
  readonly syncBytesPerSecond?: number;
  /** Notified of changes of this host's own names; the word index, if any. */
  readonly nameChanges?: NameChanges;
  readonly peerNames?: PeerCalling;
  /** Default: in memory. */
  readonly pins?: Pins;
  /** A sentence when the clock is off, if anything compares it. */
  readonly clockNote?: () => string | null;
  readonly notify?: (event: FileEvent) => void;
  /** Reports hosts that misbehaved or did not answer, for logs and counters. */
  readonly report?: (what: string, host: Contact, detail: string) => void;
}
