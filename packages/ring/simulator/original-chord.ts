/**
 * Chord as first published (SIGCOMM 2001, with the failure handling of the PODC 2002 and ToN 2003 papers), as Zave
 * modelled it in 2012, for the counterexamples. Its faults: join fills only one entry, pointers are adopted without asking
 * their members, and the list is repaired by separate small events.
 */
import { between, type RingId } from '../src/protocol/identifier.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import type { MemberPointer, Pointer } from '../src/protocol/pointer.ts';
import { paddingAfter } from '../src/protocol/pointer.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';
import { memberAt } from './atomic-model.ts';

export interface OriginalMember {
  /** The first entry is `successor`, further ones come from reconcile; may be shorter than s. */
  readonly successors: readonly RingId[];
  readonly predecessor: RingId | null;
}

export type OriginalRing = ReadonlyMap<RingId, OriginalMember>;

export type ChordEvent =
  /** `successor` is the result of looking up the joiner's identifier. */
  | { readonly kind: 'join'; readonly member: RingId; readonly successor: RingId }
  | { readonly kind: 'fail'; readonly member: RingId }
  /** Adopt the successor's predecessor if it lies between. */
  | { readonly kind: 'stabilize'; readonly member: RingId }
  | { readonly kind: 'notify'; readonly member: RingId; readonly notifier: RingId }
  /** Copy the successor's list behind the successor. */
  | { readonly kind: 'reconcile'; readonly member: RingId }
  /** Drop a dead successor. */
  | { readonly kind: 'update'; readonly member: RingId }
  /** Forget a dead predecessor. */
  | { readonly kind: 'flush'; readonly member: RingId };

export function afterEvent(ring: OriginalRing, event: ChordEvent, successors: number): OriginalRing {
  const after = new Map(ring);
  if (event.kind === 'fail') {
    after.delete(event.member);
    return after;
  }
  if (event.kind === 'join') {
    after.set(event.member, { successors: [event.successor], predecessor: null });
    return after;
  }
  const member = ring.get(event.member);
  if (member !== undefined) after.set(event.member, changed(ring, event, member, successors));
  return after;
}

function changed(
  ring: OriginalRing,
  event: Exclude<ChordEvent, { readonly kind: 'fail' | 'join' }>,
  member: OriginalMember,
  successors: number,
): OriginalMember {
  const head = member.successors[0];
  const answer = head === undefined ? undefined : ring.get(head);
  switch (event.kind) {
    case 'stabilize': {
      const candidate = answer?.predecessor ?? null;
      if (head === undefined || candidate === null || !between(event.member, candidate, head)) return member;
      return { ...member, successors: [candidate, ...member.successors.slice(1)] };
    }
    case 'notify': {
      const { predecessor } = member;
      const better = predecessor === null || between(predecessor, event.notifier, event.member);
      return better ? { ...member, predecessor: event.notifier } : member;
    }
    case 'reconcile':
      if (head === undefined || answer === undefined) return member;
      return { ...member, successors: [head, ...answer.successors].slice(0, successors) };
    case 'update':
      return answer === undefined ? { ...member, successors: member.successors.slice(1) } : member;
    case 'flush': {
      const dead = member.predecessor !== null && !ring.has(member.predecessor);
      return dead ? { ...member, predecessor: null } : member;
    }
  }
}

/** The same state as the checkers read it. */
export function asMemberStates(ring: OriginalRing, shape: RingShape): readonly MemberState[] {
  return [...ring].map(([id, { successors, predecessor }]) => {
    const me: MemberPointer = memberAt(id);
    const list: Pointer[] = successors.map((entry) => memberAt(entry));
    while (list.length < shape.successors) list.push(paddingAfter((list.at(-1) ?? me).id, shape.bits));
    return { me, predecessor: memberAt(predecessor ?? id), successors: list, epoch: 1 };
  });
}
