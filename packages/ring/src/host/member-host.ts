import type { RingId } from '../protocol/identifier.ts';
import type { MaintenanceRules, MemberEffect, Snapshot } from '../protocol/maintenance.ts';
import type { MemberPointer } from '../protocol/pointer.ts';
import type { Clock, Milliseconds, Random } from './ports.ts';
import type { RingTimers } from './timers.ts';

/** What a member needs of its host. Callbacks come exactly once, never before the call returns. */
export interface MemberHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: RingTimers;
  /** When the grid of this host begins; it differs from host to host. */
  readonly gridStart: Milliseconds;
  readonly rules: MaintenanceRules;
  /** With a notifier, the member whose state is read is notified by it right after. */
  readState(of: MemberPointer, notifier: MemberPointer | null, done: (snapshot: Snapshot) => void): void;
  /** Confirmed dead, or said to be no member any more. */
  isGone(member: MemberPointer): boolean;
  /** `done` tells whether it arrived. */
  wake(to: MemberPointer, candidates: readonly MemberPointer[], done: (arrived: boolean) => void): void;
  notify(to: MemberPointer, from: MemberPointer, done: () => void): void;
  /** The live member that follows `id` most closely, of all that this host knows, its own members included. */
  nearestAfter(id: RingId): MemberPointer | null;
  tell(me: MemberPointer, news: MemberNews): void;
}

/** What the host is told of. */
export type MemberNews = Extract<MemberEffect, { kind: 'commit' | 'stabilized' | 'isolated' }>;
