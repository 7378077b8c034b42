/** Everything that records reach of the outside world, handed in once. */

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

/** The places of a key and the hosts to fall back to, as `src/replication` knows them. */
export interface RecordHosts {
  /** The `wanted` places first, then hosts behind them, then others. */
  candidates(key: RingId, wanted: number): Promise<readonly Contact[]>;
  /** The same for writers, who wait while the ring is being repaired. */
  writable(key: RingId, wanted: number): Promise<readonly Contact[]>;
  /** The same without waiting long for an owner to confirm its place: for readers, who call nothing absent by a guess. */
  likely(key: RingId, wanted: number): Promise<{ readonly hosts: readonly Contact[]; readonly isConfirmed: boolean }>;
  clear(): void;
}

export interface RecordPorts {
  readonly view: RingView;
  readonly placement: RecordHosts;
  readonly transport: Transport;
  readonly membership: Membership;
  /** Who leaves questions unanswered just now. */
  readonly unresponsivePeers: Pick<UnresponsivePeers, 'isSilent' | 'responsiveFirst'>;
  readonly clock: Clock;
  /** What this host holds itself. */
  readonly table: Pick<RecordTable, 'put' | 'get' | 'range' | 'namesOf' | 'find' | 'countOf' | 'removeExactly'>;
  readonly verifier: EntryVerifier;
  readonly places: RecordPlaces;
  readonly rule: CopyRule;
  /** Whether all that belongs here under a key has come; a host that is still being given its share cannot say "absent". */
  readonly confirmed: { covers(key: string): boolean };
  /** How much of each publisher may lie here; null: the room is everybody's. */
  readonly storageShares?: Pick<StorageShares, 'checkRows'> | null;
  /** Told of entries and hosts that were refused; for logs and counters. */
  readonly report?: (what: 'refused-record' | 'no-answer', host: Contact, detail: string) => void;
}
