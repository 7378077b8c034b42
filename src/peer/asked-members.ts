/** Members to which a broadcast is passed on. */
import type { HostId, MemberPointer, RingHost } from '@chordial/ring';

/** In networks of up to this many hosts each is asked directly. */
const maxHostsOfSmallNetwork = 64;

/**
 * In ring order. In a small network, members of hosts that never contacted this one are unverified: passing parts of
 * the ring to hundreds of made-up ones would use up the query's time.
 */
export function askedMembers(ring: Pick<RingHost, 'self' | 'members' | 'hostsWithPlaces'>): readonly MemberPointer[] {
  const spoke = new Set<HostId>([ring.self.host, ...ring.hostsWithPlaces().map(({ host }) => host)]);
  const members = ring.members();
  return spoke.size > maxHostsOfSmallNetwork ? members : members.filter(({ contact }) => spoke.has(contact.host));
}
