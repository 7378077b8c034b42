/**
 * The finger table of one member: finger[i] = successor(me + 2^i), exact once looked up. Fingers are not part of
 * correctness: a wrong one costs hops. Those that fall inside the successor list are read from it and always exact.
 *
 * On host networks up to 16 members of each interval [me + 2^i, me + 2^(i+1)) stand beside the exact finger; routing
 * takes the one with the shortest round trip (PNS-16: Gummadi et al. 2003 find 16 samples near-ideal).
 */
import { between, distance, fingerStart, inOwnedArc, type RingId } from '../protocol/identifier.ts';
import type { MemberState } from '../protocol/member-state.ts';
import { isMember, type MemberPointer } from '../protocol/pointer.ts';
import { listCovers } from '../protocol/successor-list.ts';

const proximityCandidates = 16;

export class Fingers {
  readonly #me: RingId;
  readonly #bits: number;
  readonly #exact: (MemberPointer | null)[];
  readonly #near: (MemberPointer[] | undefined)[] = [];
  /** The few members that stand in `#exact`, each once: every FIND asks all members of a host for them. */
  #distinct: readonly MemberPointer[] | null = null;
  /** Made when the table is first shown: a large simulation shows none, and they take some 20 kB a member. */
  #starts: readonly RingId[] | null = null;

  constructor(me: RingId, bits: number) {
    this.#me = me;
    this.#bits = bits;
    this.#exact = new Array<MemberPointer | null>(bits).fill(null);
  }

  start(power: number): RingId {
    return fingerStart(this.#me, power, this.#bits);
  }

  /** Every finger as far as it is known, by its power. One pass: the starts and the list both go clockwise. */
  table(state: MemberState): readonly { readonly start: RingId; readonly node: MemberPointer | null }[] {
    this.#starts ??= Array.from({ length: this.#bits }, (_, power) => this.start(power));
    const list: MemberPointer[] = [];
    for (const entry of state.successors) {
      if (!isMember(entry) || entry.id === this.#me) break;
      list.push(entry);
    }
    let next = 0;
    return this.#starts.map((start, power) => {
      if (inOwnedArc(state.predecessor.id, start, this.#me)) return { start, node: state.me };
      while (next < list.length && !inOwnedArc(this.#me, start, list[next]!.id)) next++;
      return { start, node: list[next] ?? this.#exact[power] ?? null };
    });
  }

  /** The first power whose finger the successor list does not give. */
  firstFar(state: MemberState): number {
    let low = 0;
    let high = this.#bits;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (listCovers(state, this.start(middle))) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether a far finger is not known, or no longer. */
  hasGap(first: number): boolean {
    return this.#exact.includes(null, first);
  }

  exact(power: number): MemberPointer | null {
    return this.#exact[power] ?? null;
  }

  /** successor(start of `power`) was found to be `owner`: proves every following finger that starts before it too. */
  learnExact(power: number, owner: MemberPointer): number {
    let next = power;
    const start = this.start(power);
    while (next < this.#bits) {
      const candidate = this.start(next);
      // A member at the very start proves nothing of the starts behind it (and the arc from it to itself is the ring).
      if (next > power && (start === owner.id || !inOwnedArc(start, candidate, owner.id))) break;
      this.#exact[next] = owner;
      next++;
    }
    this.#distinct = null;
    return next;
  }

  /** Every finger that the list does not give, from one who knows the whole ring. */
  learnAll(state: MemberState, ownerOf: (start: RingId) => MemberPointer): void {
    let power = this.firstFar(state);
    while (power < this.#bits) power = this.learnExact(power, ownerOf(this.start(power)));
  }

  learnNear(pointer: MemberPointer): void {
    if (pointer.id === this.#me) return;
    const power = distance(this.#me, pointer.id, this.#bits).toString(2).length - 1;
    const near = this.#near[power];
    if (near === undefined) this.#near[power] = [pointer];
    else if (near.length < proximityCandidates && !near.some((p) => p.id === pointer.id)) near.push(pointer);
  }

  forget(isGone: (pointer: MemberPointer) => boolean): void {
    for (let power = 0; power < this.#bits; power++) {
      const exact = this.#exact[power];
      if (exact && isGone(exact)) this.#exact[power] = null;
    }
    this.#distinct = null;
    for (const [power, near] of this.#near.entries()) {
      if (near) this.#near[power] = near.filter((pointer) => !isGone(pointer));
    }
  }

  /** Far fingers, each once, in no order. */
  get distinct(): readonly MemberPointer[] {
    this.#distinct ??= [...new Set(this.#exact)].filter((finger) => finger !== null);
    return this.#distinct;
  }

  /** Those of them that precede the key. */
  preceding(key: RingId): MemberPointer[] {
    return this.distinct.filter((finger) => between(this.#me, finger.id, key));
  }

  /** Of the members known in the same interval as `best`, the nearest by round trip that still precedes the key. */
  nearest(best: MemberPointer, key: RingId, roundTrip: (pointer: MemberPointer) => number | null): MemberPointer {
    const power = distance(this.#me, best.id, this.#bits).toString(2).length - 1;
    let chosen = best;
    let shortest = roundTrip(best) ?? Number.POSITIVE_INFINITY;
    for (const pointer of this.#near[power] ?? []) {
      const measured = roundTrip(pointer);
      if (measured === null || measured >= shortest || !between(this.#me, pointer.id, key)) continue;
      chosen = pointer;
      shortest = measured;
    }
    return chosen;
  }
}
