/** How the members of one host get onto the ring, the first time and after being isolated. */
import type { RingId } from '../protocol/identifier.ts';
import { idealRing } from '../protocol/join.ts';
import type { Contact, MemberPointer } from '../protocol/pointer.ts';
import { joinMember } from './join-walk.ts';
import type { Found } from './lookup.ts';
import type { Member } from './member.ts';
import type { OwnMembers } from './own-members.ts';
import type { Clock, Milliseconds, Random } from './ports.ts';
import type { JoinFailure, RingHostOptions } from './ring-host-options.ts';
import { maxConcurrentJoins } from './timers.ts';

export interface JoiningPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly own: OwnMembers;
  live(): readonly Contact[];
  lookup(key: RingId, through: readonly Contact[], done: (found: Found | null) => void): void;
  wake(to: MemberPointer): void;
  isClosed(): boolean;
}

/** Hosts tried by one join. */
const maxSeeds = 32;
/** A host that is not taken in within this time has no one to be taken in by; one lookup more may be in progress. */
const entranceMilliseconds = 20_000;

export class Joining {
  readonly #options: RingHostOptions;
  readonly #ports: JoiningPorts;
  /** Hosts to join through when a member is isolated. */
  #bootstrap: readonly Contact[] = [];

  constructor(options: RingHostOptions, ports: JoiningPorts) {
    this.#options = options;
    this.#ports = ports;
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

  #joinOne(member: Member, deadline: Milliseconds, done: (failure: JoinFailure | null) => void): void {
    const { clock, random, lookup, wake, isClosed } = this.#ports;
    joinMember(
      member,
      {
        clock,
        random,
        self: this.#options.self.host,
        lookup: (key, found) => lookup(key, this.#seeds(), found),
        wake,
        deadline,
        isClosed,
      },
      done,
    );
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
