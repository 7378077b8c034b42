/** A running peer as seen by the API, the command line and the shell. */

import type { Codes } from '../codes/codes.ts';
import type { Trees } from '../folders/folder-trees.ts';
import type { NearbyNetwork } from '../lan/networks.ts';
import type { LinkStore } from '../links/link-records.ts';
import type { Links } from '../links/links.ts';
import type { Counters } from '../network/counters.ts';
import type { ListedMember } from '../network/members.ts';
import type { Membership, Right } from '../network/membership.ts';
import type { TrafficCounts } from '../network/traffic.ts';
import type { Mapping } from '../reach/port-mapping.ts';
import type { Reach } from '../reach/reachability.ts';
import type { Hit } from '../search/hit.ts';
import type { Search } from '../search/search.ts';
import type { Said, SentenceCode } from '../sentences.ts';
import type { SharedFolders } from '../sharing/shared-folders.ts';
import type { FileEvent, Files } from '../transfer/files.ts';
import type { OwnKeys } from '../transfer/own-keys.ts';
import type { Transfers } from '../transfer/transfers.ts';
import type { Uploads } from '../transfer/uploads.ts';
import type { Doors, OwnDoor } from './doors.ts';
import type { DropBoxes } from './drop-boxes.ts';
import type { LogLevel } from './event-level.ts';
import type { History } from './history.ts';
import type { PeerLimits } from './limits.ts';
import type { PeerReport } from './peer-reports.ts';
import type { Removals } from './removals.ts';
import type { Health } from './shown-health.ts';
import type { ShownHit } from './shown-hit.ts';
import type { ChangingSettings } from './shown-settings.ts';
import type { Tokens } from './tokens.ts';

