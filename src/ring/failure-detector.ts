/**
 * Which hosts are alive. False suspicion, not crash, is what breaks a ring (spec: a live head treated as dead with 2 %
 * probability loses SufficientPrincipals in a third of the runs), so a death is believed only after
 *   - several pings in a row went unanswered and nothing else was heard from the host, and
 *   - of two other live hosts asked, at least one answered that it cannot reach it either, and none that it can.
 * A helper that does not answer does not count; with no helper the own evidence decides.
 * A host that a helper still reaches is kept and routed around (non-transitive links).
 * One confirmation covers all members of the host. Whatever is heard from it later brings it back to life.
 */
import { type Contact, type HostId, shareAddress } from './pointer.ts';
import type { Clock, Milliseconds, Random, RingNetwork, Timer } from './ports.ts';
import { RoundTrip } from './round-trip.ts';
import type { RingTimers } from './timers.ts';

export type Liveness = 'alive' | 'suspected' | 'away' | 'left' | 'dead';

export interface Watched {
  readonly contact: Contact;
  readonly liveness: Liveness;
  /** By Clock.now; null when nothing was ever heard. */
  readonly lastHeard: Milliseconds | null;
  readonly roundTrip: Milliseconds | null;
}

interface Entry {
  contact: Contact;
  liveness: Liveness;
  lastHeard: Milliseconds | null;
  lastPinged: Milliseconds;
  readonly roundTrip: RoundTrip;
  misses: number;
  /** When the current run of misses began. */
  missingSince: Milliseconds;
  checking: boolean;
  /** Counts checks: an answer to one that was settled otherwise meanwhile (it said that it leaves) concludes nothing. */
  checks: number;
  watched: boolean;
  timer: Timer | null;
  waiting: ((dead: boolean) => void)[];
}

export interface FailureDetectorPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: RingNetwork;
  readonly timers: RingTimers;
  /** A host went from alive to dead, away or left, or came back. */
  changed(contact: Contact, liveness: Liveness): void;
  /** A host speaks, and may be elsewhere than pointers to it say: it was down, or none of its old addresses is its own any more. */
  moved(contact: Contact): void;
}

/** Hosts known of, alive or not; then one that is down or was never heard is forgotten for each new one. */
const maximumHosts = 16_384;
/** Two helpers are asked: enough to outvote one bad link, cheap enough to ask at every suspicion. */
const helpersAsked = 2;
/** A failure that costs no waiting (connection refused) is tried again after this part of the ping interval. */
const fastRetryPart = 0.2;
/** A host that speaks by itself need not be pinged, but for its round-trip time this often. */
const intervalsPerMeasurement = 10;
/** Pauses between pings are shorter by up to this part: of two hosts that watch each other only the quicker one pings. */
const pingJitter = 0.2;

export class FailureDetector {
  readonly #ports: FailureDetectorPorts;
  readonly #entries = new Map<HostId, Entry>();
  #closed = false;

  constructor(ports: FailureDetectorPorts) {
    this.#ports = ports;
  }

