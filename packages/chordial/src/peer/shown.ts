/** The ring as the interfaces show it: `{id, ringId, address}` pointers, finger tables, liveness of peers. */
import {
  type Asked,
  type Clock,
  type HostId,
  isMember,
  type MemberPointer,
  type MemberState,
  type Milliseconds,
  type Pointer,
  type RingHost,
  type Watched,
} from '@chordial/ring';
import type { ListedMember } from '../network/members.ts';
import type { PeerStatus, ShownAsk, ShownFingers, ShownMember, ShownPointer, ShownRecording } from './peer.ts';
import type { Recorded } from './ring-recording.ts';

/** The peer's name. */
type Called = (host: HostId) => string;

export function shownPointer(pointer: Pointer, called: Called): ShownPointer | null {
  if (!isMember(pointer)) return null;
  const { host, addresses, zone = null } = pointer.contact;
  return { id: host, name: called(host), ringId: pointer.id, address: addresses[0] ?? '', zone };
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
  { name, petname, moved }: Pick<PeerStatus, 'name' | 'petname' | 'moved'>,
  { virtualNodes, lastUpdate }: { readonly virtualNodes: number; readonly lastUpdate: Milliseconds | null },
  clock: Clock,
): PeerStatus {
  const { contact, liveness, lastHeard, roundTrip } = watched;
  const age = lastHeard === null ? null : Math.max(0, clock.now() - lastHeard);
  return {
    id: contact.host,
    name,
    petname,
    moved,
    address: contact.addresses[0] ?? '',
    zone: contact.zone ?? null,
    state: liveness,
    lastHeartbeat: age === null ? null : new Date(clock.wallTime() - age).toISOString(),
    lastUpdate: lastUpdate === null ? null : new Date(lastUpdate).toISOString(),
    heartbeatAge: age === null ? null : Math.round(age) / 1000,
    roundTripMilliseconds: roundTrip === null ? null : Math.round(roundTrip * 1000) / 1000,
    virtualNodes,
  };
}

/** Times to the microsecond. */
export function shownAsk({ contact, place, at, took, answer }: Asked, called: Called): ShownAsk {
  const { host, addresses, zone = null } = contact;
  const rounded = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;
  return {
    ...{ id: host, name: called(host), ringId: place, address: addresses[0] ?? '', zone },
    at: rounded(at),
    milliseconds: took === null ? null : rounded(took),
    answer: answer === 'timeout' ? 'silent' : (answer ?? 'none'),
  };
}

export function shownRecording(recorded: Recorded, called: Called, now: Milliseconds): ShownRecording {
  const { from, members, changes, isTooLarge } = recorded;
  const pointers = (all: readonly MemberPointer[]) => all.map((member) => shownPointer(member, called)!);
  const timeAt = (time: Milliseconds): string => new Date(time).toISOString();
  return {
    ...{ from: timeAt(from), until: timeAt(now), isTooLarge, members: pointers(members) },
    changes: changes.map(({ time, came, went }) => ({
      time: timeAt(time),
      came: pointers(came),
      went: pointers(went),
    })),
  };
}

/** A member of the network. */
export function shownListedMember(member: ListedMember, own: string) {
  const { host, admittedAt, admittedBy, firstSeenAt, lastSeenAt, ...told } = member;
  return {
    id: host,
    ...told,
    isSelf: host === own,
    admittedAt: timeOf(admittedAt),
    admittedBy,
    firstSeenAt: timeOf(firstSeenAt),
    lastSeenAt: timeOf(lastSeenAt),
  };
}

function timeOf(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}
