/**
 * Principal members (Zave 2017, §IV): a live member that no live member's extended successor list skips, that is, no
 * contiguous pair (x, y) of any list has between(x, p, y). They are the anchors of the proof.
 */
import type { RingId } from '../src/protocol/identifier.ts';
import { extendedSuccessorList } from '../src/protocol/member-state.ts';
import type { RingView } from './ring-view.ts';

/** O(N·s·log N): every pair marks the arc of places that it skips; a member that is never marked is a principal. */
export function principalsOf(view: RingView): ReadonlySet<RingId> {
  const { ids } = view;
  const skips = new Array<number>(ids.length + 1).fill(0);
  const skip = (from: number, to: number): void => {
    if (from >= to) return;
    skips[from] = skips[from]! + 1;
    skips[to] = skips[to]! - 1;
  };
  for (const state of view.members) {
    const list = extendedSuccessorList(state);
    for (let i = 1; i < list.length; i++) {
      const x = list[i - 1]!.id;
      const y = list[i]!.id;
      const after = firstAbove(ids, x);
      const until = firstAtOrAbove(ids, y);
      if (x < y) skip(after, until);
      else {
        skip(after, ids.length);
        skip(0, until);
      }
    }
  }
  const principals = new Set<RingId>();
  let depth = 0;
  for (let place = 0; place < ids.length; place++) {
    depth += skips[place]!;
    if (depth === 0) principals.add(ids[place]!);
  }
  return principals;
}

function firstAbove(ids: readonly RingId[], id: RingId): number {
  const place = firstAtOrAbove(ids, id);
  return ids[place] === id ? place + 1 : place;
}

function firstAtOrAbove(ids: readonly RingId[], id: RingId): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** LossOfPrincipal: principals demoted without failing. Must be empty after every step. */
export function lostPrincipals(
  before: ReadonlySet<RingId>,
  after: ReadonlySet<RingId>,
  failed: ReadonlySet<RingId>,
): readonly RingId[] {
  return [...before].filter((id) => !after.has(id) && !failed.has(id));
}
