/**
 * STABILIZE (Zave 2017, §III) as functions of state and answer; maintenance.ts says when to ask. STAB1 is the paper's
 * StabilizeFromSuccessor, STAB2 its StabilizeFromPredecessor.
 */
import { between } from './identifier.ts';
import type { MemberState } from './member-state.ts';
import { isMember, type MemberPointer } from './pointer.ts';
import { listBehind, type RingShape, sameList, withoutHead } from './successor-list.ts';

/** The head is padding, confirmed dead or no member any more: go on with the rest of the list. */
export function dropHead(state: MemberState, shape: RingShape): MemberState {
  return { ...state, successors: withoutHead(state.successors, shape), epoch: state.epoch + 1 };
}

/**
 * successors := [head] ++ head's own list. `answer` is head's own answer, never hearsay. For STAB1 head is the current
 * first successor; for STAB2 a live candidate that lies between me and it.
 * Returns the same object when nothing changed, so that an ideal ring commits nothing.
 */
export function adoptSuccessor(state: MemberState, answer: MemberState, shape: RingShape): MemberState {
  const successors = listBehind(state.me.id, answer.me, answer.successors, shape);
  if (sameList(successors, state.successors)) return state;
  return { ...state, successors, epoch: state.epoch + 1 };
}

/** The successor's predecessor, when it lies between me and the successor: whom STAB2 asks. */
export function betterSuccessor(state: MemberState, answer: MemberState): MemberPointer | null {
  return isBetterSuccessor(state, answer.predecessor) ? answer.predecessor : null;
}

export function isBetterSuccessor(state: MemberState, candidate: MemberPointer): boolean {
  if (candidate.id === state.me.id) return false;
  const head = state.successors[0];
  return isMember(head) ? between(state.me.id, candidate.id, head.id) : true;
}
