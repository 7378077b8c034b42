/** The ring as shown by the peers' APIs, compared with the sorted live members. */
import type { NodeStatus, ShownMember } from '../../src/peer/peer.ts';
import type { PeerProcess } from './peer-process.ts';

/** One line for each pointer that is not what sorting the live members says; empty when the ring is ideal. */
export async function ringFaults(peers: readonly PeerProcess[]): Promise<readonly string[]> {
  const states = await Promise.all(peers.map((peer) => peer.json<NodeStatus>('/api/v1/node?fingers=none')));
  return faultsOfRing(states.flatMap((state) => state.virtualNodes));
}

export function faultsOfRing(members: readonly ShownMember[]): readonly string[] {
  const sorted = [...new Set(members.map((member) => member.ringId))].sort();
  if (sorted.length !== members.length) return ['two members have the same place'];
  // The length of the lists is a setting that the API does not show: the longest that anyone has, self not counted.
  const others = members.map((member) => member.successors.filter((successor) => successor.ringId !== member.ringId));
  const length = Math.min(sorted.length - 1, Math.max(...others.map((list) => list.length)));
  return members.flatMap((member, index) => {
    const place = sorted.indexOf(member.ringId);
    const after = [...sorted.slice(place + 1), ...sorted.slice(0, place)];
    const before = after.at(-1) ?? member.ringId;
    // A list longer than the ring goes round again; entries at its end that are no longer members are wrong too.
    const listed = (others[index] ?? []).map((successor) => successor.ringId);
    const due = Math.max(listed.length, length);
    const expected = Array.from({ length: due }, (_, entry) => after[entry % after.length]);
    const wrong: string[] = [];
    if (member.predecessor?.ringId !== before) {
      wrong.push(`${member.ringId}: predecessor ${member.predecessor?.ringId ?? 'none'}, should be ${before}`);
    }
    if (listed.join() !== expected.join()) {
      wrong.push(`${member.ringId}: successors ${listed.join() || 'none'}, should be ${expected.join()}`);
    }
    return wrong;
  });
}
