/** Many hosts that run the production ring code on a virtual network, and an oracle that sorts the live members. */
import { createHash } from 'node:crypto';
import type { RingEvent } from '../src/host/events.ts';
import type { Random } from '../src/host/ports.ts';
import { type JoinFailure, RingHost, type RingHostOptions } from '../src/host/ring-host.ts';
import { defaultTimers, type RingTimers } from '../src/host/timers.ts';
import { type RingId, ringIdOfHash } from '../src/protocol/identifier.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import type { OwnerAnswer } from '../src/protocol/messages.ts';
import type { Contact, HostId, MemberPointer } from '../src/protocol/pointer.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';
import { Process } from '../src/testing/process.ts';
import { Trace } from '../src/testing/trace.ts';
import { type Faults, VirtualNetwork } from '../src/testing/virtual-network.ts';
import { seededRandom, VirtualTime } from '../src/testing/virtual-time.ts';
import { KnowingOwner } from './knowing-owner.ts';
import { placeNotBefore } from './ring-order.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly bits: number;
  readonly successors: number;
  readonly virtualNodes: number;
  readonly smallRings: boolean;
  readonly faults: Faults;
  readonly timers?: Partial<RingTimers>;
  /** 0: the papers' settings: no membership cache, no gossip, one ask at a time. */
  readonly cacheCapacity: number;
  readonly parallelAsks: number;
  /** As in RingHostOptions. */
  readonly guesses?: number;
  /**
   * The first live member after the key answers FIND as the owner, whatever its predecessor: without repair (the papers'
   * massive failures) no member could confirm keys of a dead owner.
   */
  readonly ownersKnow?: boolean;
  /** How the host `by` judges another host. */
  readonly mayBeMember?: (by: HostId, host: HostId) => boolean;
  /** Hashes every event. */
  readonly traced?: boolean;
  readonly observe?: (host: HostId, event: RingEvent) => void;
  /** Host ids by number; by default derived from it. */
  readonly contactOf?: (number: number) => Contact;
}

/** A simulated process: it runs until crashed and can be restarted with the same identity. */
export interface SimulatedHost {
  contact: Contact;
  members: readonly MemberPointer[];
  ring: RingHost;
  process: Process;
}

export const calm: Faults = { minDelay: 5, maxDelay: 50, loss: 0, duplication: 0 };

function namedContact(number: number): Contact {
  return { host: `host-${number}` as HostId, addresses: [`10.0.0.1:${number}`] };
}

