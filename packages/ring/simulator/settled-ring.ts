/**
 * Builds a settled ring of many hosts at once: states, lists and fingers are computed by sorting the members, and the
 * production code continues from there. Joining thousands one by one would take hours and end in the same ring.
 */
import type { RingId } from '../src/protocol/identifier.ts';
import { idealRing } from '../src/protocol/join.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import type { HostId } from '../src/protocol/pointer.ts';
import { placeNotBefore } from './ring-order.ts';
import type { RingSimulation } from './ring-simulation.ts';

/** Adds the hosts to an empty simulation. */
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
