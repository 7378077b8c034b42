/** What a RingHost is built from: its settings, and all that it reaches of the outside world. */

import type { MemberIdRule } from '../one-hop/member-cache.ts';
import type { Contact, HostId, MemberPointer } from '../protocol/pointer.ts';
import type { RingShape } from '../protocol/successor-list.ts';
import type { RingEvent } from './events.ts';
import type { Clock, Random, RingNetwork } from './ports.ts';
import type { RingTimers } from './timers.ts';

export interface RingHostOptions {
  readonly self: Contact;
  /** The members that this host has; fixed for its life. */
  readonly members: readonly MemberPointer[];
  /** Grows with each start: milliseconds since 1970. */
  readonly incarnation: number;
  readonly shape: RingShape;
  /** A teaching ring: fewer than s + 1 members are a ring too. */
  readonly smallRings: boolean;
  readonly timers: RingTimers;
  /** Entries of the membership cache; 0 switches it off (the papers' settings). */
  readonly cacheCapacity: number;
  /** Whether that host may have places on the ring, by its certificate; every host may where nothing says otherwise. */
  readonly mayBeMember?: (host: HostId) => boolean;
  /** The rule of ids; none where they are chosen. */
  readonly idOf?: MemberIdRule;
  /** α of lookups. */
  readonly parallelAsks: number;
  readonly proximity: boolean;
  /** Entries of a successor list that an answer to FIND names; 4. With the papers' settings all of them: nothing is repaired there. */
  readonly guesses?: number;
  readonly gossip: boolean;
  /** For the simulator's mutant only: false answers GET_STATE even while a query is in flight, which voids the proof. */
  readonly busyRule?: boolean;
  readonly observe: (event: RingEvent) => void;
}

export interface RingHostPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: RingNetwork;
}

export type JoinFailure = 'taken' | 'failed';
