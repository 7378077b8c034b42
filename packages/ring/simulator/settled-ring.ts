/**
 * A ring of many hosts that settled long ago, made at once: states, lists and fingers are worked out by sorting the
 * members, and the production code of every host takes over from there. What is modelled is only that all of them have
 * joined; joining thousands one after the other would cost hours and end in the same ring.
 */
import type { RingId } from '../src/protocol/identifier.ts';
import { idealRing } from '../src/protocol/join.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import type { HostId } from '../src/protocol/pointer.ts';
import { placeNotBefore } from './ring-order.ts';
import type { RingSimulation } from './ring-simulation.ts';

/** Adds the hosts to a simulation that has none yet. */
export function addSettled(ring: RingSimulation, hosts: number): void {
  for (let i = 0; i < hosts; i++) ring.add();
  const sorted = ring.hosts.flatMap(({ members }) => members).sort((a, b) => (a.id < b.id ? -1 : 1));
  const ofHost = new Map<HostId, MemberState[]>();
  for (const state of idealRing(sorted, ring.shape)) {
    const { host } = state.me.contact;
    const states = ofHost.get(host);
    if (states === undefined) ofHost.set(host, [state]);
    else states.push(state);
  }
  const ownerOf = (key: RingId) => sorted[placeNotBefore(sorted, key)]!;
  for (const { contact, ring: host } of ring.hosts) {
    host.beginSettled(ofHost.get(contact.host) ?? [], ownerOf, sorted);
  }
}
