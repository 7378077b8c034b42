/**
 * Exhaustive enumeration of the atomic model: every state reachable from the ideal rings of s + 1 members by every
 * step that the assumptions allow, up to rotation of the identifiers.
 *
 * `lists` leaves predecessors out: the invariant speaks of successor lists only, and predecessors reach them only as
 * candidates of STAB2. Any live member between a member and its successor is a candidate there, a superset of what
 * predecessors can bring. `whole` keeps predecessors, dead ones too, and lets every live member notify every other; its
 * state space is much larger, so it uses smaller rings.
 */
import { type RingId, ringId } from '../src/protocol/identifier.ts';
import { idealRing } from '../src/protocol/join.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import { isMember, type MemberPointer } from '../src/protocol/pointer.ts';
import { isBetterSuccessor } from '../src/protocol/stabilize.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';
import { effectOf, type GlobalState, memberAt, type Operations, type Step, statesById } from './atomic-model.ts';

export interface Transition {
  readonly before: GlobalState;
  readonly step: Step;
  readonly after: GlobalState;
  /** `after` is new, also up to rotation. */
  readonly fresh: boolean;
}

export type Detail = 'lists' | 'whole';

export interface Enumeration {
  readonly states: number;
  readonly transitions: number;
}

export interface SearchSpace {
  readonly identifiers: number;
  readonly shape: RingShape;
  readonly detail: Detail;
  readonly operations: Operations;
}

/** Calls `visit` for every transition, breadth first; each state comes once as `fresh`. */
export function enumerate(
  { identifiers, shape, detail, operations }: SearchSpace,
  visit: (transition: Transition) => void,
): Enumeration {
  const members = Array.from({ length: identifiers }, (_, i) => memberAt(ringId(i, shape.bits)));
  const seen = new Set<string>();
  const queue: GlobalState[] = [];
  let transitions = 0;
  const reach = (before: GlobalState, step: Step, after: GlobalState): void => {
    const key = rotationFreeKey(after, members.length, shape, detail);
    const fresh = !seen.has(key);
    if (fresh) {
      seen.add(key);
      queue.push(after);
    }
    visit({ before, step, after, fresh });
  };
  for (const chosen of subsets(members, shape.successors + 1)) {
    const start = statesById(idealRing(chosen, shape));
    reach(start, { kind: 'stutter' }, start);
  }
  for (let next = 0; next < queue.length; next++) {
    const before = queue[next]!;
    for (const step of stepsFrom(before, members, detail)) {
      const effect = effectOf(before, step, shape, operations);
      if (effect === null || effect.state === before.get(effect.member)) continue;
      transitions++;
      const after = new Map(before);
      if (effect.state === null) after.delete(effect.member);
      else after.set(effect.member, effect.state);
      reach(before, step, after);
    }
  }
  return { states: seen.size, transitions };
}

function* stepsFrom(states: GlobalState, members: readonly MemberPointer[], detail: Detail): Generator<Step> {
  for (const member of members) {
    const state = states.get(member.id);
    if (state === undefined) {
      for (const through of states.keys()) yield { kind: 'join', member, through };
      continue;
    }
    yield { kind: 'fail', member: member.id };
    yield { kind: 'stabilize-from-successor', member: member.id };
    if (detail === 'whole') {
      const head = state.successors[0];
      const candidate = isMember(head) ? states.get(head.id)?.predecessor : undefined;
      if (candidate !== undefined) yield { kind: 'stabilize-from-candidate', member: member.id, candidate };
      for (const { me } of states.values()) yield { kind: 'rectify', member: member.id, notifier: me };
    } else {
      for (const { me } of states.values()) {
        if (isBetterSuccessor(state, me)) yield { kind: 'stabilize-from-candidate', member: member.id, candidate: me };
      }
    }
  }
}

/** The smallest text among all rotations of the identifiers 0 … count − 1. */
function rotationFreeKey(states: GlobalState, count: number, shape: RingShape, detail: Detail): string {
  const rows = Array.from({ length: count }, (_, i) => rowOf(states.get(ringId(i, shape.bits)), detail));
  let smallest = '';
  for (let turn = 0; turn < count; turn++) {
    let text = '';
    for (let i = 0; i < count; i++) {
      for (const entry of rows[(i + turn) % count]!) {
        text += entry === padding ? '-' : String((entry - turn + count) % count);
      }
      text += '|';
    }
    if (turn === 0 || text < smallest) smallest = text;
  }
  return smallest;
}

/** All padding is one value: no operation depends on it. */
const padding = -1;

function rowOf(state: MemberState | undefined, detail: Detail): readonly number[] {
  if (state === undefined) return [];
  const list = state.successors.map((entry) => (isMember(entry) ? numberOf(entry.id) : padding));
  return detail === 'whole' ? [numberOf(state.predecessor.id), ...list] : list;
}

function numberOf(id: RingId): number {
  return Number.parseInt(id, 16);
}

function* subsets<T>(items: readonly T[], size: number, from = 0): Generator<T[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let i = from; i <= items.length - size; i++) {
    for (const rest of subsets(items, size - 1, i + 1)) yield [items[i]!, ...rest];
  }
}
