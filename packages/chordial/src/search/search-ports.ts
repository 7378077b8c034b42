/** What searching needs from outside. */

import type { Clock, Contact, HostId, MemberPointer, Milliseconds, RingId } from '@chordial/ring';
import type { Transport } from '../network/transport.ts';
import type { RecordPlaces } from '../records/record-keys.ts';
import type { RingView } from '../records/ring-view.ts';
import type { Evidence, Hit } from './hit.ts';
import type { RecentQuery } from './queries.ts';
import type { WordIndex } from './word-index.ts';

export interface SearchPorts {
  readonly view: Pick<RingView, 'self'>;
  readonly networkId: string;
  /** By the key of this host. */
  readonly sign: (bytes: Uint8Array) => Uint8Array;
  readonly verify: (host: HostId, bytes: Uint8Array, signature: Uint8Array) => boolean;
  readonly transport: Transport;
  readonly clock: Clock;
  /** Own members and all others known and believed alive, in ring order. */
  readonly members: () => readonly MemberPointer[];
  readonly isDead: (host: HostId) => boolean;
  /** The files for which this host answers, in pages. */
  readonly files: () => AsyncIterable<readonly Hit[]>;
  /** Sealed files of this peer, opened: no index holds them. */
  readonly ownSealed?: () => AsyncIterable<readonly Hit[]>;
  readonly places: RecordPlaces;
  readonly replicas: number;
  readonly placement: {
    likely(key: RingId, wanted: number): Promise<{ readonly hosts: readonly Contact[] }>;
  };
  readonly index: WordIndex;
  /** Live replicas of the first blocks of contents, counted within this time. */
  readonly copiesOf: (cids: readonly string[], milliseconds: Milliseconds) => Promise<readonly number[]>;
  /** Hidden hits, whatever the hosts asked claim: those of a removed member. */
  readonly isHidden?: (hit: Hit) => boolean;
  /** Peers with this name. */
  readonly named?: (name: string) => readonly HostId[];
  /** The entries of a name as signed by its publishers. Rejects with `no-live-source` when no host answers. */
  readonly evidenceOf: (name: string) => Promise<readonly Evidence[]>;
  /** Receives every query asked, answered or forwarded here. */
  readonly noted?: (query: RecentQuery) => void;
}
