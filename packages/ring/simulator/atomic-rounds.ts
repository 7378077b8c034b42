/** Complete stabilizations, one after another, on the atomic model: the ring once churn has stopped. */
import type { RingId } from '../src/protocol/identifier.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import { isMember } from '../src/protocol/pointer.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';
import { applyEffect, effectOf, type Operations, productionOperations, type Step } from './atomic-model.ts';
import { isIdeal } from './ideal.ts';
import { viewOf } from './ring-view.ts';

/** STAB1 over the dead heads to a live one, STAB2 with its predecessor, NOTIFY. True when the list changed. */
export function stabilizeOnce(
  states: Map<RingId, MemberState>,
  member: RingId,
  shape: RingShape,
  operations: Operations = productionOperations,
): boolean {
  const before = states.get(member)?.successors;
  const step = (next: Step): void => applyEffect(states, effectOf(states, next, shape, operations));
  // A list has s entries, so at most s heads are dropped before one answers.
  for (let drops = 0; drops <= shape.successors && headOf(states, member) === undefined; drops++) {
    step({ kind: 'stabilize-from-successor', member });
  }
  const head = headOf(states, member);
  const state = states.get(member);
  if (state !== undefined && !state.successors.some(isMember)) {
    // A lone member of a teaching ring that was notified: its predecessor is also its successor.
    step({ kind: 'stabilize-from-candidate', member, candidate: state.predecessor });
  }
  if (head !== undefined) {
    step({ kind: 'stabilize-from-successor', member });
    step({ kind: 'stabilize-from-candidate', member, candidate: head.predecessor });
    const notified = headOf(states, member);
    const notifier = states.get(member)?.me;
    if (notified !== undefined && notifier !== undefined) {
      step({ kind: 'rectify', member: notified.me.id, notifier });
    }
  }
  return states.get(member)?.successors !== before;
}

function headOf(states: ReadonlyMap<RingId, MemberState>, member: RingId): MemberState | undefined {
  const head = states.get(member)?.successors[0];
  return isMember(head) ? states.get(head.id) : undefined;
}

/** Rounds in which every member stabilizes once, until the ring is ideal; null if `maxRounds` are not enough. */
export function roundsUntilIdeal(
  states: Map<RingId, MemberState>,
  shape: RingShape,
  maxRounds: number,
  operations: Operations = productionOperations,
): number | null {
  for (let round = 0; round <= maxRounds; round++) {
    if (isIdeal(viewOf(states.values()), shape.successors)) return round;
    for (const member of [...states.keys()]) stabilizeOnce(states, member, shape, operations);
  }
  return null;
}
