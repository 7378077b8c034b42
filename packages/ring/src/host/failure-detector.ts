/**
 * Which hosts are alive. All pings of a host leave in one tick, since a wakeup costs more than a message; of two hosts that
 * watch each other the one with the smaller id pings, and the other only when it has heard nothing for longer.
 *
 * False suspicion, not crash, is what breaks a ring (spec: a live head treated as dead with 2 %
 * probability loses SufficientPrincipals in a third of the runs), so a death is believed only after
 *   - several pings in a row went unanswered and nothing else was heard from the host, and
 *   - of two other live hosts asked, at least one answered that it cannot reach it either, and none that it can.
 * A helper that does not answer does not count; with no helper the own evidence decides.
 * A host that a helper still reaches is kept and routed around (non-transitive links).
 * Who is told of a death by another host needs one missed ping of its own instead of several (decision 21).
 * One confirmation covers all members of the host. Whatever is heard from it later brings it back to life.
 */
import { type Contact, type HostId, sameContact, shareAddress } from '../protocol/pointer.ts';
import type { Clock, Milliseconds, Random, RingNetwork, Timer } from './ports.ts';
import { RoundTrip } from './round-trip.ts';
import type { RingTimers } from './timers.ts';

/** `away` and `left`: the host said so, to come back or for good. `suspected`: it missed a ping. `dead`: see above. */
export type Liveness = 'alive' | 'suspected' | 'away' | 'left' | 'dead';

export interface Watched {
  readonly contact: Contact;
  readonly liveness: Liveness;
  /** By Clock.now; null when nothing was ever heard. */
  readonly lastHeard: Milliseconds | null;
  /** Smoothed; null when none was measured. */
  readonly roundTrip: Milliseconds | null;
}

interface Entry {
  contact: Contact;
  liveness: Liveness;
  lastHeard: Milliseconds | null;
  readonly roundTrip: RoundTrip;
  misses: number;
  /** When the current run of misses began. */
  missingSince: Milliseconds;
  checking: boolean;
  /** Another host has found it dead: one missed ping of our own, and the helpers decide. */
  isTold: boolean;
  /** Counts checks: an answer to one that was settled otherwise meanwhile (it said that it leaves) concludes nothing. */
  checks: number;
  watched: Watching | null;
  /** Until a missed ping is sent again. */
  timer: Timer | null;
  waiting: ((dead: boolean) => void)[];
}

/** `close`: pinged in each tick. `far`: now and then, in case no one who watches it closely tells. */
export type Watching = 'close' | 'far';

export interface FailureDetectorPorts {
  readonly self: HostId;
  readonly clock: Clock;
  readonly random: Random;
  readonly network: RingNetwork;
  readonly timers: RingTimers;
  /** A host went from alive to dead, away or left, or came back. */
  changed(contact: Contact, liveness: Liveness): void;
  /** A host speaks, and may be elsewhere than pointers to it say: it was down, or its addresses are others, or its zone. */
  moved(contact: Contact): void;
}

/** Hosts known of, alive or not; then one that is down or was never heard is forgotten for each new one. */
const maxHosts = 16_384;
/** Two helpers are asked: enough to outvote one bad link, cheap enough to ask at every suspicion. */
const helpersAsked = 2;
/** A failure that costs no waiting (connection refused) is tried again after this part of the ping interval. */
const fastRetryPart = 0.2;
/** Ticks are shorter than the ping interval by up to this part, so that hosts do not fall into step. */
const tickJitter = 0.2;
/** A host watched from afar is pinged after so many intervals of silence. */
const intervalsPerFarPing = 10;
/** What a host said itself of its zone is trusted for so long against others' word: since, it may have restarted with another. */
const zoneTrusted: Milliseconds = 30_000;
/** The host with the larger id waits so much longer for the ping of the other one. */
const patienceOfOther = 1.3;

export class FailureDetector {
  readonly #ports: FailureDetectorPorts;
  readonly #entries = new Map<HostId, Entry>();
  #ticking: Timer | null = null;
  /** Removed from the network: gone whatever is heard. */
  readonly #barred = new Set<HostId>();
  #closed = false;
  #changes = 0;

