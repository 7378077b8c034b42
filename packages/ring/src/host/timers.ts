/** Every interval, deadline and bound of the ring in one place, each with its reason. */
import type { Milliseconds } from './ports.ts';

export interface RingTimers {
  /** Pause between liveness pings of a watched host. Detection of a crash takes about three of them. */
  readonly pingInterval: Milliseconds;
  /** Pings missed in a row before other hosts are asked. */
  readonly missedPings: number;
  /** Floor of the round-trip time-out: SRTT + 4·RTTVAR, doubled at each miss. */
  readonly minTimeout: Milliseconds;
  readonly maxTimeout: Milliseconds;
  /** Stabilize this long after a change, × 1.2 at each quiet round, up to the maximum (sit/dht: 1 s → 20 s). */
  readonly stabilizeMinimum: Milliseconds;
  readonly stabilizeMaximum: Milliseconds;
  readonly stabilizeBackoff: number;
  /** Each pause is drawn from its length times 1 ± this part, so that members do not fall into step. */
  readonly stabilizeJitter: number;
  /** Quiet rounds of all members of a host fall on a grid of this; 0: on none. */
  readonly stabilizeGrid: Milliseconds;
  /** Between two wake-ups to a predecessor at least this long; what changes meanwhile is gathered. */
  readonly wakeGap: Milliseconds;
  /** And where they take long to arrive, no longer than this. */
  readonly maxWakeGap: Milliseconds;
  /** A PENDING answer is asked again after this long, with jitter. */
  readonly pendingRetry: Milliseconds;
  /** Whole life of one lookup (p2psim's PVC uses the same budget). */
  readonly lookupBudget: Milliseconds;
  /** A lookup asks the next candidate when one has been silent for this long, without giving up on it. */
  readonly lookupHedge: Milliseconds;
  /** Hosts outside the ring are probed this often while fresh … */
  readonly outsideProbe: Milliseconds;
  /** … for this long, then at the slow pace: finds partitions that healed and hosts that came back (Carbonite). */
  readonly outsideFresh: Milliseconds;
  readonly outsideSlowProbe: Milliseconds;
  /** How long a member that said NOT_MEMBER or LEAVE is treated as gone, unless it speaks as a member. */
  readonly goneFor: Milliseconds;
}

export const defaultTimers: RingTimers = {
  pingInterval: 500,
  missedPings: 3,
  minTimeout: 250,
  maxTimeout: 2000,
  stabilizeMinimum: 1000,
  stabilizeMaximum: 20_000,
  stabilizeBackoff: 1.2,
  stabilizeJitter: 0.1,
  stabilizeGrid: 10_000,
  wakeGap: 50,
  maxWakeGap: 500,
  pendingRetry: 20,
  lookupBudget: 4000,
  lookupHedge: 300,
  outsideProbe: 5000,
  outsideFresh: 600_000,
  outsideSlowProbe: 60_000,
  goneFor: 5000,
};

/** Tries of one join before it is reported as failed; each waits a little longer. */
export const maxJoinAttempts = 40;
/** A wake-up that did not arrive is sent again so many times. */
export const maxWakeRetries = 3;
/** Members of one host that join at the same time. */
export const maxConcurrentJoins = 64;
/** Hosts asked by one lookup. */
export const maxLookupAsks = 64;
