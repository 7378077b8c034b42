/**
 * Which peers are heard on the LAN. All of it is hearsay: anybody there can make up a thousand of them, so the table is bounded, each
 * address from which something comes pays for what it says, and no entry can be changed from another address.
 */
import type { Clock, Milliseconds, Random } from '@chordial/ring';
import type { LanMessage, LanQuestion, LanRecord } from './dns-message.ts';
import { doorIn, instanceName, type LanDoor, labelOf, serviceType, tagIn } from './service.ts';

/** One instance as one source describes it. */
export interface HeardPeer {
  readonly label: string;
  /** Name of the interface. */
  readonly link: string;
  /** Address (without port) of the sender. */
  readonly source: string;
  /** Of its network; null until known. */
  readonly tag: string | null;
  /** Where people who are no members come in; null without one. */
  readonly door: LanDoor | null;
  readonly port: number;
  /** Addresses without port on the same link, at most `maxAddressesPerPeer`. */
  readonly addresses: readonly string[];
}

export interface Hearing {
  readonly link: string;
  readonly source: string;
  isOnLink(address: string): boolean;
  /** Own names, which come back. */
  isOwn(label: string): boolean;
}

export const maxHeard = 1024;
export const maxHeardPerSource = 32;
export const maxAddressesPerPeer = 4;
/** Of one message. */
const maxTaken = 16;
const maxTtlSeconds = 4500;
/** RFC 6762, 10.1: a farewell holds after a second. */
const farewellMilliseconds: Milliseconds = 1000;
/** RFC 6762, 5.2: asked again at 80, 85, 90 and 95 % of its time, and up to 2 % later. */
const refreshShares = [0.8, 0.85, 0.9, 0.95] as const;
const refreshSpread = 0.02;
const maxKnownAnswers = 12;
const maxRefreshed = 12;

interface Entry {
  peer: HeardPeer;
  heardAt: Milliseconds;
  until: Milliseconds;
  /** When to ask again; the first of what is left. */
  refreshAt: readonly Milliseconds[];
  /** Of its entry in the list of the service. */
  listed: { readonly ttl: number; readonly until: Milliseconds } | null;
}

export class HeardPeers {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #random: Random;
  /** By source and link, then by label. */
  readonly #sources = new Map<string, Map<string, Entry>>();
  #size = 0;