export class RingSimulation {
  readonly time = new VirtualTime();
  readonly network: VirtualNetwork;
  readonly random: Random;
  readonly hosts: SimulatedHost[] = [];
  readonly trace: Trace | null;
  readonly #options: SimulationOptions;
  readonly #members = new Map<HostId, readonly MemberPointer[]>();
  /** All live members by id; null when outdated. */
  #sorted: readonly MemberPointer[] | null = null;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed);
    this.trace = options.traced ? new Trace() : null;
    this.network = new VirtualNetwork(this.time, this.random, options.faults, this.trace);
  }

  get shape(): RingShape {
    return { bits: this.#options.bits, successors: this.#options.successors };
  }

  /** A new process, not yet founder or member. */
  add(ids?: readonly RingId[]): SimulatedHost {
    const number = this.hosts.length;
    const contact = (this.#options.contactOf ?? namedContact)(number);
    const hash = (index: number) =>
      createHash('sha256').update(`${this.#options.seed}/${number}/${index}`).digest('hex');
    const members = Array.from({ length: ids?.length ?? this.#options.virtualNodes }, (_, index) => ({
      id: ids?.[index] ?? ringIdOfHash(hash(index), this.#options.bits),
      contact,
      index,
    }));
    this.#members.set(contact.host, members);
    const host = { contact, members, ...this.#launch(contact, members) };
    this.hosts.push(host);
    return host;
  }

  /** Restarts a crashed host with the same identity, perhaps elsewhere; it must rejoin. */
  start(host: SimulatedHost, contact = host.contact): void {
    host.contact = contact;
    host.members = host.members.map((member) => ({ ...member, contact }));
    Object.assign(host, this.#launch(contact, host.members));
  }

  #launch(self: Contact, members: readonly MemberPointer[]): { ring: RingHost; process: Process } {
    const process = new Process();
    const cached = this.#options.cacheCapacity > 0;
    const options: RingHostOptions = {
      self,
      members,
      incarnation: this.time.now,
      shape: this.shape,
      smallRings: this.#options.smallRings,
      timers: { ...defaultTimers, ...this.#options.timers },
      cacheCapacity: this.#options.cacheCapacity,
      parallelAsks: this.#options.parallelAsks,
      idOf: (host, index) => this.#members.get(host)?.[index]?.id ?? null,
      ...(this.#options.mayBeMember && { mayBeMember: (host) => this.#options.mayBeMember!(self.host, host) }),
      proximity: cached,
      ...(this.#options.guesses === undefined ? {} : { guesses: this.#options.guesses }),
      gossip: cached,
      observe: (event) => {
        // The set of members changed, and with it the owners of keys.
        if (event.kind === 'committed' && (event.before === null || event.after === null)) this.#sorted = null;
        this.#options.observe?.(self.host, event);
      },
    };
    const ring = new RingHost(options, {
      clock: this.time.clock(process),
      random: this.random,
      network: this.network.port(self, process),
    });
    this.network.attach(
      this.#options.ownersKnow ? new KnowingOwner(ring, (key) => this.#ownerAnswer(key)) : ring,
      process,
    );
    return { ring, process };
  }

  found(): SimulatedHost {
    const host = this.add();
    host.ring.found();
    return host;
  }

  join(host: SimulatedHost, through: SimulatedHost, done: (failure: JoinFailure | null) => void = () => {}): void {
    host.ring.join([through.contact], done);
  }

  /** kill -9. */
  crash(host: SimulatedHost): void {
    host.process.end();
    this.network.detach(host.contact.host);
    host.ring.close();
  }

  leave(host: SimulatedHost, forGood: boolean): void {
    host.ring.leave(forGood, () => this.crash(host));
  }

  live(): SimulatedHost[] {
    return this.hosts.filter((h) => h.process.isRunning);
  }

  states(): MemberState[] {
    return this.live().flatMap((h) => [...h.ring.states()]);
  }

  /** The oracle: the first member at or after the key among the sorted live members owns it. */
  ownerOf(key: RingId): MemberPointer {
    const sorted = this.#liveMembers();
    return sorted[placeNotBefore(sorted, key)]!;
  }

  #ownerAnswer(key: RingId): OwnerAnswer {
    const sorted = this.#liveMembers();
    const place = placeNotBefore(sorted, key);
    return { owner: sorted[place]!, predecessor: sorted.at(place - 1)!, successors: [] };
  }

  #liveMembers(): readonly MemberPointer[] {
    this.#sorted ??= this.states()
      .map((s) => s.me)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    return this.#sorted;
  }

  /** Why the ring is not consistent, or null: every predecessor and successor list must equal the sorted order. */
  inconsistency(): string | null {
    const expected = this.live().flatMap((h) => h.members);
    const states = this.states();
    if (states.length !== expected.length) return `${expected.length - states.length} members have not joined`;
    const sorted = [...states].sort((a, b) => (a.me.id < b.me.id ? -1 : 1));
    const total = sorted.length;
    for (const [place, state] of sorted.entries()) {
      const before = sorted[(place + total - 1) % total]!.me;
      if (state.predecessor.id !== before.id)
        return `${state.me.id}: predecessor ${state.predecessor.id}, not ${before.id}`;
      for (const [i, entry] of state.successors.entries()) {
        const wanted = i + 1 < total ? sorted[(place + 1 + i) % total]!.me.id : null;
        if ((entry.contact === null ? null : entry.id) !== wanted) {
          return `${state.me.id}: successor ${i} is ${entry.contact === null ? 'padding' : entry.id}, not ${wanted ?? 'padding'}`;
        }
      }
    }
    return null;
  }

  /** Runs until the ring is consistent; the time taken, or null after `limit`. */
  settle(limit: number, checkEvery = 100): number | null {
    const began = this.time.now;
    while (this.time.now - began <= limit) {
      this.time.runUntil(this.time.now + checkEvery);
      if (this.inconsistency() === null) return this.time.now - began;
    }
    return null;
  }
}
