/** What this host knows of the members of others: who was heard of, and who is gone. Hints, each with an end. */

import { MemberCache } from '../one-hop/member-cache.ts';
import { between, type RingId, ringId } from '../protocol/identifier.ts';
import type { FindAnswer } from '../protocol/messages.ts';
import { type Contact, type HostId, isMember, type MemberPointer, type Pointer } from '../protocol/pointer.ts';
import type { Milliseconds } from './ports.ts';
import type { HostPorts, RingHostOptions } from './ring-host-options.ts';

/** Members remembered as gone; each is for some seconds only. */
const maxGone = 4096;
/**
 * Hosts that never spoke to this one and of whose members it knows from answers to lookups alone. Those that there are speak
 * soon, or are told by news; liars make up as many as they like, and each is dialled in vain before it is forgotten.
 */
const maxRumoured = 128;
/** For a guess at the places of a key: several members of each of the most hosts that a copy may lie at. */
const maxMembersPassed = 64;

export class KnownMembers {
  readonly cache: MemberCache;
  readonly #options: RingHostOptions;
  readonly #ports: HostPorts;
  /** Members that said NOT_MEMBER or LEAVE, until when that is believed. */
  readonly #gone = new Map<RingId, Milliseconds>();
  readonly #rumoured = new Set<HostId>();

  constructor(options: RingHostOptions, ports: HostPorts) {
    this.#options = options;
    this.#ports = ports;
    const { bits } = options.shape;
    const center = options.members[0]?.id ?? ringId(0, bits);
    this.cache = new MemberCache({ bits, capacity: options.cacheCapacity, center, idOf: options.idOf ?? null });
  }

  mayBeMember(host: HostId): boolean {
    return this.#options.mayBeMember?.(host) ?? true;
  }

  /** No one expects an answer from it: padding, its host is down or may have no places, or it said itself that it is no member. */
  isGone(pointer: Pointer): boolean {
    if (pointer.contact === null) return true;
    const { own, detector, clock } = this.#ports;
    if (pointer.contact.host === this.#options.self.host) return own.get(pointer.id)?.state == null;
    if (detector.isDown(pointer.contact.host) || !this.mayBeMember(pointer.contact.host)) return true;
    const until = this.#gone.get(pointer.id);
    if (until === undefined) return false;
    if (until > clock.now()) return true;
    this.#gone.delete(pointer.id);
    return false;
  }

  /** Whether the member, as far as it is known here, is one of that host: who speaks for others is not believed. */
  isOf(id: RingId, host: HostId): boolean {
    const states = this.#ports.own.joined.map(({ state }) => state);
    const neighbours = states.flatMap(({ predecessor, successors }) => [predecessor, ...successors.filter(isMember)]);
    return [...neighbours, ...this.cache.membersAt(host)].some((m) => m.id === id && m.contact.host === host);
  }

  markGone(id: RingId): void {
    if (this.#gone.size >= maxGone) this.#forgetOldGone();
    this.#gone.set(id, this.#ports.clock.now() + this.#options.timers.goneFor);
    this.cache.removeMember(id);
  }

  #forgetOldGone(): void {
    const now = this.#ports.clock.now();
    for (const [id, until] of this.#gone) if (until <= now || this.#gone.size >= maxGone) this.#gone.delete(id);
  }

  /** This member just spoke as one. */
  seen(pointer: MemberPointer): void {
    this.#gone.delete(pointer.id);
    this.learn(pointer);
  }

  /** Hearsay that it is a member. */
  learn(pointer: Pointer): void {
    const { self, cacheCapacity, proximity } = this.#options;
    if (cacheCapacity === 0 || !isMember(pointer)) return;
    if (pointer.contact.host === self.host || this.isGone(pointer)) return;
    if (!this.#hasRoomFor(pointer.contact.host) || !this.cache.insert(pointer)) return;
    const { own } = this.#ports;
    if (proximity) for (const fingers of own.everyFingers()) fingers.learnNear(pointer);
    // It may lie between one of mine and its successor: then that one tries it at once.
    own.before(pointer.id)?.take({ kind: 'candidate', candidate: pointer });
  }

  #hasRoomFor(host: HostId): boolean {
    // Where no news is told, there is nothing but hearsay to know others from.
    if (!this.#options.gossip || this.#ports.detector.wasHeard(host) || this.cache.knows(host)) return true;
    if (this.#rumoured.size >= maxRumoured) {
      for (const one of this.#rumoured) {
        if (this.#ports.detector.wasHeard(one) || !this.cache.knows(one)) this.#rumoured.delete(one);
      }
    }
    return this.#rumoured.size < maxRumoured && this.#rumoured.add(host).has(host);
  }

  /** What spreads through a large network: too much of it to measure how near each is. */
  hear(pointer: MemberPointer): void {
    if (pointer.contact.host === this.#options.self.host || this.isGone(pointer)) return;
    if (this.cache.insert(pointer)) this.#ports.own.before(pointer.id)?.take({ kind: 'candidate', candidate: pointer });
  }

  learnFound(found: FindAnswer): void {
    for (const pointer of found.guesses) this.learn(pointer);
    for (const pointer of found.closer) this.learn(pointer);
    if (found.owned === null) return;
    this.learn(found.owned.owner);
    this.learn(found.owned.predecessor);
    for (const pointer of found.owned.successors) this.learn(pointer);
  }

  forgetHost(host: HostId): void {
    this.cache.removeHost(host);
    for (const fingers of this.#ports.own.everyFingers()) {
      fingers.forget((pointer) => pointer.contact?.host === host || this.isGone(pointer));
    }
  }

  /** The live member that follows `id` most closely, own ones included; `id` itself never. */
  nearestAfter(id: RingId): MemberPointer | null {
    const sibling = this.#ports.own.after(id);
    let cached = this.cache.after(id);
    while (cached !== null && this.isGone(cached)) {
      this.cache.removeMember(cached.id);
      cached = this.cache.after(id);
    }
    if (sibling === null || sibling.id === id) return cached;
    return cached !== null && between(id, cached.id, sibling.id) ? cached : sibling;
  }

  /** Distinct live hosts of the members that follow the key, nearest first, as far as is known. */
  hostsAfter(key: RingId, most = Number.POSITIVE_INFINITY): readonly Contact[] {
    const found = new Map<HostId, Contact>();
    let at = key;
    for (let step = 0; step < maxMembersPassed && found.size < most; step++) {
      const next = this.nearestAfter(at);
      if (next === null || (step > 0 && next.id === key)) break;
      const { host } = next.contact;
      if (!this.#ports.detector.isDown(host))
        found.set(host, found.get(host) ?? this.#ports.detector.whereabouts(next.contact));
      at = next.id;
    }
    return [...found.values()];
  }
}
