/** The ring as the interfaces show it: `{id, ringId, address}` pointers, finger tables, liveness of peers. */
import {
  type Clock,
  type HostId,
  isMember,
  type MemberState,
  type Milliseconds,
  type Pointer,
  type RingHost,
  type Watched,
} from '@chordial/ring';
import type { PeerStatus, ShownFingers, ShownMember, ShownPointer } from './peer.ts';

/** The peer's name. */
type Called = (host: HostId) => string;

export function shownPointer(pointer: Pointer, called: Called): ShownPointer | null {
  if (!isMember(pointer)) return null;
  const { host } = pointer.contact;
  return { id: host, name: called(host), ringId: pointer.id, address: pointer.contact.addresses[0] ?? '' };
}

export function shownMember(
  ring: RingHost,
  state: MemberState,
  { fingers, called }: { readonly fingers: ShownFingers; readonly called: Called },
): ShownMember {
  return {
    ringId: state.me.id,
    predecessor: shownPointer(state.predecessor, called),
    successors: state.successors.map((one) => shownPointer(one, called)).filter((p) => p !== null),
    fingers: fingers === 'none' ? [] : shownFingers(ring, state, { wanted: fingers, called }),
  };
}

/** Runs of equal fingers are shown once and, with `distinct`, returned once. */
function shownFingers(
  ring: RingHost,
  state: MemberState,
  { wanted, called }: { readonly wanted: 'all' | 'distinct'; readonly called: Called },
): ShownMember['fingers'] {
  const fingers: ShownMember['fingers'][number][] = [];
  let shown = null as ShownPointer | null;
  for (const { start, node } of ring.fingers(state)) {
    const isSame = fingers.length > 0 && node?.id === shown?.ringId;
    if (isSame && wanted === 'distinct') continue;
    if (!isSame) shown = node === null ? null : shownPointer(node, called);
    fingers.push({ start, node: shown });
  }
  return fingers;
}

/** @param lastUpdate its last change of state */
export function shownPeer(
  watched: Watched,
  name: string,
  { virtualNodes, lastUpdate }: { readonly virtualNodes: number; readonly lastUpdate: Milliseconds | null },
  clock: Clock,
): PeerStatus {
  const { contact, liveness, lastHeard, roundTrip } = watched;
  const age = lastHeard === null ? null : Math.max(0, clock.now() - lastHeard);
  return {
    id: contact.host,
    name,
    address: contact.addresses[0] ?? '',
    state: liveness,
    lastHeartbeat: age === null ? null : new Date(clock.wallTime() - age).toISOString(),
    lastUpdate: lastUpdate === null ? null : new Date(lastUpdate).toISOString(),
    heartbeatAge: age === null ? null : Math.round(age) / 1000,
    roundTripMilliseconds: roundTrip === null ? null : Math.round(roundTrip * 1000) / 1000,
    virtualNodes,
  };
}
