/** To whom of the ring a question to everybody is handed on. */
import type { HostId, MemberPointer } from '../ring/pointer.ts';
import type { RingHost } from '../ring/ring-host.ts';

/** In networks of so many hosts each hears from each other one. */
const maxHostsOfSmallNetwork = 64;

/**
 * In ring order. Members of hosts that never spoke to this one are in a small network nothing but rumours: handing parts of
 * the ring to hundreds of them, as liars would have it, takes the time of a question and more.
 */
export function askedMembers(ring: Pick<RingHost, 'self' | 'members' | 'hostsWithPlaces'>): readonly MemberPointer[] {
  const spoke = new Set<HostId>([ring.self.host, ...ring.hostsWithPlaces().map(({ host }) => host)]);
  const members = ring.members();
  return spoke.size > maxHostsOfSmallNetwork ? members : members.filter(({ contact }) => spoke.has(contact.host));
}
