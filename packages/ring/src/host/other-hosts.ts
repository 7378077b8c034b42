/**
 * What happens to other hosts: deaths, departures and returns, as this host sees them itself and as others tell it.
 * Gossip and probes only make it look; whether a host lives is settled by hearing from it or by the failure detector.
 */

import { Gossip } from '../one-hop/gossip.ts';
import { LargeNetwork } from '../one-hop/large-network.ts';
import type { MembershipEvent } from '../protocol/messages.ts';
import { type Contact, type HostId, isMember, type MemberPointer, sameContact } from '../protocol/pointer.ts';
import type { Liveness } from './failure-detector.ts';
import type { KnownMembers } from './known-members.ts';
import type { Found } from './lookup.ts';
import type { Lookups } from './lookups.ts';
import type { Milliseconds } from './ports.ts';
import type { Questions } from './questions.ts';
import type { HostPorts, RingHostOptions } from './ring-host-options.ts';
import { RingMerge } from './ring-merge.ts';

interface Knowledge {
  readonly known: KnownMembers;
  readonly questions: Questions;
  readonly lookups: Lookups;
}

/** Lost hosts that are probed; the one lost longest is given up first. */
const maxLookedFor = 4096;
/** Of those of which there were only rumours, which cost nothing to make up; but a joiner knows of its neighbours no more. */
const maxUnheardLookedFor = 32;

export class OtherHosts {
  readonly #options: RingHostOptions;
  readonly #ports: HostPorts & Knowledge;
  readonly #gossip: Gossip;
  readonly #ringMerge: RingMerge;
  readonly large: LargeNetwork;
  readonly #downSince = new Map<HostId, { readonly contact: Contact; readonly since: Milliseconds }>();
  /** Those among them that never spoke to this host. */
  readonly #unheard = new Set<HostId>();
  #incarnation: number;

