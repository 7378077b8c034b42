/** What the data layer sees of the ring: places and liveness, nothing of how they come about. */
import type {
  Contact,
  HostId,
  MemberPointer,
  MemberState,
  Milliseconds,
  OwnerAnswer,
  RingId,
  RingShape,
} from '@chordial/ring';

export interface Located extends OwnerAnswer {
  readonly key: RingId;
  /** Hosts contacted, the owner's included; 0 when this host owns the key. */
  readonly hops: number;
  readonly timeouts: number;
  readonly took: Milliseconds;
}

export interface RingView {
  readonly self: Contact;
  readonly shape: RingShape;
  /** Last committed states of this host's own members; empty while it is no member. */
  states(): readonly MemberState[];
  /** The confirmed owner of a key. Rejects with ChordialError `timeout` or `not-a-member`. */
  locate(key: RingId): Promise<Located>;
  /** One GET_STATE, to walk on behind the last entry of a list; null when it did not answer as a member. */
  stateOf(member: MemberPointer): Promise<MemberState | null>;
  isDead(host: HostId): boolean;
  /** Whether its certificate lets it hold what is others'. */
  mayHold(host: HostId): boolean;
  /** Every live host that has spoken to this one and of which places on the ring are known, this one included unless it has none. */
  hosts(): readonly Contact[];
  /** Hosts of the members that follow the key, as far as this host has heard, the nearest `most` of them first: a guess that no one confirmed. */
  nearby(key: RingId, most?: number): readonly Contact[];
  /** Reports that a host did not answer a data request, so that the failure detector looks at once. */
  suspect(contact: Contact): void;
  /** Called after any of this host's members changed its neighbours, or a host with places died or came back. Returns the undo. */
  onChange(listener: () => void): () => void;
  /** Called when a host with places may have restarted though its silence went unnoticed. Returns the undo. */
  onRestart(listener: (host: HostId) => void): () => void;
}
