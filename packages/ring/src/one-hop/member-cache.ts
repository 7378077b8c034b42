/**
 * Members heard of, sorted by id. A hint: it picks whom to ask first and finds rings to merge with; who is asked
 * answers for itself. Entries leave when their host dies or they say NOT_MEMBER.
 *
 * It aims at the whole membership and has a bound. Past that the entry whose neighbours stand closest, measured by its
 * distance from this host, makes room: what stays has a density of 1 / distance, as fingers have, so that lookups take
 * O(log N) hops instead of one (Li, Stribling, Morris, Kaashoek: "Bandwidth-efficient management of DHT routing
 * tables", NSDI 2005).
 */
import { distance, type RingId } from '../protocol/identifier.ts';
import type { HostId, MemberPointer } from '../protocol/pointer.ts';
import { MemberCounts } from './member-counts.ts';

/** Which id a host's member has; null when there is no such member. */
export type MemberIdRule = (host: HostId, index: number) => RingId | null;

export interface MemberCacheBounds {
  readonly bits: number;
  /** Entries. */
  readonly capacity: number;
  /** Distances are measured from here. */
  readonly center: RingId;
  /** null where ids are chosen. */
  readonly idOf: MemberIdRule | null;
}

const maxVirtualNodes = 64;
/** Entries looked at to find one that can go. */
const evictionSample = 16;

export class MemberCache {
  readonly #bounds: MemberCacheBounds;
  #byId: MemberPointer[] = [];
  #counts = new MemberCounts();
  /** Changes of hosts before the counts that are kept now. */
  #countedBefore = 0;
  /** Where the next search for an entry that can go begins: all get their turn. */
  #hand = 0;

  constructor(bounds: MemberCacheBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#byId.length;
  }

  /** True when the member was not known and there was room for it. */
  insert(pointer: MemberPointer): boolean {
    if (this.#bounds.capacity === 0) return false;
    const at = this.#firstNotBefore(pointer.id);
    const present = this.#byId[at];
    if (present?.id === pointer.id) {
      this.#byId[at] = pointer;
      if (present.contact.host !== pointer.contact.host) {
        this.#counts.add(present.contact.host, -1);
        this.#counts.add(pointer.contact.host, 1);
      }
      return false;
    }
    this.#byId.splice(at, 0, pointer);
    this.#counts.add(pointer.contact.host, 1);
    if (this.#byId.length <= this.#bounds.capacity) return true;
    const evicted = this.#minUseful(at);
    this.#removeAt(evicted);
    return evicted !== at;
  }

  /** Takes over a list that is sorted by id, as far as there is room, in place of what was known. */
  load(sorted: readonly MemberPointer[]): void {
    this.#countedBefore += this.#counts.hostChanges + 1;
    this.#byId = sorted.slice(0, this.#bounds.capacity);
    this.#counts = MemberCounts.of(this.#byId.length === sorted.length ? sorted : this.#byId);
  }

  has(id: RingId): boolean {
    return this.#byId[this.#firstNotBefore(id)]?.id === id;
  }

  removeMember(id: RingId): void {
    const at = this.#firstNotBefore(id);
    if (this.#byId[at]?.id === id) this.#removeAt(at);
  }

  removeHost(host: HostId): void {
    for (const { id } of this.membersAt(host)) this.removeMember(id);
  }

  /** Grows whenever another host is known, or one no more. */
  get hostChanges(): number {
    return this.#countedBefore + this.#counts.hostChanges;
  }

  knows(host: HostId): boolean {
    return this.#counts.get(host) > 0;
  }

  /** The known members of a host, in no order. */
  membersAt(host: HostId, most = maxVirtualNodes): readonly MemberPointer[] {
    const { idOf } = this.#bounds;
    // Chosen ids follow from nothing; their networks are small.
    if (idOf === null) return this.#byId.filter(({ contact }) => contact.host === host).slice(0, most);
    const found: MemberPointer[] = [];
    for (let index = 0; index < maxVirtualNodes && found.length < most; index++) {
      const id = idOf(host, index);
      if (id === null) break;
      const pointer = this.#byId[this.#firstNotBefore(id)];
      if (pointer?.id === id) found.push(pointer);
    }
    return found;
  }

  /** The member strictly after `id` in ring order; null when none but `id` itself is known. */
  after(id: RingId): MemberPointer | null {
    if (this.#byId.length === 0) return null;
    let at = this.#firstNotBefore(id);
    if (this.#byId[at]?.id === id) at++;
    const found = this.#byId[at % this.#byId.length]!;
    return found.id === id ? null : found;
  }

  /** Up to `count` members at or after `key`, nearest first. */
  from(key: RingId, count: number): MemberPointer[] {
    const found: MemberPointer[] = [];
    const total = this.#byId.length;
    const start = this.#firstNotBefore(key);
    for (let step = 0; step < total && found.length < count; step++) found.push(this.#byId[(start + step) % total]!);
    return found;
  }

  /** Up to `count` members strictly before `key`, closest first. */
  before(key: RingId, count: number): MemberPointer[] {
    const found: MemberPointer[] = [];
    const total = this.#byId.length;
    const start = this.#firstNotBefore(key);
    for (let step = 1; step <= total && found.length < count; step++) {
      found.push(this.#byId[(start - step + total) % total]!);
    }
    return found;
  }

  all(): readonly MemberPointer[] {
    return this.#byId;
  }

  /** Place of the first member at or after `id` in the sorted list; its length when none follows. */
  placeOf(id: RingId): number {
    return this.#firstNotBefore(id);
  }

  #removeAt(place: number): void {
    const [removed] = this.#byId.splice(place, 1);
    if (removed !== undefined) this.#counts.add(removed.contact.host, -1);
  }

  /** Of the newcomer and some others, the one whose gap is smallest beside its distance. */
  #minUseful(newcomer: number): number {
    let least = newcomer;
    let worth = this.#worth(newcomer);
    for (let step = 0; step < evictionSample; step++) {
      // A stride that shares no factor with most sizes spreads the sample over the ring.
      this.#hand = (this.#hand + 7919) % this.#byId.length;
      const other = this.#worth(this.#hand);
      if (other >= worth) continue;
      worth = other;
      least = this.#hand;
    }
    return least;
  }

  #worth(place: number): number {
    const { bits, center } = this.#bounds;
    const total = this.#byId.length;
    const before = this.#byId[(place + total - 1) % total]!.id;
    const after = this.#byId[(place + 1) % total]!.id;
    const { id } = this.#byId[place]!;
    return Number(distance(before, after, bits)) / (Number(distance(center, id, bits)) + 1);
  }

  #firstNotBefore(id: RingId): number {
    let low = 0;
    let high = this.#byId.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#byId[middle]!.id < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
