/** What records need from outside. */

import type { Clock, Contact, RingId } from '@chordial/ring';
import type { Membership } from '../network/membership.ts';
import type { Transport } from '../network/transport.ts';
import type { UnresponsivePeers } from '../network/unresponsive-peers.ts';
import type { RecordTable } from '../storage/record-table.ts';
import type { StorageShares } from '../storage/storage-shares.ts';
import type { CopyRule } from './durable-copies.ts';
import type { EntryVerifier } from './entry-verifier.ts';
import type { RecordPlaces } from './record-keys.ts';
import type { RingView } from './ring-view.ts';

/** Places and fallback hosts of a key, provided by `src/replication`. */
export interface RecordHosts {
  /** The `wanted` places first, then the hosts after them, then others. */
  candidates(key: RingId, wanted: number): Promise<readonly Contact[]>;
  /** The same for writers, which wait while the ring is being repaired. */
  writable(key: RingId, wanted: number): Promise<readonly Contact[]>;
  /**
   * The same without a long wait for an owner to confirm its place: for readers, which do not conclude absence from a
   * guess.
   */
  likely(key: RingId, wanted: number): Promise<{ readonly hosts: readonly Contact[]; readonly isConfirmed: boolean }>;
  clear(): void;
}

export interface RecordPorts {
  readonly view: RingView;
  readonly placement: RecordHosts;
  readonly transport: Transport;
  readonly membership: Membership;
  /** Unresponsive peers. */
  readonly unresponsivePeers: Pick<UnresponsivePeers, 'isSilent' | 'responsiveFirst'>;
  readonly clock: Clock;
  /** What this host holds. */
  readonly table: Pick<
    RecordTable,
    'put' | 'get' | 'range' | 'namesOf' | 'sealedNames' | 'find' | 'countOf' | 'removeExactly'
  >;
  readonly verifier: EntryVerifier;
  readonly places: RecordPlaces;
  readonly rule: CopyRule;
  /** Whether this host is authoritative for a key, and whether it can answer "absent". */
  readonly confirmed: { covers(key: string): boolean; isSureOf(key: string): boolean };
  /** Limits per publisher; null: none. */
  readonly storageShares?: Pick<StorageShares, 'checkRows'> | null;
  /** Receives refused entries and hosts, for logs and counters. */
  readonly report?: (what: 'refused-record' | 'no-answer', host: Contact, detail: string) => void;
}
