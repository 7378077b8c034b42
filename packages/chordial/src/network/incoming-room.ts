/** Which incoming connections stay when there are too many: of strangers, and of hosts that have completed HELLO. */
import { isIPv6 } from 'node:net';
import type { HostId } from '@chordial/ring';
import { TokenBucket } from '../flow/token-bucket.ts';
import { isLoopback, withoutMapping } from './addresses.ts';
import { BoundedCache } from './bounded-cache.ts';
import {
  crowdedHandshakeMilliseconds,
  crowdedStrangers,
  handshakeRate,
  idleIncomingMilliseconds,
  knownHandshakeRate,
  maxConnectionsPerHost,
  maxIncomingSessions,
  maxStrangers,
  maxStrangersPerAddress,
  maxStrangersPerKnownAddress,
  neighbourSessions,
} from './connection-limits.ts';

/** Kinds of addresses: anyone behind a forwarder, a known member's home, or unknown. */
type Standing = 'here' | 'known' | 'unknown';

export interface Stranger {
  /** Our side of a TLS handshake was sent: a signature was made. */
  readonly isCostly: boolean;
  /** Its socket is closed and it is removed here. */
  close(): void;
}

interface Waiting {
  readonly stranger: Stranger;
  readonly address: string;
  readonly since: number;
}

/** Addresses with remembered handshakes, and whether a member came from there. */
const maxAddressesRemembered = 4096;

/**
 * Connections before HELLO. There is little room and every newcomer gets some, at the cost of the one that has waited
 * longest at the address with the most: a member needs milliseconds, so a waiting one is most likely none. One that has
 * not started TLS is closed before one that has.
 */
export class Strangers {
  readonly #now: () => number;
  /** Oldest first. */
  readonly #waiting = new Map<Stranger, Waiting>();
  readonly #known = new BoundedCache<string, true>(maxAddressesRemembered);
  readonly #handshakes = new BoundedCache<string, TokenBucket>(maxAddressesRemembered);
  readonly #ofUnknown: TokenBucket;

