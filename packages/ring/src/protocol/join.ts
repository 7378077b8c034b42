import { between } from './identifier.ts';
import type { MemberState } from './member-state.ts';
import { isMember, type MemberPointer, type Pointer } from './pointer.ts';
import { emptyList, listBehind, type RingShape } from './successor-list.ts';

export type JoinStep =
  /** Joined: this is the state to commit. */
  | { readonly kind: 'joined'; readonly state: MemberState }
  /** The place is further on: ask this member next. */
  | { readonly kind: 'walk'; readonly next: MemberPointer }
  /** The asked member still points at my previous life: wake it, so that it drops the entry, and ask again. */
  | { readonly kind: 'stale-self' }
  /** My place is not behind this member at all: look it up again. */
  | { readonly kind: 'lost' }
  /** A live member has this very id. */
  | { readonly kind: 'taken' };

/**
 * JOIN (Zave 2017, §III): from ONE snapshot of a member p with between(p, me, p.successor), take over its whole list.
 * The position is checked on the same snapshot that is copied.
 */
export function joinBehind(me: MemberPointer, p: MemberState, shape: RingShape): JoinStep {
  if (p.me.id === me.id) return { kind: 'taken' };
  const head = p.successors[0];
  if (!isMember(head)) {
    const alone = p.predecessor.id === p.me.id;
    if (!alone) return { kind: 'lost' };
    return {
      kind: 'joined',
      state: { me, predecessor: p.me, successors: listBehind(me.id, p.me, [], shape), epoch: 1 },
    };
  }
  if (head.id === me.id) return { kind: 'stale-self' };
  if (!between(p.me.id, me.id, head.id)) return walkFrom(p, me);
  const successors = listBehind(me.id, head, p.successors.slice(1), shape);
  return { kind: 'joined', state: { me, predecessor: p.me, successors, epoch: 1 } };
}

/** The last entry of p's list that still precedes me. */
function walkFrom(p: MemberState, me: MemberPointer): JoinStep {
  let next: MemberPointer | null = null;
  for (const entry of p.successors) {
    if (!isMember(entry) || !between(p.me.id, entry.id, me.id)) break;
    next = entry;
  }
  return next === null ? { kind: 'lost' } : { kind: 'walk', next };
}

/** A ring of one: it owns every key. Right only where no other principal is needed (teaching rings). */
export function aloneState(me: MemberPointer, shape: RingShape): MemberState {
  return { me, predecessor: me, successors: emptyList(me.id, shape), epoch: 1 };
}

/**
 * The ideal ring of the given members: how a founder begins with its own virtual nodes, so that the minimum of s + 1
 * principals holds from the first step (initialising with fewer is the bug of TSE'17 Fig. 3).
 */
export function idealRing(members: readonly MemberPointer[], shape: RingShape): readonly MemberState[] {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  return sorted.map((me, place) => {
    const at = (offset: number): MemberPointer => sorted[(place + offset) % sorted.length]!;
    if (sorted.length === 1) return aloneState(me, shape);
    const tail: Pointer[] = [];
    for (let offset = 2; offset < sorted.length && offset <= shape.successors; offset++) tail.push(at(offset));
    return {
      me,
      predecessor: at(sorted.length - 1),
      successors: listBehind(me.id, at(1), tail, shape),
      epoch: 1,
    };
  });
}
