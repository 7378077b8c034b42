/**
 * Placement: an item is at the owner of its key and at the following members on distinct hosts (spec/4). Where a
 * successor list names fewer hosts than wanted, the walk continues from its last entry.
 */

import {
  type Contact,
  type HostId,
  isMember,
  type MemberPointer,
  type OwnerAnswer,
  type Pointer,
} from '@chordial/ring';
import type { RingView } from '../records/ring-view.ts';
import { maxBlockCopies } from '../storage/item-index.ts';

/** Maximum number of replicas. */
export const maxReplicas = maxBlockCopies;
/** Lists read after the owner's own: with v = 64 and s = 8 this passes every member of 4 hosts. */
const maxListsWalked = 32;

/** Replicas of a block: the most that any put wants of it, `usual` without claims. */
export function copiesWanted(claims: readonly { readonly replicas: number }[], usual: number): number {
  return claims.length === 0 ? usual : Math.max(...claims.map(({ replicas }) => replicas));
}

export type PlacementView = Pick<RingView, 'stateOf' | 'isDead' | 'mayHold' | 'hosts'>;

/**
 * Distinct live hosts in ring order from the owner on: at least `wanted` unless the ring has fewer, and those in the
 * lists read on the way (readers fall back to them).
 */
export async function hostsBehind(arc: OwnerAnswer, wanted: number, view: PlacementView): Promise<readonly Contact[]> {
  const found = new Map<HostId, Contact>();
  const passed = new Set<string>();
  const liveHosts = view.hosts().length;
  let list: readonly Pointer[] = [arc.owner, ...arc.successors];
  for (let walked = 0; ; walked++) {
    const { last, wholeRing } = readList(list, passed, found, view);
    if (wholeRing || found.size >= Math.min(wanted, liveHosts) || last === null) break;
    if (walked === maxListsWalked) break;
    const state = await view.stateOf(last);
    if (state === null) break;
    list = state.successors;
  }
  return [...found.values()];
}

/** Adds the hosts of a list. The whole ring was seen when a member repeats, or padding ends the list. */
function readList(
  list: readonly Pointer[],
  passed: Set<string>,
  found: Map<HostId, Contact>,
  view: PlacementView,
): { last: MemberPointer | null; wholeRing: boolean } {
  let last: MemberPointer | null = null;
  for (const entry of list) {
    if (!isMember(entry) || passed.has(entry.id)) return { last, wholeRing: true };
    passed.add(entry.id);
    last = entry;
    const { host } = entry.contact;
    if (!found.has(host) && !view.isDead(host) && view.mayHold(host)) found.set(host, entry.contact);
  }
  return { last, wholeRing: false };
}
