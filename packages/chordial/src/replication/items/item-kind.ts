/**
 * What differs between the kinds of items: where one belongs, how it is read, given, received and dropped. Everything
 * else in replication treats items of all kinds alike.
 */
import type { Clock, Contact } from '@chordial/ring';
import type { LeafPool } from '../../content/leaf-pool.ts';
import type { BlockStore } from '../../storage/block-store.ts';
import type { Item } from '../../storage/item-index.ts';
import type { KeyArc } from '../../storage/range-parts.ts';
import type { RecordTable } from '../../storage/record-table.ts';
import type { ShareTable } from '../../storage/share-table.ts';
import type { AuthoritativeRanges } from '../authoritative-ranges.ts';
import type { HeldAnswer, ListedItem } from '../sync-messages.ts';
import type { SyncPorts } from '../sync-ports.ts';
import type { BlockMover } from './block-mover.ts';
import type { Held, Moved } from './moved.ts';

/** Where the bytes of items are. */
export interface ItemStores {
  readonly blocks: Pick<BlockStore, 'get'>;
  readonly records: { readonly table: Pick<RecordTable, 'byRow'> };
  readonly shares: { readonly table: Pick<ShareTable, 'byRow'> };
  readonly clock: Pick<Clock, 'wallTime'>;
  readonly leaves: LeafPool;
}

/** What transfers of one round, look or stop need. */
export interface ItemTransfers {
  readonly ports: SyncPorts;
  readonly blocks: BlockMover;
  readonly signal: AbortSignal;
}

export type PlacePorts = Pick<SyncPorts, 'placement' | 'view' | 'replicas'>;

export interface ItemKind {
  /**
   * The places of an item, the owner's first.
   * @param wanted replicas
   */
  places(ports: PlacePorts, key: string, wanted: number): Promise<readonly Contact[]>;

  /** The places of the item in a ring without this host: readers of each arc that it meets look at those of that arc. */
  placesWithoutSelf(ports: PlacePorts, key: string, wanted: number): Promise<readonly (readonly Contact[])[]>;

  /** The keys under which items of an arc are indexed. */
  indexedRange(arc: KeyArc): KeyArc;

  /** Whether the item would be here if it existed. */
  isAuthoritative(confirmed: AuthoritativeRanges, key: string): boolean;

  /** From here on this host is not authoritative for the item, which has no place here, so that others keep theirs. */
  withdraw(ports: SyncPorts, key: string, wanted: number): Promise<void>;

  /** What a proof of possession is about; null when it is gone. */
  bytes(ports: ItemStores, item: Pick<Item, 'cid' | 'record'>): Promise<Uint8Array | null>;

  /** Whether a host that answers so counts as a holder when this one stops. */
  isHeld(held: HeldAnswer['held']): boolean;

  /** Own publications stay here while there is room. */
  isKept(ports: SyncPorts, item: ListedItem): boolean;

  /** `moved`: the host holds it now. */
  push(transfers: ItemTransfers, host: Contact, item: Pick<ListedItem, 'key' | 'cid'>): Promise<Moved>;

  /** Brings a place that answered otherwise than `same` up to date; `not-held` when it is to be asked again. */
  give(transfers: ItemTransfers, host: Contact, item: ListedItem, held: HeldAnswer['held']): Promise<Held>;

  /** Those unchanged since they were looked at. Resolves with their number. */
  drop(ports: SyncPorts, items: readonly ListedItem[]): Promise<number>;
}

/** Items small enough to be transferred many at a time. */
export interface SmallItemKind extends ItemKind {
  /** Resolves with the number of new ones received, or null when the host did not send them. */
  pullAll(transfers: ItemTransfers, host: Contact, keys: readonly string[]): Promise<number | null>;

  /**
   * Resolves with how many of these still exist here, all of which the host now holds, in this or a newer version; null
   * when it does not.
   */
  pushAll(transfers: ItemTransfers, host: Contact, keys: readonly string[]): Promise<number | null>;
}
