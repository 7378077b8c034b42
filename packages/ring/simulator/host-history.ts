/**
 * Whole hosts on the atomic model: a host's members join one after another and die at the same instant, without the
 * assumptions of the proof. A founder begins as the ideal ring of its own members, so that s + 1 principals exist
 * from the start and while any host lives.
 */
import { distance, type RingId } from '../src/protocol/identifier.ts';
import { idealRing } from '../src/protocol/join.ts';
import type { MemberState } from '../src/protocol/member-state.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';
import { applyEffect, effectOf, memberAt, statesById } from './atomic-model.ts';
import { stabilizeOnce } from './atomic-rounds.ts';
import { oneLiveSuccessor, sufficientPrincipals, type Violation } from './invariant.ts';
import { viewOf } from './ring-view.ts';

export interface HostNetwork {
  readonly shape: RingShape;
  readonly states: Map<RingId, MemberState>;
  /** Violations of OneLiveSuccessor and SufficientPrincipals, in order. */
  readonly violations: Violation[];
  /** Whether a member whose list changes wakes its predecessor, which stabilizes at once. */
  readonly wakeups: boolean;
}

export function found(ids: readonly RingId[], host: string, shape: RingShape, wakeups = true): HostNetwork {
  const members = ids.map((id) => memberAt(id, host));
  return { shape, states: statesById(idealRing(members, shape)), violations: [], wakeups };
}

/** Each member joins and stabilizes; a join changes a list, so with wake-ups the predecessor stabilizes at once. */
export function joinHost(network: HostNetwork, ids: readonly RingId[], host: string): void {
  const { states, shape } = network;
  for (const id of ids) {
    const effect = [...states.keys()]
      .map((through) => effectOf(states, { kind: 'join', member: memberAt(id, host), through }, shape))
      .find((found) => found !== null);
    if (effect === undefined || effect === null) throw new Error(`no place to join for ${id}`);
    applyEffect(states, effect);
    stabilize(network, id, effect.state?.predecessor.id);
    check(network);
  }
}

/** Every member stabilizes once, in the given order. */
export function round(network: HostNetwork, order: readonly RingId[]): void {
  for (const id of order) {
    if (network.states.has(id)) stabilize(network, id);
    check(network);
  }
}

export function killHost(network: HostNetwork, host: string): void {
  for (const { me } of [...network.states.values()]) {
    if (me.contact.host === host) network.states.delete(me.id);
  }
  check(network);
}

/** Members whose whole list is dead, each with the number of its live siblings. */
export function isolated(network: HostNetwork): readonly { readonly id: RingId; readonly siblings: number }[] {
  const { members } = viewOf(network.states.values());
  return members
    .filter((state) => !state.successors.some((entry) => entry.contact !== null && network.states.has(entry.id)))
    .map(({ me }) => ({
      id: me.id,
      siblings: members.filter((other) => other.me !== me && other.me.contact.host === me.contact.host).length,
    }));
}

function check({ states, shape, violations }: HostNetwork): void {
  const view = viewOf(states.values());
  violations.push(...oneLiveSuccessor(view), ...sufficientPrincipals(view, shape.successors));
}

/** A change travels back over at most s members, each waking the next; the bound only stops an endless loop. */
function stabilize({ states, shape, wakeups }: HostNetwork, first: RingId, woken?: RingId): void {
  const waiting = wakeups && woken !== undefined ? [first, woken] : [first];
  const maxWakeups = 4 * shape.successors + 4;
  for (let done = 0; done <= maxWakeups; done++) {
    const id = waiting.shift();
    if (id === undefined) return;
    const changed = stabilizeOnce(states, id, shape);
    const predecessor = states.get(id)?.predecessor.id;
    if (wakeups && changed && predecessor !== undefined) waiting.push(predecessor);
  }
}

/**
 * A member whose whole list is dead keeps its place and takes its nearest live sibling ahead as a STAB2 candidate;
 * stabilizing then walks back from there. If it gave up its place to rejoin, it could isolate its predecessor, whose last
 * live entry it may be, and so on around the ring: an open ring has no place for a joiner in its gap.
 */
export function rescueThroughSiblings({ states, shape }: HostNetwork, lost: readonly RingId[]): void {
  for (const member of lost) {
    const me = states.get(member)!.me;
    const ahead = viewOf(states.values())
      .members.filter((other) => other.me !== me && other.me.contact.host === me.contact.host)
      .toSorted((a, b) => Number(distance(member, a.me.id, shape.bits) - distance(member, b.me.id, shape.bits)))[0];
    if (ahead === undefined) throw new Error(`${member} has no live sibling to turn to`);
    // STAB1 drops the dead heads one by one until only padding is left.
    for (let drops = 0; drops < shape.successors; drops++) {
      applyEffect(states, effectOf(states, { kind: 'stabilize-from-successor', member }, shape));
    }
    applyEffect(states, effectOf(states, { kind: 'stabilize-from-candidate', member, candidate: ahead.me }, shape));
  }
}
