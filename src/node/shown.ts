/** The ring as the interfaces show it: `{id, ringId, address}` pointers, tables of fingers, liveness of peers. */
import type { Watched } from '../ring/failure-detector.ts';
import type { MemberState } from '../ring/member-state.ts';
import { isMember, type Pointer } from '../ring/pointer.ts';
import type { Clock, Milliseconds } from '../ring/ports.ts';
import type { RingHost } from '../ring/ring-host.ts';
import type { PeerStatus, ShownMember, ShownPointer } from './peer.ts';

export function shownPointer(pointer: Pointer): ShownPointer | null {
  if (!isMember(pointer)) return null;
  return { id: pointer.contact.host, ringId: pointer.id, address: pointer.contact.addresses[0] ?? '' };
}

export function shownMember(ring: RingHost, state: MemberState): ShownMember {
  return {
    ringId: state.me.id,
    predecessor: shownPointer(state.predecessor),
    successors: state.successors.map(shownPointer).filter((p) => p !== null),
    fingers: ring.fingers(state).map(({ start, node }) => ({ start, node: node === null ? null : shownPointer(node) })),
  };
}

export function shownPeer(
  watched: Watched,
  virtualNodes: number,
  lastUpdate: Milliseconds | null,
  clock: Clock,
): PeerStatus {
  const { contact, liveness, lastHeard, roundTrip } = watched;
  const age = lastHeard === null ? null : Math.max(0, clock.now() - lastHeard);
  return {
    id: contact.host,
    address: contact.addresses[0] ?? '',
    state: liveness,
    lastHeartbeat: age === null ? null : new Date(clock.wallTime() - age).toISOString(),
    lastUpdate: lastUpdate === null ? null : new Date(lastUpdate).toISOString(),
    heartbeatAge: age === null ? null : Math.round(age) / 1000,
    roundTripMilliseconds: roundTrip === null ? null : Math.round(roundTrip * 1000) / 1000,
    virtualNodes,
  };
}
