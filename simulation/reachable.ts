/**
 * Exhaustive enumeration of the atomic model: every state reachable from the ideal rings of s + 1 members by every
 * step that the assumptions allow, up to rotation of the identifiers.
 *
 * Successor lists are all that the invariant speaks of, and predecessors reach them only as STAB2 candidates. So
 * predecessors are left out, which keeps the space finite on this machine, and any live member between a member and its
 * successor is taken as candidate: a superset of what predecessors can bring.
 */
import { type RingId, ringId } from '../src/ring/identifier.ts';
import { idealRing } from '../src/ring/join.ts';
import type { MemberState } from '../src/ring/member-state.ts';
import { isMember } from '../src/ring/pointer.ts';
import { isBetterSuccessor } from '../src/ring/stabilize.ts';
import type { RingShape } from '../src/ring/successor-list.ts';
import { effectOf, type GlobalState, memberAt, type Operations, type Step, statesById } from './atomic-model.ts';

export interface Transition {
  readonly before: GlobalState;
  readonly step: Step;
  readonly after: GlobalState;
}

export interface Enumeration {
  readonly states: number;
  readonly transitions: number;
}

/** Calls `visit` once for each transition into a state not seen before (up to rotation), breadth first. */
export function enumerate(
  identifiers: number,
  shape: RingShape,
  operations: Operations,
  visit: (transition: Transition) => void,
): Enumeration {
  const members = Array.from({ length: identifiers }, (_, i) => memberAt(ringId(i, shape.bits)));
  const seen = new Set<string>();
  const queue: GlobalState[] = [];
  let transitions = 0;
  const reach = (before: GlobalState, step: Step, after: GlobalState): void => {
    const key = rotationFreeKey(after, members.length, shape);
    if (seen.has(key)) return;
    seen.add(key);
    queue.push(after);
    visit({ before, step, after });
  };
  for (const chosen of subsets(members, shape.successors + 1)) {
    const start = statesById(idealRing(chosen, shape));
    reach(start, { kind: 'stutter' }, start);
  }
  for (let next = 0; next < queue.length; next++) {
    const before = queue[next]!;
    for (const step of stepsFrom(before, members)) {
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

function* stepsFrom(states: GlobalState, members: readonly ReturnType<typeof memberAt>[]): Generator<Step> {
  for (const member of members) {
    const state = states.get(member.id);
    if (state === undefined) {
      for (const through of states.keys()) yield { kind: 'join', member, through };
      continue;
    }
    yield { kind: 'fail', member: member.id };
    yield { kind: 'stabilize-from-successor', member: member.id };
    for (const { me } of states.values()) {
      if (isBetterSuccessor(state, me)) yield { kind: 'stabilize-from-candidate', member: member.id, candidate: me };
    }
  }
}

/** The least of the texts that the state has when its identifiers 0 … count − 1 are turned by every amount. */
function rotationFreeKey(states: GlobalState, count: number, shape: RingShape): string {
  const lists: (readonly number[] | null)[] = Array.from({ length: count }, (_, i) =>
    listOf(states.get(ringId(i, shape.bits))),
  );
  let least = '';
  for (let turn = 0; turn < count; turn++) {
    let text = '';
    for (let i = 0; i < count; i++) {
      const list = lists[(i + turn) % count];
      if (list === null || list === undefined) text += '.';
      else for (const entry of list) text += entry < 0 ? '-' : String((entry - turn + count) % count);
      text += '|';
    }
    if (turn === 0 || text < least) least = text;
  }
  return least;
}

function listOf(state: MemberState | undefined): readonly number[] | null {
  if (state === undefined) return null;
  return state.successors.map((entry) => (isMember(entry) ? numberOf(entry.id) : -1));
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
