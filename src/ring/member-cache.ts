/**
 * Members heard of, sorted by id. A hint: it picks whom to ask first and finds rings to merge with; who is asked
 * answers for itself. Entries leave when their host dies or they say NOT_MEMBER.
 */
import type { RingId } from './identifier.ts';
import type { HostId, MemberPointer } from './pointer.ts';

export class MemberCache {
  readonly #capacity: number;
  readonly #byId: MemberPointer[] = [];
  readonly #ofHost = new Map<HostId, Set<RingId>>();

  /** `capacity` in entries; about 200 bytes each. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#byId.length;
  }

  /** True when the member was not known. */
  insert(pointer: MemberPointer): boolean {
    const at = this.#firstNotBefore(pointer.id);
    const present = this.#byId[at];
    if (present?.id === pointer.id) {
      if (present.contact !== pointer.contact) this.#replace(at, present, pointer);
      return false;
    }
    if (this.#byId.length >= this.#capacity) return false;
    this.#byId.splice(at, 0, pointer);
    this.#note(pointer);
    return true;
  }

  has(id: RingId): boolean {
    return this.#byId[this.#firstNotBefore(id)]?.id === id;
  }

  removeMember(id: RingId): void {
    const at = this.#firstNotBefore(id);
    const present = this.#byId[at];
    if (present?.id !== id) return;
    this.#byId.splice(at, 1);
    this.#forget(present);
  }

  removeHost(host: HostId): void {
    for (const id of [...(this.#ofHost.get(host) ?? [])]) this.removeMember(id);
  }

  membersOf(host: HostId): number {
    return this.#ofHost.get(host)?.size ?? 0;
  }

  membersAt(host: HostId): readonly MemberPointer[] {
    return [...(this.#ofHost.get(host) ?? [])].map((id) => this.#byId[this.#firstNotBefore(id)]!);
  }

  /** The member strictly after `id` in ring order; null when none but `id` itself is known. */
  after(id: RingId): MemberPointer | null {
    if (this.#byId.length === 0) return null;
    let at = this.#firstNotBefore(id);
    if (this.#byId[at]?.id === id) at++;
    const found = this.#byId[at % this.#byId.length]!;
    return found.id === id ? null : found;
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

  #replace(at: number, old: MemberPointer, pointer: MemberPointer): void {
    this.#forget(old);
    this.#byId[at] = pointer;
    this.#note(pointer);
  }

  #note(pointer: MemberPointer): void {
    const ids = this.#ofHost.get(pointer.contact.host);
    if (ids) ids.add(pointer.id);
    else this.#ofHost.set(pointer.contact.host, new Set([pointer.id]));
  }

  #forget(pointer: MemberPointer): void {
    const ids = this.#ofHost.get(pointer.contact.host);
    ids?.delete(pointer.id);
    if (ids?.size === 0) this.#ofHost.delete(pointer.contact.host);
  }
}
