/**
 * Membership events in a network too large to tell everybody oneself: each host is told once.
 *
 * Hosts are ordered by their members with index 0. An event travels with an arc of that order: who gets it tells a
 * few hosts inside the arc, at doubling distances, each with the part that begins at it and ends at the next. So every
 * host is reached over about ½·log2 N others, and over one path only (the idea of D1HT's event dissemination: Monnerat
 * and Amorim, "D1HT: a distributed one hop hash table", IPDPS 2006). A host that does not answer is passed over. What is gathered for a
 * while goes in one message.
 *
 * One host reports each event: a newcomer itself, a death or departure the host whose successor it was.
 * Hints only: they fill the membership cache, and who is asked answers for itself.
 */

import type { Clock, Milliseconds, Timer } from '../host/ports.ts';
import { between, type RingId } from '../protocol/identifier.ts';
import type { Departure, MembershipEvent, RingAsks } from '../protocol/messages.ts';
import type { Contact, HostId, MemberPointer } from '../protocol/pointer.ts';
import { EventMemory } from './event-memory.ts';
import type { MemberCache } from './member-cache.ts';

export interface EventTreePorts {
  readonly clock: Clock;
  readonly self: HostId;
  /** Where this host stands in the order. */
  readonly place: RingId;
  readonly cache: MemberCache;
  /** Hosts of the network, as far as known. */
  hosts(): number;
  firstIdOf(host: HostId): RingId | null;
  isGone(pointer: MemberPointer): boolean;
  send(to: Contact, ask: RingAsks['events'], done: (arrived: boolean) => void): void;
  arrived(event: MembershipEvent): void;
  departed(departure: Departure): void;
}

interface Group {
  readonly from: RingId;
  readonly until: RingId;
  readonly arrivals: MembershipEvent[];
  readonly departures: Departure[];
}

interface Branch {
  readonly to: MemberPointer;
  readonly until: RingId;
}

/** Events are gathered for so long per known host, in milliseconds: at the pace of news (two per host and hour) a message then carries several. */
const gatherPerHost = 0.5;
const minGathering: Milliseconds = 50;
const maxGathering: Milliseconds = 5000;
/** Groups waiting: one per arc that a message came with. All go out at once when there would be more. */
const maxGroups = 64;
const maxPerMessage = 128;
/** Events of one group that wait; a flood is not passed on. */
const maxPerGroup = 4096;
/** Hosts tried for one arc before those behind them go without the news. */
const maxTries = 3;

export class EventTree {
  readonly #ports: EventTreePorts;
  readonly #memory = new EventMemory();
  #groups = new Map<string, Group>();
  #timer: Timer | null = null;

  constructor(ports: EventTreePorts) {
    this.#ports = ports;
  }

  close(): void {
    this.#timer?.cancel();
    this.#groups.clear();
  }

  /** Tells everybody of a host that is there. */
  reportArrival(event: MembershipEvent): void {
    const { place, firstIdOf } = this.#ports;
    const first = firstIdOf(event.contact.host);
    if (first === null) return;
    const rest = this.#memory.note(
      { first, incarnation: event.incarnation, what: 'there' },
      place,
      place,
      this.#ports.clock.now(),
    );
    if (rest !== null) add(this.#group(rest, place).arrivals, event);
  }

