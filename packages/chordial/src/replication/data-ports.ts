/** What the data path needs from outside. */

import type { Clock, Contact, HostId } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import type { BlockHashing } from '../content/block-hashing.ts';
import type { LeafPool } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import type { StopSwitch } from '../flow/timetable.ts';
import type { LimitedPeers } from '../network/limited-peers.ts';
import type { Membership } from '../network/membership.ts';
import type { Transport } from '../network/transport.ts';
import type { UnresponsivePeers } from '../network/unresponsive-peers.ts';
import type { RingView } from '../records/ring-view.ts';
import type { BlockStore } from '../storage/block-store.ts';
import type { PlacementCache } from './placement-cache.ts';

export interface DataPorts {
  readonly view: RingView;
  readonly placement: PlacementCache;
  readonly transport: Transport;
  readonly membership: Membership;
  /** Unresponsive peers; it observes `transport`. */
  readonly unresponsivePeers: UnresponsivePeers;
  /** Told of those that say that their own limit holds them back. */
  readonly limitedPeers?: Pick<LimitedPeers, 'note'>;
  /** What this host holds. */
  readonly blocks: BlockStore;
  /** Blocks in shared files of this host. */
  readonly shared?: InPlaceBlocks;
  /** Whether what people wait for is stopped; without it never. */
  readonly stop?: StopSwitch;
  /** The name of a host, for messages. */
  readonly called: (host: HostId) => string;
  readonly clock: Clock;
  /** Leaf buffers of the whole process, reused across readers and writers. */
  readonly leaves: LeafPool;
  /** Computes hashes of what is sent and received. */
  readonly hashing: BlockHashing;
  /** Called when this host's copy of a block turned out to be corrupt. */
  readonly damaged?: (cid: CID) => void;
  /** Called when a host misbehaved or a replica could not be made; for logs and counters only. */
  readonly report?: (what: 'wrong-bytes' | 'no-answer' | 'refused', host: Contact, detail: string) => void;
}

/** Blocks in shared files of this host, outside the store: served to readers, but not replicas of the ring. */
export interface InPlaceBlocks {
  /** Size, or null. */
  size(cid: CID): Promise<number | null>;
  /** Verified, in a buffer owned by the caller; null when no longer available. A leaf may be pooled. */
  read(cid: CID, pool: LeafPool): Promise<Uint8Array | null>;
}

/** Throws `stopped` while people's transfers wait. */
export function checkNotStopped({ stop }: Pick<DataPorts, 'stop'>): void {
  const reason = stop?.reason() ?? null;
  if (reason !== null) throw new ChordialError('stopped', reason);
}