/** `{id, name, ringId, address}`: how interfaces show a member. */
export interface ShownPointer {
  readonly id: string;
  /** The peer's name, or part of its id when it has none. */
  readonly name: string;
  readonly ringId: string;
  readonly address: string;
  /** What fails together with it, as it says itself; null when it says nothing. */
  readonly zone: string | null;
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

/** The object store that holds the large blocks. */
export interface StoreStatus {
  readonly place: string;
  readonly state: 'up' | 'away' | 'refused' | 'full';
  /** Why it is not up; empty when it is. */
  readonly text: string;
  /** Of its blocks that are in the data folder too. */
  readonly cachedBytes: number;
}

export interface NodeStatus extends ShownMember {
  readonly id: string;
  /** Its name in its certificate. */
  readonly name: string;
  readonly network: string;
  readonly bits: number;
  readonly zone: string | null;
  readonly listen: string;
  readonly api: string;
  readonly virtualNodes: readonly ShownMember[];
  /** Members (virtual nodes) and hosts known to be alive. */
  readonly members: number;
  readonly hosts: number;
  readonly replicas: number;
  readonly state: 'starting' | 'joining' | 'member' | 'leaving' | 'left';
  /** Whether others can dial this peer, as members say that tried. */
  readonly reach: {
    readonly state: Reach['state'];
    /** HOST:PORT that members dialled; null where none did. */
    readonly address: string | null;
  } & Said;
  /** What the router gives. */
  readonly portMapping: { readonly state: Mapping['state'] } & Said;
  /** Null until another peer answered. */
  readonly clock: {
    /** Seconds by which this clock is ahead of others; negative when behind. */
    readonly ahead: number;
    /** Number of peers asked. */
    readonly peers: number;
    /** A sentence when the offset exceeds a minute. */
    readonly note: string | null;
  } | null;
  /** Null where it looks for no peers on the local network. */
  readonly lan: LanStatus | null;
  /** Null without one. */
  readonly door: OwnDoor | null;
}

export interface LanStatus {
  readonly interfaces: readonly LanInterface[];
  /** Heard there. */
  readonly networks: readonly (NearbyNetwork & {
    /** Names of those that proved to be members. */
    readonly members: readonly string[];
  })[];
}

export interface LanInterface {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Messages of this peer, of them those that came back, and messages of others. */
  readonly sent: number;
  readonly echoes: number;
  readonly received: number;
  /** Why it cannot be used; null while it can. */
  readonly fault: string | null;
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
  readonly zone: string | null;
  readonly state: 'alive' | 'suspected' | 'away' | 'left' | 'dead';
  /** ISO 8601; null if never heard. */
  readonly lastHeartbeat: string | null;
  readonly lastUpdate: string | null;
  /** Seconds since the last heartbeat. */
  readonly heartbeatAge: number | null;
  readonly roundTripMilliseconds: number | null;
  readonly virtualNodes: number;
  /** The user's own name for it. */
  readonly petname: string | null;
  /** Content moved between it and this peer: bytes since the start, and per second over the last seconds. */
  readonly moved: {
    readonly sent: number;
    readonly received: number;
    readonly sendRate: number;
    readonly receiveRate: number;
  };
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
  /** Part of each quota; null: the default. */
  readonly share: number | null;
  /** It leads to this machine only. */
  readonly isLocal: boolean;
  /** For taking it back; null where the network has no admission. */
  readonly id: string | null;
}

export interface InviteWish {
  readonly timeToLive: number;
  readonly uses: number;
  readonly rights: readonly Right[];
  /** Part of each quota, above 0 and at most 1. Default: that of this peer, for admins none. */
  readonly share?: number | null;
}

/** An invite of this peer that still admits someone. */
export interface ShownInvite {
  readonly id: string;
  /** ISO 8601. */
  readonly created: string;
  readonly expires: string;
  readonly uses: number;
  readonly rights: readonly Right[];
  /** Part of each quota; null: the default. */
  readonly share: number | null;
  /** Names of those that came by it. */
  readonly members: readonly string[];
}

/** What is not given stays. */
export interface GrantedRights {
  readonly publish?: boolean;
  readonly invite?: boolean;
  /** Part of each quota; null: the default. */
  readonly share?: number | null;
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
  /** Who was asked, in order. */
  readonly asked: readonly ShownAsk[];
}

export interface ShownAsk extends Omit<ShownPointer, 'ringId'> {
  /** The place for which it was asked. */
  readonly ringId: string | null;
  /** Milliseconds since the lookup began. */
  readonly at: number;
  /** Until it answered or failed; null: not waited for. */
  readonly milliseconds: number | null;
  readonly answer: 'owner' | 'closer' | 'silent' | 'unreachable' | 'refused' | 'none';
}

/** How the ring changed in the last minutes; times in ISO 8601. */
export interface ShownRecording {
  /** From when on it is complete. */
  readonly from: string;
  readonly until: string;
  /** The ring has too many members to be recorded. */
  readonly isTooLarge: boolean;
  /** At the beginning. */
  readonly members: readonly ShownPointer[];
  /** Oldest first. */
  readonly changes: readonly {
    readonly time: string;
    readonly came: readonly ShownPointer[];
    readonly went: readonly ShownPointer[];
  }[];
}

/** An event as one plain line, with its parts for programs. */
export interface PeerEvent {
  readonly time: string;
  readonly kind: string;
  readonly text: string;
  readonly code?: SentenceCode;
  readonly values?: Said['values'];
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
  /** Invites of this peer that still admit someone, newest first. */
  openInvites(): readonly ShownInvite[];
  /** Whether this peer may invite. */
  mayInvite(): boolean;
  /** Ends an invite; who came by it stays. Throws `not-found`, `not-admin`. */
  takeBackInvite(id: string): void;
  /** By name, id or part of it. Throws `not-found`, `ambiguous-member`, `not-admin`, `bad-request`. */
  grant(member: string, granted: GrantedRights): ChangedMembers;
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
  /** Own folders that change in place. */
  readonly trees: Trees;
  /** Of age, for sealed files. */
  readonly keys: Pick<OwnKeys, 'recipient' | 'text' | 'add'>;
  readonly transfers: Transfers;
  readonly links: Pick<Links, 'createLink' | 'readLink' | 'openLink' | 'beginFetch' | 'removeLink' | 'listLinks'>;
  readonly codes: Pick<Codes, 'make' | 'end' | 'endLeadingTo' | 'begin' | 'confirm'>;
  /** Records of kind `link`, for what else is found by a hash. */
  readonly linkRecords: LinkStore;
  readonly uploads: Uploads;
  readonly dropBoxes: DropBoxes;
  readonly removals: Pick<Removals, 'list' | 'begin' | 'undo'>;
  readonly tokens: Pick<Tokens, 'list' | 'create' | 'remove' | 'check' | 'checkDigest'>;
  readonly doors: Pick<Doors, 'own' | 'find' | 'at'>;
  readonly limits: Pick<PeerLimits, 'status' | 'set'>;
  readonly settings: ChangingSettings;
  readonly search: Pick<Search, 'start' | 'get' | 'recent'>;
  readonly shares: Pick<SharedFolders, 'add' | 'remove' | 'list'>;
  shownHits(rows: readonly (readonly Hit[])[]): readonly ShownHit[];
  /** What a peer (by its whole id) publishes and shares, according to itself. Rejects with `not-found`, `unreachable`. */
  browse(id: string, cursor: string | null): Promise<BrowsedFiles>;
  /** All fingers by default. */
  status(fingers?: ShownFingers): NodeStatus;
  peers(): readonly PeerStatus[];
  /** How a peer is shown: its petname if it has one, else the name in its certificate. */
  called(id: string): { readonly name: string; readonly petname: string | null };
  /** The petname of a peer, by its whole id; null removes it. Rejects with `bad-request`, `already-exists`. */
  callPeer(id: string, name: string | null): Promise<string>;
  /** All members known and believed alive, in ring order: own ones, neighbours, and others. */
  ring(): readonly ShownPointer[];
  ringDigest(): RingDigest;
  ringRecording(): ShownRecording;
  /** A message with names of peers in place of their ids. */
  inText(text: string): string;
  /** Bytes from and to other peers, and requests by kind, since the start. */
  traffic(): TrafficCounts;
  /** Refused messages of others, by reason, since the start. */
  refusals(): Counters;
  /** Stored for the network. */
  stored(): Stored;
  /** Whether everything is safe, with what other peers tell. */
  health(): Promise<Health>;
  readonly history: Pick<History, 'shown'>;
  /** What this peer and the others tell of themselves, by id. */
  reports(): Promise<ReadonlyMap<string, PeerReport>>;
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