  constructor({ clock, random }: { readonly clock: Pick<Clock, 'now'>; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  list(): readonly HeardPeer[] {
    this.#expire();
    return [...this.#entries()].map(({ peer }) => peer);
  }

  /** Whether anything is new, different or about to end. */
  take(message: LanMessage, hearing: Hearing): boolean {
    if (!message.isResponse) return false;
    this.#expire();
    const records = [...message.answers, ...message.additionals];
    let changed = false;
    let taken = 0;
    for (const record of records) {
      if (taken === maxTaken) break;
      const label = record.type === 'SRV' ? labelOf(record.name) : null;
      if (record.type !== 'SRV' || label === null || hearing.isOwn(label)) continue;
      taken += 1;
      changed = this.#located(label, record, records, hearing) || changed;
    }
    for (const record of records.slice(0, maxTaken * 2)) {
      if (record.type === 'PTR' && record.name === serviceType) changed = this.#listed(record, hearing) || changed;
      if (record.type === 'TXT') changed = this.#described(record, hearing) || changed;
    }
    return changed;
  }

  /** What need not be said again when this peer asks who is there. */
  knownAnswers(link: string): readonly LanRecord[] {
    const now = this.#clock.now();
    const known = new Map<string, LanRecord>();
    for (const { peer, listed } of this.#entries()) {
      if (known.size === maxKnownAnswers) break;
      const left = listed === null ? 0 : Math.floor((listed.until - now) / 1000);
      if (peer.link !== link || listed === null || left < listed.ttl / 2) continue;
      const data = instanceName(peer.label);
      known.set(data, { name: serviceType, ttl: left, isUnique: false, type: 'PTR', data });
    }
    return [...known.values()];
  }

  /** What is about to end and should be asked for; `within` a time, so that several go with one question. */
  toRefresh(link: string, within: Milliseconds): readonly LanQuestion[] {
    const due = this.#clock.now() + within;
    const labels = new Set<string>();
    for (const entry of this.#entries()) {
      if (entry.peer.link !== link || (entry.refreshAt[0] ?? Number.POSITIVE_INFINITY) > due) continue;
      if (!labels.has(entry.peer.label) && labels.size === maxRefreshed) continue;
      labels.add(entry.peer.label);
      entry.refreshAt = entry.refreshAt.filter((at) => at > due);
    }
    return [...labels].flatMap((label) => ['SRV', 'TXT'].map((type) => ({ name: instanceName(label), type })));
  }

  /** When something on this link is to be asked again; null for never. */
  nextRefresh(link: string): Milliseconds | null {
    let next: Milliseconds | null = null;
    for (const { peer, refreshAt } of this.#entries()) {
      const at = refreshAt[0];
      if (peer.link === link && at !== undefined && (next === null || at < next)) next = at;
    }
    return next;
  }

  /** The interface is gone. */
  forgetLink(link: string): void {
    for (const [key, entries] of this.#sources) {
      if (!key.startsWith(`${link} `)) continue;
      this.#size -= entries.size;
      this.#sources.delete(key);
    }
  }

  *#entries(): Iterable<Entry> {
    for (const entries of this.#sources.values()) yield* entries.values();
  }

  #of({ link, source }: Hearing): Map<string, Entry> | undefined {
    return this.#sources.get(`${link} ${source}`);
  }

  #located(
    label: string,
    record: LanRecord & { readonly type: 'SRV' },
    records: readonly LanRecord[],
    hearing: Hearing,
  ): boolean {
    const known = this.#of(hearing)?.get(label);
    const now = this.#clock.now();
    const { port, target } = record.data;
    if (record.ttl === 0) return known !== undefined && this.#ends(known);
    if (port === 0) return false;
    const given = records.flatMap((one) => {
      const isAddress = (one.type === 'A' || one.type === 'AAAA') && one.name === target && one.ttl > 0;
      return isAddress && hearing.isOnLink(one.data) ? [one.data] : [];
    });
    const before = known?.peer;
    const itself = isLinkLocal(hearing.source) ? [] : [hearing.source];
    const addresses =
      given.length > 0 ? [...new Set(given)].slice(0, maxAddressesPerPeer) : (before?.addresses ?? itself);
    const { link, source } = hearing;
    const peer: HeardPeer = {
      label,
      link,
      source,
      tag: before?.tag ?? null,
      door: before?.door ?? null,
      port,
      addresses,
    };
    const time = Math.min(record.ttl, maxTtlSeconds) * 1000;
    const refreshAt = refreshShares.map((share) => now + time * (share + this.#random.next() * refreshSpread));
    const entry = known ?? this.#room(label, hearing);
    if (entry === null) return false;
    Object.assign(entry, { peer, heardAt: now, until: now + time, refreshAt });
    return before === undefined || before.port !== port || before.addresses.join() !== addresses.join();
  }

  #listed(record: LanRecord & { readonly type: 'PTR' }, hearing: Hearing): boolean {
    const label = labelOf(record.data);
    const entry = label === null ? undefined : this.#of(hearing)?.get(label);
    if (entry === undefined) return false;
    if (record.ttl === 0) return this.#ends(entry);
    const ttl = Math.min(record.ttl, maxTtlSeconds);
    entry.listed = { ttl, until: this.#clock.now() + ttl * 1000 };
    return false;
  }

  #described(record: LanRecord & { readonly type: 'TXT' }, hearing: Hearing): boolean {
    const label = labelOf(record.name);
    const entry = label === null ? undefined : this.#of(hearing)?.get(label);
    const tag = tagIn(record.data);
    if (entry === undefined || record.ttl === 0) return false;
    const door = doorIn(record.data);
    const { tag: before, door: doorBefore } = entry.peer;
    if (before === tag && JSON.stringify(doorBefore) === JSON.stringify(door)) return false;
    entry.peer = { ...entry.peer, tag, door };
    return true;
  }

  #ends(entry: Entry): boolean {
    entry.until = Math.min(entry.until, this.#clock.now() + farewellMilliseconds);
    entry.refreshAt = [];
    return true;
  }

  /** A new entry; null if its source has enough. When all is full, the source with the most gives up its oldest. */
  #room(label: string, hearing: Hearing): Entry | null {
    const own = this.#of(hearing) ?? new Map<string, Entry>();
    if (own.size >= maxHeardPerSource) return null;
    if (this.#size >= maxHeard) this.#evict();
    const entry = { peer: unknown, heardAt: 0, until: 0, refreshAt: [], listed: null };
    own.set(label, entry);
    this.#sources.set(`${hearing.link} ${hearing.source}`, own);
    this.#size += 1;
    return entry;
  }

  #evict(): void {
    let most: Map<string, Entry> | null = null;
    for (const entries of this.#sources.values()) if (entries.size > (most?.size ?? 0)) most = entries;
    let oldest: Entry | null = null;
    for (const entry of most?.values() ?? []) if (oldest === null || entry.heardAt < oldest.heardAt) oldest = entry;
    if (oldest !== null) this.#drop(oldest.peer);
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const { peer, until } of this.#entries()) if (until <= now) this.#drop(peer);
  }

  #drop({ link, source, label }: HeardPeer): void {
    const key = `${link} ${source}`;
    const entries = this.#sources.get(key);
    if (entries?.delete(label) === true) this.#size -= 1;
    if (entries?.size === 0) this.#sources.delete(key);
  }
}

const unknown: HeardPeer = { label: '', link: '', source: '', tag: null, door: null, port: 0, addresses: [] };

/** Without its interface such an address leads nowhere, and addresses of peers have none. */
function isLinkLocal(address: string): boolean {
  return /^fe80:/i.test(address);
}
