/**
 * Zave's invariant (2017, §IV and VI) and the properties that follow from it, as checks on a set of live members.
 *
 * They share only `between` with the production code. They hold for rings of at least
 * s + 1 members; a teaching ring below that has no SufficientPrincipals. Padding is not a member: it counts where a pair
 * might skip a member, not where members must be distinct and in order.
 */
import { between } from '../src/protocol/identifier.ts';
import { extendedSuccessorList, type MemberState } from '../src/protocol/member-state.ts';
import { isMember } from '../src/protocol/pointer.ts';
import { principalsOf } from './principals.ts';
import { bestSuccessor, type RingStructure, type RingView, structureOf } from './ring-view.ts';

export type RingProperty =
  | 'OneLiveSuccessor'
  | 'SufficientPrincipals'
  | 'NoDuplicates'
  | 'OrderedSuccessorLists'
  | 'AtLeastOneRing'
  | 'AtMostOneRing'
  | 'OrderedRing'
  | 'ConnectedAppendages'
  | 'PrincipalsInRing';

export interface Violation {
  readonly property: RingProperty;
  /** The members that break it, with identifiers. */
  readonly detail: string;
}

/** All properties that the view breaks: the two conjuncts of the invariant first, then its consequences. */
export function violationsOf(view: RingView, successors: number): readonly Violation[] {
  const structure = structureOf(view);
  return [
    ...oneLiveSuccessor(view),
    ...sufficientPrincipals(view, successors),
    ...noDuplicates(view),
    ...orderedSuccessorLists(view),
    ...ringProperties(view, structure),
    ...principalsInRing(view, structure),
  ];
}

export function broken(view: RingView, successors: number): ReadonlySet<RingProperty> {
  return new Set(violationsOf(view, successors).map((violation) => violation.property));
}

/** Every member has at least one live entry in its list. */
export function oneLiveSuccessor(view: RingView): readonly Violation[] {
  return view.members
    .filter((state) => bestSuccessor(view, state) === -1)
    .map((state) => ({ property: 'OneLiveSuccessor', detail: `no entry of ${listText(state)} lives` }));
}

/** At least s + 1 principals. */
export function sufficientPrincipals(view: RingView, successors: number): readonly Violation[] {
  const { size } = principalsOf(view);
  if (size > successors) return [];
  return [{ property: 'SufficientPrincipals', detail: `${size} principals where ${successors + 1} are needed` }];
}

export function noDuplicates(view: RingView): readonly Violation[] {
  return view.members
    .filter((state) => {
      const ids = extendedSuccessorList(state)
        .filter(isMember)
        .map((entry) => entry.id);
      return new Set(ids).size !== ids.length;
    })
    .map((state) => ({ property: 'NoDuplicates', detail: `${listText(state)} repeats a member` }));
}

/** Any sub-list [x, y, z] of an extended list has between(x, y, z): entries go once clockwise from the member. */
export function orderedSuccessorLists(view: RingView): readonly Violation[] {
  return view.members
    .filter((state) => {
      const entries = state.successors.filter(isMember);
      return entries.some((entry, i) => {
        const last = entries[i - 1] ?? state.me;
        return !between(last.id, entry.id, state.me.id);
      });
    })
    .map((state) => ({ property: 'OrderedSuccessorLists', detail: `${listText(state)} is out of order` }));
}

/** AtLeastOneRing, AtMostOneRing, OrderedRing and ConnectedAppendages of the best-successor graph. */
export function ringProperties(view: RingView, structure: RingStructure): readonly Violation[] {
  const found: Violation[] = [];
  const name = (place: number): string => view.ids[place]!;
  if (structure.rings.length === 0) {
    found.push({ property: 'AtLeastOneRing', detail: 'best successors form no cycle' });
  }
  if (structure.rings.length > 1) {
    const rings = structure.rings.map((ring) => ring.map(name).join('→')).join(' and ');
    found.push({ property: 'AtMostOneRing', detail: `separate rings ${rings}` });
  }
  for (const ring of structure.rings) {
    // Walking a ring in order steps down exactly once.
    const descents = ring.filter((place, i) => ring[(i + 1) % ring.length]! <= place).length;
    if (descents !== 1) found.push({ property: 'OrderedRing', detail: `the ring goes ${ring.map(name).join('→')}` });
  }
  for (const place of structure.disconnected) {
    found.push({ property: 'ConnectedAppendages', detail: `${name(place)} reaches no ring` });
  }
  return found;
}

export function principalsInRing(view: RingView, structure: RingStructure): readonly Violation[] {
  const onRing = new Set(structure.rings.flat().map((place) => view.ids[place]!));
  return [...principalsOf(view)]
    .filter((id) => !onRing.has(id))
    .map((id) => ({ property: 'PrincipalsInRing', detail: `principal ${id} is on no ring` }));
}

export function listText(state: MemberState): string {
  return `${state.me.id}:[${state.successors.map((entry) => (isMember(entry) ? entry.id : `(${entry.id})`)).join(' ')}]`;
}
