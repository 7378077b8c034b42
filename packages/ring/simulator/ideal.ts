/** Ideal: every live member's predecessor and whole successor list equal those computed by sorting the live members. */
import { isMember } from '../src/protocol/pointer.ts';
import { listText } from './invariant.ts';
import type { RingView } from './ring-view.ts';

/** O(N·s). What is wrong at the first member that is not ideal, or null. Works for rings of at most s members too. */
export function notIdeal(view: RingView, successors: number): string | null {
  const count = view.ids.length;
  for (let place = 0; place < count; place++) {
    const state = view.members[place]!;
    const predecessor = view.ids[(place + count - 1) % count]!;
    if (state.predecessor.id !== predecessor) {
      return `${state.me.id} has predecessor ${state.predecessor.id}, not ${predecessor}`;
    }
    if (state.successors.length !== successors) return `${listText(state)} has not ${successors} entries`;
    for (let i = 0; i < successors; i++) {
      const entry = state.successors[i]!;
      const expected = i + 1 < count ? view.ids[(place + i + 1) % count]! : null;
      if ((isMember(entry) ? entry.id : null) !== expected) {
        return `${listText(state)} has ${entry.id} at ${i + 1}, not ${expected ?? 'padding'}`;
      }
    }
  }
  return null;
}

export function isIdeal(view: RingView, successors: number): boolean {
  return notIdeal(view, successors) === null;
}
