import { inOwnedArc, type RingId } from './identifier.ts';
import type { Contact, MemberPointer, Pointer } from './pointer.ts';

/** What a member of the ring knows; exists only while it is a member (Zave 2017, §III). */
export interface MemberState {
  readonly me: MemberPointer;
  /** `me` itself when the member is alone. */
  readonly predecessor: MemberPointer;
  /** Exactly s entries, in ring order, padding only at the tail. */
  readonly successors: readonly Pointer[];
  /** Counts commits in this life of the member. */
  readonly epoch: number;
}

export function owns(state: MemberState, key: RingId): boolean {
  return inOwnedArc(state.predecessor.id, key, state.me.id);
}

/** The extended successor list of the paper: the member itself and its successors, s + 1 entries. */
export function extendedSuccessorList(state: MemberState): readonly Pointer[] {
  return [state.me, ...state.successors];
}

/** The same places, with every member of that host reached at `contact`; the same object when nothing is new. */
export function withContact(state: MemberState, contact: Contact): MemberState {
  const isOld = (pointer: Pointer) => pointer.contact?.host === contact.host && pointer.contact !== contact;
  if (![state.predecessor, ...state.successors].some(isOld)) return state;
  const fresh = <P extends Pointer>(pointer: P): P => (isOld(pointer) ? { ...pointer, contact } : pointer);
  return { ...state, predecessor: fresh(state.predecessor), successors: state.successors.map(fresh) };
}
