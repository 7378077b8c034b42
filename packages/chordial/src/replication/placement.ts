/**
 * Placement: an item is at the owner of its key and at the following members on distinct hosts, of distinct zones first
 * (spec/4, spec/11). Where a successor list names fewer hosts or zones than wanted, the walk continues from its last entry.
 *
 * The zones are those in the lists that are read, the owner's first: so who asks the same owner finds the same places. A
 * host that lies about zones makes copies move, or lie closer together, but loses none: see excess-replicas.ts.
 */

import { type Contact, type HostId, isMember, type OwnerAnswer, type Pointer } from '@chordial/ring';
import type { RingView } from '../records/ring-view.ts';
import { countZones } from '../records/zone-order.ts';
import { maxBlockCopies } from '../storage/item-index.ts';

/** Maximum number of replicas. */
export const maxReplicas = maxBlockCopies;
/** Lists read after the owner's own: with v = 64 and s = 8 this passes every member of 4 hosts. */
const maxListsWalked = 32;
/** The same when only another zone is looked for: with s = 16 it misses one of a twentieth of all members once in a thousand times. */
const maxListsForZones = 8;

/** Replicas of a block: the most that any put wants of it, `usual` without claims. */
export function copiesWanted(claims: readonly { readonly replicas: number }[], usual: number): number {
  return claims.length === 0 ? usual : Math.max(...claims.map(({ replicas }) => replicas));
}

/** Members at the end of a list that are asked what follows it, until one tells. */
const maxMembersAsked = 3;

export type PlacementView = Pick<RingView, 'stateOf' | 'isDead' | 'mayHold' | 'hosts'>;

/**
 * Distinct live hosts in ring order from the owner on: at least `wanted`, of as many zones, unless the ring has fewer, and
 * those in the lists read on the way (readers fall back to them).
 */
export async function hostsBehind(arc: OwnerAnswer, wanted: number, view: PlacementView): Promise<readonly Contact[]> {
  const found = new Map<HostId, Contact>();
  const passed = new Set<string>();
  const live = view.hosts();
  const hosts = Math.min(wanted, live.length);
  const zones = Math.min(wanted, countZones(live));
  let list: readonly Pointer[] = [arc.owner, ...arc.successors];
  for (let walked = 0; ; walked++) {
    if (isWholeRing(list, passed, found, view)) break;
    const isEnough = found.size >= hosts;
    if (isEnough && countZones([...found.values()]) >= zones) break;
    if (walked === maxListsWalked || (isEnough && walked >= maxListsForZones)) break;
    const next = await listBehind(list, view);
    if (next === null) break;
    list = next;
  }
  return [...found.values()];
}

/**
 * The members behind the last one of the list: those of its own list, or else those that the members before it name. Who
 * cannot tell now, busy or out of reach, must not make the ring look shorter, and other hosts places.
 */
async function listBehind(list: readonly Pointer[], view: PlacementView): Promise<readonly Pointer[] | null> {
  const members = list.filter(isMember).reverse();
  const [last] = members;
  for (const member of members.slice(0, maxMembersAsked)) {
    const state = await view.stateOf(member);
    if (state === null) continue;
    if (member === last) return state.successors;
    const at = state.successors.findIndex(({ id }) => id === last?.id);
    if (at >= 0 && at + 1 < state.successors.length) return state.successors.slice(at + 1);
  }
  return null;
}

/** Adds the hosts of a list. The whole ring was seen when a member repeats, or padding ends the list. */
function isWholeRing(
  list: readonly Pointer[],
  passed: Set<string>,
  found: Map<HostId, Contact>,
  view: PlacementView,
): boolean {
  for (const entry of list) {
    if (!isMember(entry) || passed.has(entry.id)) return true;
    passed.add(entry.id);
    const { host } = entry.contact;
    if (!found.has(host) && !view.isDead(host) && view.mayHold(host)) found.set(host, entry.contact);
  }
  return false;
}
