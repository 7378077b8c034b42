/** RECTIFY (Zave 2017, §III): what a NOTIFY does to the predecessor. There is no check_predecessor beside it. */
import { between } from './identifier.ts';
import type { MemberState } from './member-state.ts';
import type { MemberPointer } from './pointer.ts';

export type Rectification =
  | { readonly kind: 'keep' }
  | { readonly kind: 'adopt'; readonly state: MemberState }
  /** Only a dead predecessor may be replaced by this notifier: find out, then call `withPredecessor`. */
  | { readonly kind: 'check-predecessor' };

/** `notifier` is presumed live: it just spoke, and its host was authenticated. */
export function rectify(state: MemberState, notifier: MemberPointer): Rectification {
  if (notifier.id === state.me.id || notifier.id === state.predecessor.id) return { kind: 'keep' };
  if (between(state.predecessor.id, notifier.id, state.me.id)) {
    return { kind: 'adopt', state: withPredecessor(state, notifier) };
  }
  return { kind: 'check-predecessor' };
}

export function withPredecessor(state: MemberState, notifier: MemberPointer): MemberState {
  return { ...state, predecessor: notifier, epoch: state.epoch + 1 };
}
