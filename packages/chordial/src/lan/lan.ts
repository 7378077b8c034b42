/**
 * Finding peers on the local network by DNS-SD, `_chordial._tcp.local` (RFC 6762, 6763). It says that a peer is there and at which port,
 * under a random label, and a tag by which members recognise their network; and it hears what others say. It admits no one:
 * a peer that is found is dialled like any other address, and shows its key.
 */
import type { Clock, Milliseconds, Random, Timer } from '@chordial/ring';
import type { LocalInterface } from '../network/interface-watch.ts';
import { isSameRecord, type LanRecord } from './dns-message.ts';
import { type HeardPeer, HeardPeers } from './heard-peers.ts';
import { Link, type LinkCounts, type LinkSocket, type Received } from './link.ts';
import { dayMilliseconds, type LanDoor, networkTag, randomLabel, recordsOf, type Service } from './service.ts';

export interface LanPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly interfaces: {
    readonly current: readonly LocalInterface[];
    onChange(listener: () => void): () => void;
  };
  open(local: LocalInterface, receive: (received: Received) => void): LinkSocket;
}

/** What is announced. */
export interface Presence {
  readonly networkId: string;
  readonly port: number;
  readonly door?: LanDoor | null;
  /** Whether it is reached at this own address. */
  isReached(address: string): boolean;
}

export interface LinkStatus extends Readonly<LinkCounts> {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly fault: string | null;
}

export const maxLinks = 16;
const maxAddressesPerLink = 8;
/** Not all take the next day's name at the same moment. */
const daySpread: Milliseconds = 600_000;
const lookAtDay: Milliseconds = 600_000;
/** Labels whose records may still come back. */
const rememberedLabels = 4;
/** RFC 6762, 8.1: after so many conflicts in so short a time there is a wait before each further try, until there are none for a while. */
const manyConflicts = 15;
const conflictMilliseconds: Milliseconds = 10_000;
const waitAfterConflicts: Milliseconds = 5000;
const calmMilliseconds: Milliseconds = 60_000;

export class Lan {
  readonly #ports: LanPorts;
  readonly #presence: Presence | null;
  readonly #heard: HeardPeers;
  readonly #links = new Map<string, Link>();
  readonly #listeners = new Set<() => void>();
  readonly #stopWatching: () => void;
  readonly #past: LinkCounts = { sent: 0, received: 0, echoes: 0, dropped: 0 };
  #labels: readonly string[] = [];
  #service: Service | null = null;
  #conflicts: readonly Milliseconds[] = [];
  #slowUntil: Milliseconds = Number.NEGATIVE_INFINITY;
  #midnight: Timer | null = null;
  readonly #dayBegins: Milliseconds;

  /** Without a presence it only listens. */
  constructor(ports: LanPorts, presence: Presence | null) {
    this.#ports = ports;
    this.#presence = presence;
    this.#heard = new HeardPeers(ports);
    this.#dayBegins = ports.random.next() * daySpread;
    this.#stopWatching = ports.interfaces.onChange(() => this.#follow());
    if (presence !== null) {
      this.#rename();
      this.#lookAtDay();
    }
    this.#follow();
  }

  /** Peers heard, each from each source; own announcements are not among them. */
  get heard(): readonly HeardPeer[] {
    return this.#heard.list();
  }

  get links(): readonly LinkStatus[] {
    return [...this.#links.values()].map(({ interface: { name, addresses }, counts, fault }) => {
      return { name, addresses: addresses.map(({ address }) => address), fault, ...counts };
    });
  }

  /** Over all interfaces, those that are gone too. */
  get counts(): Readonly<LinkCounts> {
    const sum = { ...this.#past };
    for (const { counts } of this.#links.values()) add(sum, counts);
    return sum;
  }

  /** Called when peers come, change or take their leave. Returns how to stop listening. */
  onHeard(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#stopWatching();
    this.#midnight?.cancel();
    this.#listeners.clear();
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  /** An interface whose addresses changed is another one: its sockets belong to an address. */
  #follow(): void {
    const wanted = this.#ports.interfaces.current.filter(({ addresses }) =>
      addresses.some(({ address }) => this.#isUsed(address)),
    );
    const chosen = new Map(wanted.slice(0, maxLinks).map((local) => [local.name, local]));
    for (const [name, link] of this.#links) {
      if (JSON.stringify(chosen.get(name)) === JSON.stringify(link.interface)) continue;
      link.close();
      add(this.#past, link.counts);
      this.#links.delete(name);
      this.#heard.forgetLink(name);
      this.#changed();
    }
    for (const [name, local] of chosen) {
      if (!this.#links.has(name)) this.#links.set(name, this.#open(local));
    }
  }

  #open(local: LocalInterface): Link {
    const link = new Link(
      local,
      {
        clock: this.#ports.clock,
        random: this.#ports.random,
        heard: this.#heard,
        isOwn: (record) => this.#ownRecords().some((own) => isSameRecord(own, record)),
        isOwnLabel: (label) => this.#labels.includes(label),
        conflict: () => this.#conflict(),
        changed: () => this.#changed(),
      },
      (receive) => this.#ports.open(local, receive),
    );
    if (this.#service !== null) link.responder.begin(recordsOf(this.#service, this.#addressesOf(local)));
    return link;
  }

  #isUsed(address: string): boolean {
    return !/^fe80:/i.test(address) && (this.#presence?.isReached(address) ?? true);
  }

  #addressesOf({ addresses }: LocalInterface): readonly string[] {
    const used = addresses.map(({ address }) => address).filter((address) => this.#isUsed(address));
    return used.slice(0, maxAddressesPerLink);
  }

  /** On all interfaces: two may be on the same link, where each hears the other. */
  #ownRecords(): readonly LanRecord[] {
    if (this.#service === null) return [];
    return recordsOf(
      this.#service,
      [...this.#links.values()].flatMap((link) => this.#addressesOf(link.interface)),
    );
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Another name everywhere, and the tag of the day. */
  #rename(delay: Milliseconds = 0): void {
    const { clock, random } = this.#ports;
    const { networkId, port, door = null } = this.#presence!;
    const label = randomLabel(random);
    this.#labels = [label, ...this.#labels].slice(0, rememberedLabels);
    this.#service = { label, port, door, tag: networkTag(networkId, clock.wallTime() - this.#dayBegins) };
    for (const link of this.#links.values()) {
      link.responder.begin(recordsOf(this.#service, this.#addressesOf(link.interface)), delay);
    }
  }

  #conflict(): void {
    const now = this.#ports.clock.now();
    this.#conflicts = [...this.#conflicts.filter((at) => now - at < conflictMilliseconds), now].slice(-manyConflicts);
    if (this.#conflicts.length === manyConflicts || now < this.#slowUntil) this.#slowUntil = now + calmMilliseconds;
    this.#rename(now < this.#slowUntil ? waitAfterConflicts : 0);
  }

  /** Clocks are set, and machines sleep over midnight. */
  #lookAtDay(): void {
    const { clock } = this.#ports;
    const now = clock.wallTime() - this.#dayBegins;
    const tag = networkTag(this.#presence!.networkId, now);
    if (this.#service !== null && this.#service.tag !== tag) this.#rename();
    const toMidnight = dayMilliseconds - (now % dayMilliseconds);
    this.#midnight = clock.after(Math.min(lookAtDay, toMidnight), () => this.#lookAtDay());
  }
}

function add(sum: LinkCounts, counts: LinkCounts): void {
  sum.sent += counts.sent;
  sum.received += counts.received;
  sum.echoes += counts.echoes;
  sum.dropped += counts.dropped;
}
