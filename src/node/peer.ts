/** A running peer as the API, the command line and the shell see it. */

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

/** `{id, name, ringId, address}`: how every interface shows a member. */
export interface ShownPointer {
  readonly id: string;
  /** What people call the peer; a piece of its id where it has no name. */
  readonly name: string;
  readonly ringId: string;
  readonly address: string;
}

export interface ShownMember {
  readonly ringId: string;
  readonly predecessor: ShownPointer | null;
  readonly successors: readonly ShownPointer[];
  /** start = ringId + 2^i; `node` is successor(start) or null while not known. */
  readonly fingers: readonly { readonly start: string; readonly node: ShownPointer | null }[];
}

/** 20 members of 256 fingers each make 1.4 MB of JSON; `distinct` gives the first finger of each run of equal ones. */
export type ShownFingers = 'all' | 'distinct' | 'none';

export interface NodeStatus extends ShownMember {
  readonly id: string;
  /** What others call it, by its certificate. */
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
  /** Null while no other peer told its time. */
  readonly clock: {
    /** Seconds by which this clock is ahead of those of others; below 0 it is behind. */
    readonly ahead: number;
    /** Peers asked. */
    readonly peers: number;
    /** A sentence when that is more than a minute. */
    readonly note: string | null;
  } | null;
}

/** Peers that say the same of the order and are right are one ring; a few bytes, where NodeStatus is tens of kilobytes. */
export interface RingDigest {
  /** Those that this peer knows of and believes alive. */
  readonly members: number;
  /** Of their places in order, as hexadecimal. */
  readonly digest: string;
  /** Grows with every change of this peer's own pointers. */
  readonly epoch: number;
  /** Every predecessor and successor of this peer's own members is that of the order. */
  readonly isRight: boolean;
}

export interface PeerStatus {
  readonly id: string;
  /** What the user calls it, else its certificate; a piece of its id where it has no name. */
  readonly name: string;
  readonly address: string;
  readonly state: 'alive' | 'suspected' | 'away' | 'left' | 'dead';
  /** ISO 8601; null when it was never heard. */
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
  /** Members that it lets in. */
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
  /** Admins that said so, of those that it takes. */
  readonly votes: number;
  readonly needed: number;
}

export interface StorageListing extends Stored {
  readonly names: readonly { readonly name: string; readonly publisher: string; readonly cid: string }[];
  readonly cursor: string | null;
}

/** On this peer's disk for the network. */
export interface Stored {
  /** Copies that count. */
  readonly blocks: number;
  readonly bytes: number;
  /** Besides, as cache: it goes first when room is short. */
  readonly cachedBlocks: number;
  readonly cachedBytes: number;
}

export interface LookupResult {
  readonly key: string;
  readonly owner: ShownPointer;
  readonly replicas: readonly ShownPointer[];
  readonly hops: number;
  readonly milliseconds: number;
}

/** One plain line of what happens (row A23), with its parts for programs. */
export interface PeerEvent {
  readonly time: string;
  readonly kind: string;
  readonly text: string;
  /** Where its kind alone does not say it. */
  readonly level?: LogLevel;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface BrowsedFiles {
  readonly files: readonly ShownHit[];
  readonly cursor: string | null;
}

export interface Peer {
  /** Every member that is known, waiting and removed ones too. */
  members(): readonly ListedMember[];
  /** Invites that this peer made and that still let somebody in. */
  openInvites(): number;
  /**
   * By name, id or part of it. Rejects with `not-found`, `ambiguous-member`, and `not-admin` or `last-admin` as it may be.
   * Where it takes more admins than have said so, it is not done.
   */
  changeMember(
    operation: MemberOperation,
    member: string,
    options?: { readonly purge: boolean; readonly withAdmitted: boolean },
  ): ChangedMembers;
  /** Makes the member, or this peer, the only admin. Throws `bad-usage` for a key that is not the one of this network. */
  recover(key: string, member: string | null): ChangedMembers;
  /** What is known of each host of the network, by its id. */
  readonly membership: Membership;
  readonly files: Files;
  readonly transfers: Transfers;
  readonly uploads: Uploads;
  readonly search: Pick<Search, 'start' | 'get' | 'recent'>;
  readonly shares: Pick<SharedFolders, 'add' | 'remove' | 'list'>;
  shownHits(files: readonly (readonly Hit[])[]): readonly ShownHit[];
  /** What a peer (by its whole id) publishes and shares, as it says itself. Rejects with `not-found`, `unreachable`. */
  browse(id: string, cursor: string | null): Promise<BrowsedFiles>;
  /** All fingers by default. */
  status(fingers?: ShownFingers): NodeStatus;
  peers(): readonly PeerStatus[];
  /** The user's own name for a peer, by its whole id; null takes it back. Rejects with `bad-request`, `already-exists`. */
  callPeer(id: string, name: string | null): Promise<string>;
  /** Every member known and believed alive, in ring order: own ones, neighbours, and those heard of. */
  ring(): readonly ShownPointer[];
  ringDigest(): RingDigest;
  /** A message with names of peers in place of their ids. */
  inText(text: string): string;
  /** Bytes from and to other peers, and what they were asked, since the start. */
  traffic(): TrafficCounts;
  /** What others sent that was not answered as asked, by reason, since the start. */
  refusals(): Counters;
  /** What is held for the network. */
  stored(): Stored;
  storage(role: 'primary' | 'replica', cursor: string | null): StorageListing;
  /** A CID if it parses as one, `key:HEX`, `name:X`, else a name. */
  lookup(nameOrCidOrKey: string): Promise<LookupResult>;
  join(address: string): Promise<void>;
  /** A line that lets others in, for `timeToLive` milliseconds. Throws `not-admin` where this peer may not invite. */
  invite(wish: InviteWish): Invited;
  /** For good: everything is pushed first; refuses on the last peer without `force`. */
  leave(force: boolean): Promise<void>;
  /** Away: tells the neighbours, keeps data, identity and place. */
  stop(): Promise<void>;
  onEvent(listener: (event: PeerEvent) => void): () => void;
}

export type { FileEvent };