  constructor(ports: FailureDetectorPorts) {
    this.#ports = ports;
  }

  close(): void {
    this.#closed = true;
    this.#ticking?.cancel();
    for (const entry of this.#entries.values()) entry.timer?.cancel();
    this.#entries.clear();
    this.#changes += 1;
  }

  /** Grows with every change of who is believed alive, and where. */
  get changes(): number {
    return this.#changes;
  }

  liveness(host: HostId): Liveness | null {
    return this.#entries.get(host)?.liveness ?? null;
  }

  contactOf(host: HostId): Contact | null {
    return this.#entries.get(host)?.contact ?? null;
  }

  /** Whether it ever spoke to this host: of others there are only rumours, which may be of hosts that never were. */
  wasHeard(host: HostId): boolean {
    return (this.#entries.get(host)?.lastHeard ?? null) !== null;
  }

  /** What is said of where a host is, corrected by what it said itself: pointers of others may be older than its move. */
  whereabouts(contact: Contact): Contact {
    const entry = this.#entries.get(contact.host);
    if (entry === undefined || entry.lastHeard === null || this.isDown(contact.host)) return contact;
    return isAsSaid(entry.contact, contact) ? contact : entry.contact;
  }

  /** Others say that it is in another zone than it said itself, some time ago: it is asked. */
  checkZone(contact: Contact): void {
    const entry = this.#entries.get(contact.host);
    if (entry === undefined || entry.lastHeard === null || entry.checking || this.isDown(contact.host)) return;
    if (entry.contact.zone === contact.zone) return;
    if (this.#ports.clock.now() - entry.lastHeard >= zoneTrusted) this.#check(entry);
  }

  /** Confirmed dead, away or gone for good: no one expects an answer from it. */
  isDown(host: HostId): boolean {
    if (this.#barred.has(host)) return true;
    const liveness = this.#entries.get(host)?.liveness;
    return liveness === 'dead' || liveness === 'away' || liveness === 'left';
  }

  roundTrip(host: HostId): Milliseconds | null {
    return this.#entries.get(host)?.roundTrip.smoothed ?? null;
  }

  /** An answer of that host took so long. */
  measured(host: HostId, roundTrip: Milliseconds): void {
    this.#entries.get(host)?.roundTrip.sample(roundTrip);
  }

  timeout(host: HostId): Milliseconds {
    const { minTimeout, maxTimeout } = this.#ports.timers;
    const entry = this.#entries.get(host);
    return entry ? entry.roundTrip.timeout(0, minTimeout, maxTimeout) : minTimeout;
  }

  all(): Watched[] {
    return [...this.#entries.values()].map((e) => ({
      contact: e.contact,
      liveness: e.liveness,
      lastHeard: e.lastHeard,
      roundTrip: e.roundTrip.smoothed,
    }));
  }

  /** Exactly these hosts are pinged from now on; others keep what is known of them. */
  watch(hosts: ReadonlyMap<HostId, { readonly contact: Contact; readonly watching: Watching }>): void {
    for (const [host, entry] of this.#entries) if (!hosts.has(host)) entry.watched = null;
    for (const { contact, watching } of hosts.values()) this.#entry(contact).watched = watching;
    const { clock, random, timers } = this.#ports;
    if (hosts.size > 0) this.#ticking ??= clock.after(timers.pingInterval * random.next(), () => this.#tick());
  }

  /** Any authenticated packet from the host: it lives. */
  heard(contact: Contact, roundTrip?: Milliseconds): void {
    if (this.#barred.has(contact.host)) return;
    const known = this.#entries.get(contact.host);
    // What others said since it was last heard stands in the entry, and perhaps not in the pointers to it, or the reverse.
    const isCertain = known?.liveness === 'alive' && known.lastHeard !== null;
    const entry = this.#entry(contact);
    const before = entry.contact;
    if (contact.addresses.length > 0) entry.contact = contact;
    if (!isCertain || !sameContact(before, entry.contact)) this.#changes += 1;
    entry.lastHeard = this.#ports.clock.now();
    entry.misses = 0;
    if (roundTrip !== undefined) entry.roundTrip.sample(roundTrip);
    if (!isCertain || !sameContact(before, entry.contact)) this.#ports.moved(entry.contact);
    if (entry.liveness === 'alive') return;
    this.#turn(entry, 'alive');
  }

  /** Gone for good from now on, and never back: without a check, since it may well live. */
  bar(host: HostId): void {
    this.#barred.add(host);
    const entry = this.#entries.get(host);
    if (entry === undefined || entry.liveness === 'left') return;
    this.#turn(entry, 'left');
    this.#settle(entry);
  }

  /** The host said so itself, or an authenticated event tells it. */
  declare(contact: Contact, liveness: 'away' | 'left'): void {
    const entry = this.#entry(contact);
    if (entry.liveness === liveness) return;
    this.#turn(entry, liveness);
    this.#settle(entry);
  }

  /** Something found it silent: check now instead of in the next tick. `isTold`: another host has confirmed its death. */
  suspect(contact: Contact, isTold = false): void {
    if (isTold) this.#entry(contact).isTold = true;
    this.confirm(contact, () => {});
  }

  /** Silence until now was on this side: what hosts have missed is forgotten, and all that are watched are pinged at once. */
  resume(): void {
    for (const entry of this.#entries.values()) {
      if ((entry.watched === null && !entry.checking) || this.isDown(entry.contact.host)) continue;
      // What a check in progress has still to hear no longer counts.
      entry.checking = false;
      entry.misses = 0;
      this.#check(entry);
    }
  }

  /** Tells, after a full check if need be, whether the host is dead. */
  confirm(contact: Contact, done: (dead: boolean) => void): void {
    const entry = this.#entry(contact);
    if (this.isDown(contact.host)) {
      this.#ports.clock.after(0, () => done(true));
      return;
    }
    entry.waiting.push(done);
    if (!entry.checking) this.#check(entry);
  }

  #entry(contact: Contact): Entry {
    let entry = this.#entries.get(contact.host);
    if (entry === undefined) {
      entry = {
        contact,
        liveness: this.#barred.has(contact.host) ? 'left' : 'alive',
        lastHeard: null,
        roundTrip: new RoundTrip(),
        misses: 0,
        missingSince: 0,
        checking: false,
        isTold: false,
        checks: 0,
        watched: null,
        timer: null,
        waiting: [],
      };
      if (this.#entries.size >= maxHosts) this.#forgetOne();
      this.#entries.set(contact.host, entry);
    } else if (contact.addresses.length > 0 && (entry.liveness !== 'alive' || entry.lastHeard === null)) {
      // Hearsay may be older than what the host said itself: it counts while that leads nowhere.
      entry.contact = contact;
      this.#changes += 1;
    }
    return entry;
  }

  #forgetOne(): void {
    const idle = [...this.#entries].filter(([, entry]) => entry.watched === null && !entry.checking);
    const [host] = idle.find(([each, { lastHeard }]) => lastHeard === null || this.isDown(each)) ?? idle[0] ?? [];
    if (host !== undefined) this.#entries.delete(host);
    this.#changes += 1;
  }

  #tick(): void {
    const { clock, random, self, timers } = this.#ports;
    this.#ticking = clock.after(timers.pingInterval * (1 - tickJitter * random.next()), () => this.#tick());
    const now = clock.now();
    for (const entry of this.#entries.values()) {
      const { watched, checking, lastHeard, contact } = entry;
      if (watched === null || checking || this.isDown(contact.host)) continue;
      const pace = timers.pingInterval * (watched === 'close' ? 1 : intervalsPerFarPing);
      // Half a tick early rather than half a tick late.
      const patience = self < contact.host ? pace - timers.pingInterval / 2 : pace * patienceOfOther;
      if (lastHeard === null || now - lastHeard >= patience) this.#check(entry);
    }
  }

  #rest(entry: Entry): void {
    entry.timer?.cancel();
    entry.timer = null;
  }

  #check(entry: Entry): void {
    if (this.#closed) return;
    if (!entry.checking) entry.checks++;
    entry.checking = true;
    this.#rest(entry);
    const check = entry.checks;
    const { clock, network, timers } = this.#ports;
    const sent = clock.now();
    const timeout = entry.roundTrip.timeout(entry.misses, timers.minTimeout, timers.maxTimeout);
    network.ping(entry.contact, timeout, (result) => {
      if (this.#closed) return;
      if (result === 'alive') {
        this.heard(entry.contact, clock.now() - sent);
      }
      if (!entry.checking || entry.checks !== check) return;
      if (result === 'alive') return this.#conclude(entry, false);
      // `refused` is an answer: the host lives, it only will not talk to us.
      if (result === 'refused' || (entry.lastHeard ?? -1) >= sent) return this.#conclude(entry, false);
      if (entry.misses === 0) entry.missingSince = sent;
      entry.misses++;
      if (entry.liveness === 'alive') this.#turn(entry, 'suspected');
      if (entry.misses >= (entry.isTold ? 1 : timers.missedPings)) return this.#askHelpers(entry);
      const wait = result === 'unreachable' ? timers.pingInterval * fastRetryPart : 0;
      entry.timer = clock.after(wait, () => this.#check(entry));
    });
  }

  #askHelpers(entry: Entry): void {
    const { clock, network, random, timers } = this.#ports;
    const helpers = [...this.#entries.values()].filter(
      (e) => e !== entry && e.liveness === 'alive' && e.lastHeard !== null,
    );
    for (let i = helpers.length - 1; i > 0; i--) {
      const j = Math.floor(random.next() * (i + 1));
      [helpers[i], helpers[j]] = [helpers[j]!, helpers[i]!];
    }
    helpers.sort((a, b) => Number(b.watched !== null) - Number(a.watched !== null));
    const asked = helpers.slice(0, helpersAsked);
    const check = entry.checks;
    let open = asked.length;
    let reached = false;
    const decide = () => {
      if (this.#closed || !entry.checking || entry.checks !== check) return;
      const alive = reached || (entry.lastHeard ?? -1) >= entry.missingSince;
      this.#conclude(entry, !alive);
    };
    if (open === 0) {
      clock.after(0, decide);
      return;
    }
    for (const helper of asked) {
      const deadline = this.timeout(helper.contact.host) + 2 * timers.minTimeout;
      network.ask(helper.contact, { kind: 'probe', ask: { hosts: [entry.contact] }, deadline }, (result) => {
        if (result.ok && result.answer.reached[0] === true) reached = true;
        if (--open === 0) decide();
      });
    }
  }

  #conclude(entry: Entry, dead: boolean): void {
    entry.checking = false;
    if (dead && !this.isDown(entry.contact.host)) this.#turn(entry, 'dead');
    else if (!dead && entry.liveness === 'suspected') this.#turn(entry, 'alive');
    this.#settle(entry);
  }

  /** Those that wait for the outcome of a check are told; the next ping is a new one. */
  #settle(entry: Entry): void {
    entry.checking = false;
    entry.isTold = false;
    entry.misses = 0;
    const waiting = entry.waiting;
    entry.waiting = [];
    for (const done of waiting) done(this.isDown(entry.contact.host));
  }

  #turn(entry: Entry, liveness: Liveness): void {
    const before = entry.liveness;
    entry.liveness = liveness;
    this.#changes += 1;
    if (liveness === 'dead' || liveness === 'away' || liveness === 'left') this.#rest(entry);
    if (before !== liveness && liveness !== 'suspected') {
      if (!(before === 'suspected' && liveness === 'alive')) this.#ports.changed(entry.contact, liveness);
    }
  }
}

/** Whether what is said of a host leads where the host itself says, in the zone that it says. */
function isAsSaid(a: Contact, b: Contact): boolean {
  return a.zone === b.zone && shareAddress(a, b);
}
