/**
 * Recently seen owner arcs, so that the thousand blocks of a file cost a lookup per arc and not per block. A stale arc
 * costs a replica in the wrong place, which repair moves; so arcs are kept for 2 s and dropped when neighbours change.
 */

import { type Clock, type Contact, inOwnedArc, type Milliseconds, nextId, type RingId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { Semaphore } from '../flow/semaphore.ts';
import { UnresponsivePeers } from '../network/unresponsive-peers.ts';
import type { RingView } from '../records/ring-view.ts';
import { distinctZones } from '../records/zone-order.ts';
import { hostsBehind } from './placement.ts';

const maxAgeMilliseconds = 2000;
/** 64 virtual nodes of 64 hosts; beyond this the cache is cleared. */
const maxArcs = 4096;
/** A cell of key space meets about 50 arcs in a ring of ten thousand hosts with 20 virtual nodes each. */
const maxArcsOfRange = 256;
/** Concurrent lookups; queued ones are usually answered by an earlier one's arc. */
const maxLookups = 8;
/** Readers fall back to hosts outside the places, in turn; this many is a whole small network. */
const maxFallbackHosts = 64;
/** Lookups on a healthy ring take a few milliseconds: after this readers use a guess, and the slot serves another. */
const slowMilliseconds: Milliseconds = 200;
/** Silent owners are found dead and replaced within a few seconds, even on a busy machine. */
const recoveryMilliseconds: Milliseconds = 12_000;
const pauseMilliseconds: Milliseconds = 100;

interface Arc {
  readonly start: RingId;
  readonly end: RingId;
  /** The places first. */
  readonly hosts: readonly Contact[];
  readonly wanted: number;
  readonly until: Milliseconds;
}

type SeenRing = Pick<
  RingView,
  'self' | 'shape' | 'locate' | 'stateOf' | 'isDead' | 'mayHold' | 'hosts' | 'nearby' | 'onChange'
>;

export class PlacementCache {
  readonly #view: SeenRing;
  readonly #clock: Clock;
  readonly #unresponsivePeers: Pick<UnresponsivePeers, 'isSilent'>;
  /** Sorted by `end`, which is unique. */
  #arcs: Arc[] = [];
  #generation = 0;
  readonly #lookups = new Semaphore(maxLookups);
  readonly #stopListening: () => void;
  #others: PlacementCache | null = null;

  constructor(
    view: SeenRing,
    clock: Clock,
    unresponsivePeers: Pick<UnresponsivePeers, 'isSilent'> = new UnresponsivePeers(clock),
  ) {
    this.#view = view;
    this.#clock = clock;
    this.#unresponsivePeers = unresponsivePeers;
    this.#stopListening = view.onChange(() => this.clear());
  }

  close(): void {
    this.#stopListening();
    this.#others?.close();
  }

  /** The same of the ring without this host. */
  get withoutSelf(): PlacementCache {
    this.#others ??= new PlacementCache(ringOfOthers(this.#view), this.#clock, this.#unresponsivePeers);
    return this.#others;
  }

  clear(): void {
    this.#others?.clear();
    this.#arcs = [];
    this.#generation += 1;
  }

  /** The `wanted` distinct hosts that are places of the key, the owner's first; fewer only when the ring has fewer. */
  async places(key: RingId, wanted: number): Promise<readonly Contact[]> {
    return (await this.#hosts(key, wanted)).slice(0, wanted);
  }

  /** The places of all keys from `first` to `last`, inclusive: those of each arc in between, without repetition. */
  async placesOfRange(first: RingId, last: RingId, wanted: number): Promise<readonly Contact[]> {
    const places = (await this.placesOfArcs(first, last, wanted)).flat();
    return [...new Map(places.map((contact) => [contact.host, contact])).values()];
  }

  /** The places of the keys of each arc from `first` to `last`. */
  async placesOfArcs(first: RingId, last: RingId, wanted: number): Promise<readonly (readonly Contact[])[]> {
    const { bits } = this.#view.shape;
    const places: (readonly Contact[])[] = [];
    let key = first;
    for (let arcs = 0; arcs < maxArcsOfRange; arcs++) {
      const arc = await this.#arcOf(key, wanted);
      places.push(arc.hosts.slice(0, wanted));
      if (key === last || (key !== arc.end && inOwnedArc(key, last, arc.end))) break;
      key = nextId(arc.end, bits);
    }
    return places;
  }

  /** The places, then the hosts after them, then every other known live host: where a replica may be found or put. */
  async candidates(key: RingId, wanted: number): Promise<readonly Contact[]> {
    const near = await this.#hosts(key, wanted);
    const named = new Set(near.map(({ host }) => host));
    const others = this.#view.hosts().filter(({ host }) => !named.has(host) && !this.#view.isDead(host));
    return [...near, ...others.slice(0, maxFallbackHosts)];
  }

  /**
   * The candidates for writers: while an owner is silent and not yet known to be dead, waits until the ring has
   * repaired, so that replicas do not go where no one looks for them. Rejects with `too-few-copies` when that takes too
   * long.
   */
  async writable(key: RingId, wanted: number): Promise<readonly Contact[]> {
    const end = this.#clock.now() + recoveryMilliseconds;
    for (;;) {
      try {
        return await this.candidates(key, wanted);
      } catch (error) {
        if (!(error instanceof ChordialError) || error.code !== 'timeout') throw error;
        if (this.#clock.now() >= end) throw notRecovered(error);
      }
      await new Promise<void>((resolve) => this.#clock.after(pauseMilliseconds, resolve));
    }
  }

  /**
   * For readers. While no owner can be confirmed, since it is silent and not yet known to be dead, replicas are where
   * they were: at the hosts after the key as known here. These must not be used to conclude absence.
   */
  async likely(key: RingId, wanted: number): Promise<{ hosts: readonly Contact[]; isConfirmed: boolean }> {
    if (this.#find(key, wanted) === null && this.#isOwnerSilent(key)) return this.#guess(key);
    const slow = Promise.withResolvers<null>();
    const timer = this.#clock.after(slowMilliseconds, () => slow.resolve(null));
    try {
      const confirmed = await Promise.race([this.candidates(key, wanted), slow.promise]);
      return confirmed === null ? this.#guess(key) : { hosts: confirmed, isConfirmed: true };
    } finally {
      timer.cancel();
    }
  }

  #isOwnerSilent(key: RingId): boolean {
    const [owner] = this.#view.nearby(key, 1);
    return owner !== undefined && this.#unresponsivePeers.isSilent(owner.host);
  }

  #guess(key: RingId): { hosts: readonly Contact[]; isConfirmed: boolean } {
    const hosts = this.#view.hosts();
    const spoke = new Set(hosts.map(({ host }) => host));
    const near = this.#view.nearby(key);
    const rumoured = near.filter(({ host }) => !spoke.has(host));
    // In a small network each host has contacted this one: one known only from others is most likely made up.
    const isLarge = hosts.length > maxFallbackHosts;
    const known = near.filter(({ host }) => spoke.has(host));
    const live = (isLarge ? [...near, ...hosts] : [...known, ...hosts, ...rumoured]).filter(
      ({ host }) => !this.#view.isDead(host),
    );
    const distinct = new Map(live.map((contact) => [contact.host, contact]));
    return { hosts: [...distinct.values()].slice(0, maxFallbackHosts), isConfirmed: false };
  }

  async #hosts(key: RingId, wanted: number): Promise<readonly Contact[]> {
    return (await this.#arcOf(key, wanted)).hosts;
  }

  async #arcOf(key: RingId, wanted: number): Promise<Arc> {
    const known = this.#find(key, wanted);
    if (known !== null) return known;
    const release = await this.#lookupSlot();
    // Waiting for a silent owner must not block all other lookups.
    const timer = this.#clock.after(slowMilliseconds, release);
    try {
      const found = this.#find(key, wanted);
      return found ?? (await this.#lookUp(key, wanted));
    } finally {
      timer.cancel();
      release();
    }
  }

  async #lookUp(key: RingId, wanted: number): Promise<Arc> {
    const generation = this.#generation;
    const located = await this.#view.locate(key);
    const hosts = distinctZones(await hostsBehind(located, wanted, this.#view));
    const until = this.#clock.now() + maxAgeMilliseconds;
    // What was learned before a change of neighbours may be stale: used once, not kept.
    const arc = { start: located.predecessor.id, end: located.owner.id, hosts, wanted, until };
    if (generation === this.#generation) this.#keep(arc);
    return arc;
  }

  #find(key: RingId, wanted: number): Arc | null {
    const arc = this.#arcs[this.#indexOf(key)] ?? this.#arcs[0];
    if (arc === undefined || arc.until < this.#clock.now() || arc.wanted < wanted) return null;
    return inOwnedArc(arc.start, key, arc.end) ? arc : null;
  }

  #keep(arc: Arc): void {
    if (this.#arcs.length >= maxArcs) this.#arcs = [];
    const index = this.#indexOf(arc.end);
    this.#arcs.splice(index, this.#arcs[index]?.end === arc.end ? 1 : 0, arc);
  }

  /** The first arc that ends at or after the key. */
  #indexOf(key: RingId): number {
    let low = 0;
    let high = this.#arcs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#arcs[middle]!.end < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Resolves with a function that releases the slot, idempotent. */
  async #lookupSlot(): Promise<() => void> {
    await this.#lookups.take();
    let isHeld = true;
    return () => {
      if (isHeld) this.#lookups.give();
      isHeld = false;
    };
  }
}

/** The ring as it is when this host has gone. */
function ringOfOthers(view: SeenRing): SeenRing {
  const isOther = ({ host }: Contact): boolean => host !== view.self.host;
  return {
    self: view.self,
    shape: view.shape,
    locate: (key) => view.locate(key),
    stateOf: (member) => view.stateOf(member),
    isDead: (host) => view.isDead(host),
    mayHold: (host) => host !== view.self.host && view.mayHold(host),
    hosts: () => view.hosts().filter(isOther),
    nearby: (key, most) => view.nearby(key, most === undefined ? most : most + 1).filter(isOther),
    onChange: (listener) => view.onChange(listener),
  };
}

function notRecovered(cause: ChordialError): ChordialError {
  const message = `The ring did not recover within ${recoveryMilliseconds / 1000} s, so no one knows where copies belong: ${cause.message} What is stored already is not sent again.`;
  return new ChordialError('too-few-copies', message, { cause });
}
