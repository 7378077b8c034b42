/**
 * What only a large network needs: events sent down a tree instead of by gossip, and a membership snapshot for
 * newcomers. Both derive the ids of a host's members from the host, so they are off where ids are chosen, or without a
 * cache.
 */
import type { KnownMembers } from '../host/known-members.ts';
import type { Questions } from '../host/questions.ts';
import type { HostPorts, RingHostOptions } from '../host/ring-host-options.ts';
import type { RingId } from '../protocol/identifier.ts';
import type { Departure, MembershipEvent, RingAnswers, RingAsks } from '../protocol/messages.ts';
import type { Contact, HostId, MemberPointer } from '../protocol/pointer.ts';
import { shortId } from './event-memory.ts';
import { EventTree } from './event-tree.ts';
import type { MemberIdRule } from './member-cache.ts';
import { SnapshotReader, snapshotPage } from './membership-snapshot.ts';

interface Knowledge {
  readonly known: KnownMembers;
  readonly questions: Questions;
  selfEvent(): MembershipEvent;
  latest(host: HostId): MembershipEvent | null;
  /** Keeps what is now known of the host. */
  note(event: MembershipEvent): void;
  /** A host believed down is said to be there: looks. */
  meet(contact: Contact): void;
  /** Others are told that this life of mine has ended. */
  refute(incarnation: number): void;
}

/** Up to this many hosts events are gossiped, which needs no order and tolerates inconsistent views. */
const hostsToldByRumour = 64;
/** Of one page of the snapshot. */
const maxPage = 256;

export class LargeNetwork {
  readonly #options: RingHostOptions;
  readonly #ports: HostPorts & Knowledge;
  readonly #place: RingId | null;
  readonly #idOf: MemberIdRule | null;
  readonly #tree: EventTree | null = null;
  readonly #snapshot: SnapshotReader | null = null;

  constructor(options: RingHostOptions, ports: HostPorts & Knowledge) {
    this.#options = options;
    this.#ports = ports;
    this.#place = options.members[0]?.id ?? null;
    this.#idOf = options.cacheCapacity > 0 && options.gossip ? (options.idOf ?? null) : null;
    if (this.#idOf === null || this.#place === null) return;
    const { clock, random, known, questions, live, isClosed } = ports;
    const firstIdOf = (host: HostId) => this.#idOf?.(host, 0) ?? null;
    const deadline = options.timers.maxTimeout;
    this.#tree = new EventTree({
      clock,
      self: options.self.host,
      place: this.#place,
      cache: known.cache,
      hosts: () => this.hosts,
      firstIdOf,
      isGone: (pointer) => known.isGone(pointer),
      send: (to, ask, done) => {
        questions.ask(to, { kind: 'events', ask, deadline }, (result) => {
          if (isClosed()) return;
          if (!result.ok && result.failure !== 'refused') ports.detector.suspect(to);
          done(result.ok);
        });
      },
      arrived: (event) => {
        this.arrived(event);
        // The host that told it takes the network for larger than it is seen from here, where hosts know each other.
        if (!this.isLarge && ports.detector.liveness(event.contact.host) === null) ports.meet(event.contact);
      },
      departed: (departure) => this.#departed(departure),
    });
    this.#snapshot = new SnapshotReader(
      {
        clock,
        random,
        live,
        ask: (to, ask, done) => {
          questions.ask(to, { kind: 'snapshot', ask, deadline }, (result) => done(result.ok ? result.answer : null));
        },
        firstIdOf,
        learn: (hosts) => this.#learn(hosts),
        isClosed,
      },
      this.#place,
    );
  }

  /** Hosts of the network as far as known, this one included. */
  get hosts(): number {
    const { members } = this.#options;
    const cached = this.#ports.known.cache.size / Math.max(1, members.length);
    return 1 + Math.max(Math.round(cached), (this.#snapshot?.total ?? 1) - 1);
  }

  get isLarge(): boolean {
    return this.#tree !== null && this.hosts > hostsToldByRumour;
  }

  /** This host has become a member: it reads who is there; `begun` once, when it knows how large the network is. */
  begin(begun: () => void): void {
    if (this.#snapshot === null) begun();
    else this.#snapshot.begin(begun);
  }

  /** A member of a network that it knows already. */
  beginSettled(): void {
    this.#snapshot?.look();
  }

  close(): void {
    this.#tree?.close();
    this.#snapshot?.close();
  }

  /** Tells everybody that the host is there. */
  reportArrival(event: MembershipEvent): void {
    this.#tree?.reportArrival(event);
  }

  /** Who stood behind one of my members has gone: everybody is told by me alone. */
  reportDeparture(pointer: MemberPointer): void {
    const { detector, latest } = this.#ports;
    const type = detector.liveness(pointer.contact.host);
    if (!this.isLarge || pointer.index !== 0 || type === null || type === 'alive' || type === 'suspected') return;
    const incarnation = latest(pointer.contact.host)?.incarnation ?? 0;
    this.#tree?.reportDeparture({ first: pointer.id, type, incarnation });
  }

  take(ask: RingAsks['events']): void {
    this.#tree?.take(ask);
  }

  page({ after, max }: RingAsks['snapshot']): RingAnswers['snapshot'] {
    const { known, latest, selfEvent } = this.#ports;
    if (this.#idOf === null) return { total: 1, hosts: [] };
    const hosts = snapshotPage(known.cache, { after, max: Math.min(max, maxPage) }, (pointer) => {
      if (known.isGone(pointer)) return null;
      const event = latest(pointer.contact.host);
      if (event !== null && event.type === 'alive') return event;
      const virtualNodes = known.cache.membersAt(pointer.contact.host).length;
      return { type: 'alive', contact: pointer.contact, virtualNodes, incarnation: event?.incarnation ?? 0 };
    });
    return { total: this.hosts, hosts: hosts.length === 0 ? [selfEvent()] : hosts };
  }

  /** Hearsay that the host is there. */
  arrived(event: MembershipEvent): void {
    const { detector, known, note, meet } = this.#ports;
    const { contact, virtualNodes } = event;
    if (contact.host === this.#options.self.host) return;
    // In a small network it must stay news, so that it is told on and the host is met.
    if (this.isLarge) note(event);
    if (detector.isDown(contact.host)) meet(contact);
    for (let index = 0; index < virtualNodes; index++) {
      const id = this.#idOf?.(contact.host, index) ?? null;
      if (id !== null) known.hear({ id, contact, index });
    }
  }

  #learn(hosts: readonly MembershipEvent[]): void {
    for (const event of hosts) {
      const { host } = event.contact;
      const first = this.#idOf?.(host, 0) ?? null;
      if (first === null || this.#tree?.knowsAsGone(first, event.incarnation)) continue;
      const known = this.#ports.latest(host);
      if (known === null || event.incarnation >= known.incarnation) this.arrived(event);
    }
  }

  #departed({ first, type, incarnation }: Departure): void {
    const { detector, known, latest, refute } = this.#ports;
    if (this.#place !== null && shortId(first) === shortId(this.#place)) {
      refute(incarnation);
      return;
    }
    const [pointer] = known.cache.from(first, 1);
    if (pointer === undefined || pointer.index !== 0 || shortId(pointer.id) !== shortId(first)) return;
    const { contact } = pointer;
    if (incarnation > 0 && incarnation < (latest(contact.host)?.incarnation ?? 0)) return;
    known.cache.removeHost(contact.host);
    // Hosts that have spoken with it check it themselves: it may be a neighbour.
    if (detector.liveness(contact.host) !== null && !detector.isDown(contact.host))
      detector.suspect(contact, type === 'dead');
  }
}