  /** @param now monotonic milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#ofUnknown = new TokenBucket(knownHandshakeRate, now);
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * False: too many handshakes from there failed, so no more are processed now. Each is counted when it starts, since
   * the work is done before its purpose is known.
   */
  enter(stranger: Stranger, remoteAddress: string): boolean {
    const now = this.#now();
    const address = networkOf(remoteAddress);
    const allowances = this.#allowances(address);
    if (!allowances.every(({ left }) => left >= 1)) return false;
    for (const allowance of allowances) allowance.take();
    this.#waiting.set(stranger, { stranger, address, since: now });
    const ofAddress = this.#at(address);
    if (ofAddress.length > this.#maxAt(address)) this.#closeOneOf(ofAddress, stranger);
    else if (this.#waiting.size > maxStrangers) this.#closeOneOf(this.#ofTheMost(), stranger);
    this.sweep();
    return true;
  }

  /** It completed HELLO and was admitted. */
  greeted(stranger: Stranger, remoteAddress: string): void {
    this.#waiting.delete(stranger);
    this.#giveBack(remoteAddress);
    const address = networkOf(remoteAddress);
    if (this.#standing(address) === 'unknown') this.#handshakes.delete(address);
    this.#known.set(address, true);
  }

  /** Its connection has ended. */
  leave(stranger: Stranger, remoteAddress: string): void {
    this.#waiting.delete(stranger);
    if (!stranger.isCostly) this.#giveBack(remoteAddress);
  }

  /** Those over their time limit while many wait. */
  sweep(): void {
    if (this.#waiting.size < crowdedStrangers) return;
    const before = this.#now() - crowdedHandshakeMilliseconds;
    for (const waiting of [...this.#waiting.values()]) if (waiting.since < before) this.#close(waiting);
  }

  #standing(address: string): Standing {
    if (address === here) return 'here';
    return this.#known.get(address) === undefined ? 'unknown' : 'known';
  }

  #maxAt(address: string): number {
    const most = {
      here: maxStrangers,
      known: maxStrangersPerKnownAddress,
      unknown: maxStrangersPerAddress,
    };
    return most[this.#standing(address)];
  }

  /** Its own budget, and for an address without members the shared one. */
  #allowances(address: string): readonly TokenBucket[] {
    const isUnknown = this.#standing(address) === 'unknown';
    const known = this.#handshakes.get(address);
    const own = known ?? new TokenBucket(isUnknown ? handshakeRate : knownHandshakeRate, this.#now);
    if (known === undefined) this.#handshakes.set(address, own);
    return isUnknown ? [own, this.#ofUnknown] : [own];
  }

  #at(address: string): readonly Waiting[] {
    return [...this.#waiting.values()].filter((waiting) => waiting.address === address);
  }

  #giveBack(remoteAddress: string): void {
    for (const allowance of this.#allowances(networkOf(remoteAddress))) allowance.giveBack();
  }

  /** Those of the address with the most of them. */
  #ofTheMost(): readonly Waiting[] {
    const counts = new Map<string, number>();
    for (const { address } of this.#waiting.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
    const most = Math.max(...counts.values());
    return this.#at([...counts].find(([, count]) => count === most)?.[0] ?? '');
  }

  /** The oldest of them, not the newcomer itself. */
  #closeOneOf(crowd: readonly Waiting[], newcomer: Stranger): void {
    const others = crowd.filter(({ stranger }) => stranger !== newcomer);
    this.#close(others.find(({ stranger }) => !stranger.isCostly) ?? others[0]);
  }

  #close(waiting: Waiting | undefined): void {
    if (waiting === undefined) return;
    this.#waiting.delete(waiting.stranger);
    waiting.stranger.close();
  }
}

/** All of this machine: anyone may be behind a forwarder on it. */
const here = 'this machine';

/** What one customer commonly gets: an IPv4 address, or the /64 of an IPv6 address. */
export function networkOf(remoteAddress: string): string {
  const address = withoutMapping(remoteAddress);
  if (isLoopback(address)) return here;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const before = head.split(':').filter((part) => part !== '');
  const after = (tail ?? '').split(':').filter((part) => part !== '');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const parts = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `${parts
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(':')}::/64`;
}

/** A connection that has completed HELLO. */
export interface Guest {
  readonly host: HostId;
  /** A request is being answered. */
  readonly isBusy: boolean;
  /** Time of its last request, as `now` above. */
  readonly lastUsed: number;
  /** Gracefully; it is removed here. */
  close(): void;
  /** At once, with everything in progress. */
  end(): void;
}

/** Connections of members: a few per host, most of them reserved for ring neighbours. */
export class Guests {
  readonly #now: () => number;
  readonly #isNeighbour: (host: HostId) => boolean;
  readonly #guests = new Map<HostId, Guest[]>();
  #size = 0;

  constructor(isNeighbour: (host: HostId) => boolean, now: () => number = () => performance.now()) {
    this.#isNeighbour = isNeighbour;
    this.#now = now;
  }

  get size(): number {
    return this.#size;
  }

  /** False: all are busy. */
  enter(guest: Guest): boolean {
    const same = this.#guests.get(guest.host) ?? [];
    // A host needs two. Further ones are left over from before it moved, or are malicious.
    const [oldest] = same;
    if (same.length >= maxConnectionsPerHost && oldest !== undefined) this.#close(oldest);
    const most = maxIncomingSessions - (this.#isNeighbour(guest.host) ? 0 : neighbourSessions);
    if (this.#size >= most) {
      const leaving = this.#minUsed();
      if (leaving === null) return false;
      this.#close(leaving);
    }
    const now = this.#guests.get(guest.host) ?? [];
    this.#guests.set(guest.host, [...now, guest]);
    this.#size += 1;
    return true;
  }

  leave(guest: Guest): void {
    const same = this.#guests.get(guest.host);
    if (same === undefined || !same.includes(guest)) return;
    this.#size -= 1;
    const left = same.filter((one) => one !== guest);
    if (left.length > 0) this.#guests.set(guest.host, left);
    else this.#guests.delete(guest.host);
  }

  /** All of a host that may no longer be here. */
  expel(host: HostId): void {
    for (const guest of this.#guests.get(host) ?? []) {
      this.leave(guest);
      guest.end();
    }
  }

  /** Those that have been idle for long. */
  sweep(): void {
    const before = this.#now() - idleIncomingMilliseconds;
    for (const guest of [...this.#guests.values()].flat()) {
      if (!guest.isBusy && guest.lastUsed < before) this.#close(guest);
    }
  }

  #minUsed(): Guest | null {
    let found: Guest | null = null;
    for (const [host, guests] of this.#guests) {
      for (const guest of guests) {
        if (guest.isBusy || (found !== null && found.lastUsed <= guest.lastUsed)) continue;
        if (!this.#isNeighbour(host)) found = guest;
      }
    }
    return found;
  }

  #close(guest: Guest): void {
    this.leave(guest);
    guest.close();
  }
}