  /** Tells everybody of a host that went. */
  reportDeparture(departure: Departure): void {
    const { place } = this.#ports;
    const { first, incarnation } = departure;
    const rest = this.#memory.note({ first, incarnation, what: 'gone' }, place, place, this.#ports.clock.now());
    if (rest !== null) add(this.#group(rest, place).departures, departure);
  }

  /** Whether the host was lately said to have gone, from this life or a later one. */
  knowsAsGone(first: RingId, incarnation: number): boolean {
    return this.#memory.knows({ first, incarnation, what: 'gone' });
  }

  /** From another host: noted, and told on within the arc. */
  take({ until, arrivals, departures }: RingAsks['events']): void {
    const { place, firstIdOf } = this.#ports;
    const now = this.#ports.clock.now();
    for (const event of arrivals) {
      const first = firstIdOf(event.contact.host);
      if (first === null) continue;
      const there = { first, incarnation: event.incarnation, what: 'there' } as const;
      const isNewEvent = !this.#memory.knows(there);
      const rest = this.#memory.note(there, place, until, now);
      if (rest !== null) add(this.#group(rest, until).arrivals, event);
      if (isNewEvent) this.#ports.arrived(event);
    }
    for (const departure of departures) {
      const { first, incarnation } = departure;
      const gone = { first, incarnation, what: 'gone' } as const;
      const isNewEvent = !this.#memory.knows(gone);
      const rest = this.#memory.note(gone, place, until, now);
      if (rest !== null) add(this.#group(rest, until).departures, departure);
      if (isNewEvent) this.#ports.departed(departure);
    }
  }

  /** Those events not yet told on that go to the hosts from `from` to `until`. */
  #group(from: RingId, until: RingId): Group {
    const name = `${from} ${until}`;
    let group = this.#groups.get(name);
    if (group === undefined) {
      if (this.#groups.size >= maxGroups) this.#flush();
      group = { from, until, arrivals: [], departures: [] };
      this.#groups.set(name, group);
    }
    const gathering = Math.min(maxGathering, Math.max(minGathering, this.#ports.hosts() * gatherPerHost));
    this.#timer ??= this.#ports.clock.after(gathering, () => this.#flush());
    return group;
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const groups = this.#groups;
    this.#groups = new Map();
    const messages = new Map<
      string,
      { readonly branch: Branch; arrivals: MembershipEvent[]; departures: Departure[] }
    >();
    for (const { from, until, arrivals, departures } of groups.values()) {
      for (const branch of this.#branches(from, until)) {
        const name = `${branch.to.id} ${branch.until}`;
        const message = messages.get(name) ?? { branch, arrivals: [], departures: [] };
        message.arrivals.push(...arrivals);
        message.departures.push(...departures);
        messages.set(name, message);
      }
    }
    for (const { branch, arrivals, departures } of messages.values()) {
      for (let at = 0; at < Math.max(arrivals.length, departures.length); at += maxPerMessage) {
        const some = {
          arrivals: arrivals.slice(at, at + maxPerMessage),
          departures: departures.slice(at, at + maxPerMessage),
        };
        this.#send(branch, some, maxTries);
      }
    }
  }

  #send(branch: Branch, events: Pick<RingAsks['events'], 'arrivals' | 'departures'>, tries: number): void {
    const { to, until } = branch;
    this.#ports.send(to.contact, { until, ...events }, (arrived) => {
      if (arrived || tries <= 1) return;
      const [next] = this.#branches(to.id, until);
      if (next !== undefined) this.#send({ to: next.to, until }, events, tries - 1);
    });
  }

  /** Hosts behind `from` and before `until` at doubling distances, and the arc that each answers for. */
  #branches(from: RingId, until: RingId): readonly Branch[] {
    const { cache, self } = this.#ports;
    const members = cache.all();
    const start = cache.placeOf(from);
    const chosen: MemberPointer[] = [];
    let step = 0;
    for (let least = 0; least < members.length; least = 2 * least + 1) {
      step = Math.max(step, least);
      while (step < members.length) {
        const pointer = members[(start + step) % members.length]!;
        if (pointer.id !== from && !between(from, pointer.id, until)) return arcs(chosen, until);
        step++;
        if (pointer.index !== 0 || pointer.contact.host === self || pointer.id === from) continue;
        if (this.#ports.isGone(pointer)) continue;
        chosen.push(pointer);
        break;
      }
    }
    return arcs(chosen, until);
  }
}

function add<T>(waiting: T[], one: T): void {
  if (waiting.length < maxPerGroup) waiting.push(one);
}

function arcs(chosen: readonly MemberPointer[], until: RingId): readonly Branch[] {
  return chosen.map((to, i) => ({ to, until: chosen[i + 1]?.id ?? until }));
}
