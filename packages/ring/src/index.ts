/**
 * A correct Chord for others to build on. `RingHost` is one host on the ring; what it needs of the outside world, a clock, chance and a
 * network, is handed in. README.md shows it in use, SPEC.md has its rules.
 */
export type { RingEvent } from './host/events.ts';
export type { Liveness, Watched } from './host/failure-detector.ts';
export type { Asked, Found } from './host/lookup.ts';
export { hostsNextTo } from './host/own-members.ts';
export type {
  AskFailure,
  AskResult,
  Clock,
  Milliseconds,
  Random,
  RingNetwork,
  RingQuestion,
  Timer,
} from './host/ports.ts';
export { RingHost } from './host/ring-host.ts';
export {
  defaultOptions,
  type JoinFailure,
  type RingHostOptions,
  type RingHostPorts,
} from './host/ring-host-options.ts';
export { defaultTimers, type RingTimers } from './host/timers.ts';
export type { MemberIdRule } from './one-hop/member-cache.ts';
export {
  between,
  digitsOf,
  inOwnedArc,
  isRingId,
  nextId,
  type RingId,
  ringId,
  ringIdOfHash,
  toBigInt,
} from './protocol/identifier.ts';
export type { MemberState } from './protocol/member-state.ts';
export {
  type Departure,
  type FindAnswer,
  type MembershipEvent,
  maxListEntries,
  maxSuccessors,
  maxSuggestions,
  type Notice,
  type OwnerAnswer,
  type RingAnswers,
  type RingAsks,
  type RingHandler,
  type RingMessageKind,
  type StateAnswer,
} from './protocol/messages.ts';
export {
  type Contact,
  type HostId,
  isMember,
  type MemberPointer,
  type Pointer,
  paddingAfter,
  sameAddresses,
  sameContact,
  shareAddress,
} from './protocol/pointer.ts';
export type { RingShape } from './protocol/successor-list.ts';
