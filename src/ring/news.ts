/**
 * Membership events: who came, went, died or returned, told on by each host that had not heard it (epidemic, to a few
 * hosts at a time). Hints only: they make hosts look, they prove nothing.
 */
import type { MembershipEvent } from './messages.ts';
import type { Contact, HostId } from './pointer.ts';
import type { Clock, Random, Timer } from './ports.ts';

/** To how many hosts each piece of news is told on; in networks up to this many + 4 everybody is told directly. */
const fanOut = 4;
/** News is gathered this long before it is told on, in milliseconds. */
const gatherFor = 50;
const maximumGathered = 128;
/** Hosts remembered; the oldest news goes first. */
const maximumRemembered = 100_000;

export interface NewsPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly self: HostId;
  /** Live hosts to tell, this one excluded. */
  audience(): readonly Contact[];
  send(to: Contact, events: readonly MembershipEvent[]): void;
}

export class News {
  readonly #ports: NewsPorts;
  readonly #latest = new Map<HostId, MembershipEvent>();
  #gathered: MembershipEvent[] = [];
  #timer: Timer | null = null;

  constructor(ports: NewsPorts) {
    this.#ports = ports;
  }

  close(): void {
    this.#timer?.cancel();
  }

  latest(host: HostId): MembershipEvent | null {
    return this.#latest.get(host) ?? null;
  }

  /** Notes the event; true when it was news. `again` tells it on even when it was known. */
  tell(event: MembershipEvent, again = false): boolean {
    const known = this.#latest.get(event.contact.host);
    const isNews =
      known === undefined ||
      event.incarnation > known.incarnation ||
      (event.incarnation === known.incarnation && event.type !== known.type);
    if (known !== undefined && event.incarnation < known.incarnation) return false;
    if (!isNews && !again) return false;
    this.#latest.delete(event.contact.host);
    this.#latest.set(event.contact.host, event);
    if (this.#latest.size > maximumRemembered) {
      const oldest = this.#latest.keys().next().value;
      if (oldest !== undefined) this.#latest.delete(oldest);
    }
    if (this.#gathered.length < maximumGathered) this.#gathered.push(event);
    this.#timer ??= this.#ports.clock.after(gatherFor, () => this.#flush());
    return isNews;
  }

  #flush(): void {
    this.#timer = null;
    const events = this.#gathered;
    this.#gathered = [];
    const audience = [...this.#ports.audience()];
    const told = audience.length <= fanOut + 4 ? audience.length : fanOut;
    for (let i = 0; i < told; i++) {
      const j = i + Math.floor(this.#ports.random.next() * (audience.length - i));
      [audience[i], audience[j]] = [audience[j]!, audience[i]!];
      this.#ports.send(audience[i]!, events);
    }
  }
}
