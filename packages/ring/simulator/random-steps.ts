/**
 * Random histories of the atomic model. A history is a list of choices, three numbers each, so that fast-check can
 * shrink it; the meaning of a choice depends on the current state; one without meaning is a stutter.
 */
import fc from 'fast-check';
import { type RingId, ringId } from '../src/protocol/identifier.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import { isMember, type MemberPointer } from '../src/protocol/pointer.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';
import { type GlobalState, memberAt, type Step } from './atomic-model.ts';

export interface Choice {
  /** 0 … 99: which kind of step. */
  readonly kind: number;
  readonly who: number;
  readonly whom: number;
}

/** Out of 100 steps; the ring grows and shrinks faster than it settles. */
const joinBelow = 22;
const failBelow = 42;
const successorBelow = 72;
const candidateBelow = 86;

export const choices = (steps: number): fc.Arbitrary<Choice[]> =>
  fc.array(fc.record({ kind: fc.nat(99), who: fc.nat(0xffff), whom: fc.nat(0xffff) }), {
    minLength: steps,
    maxLength: steps,
    size: 'max',
  });

/** Distinct identifiers of a ring of 2^bits places. */
export function someIds(bits: number, count: number): fc.Arbitrary<RingId[]> {
  return fc
    .uniqueArray(fc.nat(2 ** bits - 1), { minLength: count, maxLength: count, size: 'max' })
    .map((values) => values.map((value) => ringId(value, bits)));
}

/** Identifiers are reused: a failed member returns under its old one. */
export function stepOf(choice: Choice, states: GlobalState, shape: RingShape): Step {
  const members = [...states.values()];
  const someone = members[choice.who % members.length];
  if (someone === undefined) return { kind: 'stutter' };
  const { kind, whom } = choice;
  const member = someone.me.id;
  if (kind < joinBelow) {
    const joiner = ringId(whom, shape.bits);
    // Mostly the result of a correct lookup; sometimes any member, which must notice that the place is not next to it.
    const through = kind % 4 === 0 ? member : precedingMember(states, joiner, member);
    return { kind: 'join', member: memberAt(joiner), through };
  }
  if (kind < failBelow) return { kind: 'fail', member };
  if (kind < successorBelow) return { kind: 'stabilize-from-successor', member };
  if (kind < candidateBelow) {
    const candidate = successorsPredecessor(states, someone) ?? someone.predecessor;
    return { kind: 'stabilize-from-candidate', member, candidate };
  }
  // Mostly notifies the successor, as in the protocol; sometimes another member, by a message from an older state.
  const head = someone.successors[0];
  const told = whom % 4 === 0 ? members[whom % members.length]!.me.id : isMember(head) ? head.id : member;
  return { kind: 'rectify', member: told, notifier: someone.me };
}

function successorsPredecessor(states: GlobalState, state: MemberState): MemberPointer | undefined {
  const head = state.successors[0];
  return isMember(head) ? states.get(head.id)?.predecessor : undefined;
}

/** The live member nearest before the identifier, or `otherwise` when none is below it. */
function precedingMember(states: GlobalState, id: RingId, otherwise: RingId): RingId {
  let best: RingId | null = null;
  for (const member of states.keys()) {
    if (member < id && (best === null || member > best)) best = member;
  }
  return best ?? otherwise;
}
