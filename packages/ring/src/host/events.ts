import type { MemberState } from '../protocol/member-state.ts';
import type { Contact, MemberPointer } from '../protocol/pointer.ts';
import type { Liveness } from './failure-detector.ts';

/** What happened in the ring, for people and checkers. Events announce, they never steer. */
export type RingEvent =
  /** The state of an own member changed; `before` is null when it joined, `after` when it stopped or was isolated. */
  | {
      readonly kind: 'committed';
      readonly before: MemberState | null;
      readonly after: MemberState | null;
      readonly member: MemberPointer;
    }
  | {
      readonly kind: 'host';
      readonly contact: Contact;
      readonly liveness: Liveness;
      /** It spoke to this host and has, or had until now, places on the ring. That others are gone changes nothing here. */
      readonly hadPlaces: boolean;
    }
  /** A host that was never found gone says something newer of itself: it may have restarted. */
  | { readonly kind: 'restarted'; readonly contact: Contact }
  /** A host that is no member here yet asked for its place: it was told to ask `next`, or that it is ours to give. */
  | { readonly kind: 'join-request'; readonly from: Contact; readonly next: MemberPointer | null }
  /** All own members are on the ring. */
  | { readonly kind: 'joined' }
  /** No live successor is left: the member joins again by itself. */
  | { readonly kind: 'isolated'; readonly member: MemberPointer }
  /** The host is in a ring apart: the two are merged. */
  | { readonly kind: 'other-ring'; readonly contact: Contact };
