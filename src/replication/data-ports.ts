/** Everything that the data path reaches of the outside world, handed in once. */

import type { Clock, Contact, HostId } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import type { BlockHashing } from '../content/block-hashing.ts';
import type { LeafPool } from '../content/leaf-pool.ts';
import type { Membership } from '../network/membership.ts';
import type { Transport } from '../network/transport.ts';
import type { UnresponsivePeers } from '../network/unresponsive-peers.ts';
import type { RingView } from '../records/ring-view.ts';
import type { BlockStore } from '../storage/block-store.ts';
import type { InPlaceBlocks } from './in-place-blocks.ts';
import type { PlacementCache } from './placement-cache.ts';

export interface DataPorts {
  readonly view: RingView;
  readonly placement: PlacementCache;
  readonly transport: Transport;
  readonly membership: Membership;
  /** Who leaves questions unanswered just now; it listens to `transport`. */
  readonly unresponsivePeers: UnresponsivePeers;
  /** What this host holds itself. */
  readonly blocks: BlockStore;
  /** What it has besides, in files of its own. */
  readonly shared?: InPlaceBlocks;
  /** What people call a host, for messages to them. */
  readonly called: (host: HostId) => string;
  readonly clock: Clock;
  /** Leaf buffers of the whole process: what one reader or writer is done with serves the next. */
  readonly leaves: LeafPool;
  /** Computes the hashes of what comes and goes. */
  readonly hashing: BlockHashing;
  /** Told when this host's own copy of a block turned out to be damaged. */
  readonly damaged?: (cid: CID) => void;
  /** Told when a host misbehaved or a copy could not be made; for logs and counters, never steers. */
  readonly report?: (what: 'wrong-bytes' | 'no-answer' | 'refused', host: Contact, detail: string) => void;
}
