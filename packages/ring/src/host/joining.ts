/** How the members of one host get onto the ring, the first time and after being isolated. */
import { idealRing } from '../protocol/join.ts';
import { type Contact, isMember, type MemberPointer } from '../protocol/pointer.ts';
import type { Lookups } from './lookups.ts';
import type { Member } from './member.ts';
import type { Milliseconds } from './ports.ts';
import type { HostPorts, JoinFailure, RingHostOptions } from './ring-host-options.ts';
import { maxConcurrentJoins, maxJoinAttempts } from './timers.ts';

/** Steps of one walk from the predecessor found towards the right one. */
const maxSteps = 16;
const firstPause: Milliseconds = 30;
const longestPause: Milliseconds = 500;
/** Hosts tried by one join. */
const maxSeeds = 32;
/** A host that is not taken in within this time has no one to be taken in by; one lookup more may be in progress. */
const entranceMilliseconds = 20_000;

export class Joining {
  readonly #options: RingHostOptions;
  readonly #ports: HostPorts;
  readonly #lookups: Lookups;
  readonly #wake: (to: MemberPointer) => void;
  /** Hosts to join through when a member is isolated. */
  #bootstrap: readonly Contact[] = [];

  constructor(options: RingHostOptions, ports: HostPorts, lookups: Lookups, wake: (to: MemberPointer) => void) {
    this.#options = options;
    this.#ports = ports;
    this.#lookups = lookups;
    this.#wake = wake;
  }

  /** Joins every member through the given hosts; `done` once, with the first failure or when all are members. */
  joinAll(through: readonly Contact[], done: (failure: JoinFailure | null) => void): void {
    this.#bootstrap = through;
    const [first, ...waiting] = this.#ports.own.all;
    let open = this.#ports.own.all.length;
    let settled = false;
    const joined = (failure: JoinFailure | null) => {
      if (settled || this.#ports.isClosed()) return;
      if (failure === null && --open > 0) return next();
      settled = true;
      done(failure);
    };
    const next = () => {
      const member = waiting.shift();
      if (member !== undefined) this.#joinOne(member, Number.POSITIVE_INFINITY, joined);
    };
    // The first member joins alone: the others then find the ring through it, and have as long as they need.
    this.#joinOne(first!, this.#ports.clock.now() + entranceMilliseconds, (failure) => {
      for (let i = 1; i < maxConcurrentJoins && failure === null; i++) next();
      joined(failure);
    });
  }

  /** The member lost everyone it knew. */
  rejoin(member: Member): void {
    if (this.#ports.isClosed()) return;
    this.#options.observe({ kind: 'isolated', member: member.me });
    if (this.#ports.own.joined.length === 0 && this.#seeds().length === 0) {
      this.#foundAgain();
      return;
    }
    this.#joinOne(member, Number.POSITIVE_INFINITY, (failure) => {
      if (failure === null) return;
      this.#ports.clock.after(this.#options.timers.stabilizeMinimum, () => this.rejoin(member));
    });
  }

  /** Finds the place, walks to it, and tries again while the ring changes under it; `deadline` is on the clock. */
  #joinOne(member: Member, deadline: Milliseconds, done: (failure: JoinFailure | null) => void): void {
    const { clock, random, isClosed } = this.#ports;
    let attempts = 0;
    const again = () => {
      attempts++;
      if (attempts >= maxJoinAttempts || clock.now() >= deadline) return done('failed');
      const pause = Math.min(firstPause * 1.5 ** attempts, longestPause) * (0.5 + random.next());
      clock.after(pause, attempt);
    };
    const walk = (p: MemberPointer, steps: number) => {
      member.tryJoin(p, (step) => {
        if (member.state !== null) return done(null);
        if (step === null || isClosed()) return again();
        if (step.kind === 'taken') return done('taken');
        if (step.kind === 'walk' && steps < maxSteps) return walk(step.next, steps + 1);
        if (step.kind === 'stale-self') this.#wake(p);
        again();
      });
    };
    const attempt = () => {
      if (isClosed()) return;
      if (member.state !== null) return done(null);
      this.#lookups.lookup(member.me.id, this.#seeds(), (found) => {
        if (isClosed()) return;
        if (found === null) return again();
        if (found.owner.id === member.me.id) {
          // Another host with my very id, or what is left of my previous life, which goes away by itself.
          return found.owner.contact.host === this.#options.self.host ? again() : done('taken');
        }
        if (!isMember(found.predecessor)) return again();
        walk(found.predecessor, 0);
      });
    };
    attempt();
  }

  #seeds(): readonly Contact[] {
    if (this.#ports.own.joined.length > 0) return [];
    const live = this.#ports.live().filter((c) => !this.#bootstrap.some((b) => b.host === c.host));
    return [...this.#bootstrap, ...live].slice(0, maxSeeds);
  }

  /** No one is left to join through: the own members are a ring again; others found apart are merged with it later. */
  #foundAgain(): void {
    const { members, shape } = this.#options;
    this.#ports.own.begin(idealRing(members, shape));
  }
}
