/** A running peer as seen by the API, the command line and the shell. */

import type { Counters } from '../network/counters.ts';
import type { ListedMember } from '../network/members.ts';
import type { Membership, Right } from '../network/membership.ts';
import type { TrafficCounts } from '../network/traffic.ts';
import type { Hit } from '../search/hit.ts';
import type { Search } from '../search/search.ts';
import type { SharedFolders } from '../sharing/shared-folders.ts';
import type { FileEvent, Files } from '../transfer/files.ts';
import type { Transfers } from '../transfer/transfers.ts';
import type { Uploads } from '../transfer/uploads.ts';
import type { LogLevel } from './event-level.ts';
import type { ShownHit } from './shown-hit.ts';

/** `{id, name, ringId, address}`: how interfaces show a member. */
export interface ShownPointer {
  readonly id: string;
  /** The peer's name, or part of its id when it has none. */
  readonly name: string;
  readonly ringId: string;
  readonly address: string;
}

export interface ShownMember {
  readonly ringId: string;
  readonly predecessor: ShownPointer | null;
  readonly successors: readonly ShownPointer[];
  /** start = ringId + 2^i; `node` is successor(start), or null while unknown. */
  readonly fingers: readonly { readonly start: string; readonly node: ShownPointer | null }[];
}

/** 20 members with 256 fingers each make 1.4 MB of JSON; `distinct` returns the first finger of each run of equal ones. */
export type ShownFingers = 'all' | 'distinct' | 'none';

export interface NodeStatus extends ShownMember {
  readonly id: string;
  /** Its name in its certificate. */
  readonly name: string;
  readonly network: string;
  readonly bits: number;
  readonly listen: string;
  readonly api: string;
  readonly virtualNodes: readonly ShownMember[];
  /** Members (virtual nodes) and hosts known to be alive. */
  readonly members: number;
  readonly hosts: number;
  readonly replicas: number;
  readonly state: 'starting' | 'joining' | 'member' | 'leaving' | 'left';
  /** Null until another peer answered. */
  readonly clock: {
    /** Seconds by which this clock is ahead of others; negative when behind. */
    readonly ahead: number;
    /** Number of peers asked. */
    readonly peers: number;
    /** A sentence when the offset exceeds a minute. */
    readonly note: string | null;
  } | null;
}

/** Peers that agree on the order, with correct pointers, form one ring; a few bytes, where NodeStatus is tens of kilobytes. */
export interface RingDigest {
  /** Members known and believed alive. */
  readonly members: number;
  /** Of their places in order, hexadecimal. */
  readonly digest: string;
  /** Increases with every change of this peer's own pointers. */
  readonly epoch: number;
  /** Every predecessor and successor of this peer's own members matches the order. */
  readonly isRight: boolean;
}

export interface PeerStatus {
  readonly id: string;
  /** The petname, else the certificate's name; part of its id when it has none. */
  readonly name: string;
  readonly address: string;
  readonly state: 'alive' | 'suspected' | 'away' | 'left' | 'dead';
  /** ISO 8601; null if never heard. */
  readonly lastHeartbeat: string | null;
  readonly lastUpdate: string | null;
  /** Seconds since the last heartbeat. */
  readonly heartbeatAge: number | null;
  readonly roundTripMilliseconds: number | null;
  readonly virtualNodes: number;
}

export interface Invited {
  /** For `chordial join`. */
  readonly invite: string;
  readonly network: string;
  readonly addresses: readonly string[];
  /** ISO 8601. */
  readonly expires: string;
  /** Members that it admits. */
  readonly uses: number;
  readonly rights: readonly Right[];
}

export interface InviteWish {
  readonly timeToLive: number;
  readonly uses: number;
  readonly rights: readonly Right[];
}

export type MemberOperation = 'remove' | 'add-admin' | 'remove-admin' | 'admit';

export interface ChangedMembers {
  readonly id: string;
  readonly name: string;
  readonly done: boolean;
  /** Approving admins, of those required. */
  readonly votes: number;
  readonly needed: number;
}

