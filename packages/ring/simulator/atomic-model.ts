/**
 * The ring as Zave's proof sees it: no time, no messages, atomic steps. Each step reads ONE other member and writes
 * only its own state, so a step is a function from the global map to one member's new state.
 *
 * The ring operations are passed as a record that defaults to the production code; a mutant replaces one of them.
 */
import type { RingId } from '../src/protocol/identifier.ts';
import { type JoinStep, joinBehind } from '../src/protocol/join.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import { type HostId, isMember, type MemberPointer } from '../src/protocol/pointer.ts';
import { rectify, withPredecessor } from '../src/protocol/rectify.ts';
import { adoptSuccessor, dropHead, isBetterSuccessor } from '../src/protocol/stabilize.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';
import { principalsOf } from './principals.ts';
import { bestSuccessor, viewOf } from './ring-view.ts';

export type GlobalState = ReadonlyMap<RingId, MemberState>;

export type Step =
  | { readonly kind: 'join'; readonly member: MemberPointer; readonly through: RingId }
  | { readonly kind: 'fail'; readonly member: RingId }
  | { readonly kind: 'stabilize-from-successor'; readonly member: RingId }
  /** A candidate read from the successor or from any other hearsay; only its own answer counts. */
  | { readonly kind: 'stabilize-from-candidate'; readonly member: RingId; readonly candidate: MemberPointer }
  | { readonly kind: 'rectify'; readonly member: RingId; readonly notifier: MemberPointer }
  | { readonly kind: 'stutter' };

export interface Operations {
  join(me: MemberPointer, through: MemberState, shape: RingShape): JoinStep;
  dropHead(state: MemberState, shape: RingShape): MemberState;
  adoptSuccessor(state: MemberState, answer: MemberState, shape: RingShape): MemberState;
  /** `answer` is null when the candidate is dead. */
  adoptCandidate(
    state: MemberState,
    candidate: MemberPointer,
    answer: MemberState | null,
    shape: RingShape,
  ): MemberState;
  rectify(state: MemberState, notifier: MemberPointer, predecessorLives: boolean): MemberState;
  /** May this member fail? (Assumptions A5 and A6 of the proof.) */
  mayFail(states: GlobalState, member: RingId, shape: RingShape): boolean;
}

export const productionOperations: Operations = {
  join: joinBehind,
  dropHead,
  adoptSuccessor,
  adoptCandidate(state, candidate, answer, shape) {
    return answer !== null && isBetterSuccessor(state, candidate) ? adoptSuccessor(state, answer, shape) : state;
  },
  rectify(state, notifier, predecessorLives) {
    const verdict = rectify(state, notifier);
    if (verdict.kind === 'adopt') return verdict.state;
    return verdict.kind === 'check-predecessor' && !predecessorLives ? withPredecessor(state, notifier) : state;
  },
  mayFail(states, member, shape) {
    return leavesEveryoneASuccessor(states, member) && leavesEnoughPrincipals(states, member, shape);
  },
};

/** A5: a failure never leaves a live member without a live successor. */
export function leavesEveryoneASuccessor(states: GlobalState, member: RingId): boolean {
  const view = viewOf([...states.values()].filter((state) => state.me.id !== member));
  return view.members.every((state) => bestSuccessor(view, state) !== -1);
}

/** A6: no principal fails while there are only s + 1. */
function leavesEnoughPrincipals(states: GlobalState, member: RingId, shape: RingShape): boolean {
  const principals = principalsOf(viewOf(states.values()));
  return !principals.has(member) || principals.size > shape.successors + 1;
}

/** The member that the step writes and its new state (null: it failed); null if the step is not enabled. */
export interface Effect {
  readonly member: RingId;
  readonly state: MemberState | null;
}

export function effectOf(
  states: GlobalState,
  step: Step,
  shape: RingShape,
  operations: Operations = productionOperations,
): Effect | null {
  if (step.kind === 'stutter') return null;
  if (step.kind === 'join') {
    const through = states.get(step.through);
    if (through === undefined || states.has(step.member.id)) return null;
    const joined = operations.join(step.member, through, shape);
    return joined.kind === 'joined' ? { member: step.member.id, state: joined.state } : null;
  }
  const state = states.get(step.member);
  if (state === undefined) return null;
  switch (step.kind) {
    case 'fail':
      return operations.mayFail(states, step.member, shape) ? { member: step.member, state: null } : null;
    case 'stabilize-from-successor':
      return { member: step.member, state: fromSuccessor(states, state, shape, operations) };
    case 'stabilize-from-candidate': {
      const answer = states.get(step.candidate.id) ?? null;
      if (step.candidate.id === step.member) return null;
      return { member: step.member, state: operations.adoptCandidate(state, step.candidate, answer, shape) };
    }
    case 'rectify': {
      const predecessorLives = states.has(state.predecessor.id);
      return { member: step.member, state: operations.rectify(state, step.notifier, predecessorLives) };
    }
  }
}

function fromSuccessor(states: GlobalState, state: MemberState, shape: RingShape, operations: Operations): MemberState {
  if (!state.successors.some(isMember)) return state;
  const head = state.successors[0];
  const answer = isMember(head) ? states.get(head.id) : undefined;
  return answer === undefined ? operations.dropHead(state, shape) : operations.adoptSuccessor(state, answer, shape);
}

/** Applies the effect to the map in place. */
export function applyEffect(states: Map<RingId, MemberState>, effect: Effect | null): void {
  if (effect === null) return;
  if (effect.state === null) states.delete(effect.member);
  else states.set(effect.member, effect.state);
}

export function statesById(states: readonly MemberState[]): Map<RingId, MemberState> {
  return new Map(states.map((state) => [state.me.id, state]));
}

/** A member of the model; `host` groups members that die together. */
export function memberAt(id: RingId, host = id as string): MemberPointer {
  return { id, contact: { host: host as HostId, addresses: [] }, index: 0 };
}
