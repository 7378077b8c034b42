/** The asking around JOIN: find the place, walk to it, try again while the ring changes under it. */
import type { RingId } from '../protocol/identifier.ts';
import { type HostId, isMember, type MemberPointer } from '../protocol/pointer.ts';
import type { Found } from './lookup.ts';
import type { Member } from './member.ts';
import type { Clock, Milliseconds, Random } from './ports.ts';
import { maxJoinAttempts } from './timers.ts';

export interface JoinWalkPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly self: HostId;
  lookup(key: RingId, done: (found: Found | null) => void): void;
  wake(to: MemberPointer): void;
  /** By when it must have succeeded, on the clock above. */
  readonly deadline: Milliseconds;
  isClosed(): boolean;
}

/** Steps of one walk from the predecessor found towards the right one. */
const maxSteps = 16;
const firstPause: Milliseconds = 30;
const longestPause: Milliseconds = 500;

export function joinMember(
  member: Member,
  ports: JoinWalkPorts,
  done: (failure: 'taken' | 'failed' | null) => void,
): void {
  let attempts = 0;
  const again = () => {
    attempts++;
    if (attempts >= maxJoinAttempts || ports.clock.now() >= ports.deadline) return done('failed');
    const pause = Math.min(firstPause * 1.5 ** attempts, longestPause) * (0.5 + ports.random.next());
    ports.clock.after(pause, attempt);
  };
  const walk = (p: MemberPointer, steps: number) => {
    member.tryJoin(p, (step) => {
      if (member.state !== null) return done(null);
      if (step === null || ports.isClosed()) return again();
      if (step.kind === 'taken') return done('taken');
      if (step.kind === 'walk' && steps < maxSteps) return walk(step.next, steps + 1);
      if (step.kind === 'stale-self') ports.wake(p);
      again();
    });
  };
  const attempt = () => {
    if (ports.isClosed()) return;
    if (member.state !== null) return done(null);
    ports.lookup(member.me.id, (found) => {
      if (ports.isClosed()) return;
      if (found === null) return again();
      if (found.owner.id === member.me.id) {
        // Another host with my very id, or what is left of my previous life, which goes away by itself.
        return found.owner.contact.host === ports.self ? again() : done('taken');
      }
      if (!isMember(found.predecessor)) return again();
      walk(found.predecessor, 0);
    });
  };
  attempt();
}
