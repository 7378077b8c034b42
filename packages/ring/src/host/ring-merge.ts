/**
 * Finding and joining rings of this network that fell apart (a partition, or a restart in which two founded).
 *
 * Hosts that are down are probed for a long time; one that answers again may live in another ring. Whether it does
 * shows a lookup of my own id that starts at that host alone: in one ring the answer is me. If it is another, every
 * own member looks up its place there, tries the successor found (as in STAB2) and tells the predecessor found to try
 * it (`wake`). The rings then close up like a zip by ordinary stabilizing (SIGCOMM'01 §7 and ToN'03 §VI propose the
 * detection; adopting only members that lie between me and my successor keeps it safe).
 */
import type { RingId } from '../protocol/identifier.ts';
import type { Contact, HostId, MemberPointer } from '../protocol/pointer.ts';
import type { Found } from './lookup.ts';
import type { Clock, Milliseconds, Random, Timer } from './ports.ts';
import type { RingTimers } from './timers.ts';

export interface RingMergePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: RingTimers;
  /** Own members that are members now. */
  own(): readonly MemberPointer[];
  /** Hosts that are down but may come back, with when they went down. */
  down(): readonly { readonly contact: Contact; readonly since: Milliseconds }[];
  /** Live hosts known, this one excluded. */
  live(): readonly Contact[];
  /** Pings; what is heard brings the host back to life. */
  probe(contact: Contact): void;
  /** A lookup that knows nothing but this host. */
  lookupFrom(contact: Contact, key: RingId, done: (found: Found | null) => void): void;
  candidate(member: MemberPointer, found: Found): void;
  otherRing(contact: Contact): void;
}

/** Hosts probed per round. */
const maxProbes = 32;
/** A live host picked at random is checked every so many probe rounds, in case no death was ever seen. */
const roundsPerRandomCheck = 3;
/** The same host is not checked again within this time, in milliseconds. */
const checkPause = 2000;

/** Hosts of which it is known when they were probed or checked; forgotten, they are a little early once. */
const maxRemembered = 4096;

export class RingMerge {
  readonly #ports: RingMergePorts;
  readonly #checked = new Map<HostId, Milliseconds>();
  readonly #probed = new Map<HostId, Milliseconds>();
  #timer: Timer | null = null;
  #rounds = 0;
  #closed = false;

  constructor(ports: RingMergePorts) {
    this.#ports = ports;
  }

  /** From now on lost hosts are looked for. */
  begin(): void {
    if (this.#timer === null && !this.#closed) this.#schedule();
  }

  /** A round at once, in which no pause counts. */
  lookNow(): void {
    if (this.#timer === null || this.#closed) return;
    this.#probed.clear();
    this.#checked.clear();
    this.#timer.cancel();
    this.#round();
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    const { clock, random, timers } = this.#ports;
    this.#timer = clock.after(timers.outsideProbe * (0.8 + 0.4 * random.next()), () => {
      this.#round();
      if (!this.#closed) this.#schedule();
    });
  }

  #round(): void {
    const { clock, random, timers } = this.#ports;
    const now = clock.now();
    let probes = 0;
    for (const { contact, since } of this.#ports.down()) {
      const pause = now - since < timers.outsideFresh ? 0 : timers.outsideSlowProbe;
      if (probes >= maxProbes || now - (this.#probed.get(contact.host) ?? Number.NEGATIVE_INFINITY) < pause) continue;
      if (this.#probed.size >= maxRemembered) this.#probed.clear();
      this.#probed.set(contact.host, now);
      this.#ports.probe(contact);
      probes++;
    }
    this.#rounds++;
    if (this.#rounds % roundsPerRandomCheck === 0) {
      const live = this.#ports.live();
      const chosen = live[Math.floor(random.next() * live.length)];
      if (chosen) this.check(chosen);
    }
  }

  /** Does this host live in my ring? If not, join the rings. */
  check(contact: Contact): void {
    const { clock, random } = this.#ports;
    const now = clock.now();
    if (now - (this.#checked.get(contact.host) ?? Number.NEGATIVE_INFINITY) < checkPause) return;
    const own = this.#ports.own();
    const sample = own[Math.floor(random.next() * own.length)];
    if (sample === undefined) return;
    if (this.#checked.size >= maxRemembered) this.#checked.clear();
    this.#checked.set(contact.host, now);
    this.#ports.lookupFrom(contact, sample.id, (found) => {
      if (this.#closed || found === null || found.owner.id === sample.id) return;
      this.#ports.otherRing(contact);
      this.#ports.candidate(sample, found);
      for (const member of own) {
        if (member === sample) continue;
        this.#ports.lookupFrom(contact, member.id, (place) => {
          if (!this.#closed && place !== null && place.owner.id !== member.id) this.#ports.candidate(member, place);
        });
      }
    });
  }
}