  close(): void {
    this.#closed = true;
    for (const entry of this.#entries.values()) entry.timer?.cancel();
    this.#entries.clear();
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
    return shareAddress(entry.contact, contact) ? contact : entry.contact;
  }

  /** Confirmed dead, away or gone for good: nobody expects an answer from it. */
  isDown(host: HostId): boolean {
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
    const { minimumTimeout, maximumTimeout } = this.#ports.timers;
    const entry = this.#entries.get(host);
    return entry ? entry.roundTrip.timeout(0, minimumTimeout, maximumTimeout) : minimumTimeout;
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
  watch(contacts: ReadonlyMap<HostId, Contact>): void {
    for (const [host, entry] of this.#entries) {
      if (entry.watched && !contacts.has(host)) {
        entry.watched = false;
        if (!entry.checking) this.#rest(entry);
      }
    }
    for (const [host, contact] of contacts) {
      const entry = this.#entry(contact);
      if (entry.watched) continue;
      entry.watched = true;
      if (this.isDown(host) || entry.checking) continue;
      const { pingInterval } = this.#ports.timers;
      this.#schedule(entry, pingInterval * this.#ports.random.next());
    }
  }

  /** Any authenticated packet from the host: it lives. */
  heard(contact: Contact, roundTrip?: Milliseconds): void {
    const known = this.#entries.get(contact.host);
    // What others said since it was last heard stands in the entry, and perhaps not in the pointers to it, or the reverse.
    const isCertain = known?.liveness === 'alive' && known.lastHeard !== null;
    const entry = this.#entry(contact);
    const before = entry.contact;
    if (contact.addresses.length > 0) entry.contact = contact;
    entry.lastHeard = this.#ports.clock.now();
    entry.misses = 0;
    if (roundTrip !== undefined) entry.roundTrip.sample(roundTrip);
    if (!isCertain || !shareAddress(before, entry.contact)) this.#ports.moved(entry.contact);
    if (entry.liveness === 'alive') return;
    this.#turn(entry, 'alive');
    if (entry.watched && !entry.checking) this.#schedule(entry, this.#pause());
  }

  /** The host said so itself, or an authenticated event tells it. */
  declare(contact: Contact, liveness: 'away' | 'left'): void {
    const entry = this.#entry(contact);
    if (entry.liveness === liveness) return;
    this.#turn(entry, liveness);
    this.#settle(entry);
  }

  /** Something else found it silent: check now instead of at the next ping. */
  suspect(contact: Contact): void {
    this.confirm(contact, () => {});
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
        liveness: 'alive',
        lastHeard: null,
        lastPinged: Number.NEGATIVE_INFINITY,
        roundTrip: new RoundTrip(),
        misses: 0,
        missingSince: 0,
        checking: false,
        checks: 0,
        watched: false,
        timer: null,
        waiting: [],
      };
      if (this.#entries.size >= maximumHosts) this.#forgetOne();
      this.#entries.set(contact.host, entry);
    } else if (contact.addresses.length > 0 && (entry.liveness !== 'alive' || entry.lastHeard === null)) {
      // Hearsay may be older than what the host said itself: it counts while that leads nowhere.
      entry.contact = contact;
    }
    return entry;
  }

  #forgetOne(): void {
    const idle = [...this.#entries].filter(([, entry]) => !entry.watched && !entry.checking);
    const [host] = idle.find(([each, { lastHeard }]) => lastHeard === null || this.isDown(each)) ?? idle[0] ?? [];
    if (host !== undefined) this.#entries.delete(host);
  }

  #schedule(entry: Entry, delay: Milliseconds): void {
    entry.timer?.cancel();
    entry.timer = this.#ports.clock.after(delay, () => {
      entry.timer = null;
      const rest = this.#mayRest(entry);
      if (rest > 0) this.#schedule(entry, rest);
      else this.#check(entry);
    });
  }

  /** For how long what was heard makes a ping needless. Two hosts that watch each other so ping in turns. */
  #mayRest(entry: Entry): Milliseconds {
    const { clock, timers } = this.#ports;
    const now = clock.now();
    if (entry.checking || entry.lastHeard === null) return 0;
    if (now - entry.lastPinged >= intervalsPerMeasurement * timers.pingInterval) return 0;
    return entry.lastHeard + this.#pause() - now;
  }

  #pause(): Milliseconds {
    return this.#ports.timers.pingInterval * (1 - pingJitter * this.#ports.random.next());
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
    entry.lastPinged = sent;
    const timeout = entry.roundTrip.timeout(entry.misses, timers.minimumTimeout, timers.maximumTimeout);
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
      if (entry.misses >= timers.missedPings) return this.#askHelpers(entry);
      const wait = result === 'unreachable' ? timers.pingInterval * fastRetryPart : 0;
      this.#schedule(entry, wait);
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
    helpers.sort((a, b) => Number(b.watched) - Number(a.watched));
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
      const deadline = this.timeout(helper.contact.host) + 2 * timers.minimumTimeout;
      network.ask(helper.contact, 'probe', { hosts: [entry.contact] }, deadline, (result) => {
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

  /** Whoever waits for the outcome of a check is told; the next ping is a new one. */
  #settle(entry: Entry): void {
    entry.checking = false;
    entry.misses = 0;
    const waiting = entry.waiting;
    entry.waiting = [];
    for (const done of waiting) done(this.isDown(entry.contact.host));
    if (entry.watched && !this.isDown(entry.contact.host) && !entry.checking) {
      this.#schedule(entry, this.#pause());
    }
  }

  #turn(entry: Entry, liveness: Liveness): void {
    const before = entry.liveness;
    entry.liveness = liveness;
    if (liveness === 'dead' || liveness === 'away' || liveness === 'left') this.#rest(entry);
    if (before !== liveness && liveness !== 'suspected') {
      if (!(before === 'suspected' && liveness === 'alive')) this.#ports.changed(entry.contact, liveness);
    }
  }
}
