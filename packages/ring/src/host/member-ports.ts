/** What one member of the ring needs of the host that it stands on. */
import type { RingId } from '../protocol/identifier.ts';
import type { MemberState } from '../protocol/member-state.ts';
import type { MemberPointer } from '../protocol/pointer.ts';
import type { RingShape } from '../protocol/successor-list.ts';
import type { Clock, Milliseconds, Random } from './ports.ts';
import type { RingTimers } from './timers.ts';

/** What asking for a member's state came to. `unknown` is never taken for death. */
export type Snapshot =
  | { readonly kind: 'member'; readonly state: MemberState }
  /** It is busy itself: ask again shortly. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unknown' };

/** What a member needs of its host. Callbacks come exactly once, never before the call returns. */
export interface MemberPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: RingTimers;
  /** See StabilizePace. */
  readonly gridStart: Milliseconds;
  readonly shape: RingShape;
  /** In a teaching ring few members are a ring too; elsewhere an exhausted list means being isolated. */
  readonly smallRings: boolean;
  /** True but in one mutant of the simulator. */
  readonly busyRule: boolean;
  /** With a notifier, the member whose state is read is notified by it right after. */
  readState(of: MemberPointer, notifier: MemberPointer | null, done: (snapshot: Snapshot) => void): void;
  /** Confirmed dead, or said to be no member any more. */
  isGone(member: MemberPointer): boolean;
  notify(to: MemberPointer, from: MemberPointer, done: () => void): void;
  /** `done` tells whether it arrived. */
  poke(to: MemberPointer, candidates: readonly MemberPointer[], done: (arrived: boolean) => void): void;
  /** The live member that follows `id` most closely, of all that this host knows, its own members included. */
  nearestAfter(id: RingId): MemberPointer | null;
  committed(me: MemberPointer, before: MemberState | null, after: MemberState | null): void;
  /** No live successor is left: the host must join this member again. */
  isolated(me: MemberPointer): void;
  /** A stabilise round ended. */
  stabilized(me: MemberPointer): void;
}
