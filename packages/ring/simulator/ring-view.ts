/** Input of the checkers: the committed states of the live members and the best-successor graph. */
import type { RingId } from '../src/protocol/identifier.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import { isMember } from '../src/protocol/pointer.ts';

export interface RingView {
  /** Live members only, in ascending order of identifier. */
  readonly members: readonly MemberState[];
  /** Their identifiers, in the same order. */
  readonly ids: readonly RingId[];
  readonly placeOf: ReadonlyMap<RingId, number>;
}

/** `live` are the members that answer; all by default. */
export function viewOf(states: Iterable<MemberState>, live?: ReadonlySet<RingId>): RingView {
  const members = [...states]
    .filter((state) => live === undefined || live.has(state.me.id))
    .sort((a, b) => (a.me.id < b.me.id ? -1 : 1));
  const ids = members.map((state) => state.me.id);
  return { members, ids, placeOf: new Map(ids.map((id, place) => [id, place])) };
}

/** Place of the first live entry of the successor list; -1 if the member is isolated or alone. */
export function bestSuccessor(view: RingView, state: MemberState): number {
  for (const entry of state.successors) {
    const place = isMember(entry) ? view.placeOf.get(entry.id) : undefined;
    if (place !== undefined) return place;
  }
  return -1;
}

export interface RingStructure {
  /** Place of each member's best successor, -1 for none. */
  readonly next: readonly number[];
  /** Cycles of the best-successor graph, each a list of places in walking order. */
  readonly rings: readonly (readonly number[])[];
  /** Places that reach no ring. */
  readonly disconnected: readonly number[];
}

/** Members on a ring, attached to one, and on none. O(N). */
export function structureOf(view: RingView): RingStructure {
  const next = view.members.map((state) => bestSuccessor(view, state));
  const rings: number[][] = [];
  const disconnected: number[] = [];
  const reachesRing = new Map<number, boolean>();
  for (let start = 0; start < next.length; start++) {
    const path: number[] = [];
    const onPath = new Map<number, number>();
    let place = start;
    while (place !== -1 && !reachesRing.has(place) && !onPath.has(place)) {
      onPath.set(place, path.length);
      path.push(place);
      place = next[place]!;
    }
    const closes = onPath.get(place);
    if (closes !== undefined) rings.push(path.slice(closes));
    const connected = closes !== undefined || reachesRing.get(place) === true;
    for (const visited of path) {
      reachesRing.set(visited, connected);
      if (!connected) disconnected.push(visited);
    }
  }
  return { next, rings, disconnected };
}