export interface StorageListing extends Stored {
  readonly names: readonly { readonly name: string; readonly publisher: string; readonly cid: string }[];
  readonly cursor: string | null;
}

/** On this peer's disk, for the network. */
export interface Stored {
  /** Replicas. */
  readonly blocks: number;
  readonly bytes: number;
  /** Cache besides, evicted first. */
  readonly cachedBlocks: number;
  readonly cachedBytes: number;
}

/** A figure for monitoring, with a sample for each set of labels. */
export interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface LookupResult {
  readonly key: string;
  readonly owner: ShownPointer;
  readonly replicas: readonly ShownPointer[];
  readonly hops: number;
  readonly milliseconds: number;
}

/** An event as one plain line, with its parts for programs. */
export interface PeerEvent {
  readonly time: string;
  readonly kind: string;
  readonly text: string;
  /** For kinds with several levels. */
  readonly level?: LogLevel;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface BrowsedFiles {
  readonly files: readonly ShownHit[];
  readonly cursor: string | null;
}

export interface Peer {
  /** All known members, including pending and removed ones. */
  members(): readonly ListedMember[];
  /** Invites of this peer that are still valid. */
  openInvites(): number;
  /**
   * By name, id or part of it. Rejects with `not-found`, `ambiguous-member`, `not-admin` or `last-admin`. Pending until
   * enough admins approve.
   */
  changeMember(
    operation: MemberOperation,
    member: string,
    options?: { readonly purge: boolean; readonly withAdmitted: boolean },
  ): ChangedMembers;
  /** Makes the member, or this peer, the only admin. Throws `bad-usage` for a key of another network. */
  recover(key: string, member: string | null): ChangedMembers;
  /** What is known of each host, by id. */
  readonly membership: Membership;
  readonly files: Files;
  readonly transfers: Transfers;
  readonly uploads: Uploads;
  readonly search: Pick<Search, 'start' | 'get' | 'recent'>;
  readonly shares: Pick<SharedFolders, 'add' | 'remove' | 'list'>;
  shownHits(files: readonly (readonly Hit[])[]): readonly ShownHit[];
  /** What a peer (by its whole id) publishes and shares, according to itself. Rejects with `not-found`, `unreachable`. */
  browse(id: string, cursor: string | null): Promise<BrowsedFiles>;
  /** All fingers by default. */
  status(fingers?: ShownFingers): NodeStatus;
  peers(): readonly PeerStatus[];
  /** The petname of a peer, by its whole id; null removes it. Rejects with `bad-request`, `already-exists`. */
  callPeer(id: string, name: string | null): Promise<string>;
  /** All members known and believed alive, in ring order: own ones, neighbours, and others. */
  ring(): readonly ShownPointer[];
  ringDigest(): RingDigest;
  /** A message with names of peers in place of their ids. */
  inText(text: string): string;
  /** Bytes from and to other peers, and requests by kind, since the start. */
  traffic(): TrafficCounts;
  /** Refused messages of others, by reason, since the start. */
  refusals(): Counters;
  /** Stored for the network. */
  stored(): Stored;
  /** For monitoring. */
  metrics(): readonly Metric[];
  storage(role: 'primary' | 'replica', cursor: string | null): StorageListing;
  /** A CID if it parses as one, `key:HEX`, `name:X`, else a name. */
  lookup(nameOrCidOrKey: string): Promise<LookupResult>;
  join(address: string): Promise<void>;
  /** An invite valid for `timeToLive` milliseconds. Throws `not-admin` when this peer may not invite. */
  invite(wish: InviteWish): Invited;
  /** For good: hands everything over first; refuses on the last peer without `force`. */
  leave(force: boolean): Promise<void>;
  /** Stops: notifies the neighbours, keeps data, identity and place. */
  stop(): Promise<void>;
  onEvent(listener: (event: PeerEvent) => void): () => void;
}

export type { FileEvent };
