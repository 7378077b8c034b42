/** The three claims of published Chord that fail and recover, as stated in Zave's 2012 paper. */
import { between } from '../src/protocol/identifier.ts';
import { extendedSuccessorList } from '../src/protocol/member-state.ts';
import { isMember } from '../src/protocol/pointer.ts';
import { type RingView, structureOf } from './ring-view.ts';

export type RepairableClaim = 'OrderedMerges' | 'OrderedAppendages' | 'ValidSuccessorList';

export function brokenClaims(view: RingView): ReadonlySet<RepairableClaim> {
  const found = new Set<RepairableClaim>();
  const { next, rings } = structureOf(view);
  const onRing = new Set(rings.flat());
  const id = (place: number) => view.ids[place]!;
  const places = view.ids.map((_, place) => place);
  const appendages = places.filter((place) => !onRing.has(place) && next[place] !== -1);
  const rootOf = (place: number): number => {
    let root = place;
    while (root !== -1 && !onRing.has(root)) root = next[root]!;
    return root;
  };
  for (const place of appendages) {
    const target = next[place]!;
    // An appendage joins the ring behind the ring member that precedes it.
    const ringPredecessor = [...onRing].find((member) => next[member] === target);
    if (ringPredecessor !== undefined && onRing.has(target) && !between(id(ringPredecessor), id(place), id(target))) {
      found.add('OrderedMerges');
    }
    // Within the tree attached to a ring member, no best successor skips a member of that tree.
    const skips = appendages.some((other) => {
      return rootOf(other) === rootOf(place) && between(id(place), id(other), id(target));
    });
    if (skips && !onRing.has(target)) found.add('OrderedAppendages');
  }
  for (const place of onRing) {
    const entries = extendedSuccessorList(view.members[place]!).filter(isMember);
    for (let i = 1; i < entries.length; i++) {
      const [x, y] = [entries[i - 1]!.id, entries[i]!.id];
      if ([...onRing].some((member) => between(x, id(member), y))) found.add('ValidSuccessorList');
    }
  }
  return found;
}
