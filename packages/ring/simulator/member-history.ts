/** Random joins and crashes on a MemberRing within the assumptions of the proof, and the violations found. */
import type { RingId } from '../src/protocol/identifier.ts';
import type { RingShape } from '../src/protocol/successor-list.ts';
import { type RingProperty, violationsOf } from './invariant.ts';
import { MemberRing } from './member-ring.ts';
import { principalsOf } from './principals.ts';
import { bestSuccessor, type RingView, viewOf } from './ring-view.ts';

export interface MemberHistory {
  readonly broken: ReadonlySet<RingProperty>;
  /** Principals demoted without failing; by the proof there are none. */
  readonly demoted: readonly RingId[];
  readonly members: number;
}

export interface HistoryOptions {
  readonly seed: number;
  readonly shape: RingShape;
  readonly busyRule: boolean;
  readonly steps: number;
  readonly founders: number;
}

/** Possible places; few, so that members collide. */
const maxMembers = 12;
const longestPause = 400;

export function runMembers({ seed, shape, busyRule, steps, founders }: HistoryOptions): MemberHistory {
  const places = 2 ** shape.bits;
  const width = Math.ceil(shape.bits / 4);
  const idAt = (place: number) => place.toString(16).padStart(width, '0') as RingId;
  const gap = Math.floor(places / founders);
  const ring = new MemberRing(
    { seed, shape, busyRule },
    Array.from({ length: founders }, (_, i) => idAt(i * gap)),
  );
  const { random } = ring;
  const broken = new Set<RingProperty>();
  const demoted = new Set<RingId>();
  let principals = principalsOf(ring.view());
  ring.changed = () => {
    const view = ring.view();
    for (const { property } of violationsOf(view, shape.successors)) broken.add(property);
    const now = principalsOf(view);
    for (const id of principals) if (view.placeOf.has(id) && !now.has(id)) demoted.add(id);
    principals = now;
  };
  for (let step = 0; step < steps; step++) {
    ring.time.runUntil(ring.time.now + random.next() * longestPause);
    const view = ring.view();
    const id = idAt(Math.floor(random.next() * places));
    const victim = view.ids[Math.floor(random.next() * view.ids.length)];
    if (random.next() < 0.5 && victim !== undefined) {
      if (mayFail(view, victim, shape)) ring.fail(victim);
    } else if (!ring.peers.has(id) && view.ids.length < maxMembers) ring.join(id);
  }
  return { broken, demoted: [...demoted], members: ring.view().ids.length };
}

/** Zave's operating assumptions: every list keeps a live entry, and s + 1 principals remain. */
function mayFail(view: RingView, victim: RingId, shape: RingShape): boolean {
  const rest = viewOf(view.members.filter((state) => state.me.id !== victim));
  if (rest.members.some((state) => bestSuccessor(rest, state) === -1)) return false;
  return !principalsOf(view).has(victim) || principalsOf(view).size > shape.successors + 1;
}
