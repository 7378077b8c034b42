/** What a peer's data is built on, and what all of its parts share. */
import type { Clock, Contact, HostId, Random } from '@chordial/ring';
import { type BlockHashing, hashingHere } from '../content/block-hashing.ts';
import type { BuildOptions } from '../content/builder.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import type { StopSwitch } from '../flow/timetable.ts';
import { LimitedPeers } from '../network/limited-peers.ts';
import type { Membership } from '../network/membership.ts';
import type { IncomingPayload, Transport } from '../network/transport.ts';
import { UnresponsivePeers } from '../network/unresponsive-peers.ts';
import type { AnnouncerTimes } from '../records/batch-announcer.ts';
import type { CopyRule } from '../records/durable-copies.ts';
import type { Verify } from '../records/entry-verifier.ts';
import type { Signer } from '../records/names.ts';
import type { RecordPlaces } from '../records/record-keys.ts';
import type { RingView } from '../records/ring-view.ts';
import { AuthoritativeRanges } from '../replication/authoritative-ranges.ts';
import type { DataPorts, InPlaceBlocks } from '../replication/data-ports.ts';
import { PlacementCache } from '../replication/placement-cache.ts';
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
import type { NameChanges, PeerCalling, Pins } from '../transfer/file-ports.ts';
import type { FileEvent } from '../transfer/files.ts';
import { shortPeer } from '../transfer/of-publisher.ts';
import { OwnKeys } from '../transfer/own-keys.ts';
import { Registry } from '../wire/message.ts';
import type { Settings } from './settings.ts';

/** Everything durable, on one catalogue. */
export interface Storage {
  readonly catalog: Pick<
    Catalog,
    'database' | 'wallTime' | 'write' | 'durable' | 'setting' | 'settings' | 'setSetting' | 'putSetting'
  >;
  readonly blocks: BlockStore;
  readonly records: RecordTable;
  /** Of blocks and records, updated with both. */
  readonly index: ItemIndex;
  /** Why the blocks are kept; known to `blocks`. */
  readonly claims: ClaimTable;
  /** Where the blocks are that this host had no room for. */
  readonly pointers: PointerTable;
  /** Share entries stored here, of all publishers, and the batches that this host announces. */
  readonly shares: ShareTable;
  readonly ownBatches: OwnBatchTable;
  /** Limits per publisher; without it there are none. */
  readonly storageShares?: StorageShares;
}

export interface DataOptions {
  readonly storage: Storage;
  readonly view: RingView;
  readonly transport: Transport;
  readonly membership: Membership;
  /** Receives what the data answers; the caller serves it. */
  readonly registry?: MessageRegistry;
  /** Tracks unresponsive peers, if the transport already does; requests of the data are tracked as well. */
  readonly unresponsivePeers?: UnresponsivePeers;
  readonly clock: Clock;
  readonly random: Random;
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
  /** Whether people's transfers wait; without it they never do. */
  readonly stop?: StopSwitch;
  /** With which sealed files are opened. Default: in memory. */
  readonly keys?: OwnKeys;
  /** Of the peer; without them each part has its default. */
  readonly settings?: Settings;
  /** Whether blocks put by this host stay here as cache while there is room; default false. */
  readonly keepOwn?: boolean;
  readonly syncTimes?: Partial<SyncTimes>;
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

/** What a peer answers, by kind. */
export type MessageRegistry = Registry<Contact, IncomingPayload>;

export interface DataCore extends DataPorts {
  readonly keys: OwnKeys;
  readonly limitedPeers: LimitedPeers;
  readonly options: DataOptions;
  readonly storage: Storage;
  readonly registry: MessageRegistry;
  readonly random: Random;
  readonly signer: Signer;
  readonly networkId: string;
  readonly rule: CopyRule;
  readonly places: RecordPlaces;
  readonly confirmed: AuthoritativeRanges;
  readonly peerNames: PeerCalling;
  readonly notify: (event: FileEvent) => void;
  readonly report: (what: string, host: Contact, detail: string) => void;
  /** Reports a failure of work on this host's own account, which is tried again. */
  readonly failed: (what: string) => (error: Error) => void;
  /** Runs work in the background; it ends soon once `closing` fires. */
  readonly background: Background;
  readonly closing: AbortSignal;
}

/** @param damaged called when this host's copy of a block turned out to be corrupt */
export function buildCore(options: DataOptions, closing: AbortSignal, damaged: DataPorts['damaged']): DataCore {
  const { storage, view, clock, hashing = hashingHere, cut = {}, shared } = options;
  const unresponsivePeers = options.unresponsivePeers ?? new UnresponsivePeers(clock);
  const { peerNames = { shown: shortPeer, named: () => [] }, notify = () => undefined } = options;
  const report = (what: string, host: Contact, detail: string): void => options.report?.(what, host, detail);
  const failed = (what: string) => (error: Error) => report('no-answer', view.self, `${what}: ${error.message}`);
  const { replicas } = options.rule;
  const areAway = (hosts: readonly HostId[]): boolean => {
    const present = new Set(view.hosts().map(({ host }) => host));
    const away = hosts.filter((host) => !present.has(host) && !options.membership.isRemoved(host));
    return away.length >= replicas;
  };
  return {
    options,
    keys: options.keys ?? OwnKeys.inMemory(),
    storage,
    registry: options.registry ?? new Registry(),
    view,
    placement: new PlacementCache(view, clock, unresponsivePeers),
    transport: unresponsivePeers.watch(options.transport),
    membership: options.membership,
    unresponsivePeers,
    limitedPeers: new LimitedPeers(clock, peerNames.shown),
    blocks: storage.blocks,
    ...(shared === undefined ? {} : { shared }),
    ...(options.stop === undefined ? {} : { stop: options.stop }),
    called: peerNames.shown,
    clock,
    random: options.random,
    leaves: new LeafPool(cut.leafBytes),
    hashing,
    ...(damaged === undefined ? {} : { damaged }),
    signer: options.signer,
    networkId: options.networkId,
    rule: options.rule,
    places: { bits: view.shape.bits, teaching: options.teaching },
    confirmed: new AuthoritativeRanges(clock, areAway),
    peerNames,
    notify,
    report,
    failed,
    background: new Background(failed('Claims could not be checked and will be retried')),
    closing,
  };
}

/** Work that no request waits for. */
export class Background {
  readonly #failed: (error: Error) => void;
  readonly #running = new Set<Promise<void>>();

  constructor(failed: (error: Error) => void) {
    this.#failed = failed;
  }

  run(work: Promise<void>): void {
    const running: Promise<void> = work.catch(this.#failed).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves when nothing runs. */
  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }
}
