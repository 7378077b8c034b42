import type { BlockHashing } from '../content/block-hashing.ts';
import type { BuildOptions } from '../content/builder.ts';
import type { Membership } from '../network/membership.ts';
import type { Transport } from '../network/transport.ts';
import type { UnresponsivePeers } from '../network/unresponsive-peers.ts';
import type { AnnouncerTimes } from '../records/batch-announcer.ts';
import type { CopyRule } from '../records/durable-copies.ts';
import type { Verify } from '../records/entry-verifier.ts';
import type { Signer } from '../records/names.ts';
import type { InPlaceBlocks } from '../replication/in-place-blocks.ts';
import type { SyncTimes } from '../replication/sync-ports.ts';
import type { Contact } from '../ring/pointer.ts';
import type { Clock, Random } from '../ring/ports.ts';
import type { RingView } from '../ring/view.ts';
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
  /** Who leaves questions unanswered, if anybody listens already; what the data path asks is listened to besides. */
  readonly unresponsivePeers?: UnresponsivePeers;
  readonly clock: Clock;
  readonly random: Random;
  readonly blocks: BlockStore;
  readonly records: RecordTable;
  /** Of blocks and records, kept with both. */
  readonly index: ItemIndex;
  /** Why the blocks are held; on the catalogue, and known to `blocks`. */
  readonly claims: ClaimTable;
  /** Whose bytes may lie here; without it the room is everybody's. */
  readonly storageShares?: StorageShares;
  /** Where blocks are for which there was no room here. */
  readonly pointers: PointerTable;
  readonly catalog: Pick<Catalog, 'write' | 'durable' | 'setting' | 'settings' | 'setSetting'>;
  /** Entries of everybody's shares that lie here, and the batches that this host announces. */
  readonly shares: ShareTable;
  readonly ownBatches: OwnBatchTable;
  /** Blocks of files in this host's own shares. */
  readonly shared?: InPlaceBlocks;
  /** Of blocks; in this thread by default. */
  readonly hashing?: BlockHashing;
  readonly announcerTimes?: Partial<AnnouncerTimes>;
  readonly signer: Signer;
  readonly verify: Verify;
  readonly networkId: string;
  /** Whether ids are chosen, so that a decimal name lies where it says. */
  readonly teaching: boolean;
  /** r and w of the genesis. */
  readonly rule: CopyRule;
  /** Small leaves and nodes make trees of little files, for the simulator: the CIDs are those of no other tool. */
  readonly cut?: Pick<BuildOptions, 'leafBytes' | 'linksPerNode'>;
  /** How fast the disk is looked through for damage; default 8 MB/s, 0: not at all. */
  readonly scrubBytesPerSecond?: number;
  /** Whether blocks of this host's own puts stay here as cache while there is room; default false. */
  readonly keepOwn?: boolean;
  readonly syncTimes?: Partial<SyncTimes>;
  /** A cap on what reconciliation moves. */
  readonly syncBytesPerSecond?: number;
  /** Hears of changes of this host's own names; the index of words, when there is one. */
  readonly nameChanges?: NameChanges;
  readonly peerNames?: PeerCalling;
  /** In memory by default. */
  readonly pins?: Pins;
  /** A sentence when the clock is off, when somebody compares it. */
  readonly clockNote?: () => string | null;
  readonly notify?: (event: FileEvent) => void;
  /** Hosts that misbehaved or did not answer, for logs and counters. */
  readonly report?: (what: string, host: Contact, detail: string) => void;
}
