/**
 * The successor list: s entries in ring order behind a member, padding only at the tail.
 *
 * Every list is made by one of the three functions here, so its invariants hold by construction:
 * entries are ordered clockwise from the member (OrderedSuccessorLists), none is repeated (NoDuplicates), there are
 * exactly s of them, and an empty place is padding `last + 1`, the only value that cannot skip a principal.
 */
import { between, type RingId } from './identifier.ts';
import type { MemberState } from './member-state.ts';
import { isMember, type MemberPointer, type Pointer, paddingAfter } from './pointer.ts';

/** The two numbers that all hosts of a ring share. */
export interface RingShape {
  /** m of the papers: identifiers are below 2^bits. 3 … 256. */
  readonly bits: number;
  /** s: entries of a successor list (r of the papers). 1 … 64. */
  readonly successors: number;
}

/**
 * [head] ++ tail, cut to s entries where it reaches or passes `reader` (a small ring, or two rings being merged), the
 * rest padding. In a ring of more than s members the cut never happens (Zave 2017, NoDuplicates).
 */
export function listBehind(
  reader: RingId,
  head: MemberPointer,
  tail: readonly Pointer[],
  shape: RingShape,
): readonly Pointer[] {
  const list: Pointer[] = [head];
  let last: RingId = head.id;
  for (const entry of tail) {
    if (list.length === shape.successors || !isMember(entry) || !between(last, entry.id, reader)) break;
    list.push(entry);
    last = entry.id;
  }
  return padded(list, last, shape);
}

/** tail(list) ++ [padding]: what is left when the head is dead. The papers before 2015 repeat the last entry. */
export function withoutHead(list: readonly Pointer[], shape: RingShape): readonly Pointer[] {
  const last = list[list.length - 1];
  if (last === undefined) throw new Error('a successor list is never empty');
  return [...list.slice(1), paddingAfter(last.id, shape.bits)];
}

/** The list of a member that is alone: padding only. */
export function emptyList(me: RingId, shape: RingShape): readonly Pointer[] {
  return padded([], me, shape);
}

function padded(list: Pointer[], last: RingId, shape: RingShape): readonly Pointer[] {
  let previous = last;
  while (list.length < shape.successors) {
    const padding = paddingAfter(previous, shape.bits);
    list.push(padding);
    previous = padding.id;
  }
  return list;
}

/** The same members, each in the same zone. */
export function sameList(a: readonly Pointer[], b: readonly Pointer[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    if (x.id !== y.id || (x.contact === null) !== (y.contact === null)) return false;
    if (x.contact?.zone !== y.contact?.zone) return false;
  }
  return true;
}

/** The rule that a state breaks, in words, or null. Checked after every commit, in production too. */
export function brokenRule(state: MemberState, shape: RingShape): string | null {
  const { me, successors } = state;
  if (successors.length !== shape.successors) return `the successor list has ${successors.length} entries`;
  let last = me.id;
  let sawPadding = false;
  for (const entry of successors) {
    if (!isMember(entry)) {
      sawPadding = true;
      continue;
    }
    if (sawPadding) return `${entry.id} follows padding`;
    if (!between(last, entry.id, me.id)) return `${entry.id} is out of order behind ${last}`;
    last = entry.id;
  }
  return null;
}

/** Whether `id` lies in the arc that the list of `state` covers: its successor is known without asking. */
export function listCovers(state: MemberState, id: RingId): boolean {
  let last: RingId = state.me.id;
  for (const entry of state.successors) if (isMember(entry)) last = entry.id;
  return last !== state.me.id && (id === last || between(state.me.id, id, last));
}
