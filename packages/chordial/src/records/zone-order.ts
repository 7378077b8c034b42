/**
 * Which of some hosts are places when copies go to distinct zones first. A function of the hosts in ring order and their
 * zones alone, so that all who know the same compute the same; in a ring without zones it is the ring order itself.
 */
import type { Contact, RingId } from '@chordial/ring';
import type { RingView } from './ring-view.ts';

/**
 * The order in which these hosts, given in ring order, are places: the first of each zone, then the others. A host without a
 * zone is one by itself. The first k of them are the places of an item of k copies, whatever k.
 */
export function distinctZones(hosts: readonly Contact[]): readonly Contact[] {
  const { firsts, others } = byZone(hosts);
  return others.length === 0 ? hosts : [...firsts, ...others];
}

/** Both in ring order: the first host of each zone, and those in the zone of an earlier one. */
export function byZone(hosts: readonly Contact[]): { readonly firsts: Contact[]; readonly others: Contact[] } {
  const zones = new Set<string>();
  const firsts: Contact[] = [];
  const others: Contact[] = [];
  for (const contact of hosts) {
    const { zone } = contact;
    if (zone !== undefined && zones.has(zone)) others.push(contact);
    else firsts.push(contact);
    if (zone !== undefined) zones.add(zone);
  }
  return { firsts, others };
}

/** How many zones these hosts are in. */
export function countZones(hosts: readonly Contact[]): number {
  return byZone(hosts).firsts.length;
}

/** The places of a key by what this host has heard: a guess, for which no one is asked. */
export function likelyPlaces(
  view: Pick<RingView, 'nearby' | 'hosts'>,
  key: RingId,
  wanted: number,
): readonly Contact[] {
  for (let most = wanted; ; most *= 2) {
    const near = view.nearby(key, most);
    const zones = countZones(near);
    const isAll = near.length < most || zones >= wanted || zones >= countZones(view.hosts());
    if (isAll) return distinctZones(near).slice(0, wanted);
  }
}
