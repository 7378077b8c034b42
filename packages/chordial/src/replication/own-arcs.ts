/** The arcs owned by this host's members, and the other hosts with a place there. */
import type { Contact, MemberState } from '@chordial/ring';
import type { RingView } from '../records/ring-view.ts';
import { distinctZones } from '../records/zone-order.ts';
import { keyRangeOfArc } from '../storage/key-range.ts';
import type { KeyArc } from '../storage/range-parts.ts';
import { hostsBehind } from './placement.ts';

export interface OwnArc {
  readonly range: KeyArc;
  /** All other live hosts: those with the next places first. */
  readonly others: readonly Contact[];
}

/** @param wanted replicas: places for this many are found, if the ring has them */
export async function ownArcs(view: RingView, wanted: number): Promise<readonly OwnArc[]> {
  return Promise.all(view.states().map((state) => ownArc(view, state, wanted)));
}

async function ownArc(view: RingView, { me, predecessor, successors }: MemberState, wanted: number): Promise<OwnArc> {
  const next = distinctZones(await hostsBehind({ owner: me, predecessor, successors }, wanted, view));
  const all = new Map([...next, ...view.hosts()].map((contact) => [contact.host, contact]));
  all.delete(view.self.host);
  const others = [...all.values()].filter(({ host }) => !view.isDead(host));
  return { range: keyRangeOfArc(predecessor.id, me.id, view.shape.bits) as KeyArc, others };
}
