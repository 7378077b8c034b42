/**
 * The whole vocabulary of the ring. Each message goes from host to host and carries lists, so that several members or
 * keys can be meant at once. Answers are positional: entry i of an answer belongs to entry i of the ask.
 */
import type { RingId } from './identifier.ts';
import type { MemberState } from './member-state.ts';
import type { Contact, HostId, MemberPointer, Pointer } from './pointer.ts';

/** GET_STATE reads predecessor and successors in one snapshot: two reads would void the proof. */
export type StateAnswer =
  | { readonly status: 'member'; readonly state: MemberState }
  /** The member has an answered query in flight (busy rule): ask again shortly. */
  | { readonly status: 'pending' }
  | { readonly status: 'not-member' };

/** The word of the owner of a key itself. Keys after `predecessor` up to `owner` are its own. */
export interface OwnerAnswer {
  readonly owner: MemberPointer;
  readonly predecessor: Pointer;
  /** The owner's own successor list, s entries. */
  readonly successors: readonly Pointer[];
}

export interface FindAnswer {
  /** Set when a member of the asked host owns the key by its last committed state. */
  readonly owned: OwnerAnswer | null;
  /** Members at or after the key, nearest first: the believed owner and those that follow it. At most 8. */
  readonly guesses: readonly MemberPointer[];
  /** Members before the key, closest preceding first. At most 8. */
  readonly closer: readonly MemberPointer[];
}

/** What happened to a host. A hint: it picks whom to ask, never what is true. */
export interface MembershipEvent {
  readonly type: 'alive' | 'away' | 'left' | 'dead';
  readonly contact: Contact;
  /** How many members the host has; 0: it is a client. */
  readonly virtualNodes: number;
  /** Grows with each start of the host (milliseconds since 1970 at start); news of an older life is ignored. */
  readonly incarnation: number;
}

/** `from` believes to be the predecessor of `to` (rectify). */
export interface Notice {
  readonly to: RingId;
  readonly from: MemberPointer;
}

/** A host went; in a large network it is named by the place of its member with index 0, of which 15 digits are sure. */
export interface Departure {
  readonly first: RingId;
  readonly type: 'away' | 'left' | 'dead';
  /** 0 when it is not known which life ended. */
  readonly incarnation: number;
}

export interface RingAsks {
  /** The notices count once the states have been read: who stabilizes asks its successor and notifies it in one message. */
  getState: { readonly members: readonly RingId[]; readonly notices: readonly Notice[] };
  notify: { readonly notices: readonly Notice[] };
  find: { readonly keys: readonly RingId[] };
  /** Stabilize now, all members when none is named; `candidates` are members that may lie between you and your successor. */
  wake: { readonly members: readonly RingId[]; readonly candidates: readonly MemberPointer[] };
  /** I am going: for good, or away to come back. */
  leave: { readonly forGood: boolean; readonly members: readonly RingId[] };
  /** Can you reach these hosts? (Indirect probe before a death is believed.) */
  probe: { readonly hosts: readonly Contact[] };
  gossip: { readonly events: readonly MembershipEvent[] };
  /** Events in a large network; the reader tells those on whose first members stand between its own and `until`. */
  events: {
    readonly until: RingId;
    readonly arrivals: readonly MembershipEvent[];
    readonly departures: readonly Departure[];
  };
  /** Which hosts are there? Those whose first members follow `after`. */
  snapshot: { readonly after: RingId; readonly max: number };
}

export interface RingAnswers {
  getState: { readonly states: readonly StateAnswer[] };
  notify: Record<string, never>;
  find: { readonly found: readonly FindAnswer[] };
  wake: Record<string, never>;
  leave: Record<string, never>;
  probe: { readonly reached: readonly boolean[] };
  /** What the asked host knows in return, so that two hosts that meet learn of each other's networks. */
  gossip: { readonly events: readonly MembershipEvent[] };
  events: Record<string, never>;
  /** In the order of their first members; `total` hosts are known. */
  snapshot: { readonly total: number; readonly hosts: readonly MembershipEvent[] };
}

export type RingMessageKind = keyof RingAsks;

/** Bounds on what one message may carry; the decoder refuses more. */
export const maxListEntries = 256;
export const maxSuccessors = 64;
export const maxSuggestions = 8;

/** The receiving end: RingHost is one. */
export interface RingHandler {
  /** Answers at once or later, exactly once; null refuses. */
  handle<K extends RingMessageKind>(
    from: HostId,
    kind: K,
    ask: RingAsks[K],
    answer: (answer: RingAnswers[K] | null) => void,
  ): void;
}