  constructor(options: RingHostOptions, ports: HostPorts & Knowledge) {
    this.#options = options;
    this.#ports = ports;
    this.#incarnation = options.incarnation;
    const { clock, random, own, questions } = ports;
    const { timers } = options;
    this.#gossip = new Gossip(ports, (to, events, done) => {
      questions.ask(to, { kind: 'gossip', ask: { events }, deadline: timers.maxTimeout }, (result) => {
        if (ports.isClosed()) return;
        if (result.ok) for (const event of result.answer.events) this.consider(event, 'answer');
        done(result.ok);
      });
    });
    this.large = new LargeNetwork(options, {
      ...ports,
      selfEvent: () => this.selfEvent('alive'),
      latest: (host) => this.#gossip.latest(host),
      note: (event) => {
        if (this.#gossip.note(event)) this.#livesAnew(event);
      },
      meet: (contact) => this.#meet(contact),
      refute: (incarnation) => this.#refute(incarnation),
    });
    this.#ringMerge = new RingMerge({
      clock,
      random,
      timers,
      own: () => own.joined.map((m) => m.state.me),
      down: () => [...this.#downSince.values()],
      live: () => ports.live(),
      probe: (contact) => this.#probe(contact),
      lookupFrom: (contact, key, done) => ports.lookups.lookupFrom(contact, key, done),
      candidate: (member, found) => this.#meetOtherRing(member, found),
      otherRing: (contact) => this.#foundOtherRing(contact),
    });
  }

  /** Hosts that are down are looked for: already while joining, or a place behind one wrongly believed dead is never found. */
  lookForLost(): void {
    this.#ringMerge.begin();
  }

  /** This host has become a member: others are told. */
  announce(): void {
    this.large.begin(() => this.#tell(this.selfEvent('alive')));
  }

  /** The addresses of this host are others: they are news. */
  announceMove(): void {
    if (this.#ports.own.joined.length === 0) return;
    this.#incarnation += 1;
    this.#tell(this.selfEvent('alive'));
  }

  /** This host was silent: all are told that it is here, and those that it lost are looked for at once. */
  resume(): void {
    this.announceMove();
    this.#ringMerge.lookNow();
  }

  close(): void {
    this.#gossip.close();
    this.large.close();
    this.#ringMerge.close();
  }

  /** Removed from the network: it is not probed, and its members are ignored. */
  bar(host: HostId): void {
    this.#downSince.delete(host);
    this.#ports.known.forgetHost(host);
    for (const member of this.#ports.own.all) member.hostGone();
  }

  /** Grows with whatever changes what is said here of hosts; what their members tell is counted elsewhere. */
  get changes(): number {
    return this.#gossip.changes;
  }

  latestNews(host: HostId): MembershipEvent | null {
    return this.#gossip.latest(host);
  }

  virtualNodesOf(host: HostId): number {
    if (!this.#ports.known.mayBeMember(host)) return 0;
    return this.#gossip.latest(host)?.virtualNodes ?? this.#ports.known.cache.membersAt(host).length;
  }

  /** Whether the host itself said that it has no members, or may have none: it is not on the ring, and keeps nothing. */
  isClient(host: HostId): boolean {
    if (!this.#ports.known.mayBeMember(host)) return true;
    const latest = this.#gossip.latest(host);
    // What others say of a host of which they know little has no incarnation.
    return latest !== null && latest.virtualNodes === 0 && latest.incarnation > 0 && !this.#hasMembers(host);
  }

  /** Whether it is a neighbour, members of it are known, or the last news was of some: one that returns is about to have them again. */
  hasPlaces(host: HostId): boolean {
    if (!this.#ports.known.mayBeMember(host)) return false;
    const wasTold = (this.#gossip.latest(host)?.virtualNodes ?? 0) > 0;
    return wasTold || this.#hasMembers(host) || this.#ports.own.isNeighbour(host);
  }

  #hasMembers(host: HostId): boolean {
    return this.#ports.known.cache.knows(host);
  }

  selfEvent(type: MembershipEvent['type']): MembershipEvent {
    const { self, members } = this.#options;
    return { type, contact: self, virtualNodes: members.length, incarnation: this.#incarnation };
  }

  /** Hosts known from an earlier life: probed until they answer. */
  remember(contacts: readonly Contact[]): void {
    const since = this.#ports.clock.now();
    for (const contact of contacts) {
      if (contact.host === this.#options.self.host || this.#ports.detector.liveness(contact.host) !== null) continue;
      this.#lookFor(contact, since);
    }
  }

  #lookFor(contact: Contact, since: Milliseconds): void {
    this.#downSince.delete(contact.host);
    this.#downSince.set(contact.host, { contact, since });
    if (this.#downSince.size <= maxLookedFor) return;
    const longestLost = this.#downSince.keys().next();
    if (!longestLost.done) this.#downSince.delete(longestLost.value);
  }

  #boundUnheard(host: HostId): void {
    for (const each of this.#unheard) if (!this.#downSince.has(each)) this.#unheard.delete(each);
    this.#unheard.add(host);
    if (this.#unheard.size <= maxUnheardLookedFor) return;
    const [longestLost] = this.#unheard;
    this.#unheard.delete(longestLost!);
    this.#downSince.delete(longestLost!);
  }

  /** The failure detector changed its mind about a host. */
  changed(contact: Contact, liveness: Liveness): void {
    const { host } = contact;
    const { detector } = this.#ports;
    const wasHeard = detector.wasHeard(host);
    // Looked at before its members are forgotten.
    const hadPlaces = wasHeard && this.hasPlaces(host);
    const virtualNodes = this.virtualNodesOf(host);
    if (liveness === 'alive') {
      if (this.#downSince.delete(host)) this.#returned(contact);
    } else {
      // Of one that never spoke to this host no one needs to hear from it.
      if (liveness !== 'left') this.#lookFor(contact, this.#ports.clock.now());
      if (liveness !== 'left' && !wasHeard) this.#boundUnheard(host);
      this.#ports.known.forgetHost(host);
      if (liveness === 'dead' && wasHeard) this.#tell(this.#eventOf('dead', contact, virtualNodes));
      for (const member of this.#ports.own.all) member.hostGone();
    }
    this.#options.observe({ kind: 'host', contact, liveness, hadPlaces });
  }

  /** A host said that it goes, with so many members. */
  departed(contact: Contact, type: 'left' | 'away', members: number): void {
    this.#ports.detector.declare(contact, type);
    this.#tell(this.#eventOf(type, contact, members));
  }

  /** Gossip from another host, which told it or answered with it. */
  consider(event: MembershipEvent, how: 'told' | 'answer' = 'told'): void {
    const { detector } = this.#ports;
    const { host } = event.contact;
    if (host === this.#options.self.host) {
      if (event.type !== 'alive') this.#refute(event.incarnation);
      return;
    }
    const stale = event.incarnation < (this.#gossip.latest(host)?.incarnation ?? 0);
    if (stale || !(this.large.isLarge ? this.#gossip.note(event) : this.#gossip.tell(event, 'told'))) return;
    this.#livesAnew(event);
    if (this.large.isLarge && event.type === 'alive') {
      this.large.arrived(event);
      // A sender that gossips believes the network small: this host informs the others.
      if (how === 'told') this.large.reportArrival(event);
      return;
    }
    const liveness = detector.liveness(host);
    if (event.type === 'alive') {
      const known = detector.contactOf(host);
      const isElsewhere = known !== null && !sameContact(known, event.contact);
      if (liveness === null || detector.isDown(host) || isElsewhere) this.#meet(event.contact);
    } else if (liveness !== null && !detector.isDown(host)) {
      detector.suspect(event.contact, event.type === 'dead');
    }
  }

  /** One that restarts so fast that its silence goes unnoticed says only by its higher incarnation what it has forgotten. */
  #livesAnew({ type, contact }: MembershipEvent): void {
    const liveness = this.#ports.detector.liveness(contact.host);
    const isThere = liveness === 'alive' || liveness === 'suspected';
    if (type === 'alive' && isThere && this.hasPlaces(contact.host))
      this.#options.observe({ kind: 'restarted', contact });
  }

  /** Gossip of my death is exaggerated: a higher incarnation outdates it wherever it has spread (SWIM). */
  #refute(incarnation: number): void {
    if (incarnation < this.#incarnation || this.#ports.own.joined.length === 0) return;
    this.#incarnation = incarnation + 1;
    this.#tell(this.selfEvent('alive'));
  }

  #eventOf(type: MembershipEvent['type'], contact: Contact, virtualNodes: number): MembershipEvent {
    return { type, contact, virtualNodes, incarnation: this.#gossip.latest(contact.host)?.incarnation ?? 0 };
  }

  #tell(event: MembershipEvent): void {
    if (!this.#options.gossip) return;
    if (!this.large.isLarge) this.#gossip.tell(event, 'own');
    // Of others' ends only the member that stood before them tells: see RingHost.
    else if (event.contact.host === this.#options.self.host) this.large.reportArrival(event);
  }

  /** A host that was down speaks again: as an old neighbour, or in a ring of its own. */
  #returned(contact: Contact): void {
    this.#ports.clock.after(this.#options.timers.wakeGap, () => {
      if (!this.#ports.isClosed() && this.#ports.own.joined.length > 0) this.#ringMerge.check(contact);
    });
  }

  #probe(contact: Contact): void {
    this.#ping(contact, () => {
      // Remembered from an earlier life and never heard in this one: no change of liveness tells of it.
      if (this.#downSince.delete(contact.host)) this.#returned(contact);
    });
  }

  /** Hearsay that a host is there: look, and see whether it is in my ring. */
  #meet(contact: Contact): void {
    // Looked at before the ping: the answer itself is heard, and the host is known from then on.
    const known = this.#ports.detector.liveness(contact.host) !== null;
    this.#ping(contact, () => {
      if (!known) this.#returned(contact);
    });
  }

  #ping(contact: Contact, answered: () => void): void {
    const { network, detector } = this.#ports;
    // A host that comes back has much to do: silence here would leave it outside for another round.
    network.ping(contact, this.#options.timers.maxTimeout, (result) => {
      if (result !== 'alive' || this.#ports.isClosed()) return;
      // It may have been asked through an old address, and have answered at the one that it said itself.
      detector.heard(detector.whereabouts(contact));
      answered();
    });
  }

  /** `found` is the place of my member in another ring: both sides try each other. */
  #meetOtherRing(member: MemberPointer, found: Found): void {
    const { known, own, questions } = this.#ports;
    known.learn(found.owner);
    for (const pointer of found.successors) known.learn(pointer);
    own.get(member.id)?.take({ kind: 'candidate', candidate: found.owner });
    const { predecessor } = found;
    if (!isMember(predecessor)) return;
    known.learn(predecessor);
    const ask = { members: [predecessor.id], candidates: [member] };
    const deadline = this.#options.timers.maxTimeout;
    questions.ask(predecessor.contact, { kind: 'wake', ask, deadline }, () => {});
  }

  #foundOtherRing(contact: Contact): void {
    this.#options.observe({ kind: 'other-ring', contact });
    const event = this.#eventOf('alive', contact, this.#gossip.latest(contact.host)?.virtualNodes ?? 0);
    if (this.#options.gossip) this.#gossip.tell(event, 'own', true);
  }
}
