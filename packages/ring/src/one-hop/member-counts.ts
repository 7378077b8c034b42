/** How many members are known of each host. */
import type { HostId, MemberPointer } from '../protocol/pointer.ts';

/** Of a list from which many hosts begin: counted once for all of them. */
const counted = new WeakMap<readonly MemberPointer[], ReadonlyMap<HostId, number>>();
const noHosts: ReadonlyMap<HostId, number> = new Map();

export class MemberCounts {
  readonly #atFirst: ReadonlyMap<HostId, number>;
  /** By which the counts differ from those at first. */
  readonly #changes = new Map<HostId, number>();
  #hostChanges = 0;

  constructor(atFirst: ReadonlyMap<HostId, number> = noHosts) {
    this.#atFirst = atFirst;
  }

  /** Those of a list that no one changes any more. */
  static of(members: readonly MemberPointer[]): MemberCounts {
    const known = counted.get(members);
    if (known !== undefined) return new MemberCounts(known);
    const counts = new Map<HostId, number>();
    for (const { contact } of members) counts.set(contact.host, (counts.get(contact.host) ?? 0) + 1);
    counted.set(members, counts);
    return new MemberCounts(counts);
  }

  /** Grows whenever a first member of a host comes or its last one goes. */
  get hostChanges(): number {
    return this.#hostChanges;
  }

  get(host: HostId): number {
    return (this.#atFirst.get(host) ?? 0) + (this.#changes.get(host) ?? 0);
  }

  add(host: HostId, more: number): void {
    const change = (this.#changes.get(host) ?? 0) + more;
    if (change === 0) this.#changes.delete(host);
    else this.#changes.set(host, change);
    const now = this.get(host);
    if (now === 0 || now === more) this.#hostChanges += 1;
  }
}
