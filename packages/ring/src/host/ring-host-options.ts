/** What a RingHost is built from: its settings, and all that it reaches of the outside world. */

import type { MemberIdRule } from '../one-hop/member-cache.ts';
import type { Contact, HostId, MemberPointer } from '../protocol/pointer.ts';
import type { RingShape } from '../protocol/successor-list.ts';
import type { RingEvent } from './events.ts';
import type { FailureDetector } from './failure-detector.ts';
import type { OwnMembers } from './own-members.ts';
import type { Clock, Random, RingNetwork } from './ports.ts';
import { defaultTimers, type RingTimers } from './timers.ts';

export interface RingHostOptions {
  /** Who this host is, and where others reach it; its addresses may follow a move, see `resume`. */
  readonly self: Contact;
  /** Its members; fixed for its life. Of none it is a client: it looks keys up and owns none. A founder has s + 1 at least. */
  readonly members: readonly MemberPointer[];
  /** Higher at each start: milliseconds since 1970. */
  readonly incarnation: number;
  /** The same at all hosts of a ring. */
  readonly shape: RingShape;
  /** A teaching ring: fewer than s + 1 members are a ring too. Zave's proof does not cover it. */
  readonly smallRings: boolean;
  readonly timers: RingTimers;
  /** Entries of the membership cache; 0 switches it off (the papers' settings). */
  readonly cacheCapacity: number;
  /** Whether that host may have places on the ring, by its certificate; every host may where nothing says otherwise. */
  readonly mayBeMember?: (host: HostId) => boolean;
  /** The rule of ids; none where they are chosen. */
  readonly idOf?: MemberIdRule;
  /** Hosts that a lookup asks at once while it approaches (α of Kademlia). */
  readonly parallelAsks: number;
  /** Of members that are equally near before a key, the one with the shortest round trip is asked. */
  readonly proximity: boolean;
  /** Entries of a successor list that an answer to FIND names; 4. With the papers' settings all of them: nothing is repaired there. */
  readonly guesses?: number;
  /** Whether hosts tell each other who came and went; without it each finds out by itself. */
  readonly gossip: boolean;
  /** Told of each event as it happens; must not throw. */
  readonly observe: (event: RingEvent) => void;
}

/** What suits a ring of some thousand hosts, and holds nothing that has to differ from host to host. */
export const defaultOptions = {
  smallRings: false,
  timers: defaultTimers,
  cacheCapacity: 100_000,
  parallelAsks: 3,
  proximity: true,
  gossip: true,
  observe: (_event: RingEvent): void => {},
} as const satisfies Partial<RingHostOptions>;

export interface RingHostPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: RingNetwork;
}

/** What the parts of one host share. */
export interface HostPorts extends RingHostPorts {
  readonly detector: FailureDetector;
  readonly own: OwnMembers;
  /** Live hosts known, this one excluded. */
  live(): readonly Contact[];
  /** Those of them that have places. */
  placed(): readonly Contact[];
  isClosed(): boolean;
}

/** `taken`: another live host has a member with the id of one of mine. `failed`: no host took this one in, in all tries. */
export type JoinFailure = 'taken' | 'failed';
