/**
 * Membership events: who came, went, died or returned. The host that finds it out tells all that it knows, each until it
 * acknowledges; who is told passes it on to a few, in case the first one dies meanwhile or cannot reach all. Hints only:
 * they make hosts look, they prove nothing.
 */

import type { Milliseconds, Timer } from '../host/ports.ts';
import type { HostPorts } from '../host/ring-host-options.ts';
import type { MembershipEvent } from '../protocol/messages.ts';
import type { Contact, HostId } from '../protocol/pointer.ts';

/** To how many hosts that it was told each host passes an event on. */
const fanOut = 2;
/** Tries to tell one host. */
const maxTries = 3;
/** Gossip is gathered this long before it is told on, in milliseconds. */
const gatherFor = 50;
const maxGathered = 128;
/** Two rumours of one life that contradict each other are told on this far apart, or they would chase each other for ever. */
const contradictionPause = 2000;
/** Hosts remembered; the oldest news goes first. */
const maxRemembered = 100_000;

/** `done` tells whether the host acknowledged. */
type Send = (to: Contact, events: readonly MembershipEvent[], done: (arrived: boolean) => void) => void;
type Ports = Pick<HostPorts, 'clock' | 'random' | 'placed'>;

interface Gathered {
  readonly event: MembershipEvent;
  readonly isOwn: boolean;
}

/** `own`: found out here. `told`: by another host. */
export type Source = 'own' | 'told';

export class Gossip {
  readonly #ports: Ports;
  readonly #tellOne: Send;
  readonly #latest = new Map<HostId, { readonly event: MembershipEvent; readonly toldAt: Milliseconds }>();
  #gathered: Gathered[] = [];
  #timer: Timer | null = null;
  #isClosed = false;
  #changes = 0;

  constructor(ports: Ports, send: Send) {
    this.#ports = ports;
    this.#tellOne = send;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** Grows with every event that is kept. */
  get changes(): number {
    return this.#changes;
  }

  latest(host: HostId): MembershipEvent | null {
    return this.#latest.get(host)?.event ?? null;
  }

  /** Keeps the event without telling it on; true when it was news. */
  note(event: MembershipEvent): boolean {
    const known = this.latest(event.contact.host);
    if (known !== null && event.incarnation < known.incarnation) return false;
    this.#keep(event, Number.NEGATIVE_INFINITY);
    return known === null || event.incarnation > known.incarnation || event.type !== known.type;
  }

  /** Notes the event; true when it was news. `again` tells it on even when it was known. */
  tell(event: MembershipEvent, source: Source, again = false): boolean {
    const now = this.#ports.clock.now();
    const { event: known, toldAt } = this.#latest.get(event.contact.host) ?? { event: null, toldAt: -Infinity };
    if (known !== null && event.incarnation < known.incarnation) return false;
    const contradicts = known !== null && event.incarnation === known.incarnation && event.type !== known.type;
    const isNewEvent = known === null || event.incarnation > known.incarnation || contradicts;
    if (!isNewEvent && !again) return false;
    const tellsOn = !contradicts || now - toldAt >= contradictionPause;
    this.#keep(event, tellsOn ? now : toldAt);
    if (!tellsOn) return isNewEvent;
    if (this.#gathered.length < maxGathered) this.#gathered.push({ event, isOwn: source === 'own' });
    this.#timer ??= this.#ports.clock.after(gatherFor, () => this.#flush());
    return isNewEvent;
  }

  #keep(event: MembershipEvent, toldAt: Milliseconds): void {
    this.#changes += 1;
    this.#latest.delete(event.contact.host);
    this.#latest.set(event.contact.host, { event, toldAt });
    if (this.#latest.size <= maxRemembered) return;
    const oldest = this.#latest.keys().next().value;
    if (oldest !== undefined) this.#latest.delete(oldest);
  }

  #flush(): void {
    this.#timer = null;
    const gathered = this.#gathered;
    this.#gathered = [];
    const everything = gathered.map(({ event }) => event);
    const own = gathered.filter(({ isOwn }) => isOwn).map(({ event }) => event);
    const audience = [...this.#ports.placed()];
    for (let i = 0; i < audience.length; i++) {
      const j = i + Math.floor(this.#ports.random.next() * (audience.length - i));
      [audience[i], audience[j]] = [audience[j]!, audience[i]!];
      const events = i < fanOut ? everything : own;
      if (events.length > 0) this.#send(audience[i]!, events, maxTries);
    }
  }

  #send(to: Contact, events: readonly MembershipEvent[], tries: number): void {
    this.#tellOne(to, events, (arrived) => {
      if (arrived || tries <= 1 || this.#isClosed) return;
      // It may be the next that is found dead.
      if (this.#ports.placed().some(({ host }) => host === to.host)) this.#send(to, events, tries - 1);
    });
  }
}
