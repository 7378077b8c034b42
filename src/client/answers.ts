/** What a peer answers. Written from the OpenAPI document by `npm run docs`; a test compares the two. */

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Stable; docs/errors.md says what each means */
  readonly code:
    | 'bad-request'
    | 'bad-usage'
    | 'bad-name'
    | 'bad-cid'
    | 'bad-content'
    | 'bad-configuration'
    | 'bad-invite'
    | 'ended'
    | 'invite-expired'
    | 'invite-used'
    | 'genesis-disagrees'
    | 'not-found'
    | 'no-such-route'
    | 'method-not-allowed'
    | 'unsupported-type'
    | 'unsupported-coding'
    | 'precondition-failed'
    | 'forbidden-origin'
    | 'token-required'
    | 'not-publisher'
    | 'not-a-member'
    | 'last-peer'
    | 'wrong-place'
    | 'already-exists'
    | 'changed-while-read'
    | 'changed'
    | 'wrong-clock'
    | 'ambiguous-name'
    | 'publisher-changed'
    | 'body-cut-off'
    | 'too-many-entries'
    | 'too-large'
    | 'range-not-satisfiable'
    | 'too-few-copies'
    | 'no-live-source'
    | 'disk-full'
    | 'quota-full'
    | 'publisher-full'
    | 'unreadable-file'
    | 'unwritable-file'
    | 'outside-target'
    | 'port-in-use'
    | 'bad-address'
    | 'join-failed'
    | 'unreachable'
    | 'other-network'
    | 'wrong-peer'
    | 'not-admitted'
    | 'bad-certificate'
    | 'member-removed'
    | 'not-admin'
    | 'last-admin'
    | 'ambiguous-member'
    | 'id-taken'
    | 'identity-in-use'
    | 'broken-data-folder'
    | 'data-folder-in-use'
    | 'no-running-peer'
    | 'busy'
    | 'timeout'
    | 'interrupted'
    | 'internal';
  /** Of ambiguous-name and publisher-changed: whose file may be meant; ask again with ?publisher= */
  readonly choices?: readonly {
    readonly publisher?: string;
    readonly publisherName?: string;
    readonly time?: string;
    readonly size?: number;
    readonly type?: 'file' | 'directory';
    readonly cid?: string;
  }[];
}

export interface PutResult {
  readonly name: string;
  readonly cid: string;
  readonly size: number;
  readonly copies: number;
  readonly publisher: string;
}

export interface FileEntry {
  readonly name: string | null;
  readonly cid: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
  readonly publisher: string | null;
  /** What the publisher is called, or the end of its id */
  readonly publisherName: string | null;
  readonly time: string | null;
  readonly expiry: string | null;
  readonly sha256: string | null;
  readonly others: number;
}

export interface FilePage {
  readonly files: readonly FileEntry[];
  readonly cursor: string | null;
}

export interface FileStat {
  readonly name: string | null;
  readonly cid: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
  readonly publisher: string | null;
  /** What the publisher is called, or the end of its id */
  readonly publisherName: string | null;
  readonly time: string | null;
  readonly expiry: string | null;
  readonly sha256: string | null;
  readonly others: number;
  readonly blocks: number;
  readonly copies: number;
  readonly cached: number;
  readonly holders: readonly {
    readonly id: string;
    readonly name: string;
    readonly address: string;
  }[];
  readonly ageSeconds: number | null;
}

export interface TransferStatus {
  readonly id: string;
  readonly kind: 'put' | 'get';
  readonly reference: string;
  readonly path: string;
  readonly state: 'running' | 'paused' | 'done' | 'failed' | 'cancelled';
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  readonly rate: number;
  readonly error: {
    readonly code: string;
    readonly message: string;
  } | null;
  /** put: like the answer of a put; get: what was fetched; null until it is done */
  readonly result: unknown;
  readonly started: string;
}

export interface TransferList {
  readonly transfers: readonly TransferStatus[];
}

export interface Pointer {
  readonly id: string;
  readonly name: string;
  readonly ringId: string;
  readonly address: string;
}

export interface RingMember {
  readonly ringId: string;
  readonly predecessor: {
    readonly id: string;
    readonly name: string;
    readonly ringId: string;
    readonly address: string;
  } | null;
  readonly successors: readonly Pointer[];
  readonly fingers: readonly {
    readonly start: string;
    readonly node: {
      readonly id: string;
      readonly name: string;
      readonly ringId: string;
      readonly address: string;
    } | null;
  }[];
}

export interface NodeStatus {
  readonly ringId: string;
  readonly predecessor: {
    readonly id: string;
    readonly name: string;
    readonly ringId: string;
    readonly address: string;
  } | null;
  readonly successors: readonly Pointer[];
  readonly fingers: readonly {
    readonly start: string;
    readonly node: {
      readonly id: string;
      readonly name: string;
      readonly ringId: string;
      readonly address: string;
    } | null;
  }[];
  readonly id: string;
  readonly name: string;
  readonly network: string;
  readonly bits: number;
  readonly listen: string;
  readonly api: string;
  readonly virtualNodes: readonly RingMember[];
  readonly members: number;
  readonly hosts: number;
  readonly replicas: number;
  readonly state: 'starting' | 'joining' | 'member' | 'leaving' | 'left';
  readonly clock: {
    /** Seconds by which this peer's clock is ahead of those of others, or below 0 behind */
    readonly ahead: number;
    readonly peers: number;
    /** A sentence when that is more than a minute */
    readonly note: string | null;
  } | null;
}

export interface RingMembers {
  readonly members: readonly Pointer[];
}

export interface RingDigest {
  readonly members: number;
  /** Of the places of all members in ring order, as hexadecimal */
  readonly digest: string;
  /** Grows with every change of this peer's own pointers */
  readonly epoch: number;
  /** Every predecessor and successor of this peer is that of the order */
  readonly isRight: boolean;
}

export interface CalledPeer {
  readonly id: string;
  /** As lists show it */
  readonly name: string;
}

export interface Invited {
  readonly invite: string;
  readonly network: string;
  readonly addresses: readonly string[];
  readonly expires: string;
  readonly uses: number;
  readonly rights: readonly string[];
}

export interface Member {
  readonly id: string;
  readonly name: string;
  readonly state: 'member' | 'waiting' | 'removed';
  readonly isSelf: boolean;
  readonly isAdmin: boolean;
  readonly rights: readonly string[];
  readonly share: number | null;
  readonly admittedAt: string | null;
  readonly admittedBy: string | null;
  readonly firstSeenAt: string | null;
  readonly lastSeenAt: string | null;
}

export interface MemberList {
  readonly admission: 'members' | 'open' | 'classroom';
  readonly openInvites: number;
  readonly members: readonly Member[];
}

export interface ChangedMembers {
  readonly id: string;
  readonly name: string;
  readonly done: boolean;
  readonly votes: number;
  readonly needed: number;
}

export interface Proof {
  readonly proof: string;
}

export interface PageLink {
  readonly token: string;
  readonly expires: string;
  /** Of the proxy before this API, where one was named */
  readonly origin: string | null;
}

export interface StorageListing {
  readonly names: readonly {
    readonly name: string;
    readonly publisher: string;
    readonly cid: string;
  }[];
  readonly blocks: number;
  readonly bytes: number;
  readonly cachedBlocks: number;
  readonly cachedBytes: number;
  readonly cursor: string | null;
}

export interface LookupResult {
  readonly key: string;
  readonly owner: Pointer;
  readonly replicas: readonly Pointer[];
  readonly hops: number;
  readonly milliseconds: number;
}

export interface PeerStatus {
  readonly id: string;
  /** What you call it, else its certificate; the end of its id where it has no name */
  readonly name: string;
  readonly address: string;
  readonly state: 'alive' | 'suspected' | 'away' | 'left' | 'dead';
  readonly lastHeartbeat: string | null;
  readonly lastUpdate: string | null;
  readonly heartbeatAge: number | null;
  readonly roundTripMilliseconds: number | null;
  readonly virtualNodes: number;
}

export interface PeerList {
  readonly peers: readonly PeerStatus[];
}

export interface Hit {
  readonly name: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
  readonly cid: string;
  readonly sha256: string | null;
  readonly publisher: string;
  /** What the publisher is called, or the end of its id */
  readonly publisherName: string;
  readonly address: string | null;
  /** Live copies on the ring; for a shared file its live sources */
  readonly copies: number | null;
  /** The file lies at its publisher; otherwise the ring keeps it */
  readonly shared: boolean;
  /** Somebody who is here has it */
  readonly live: boolean;
  /** The publisher's own entry was read; else it is the word of the peers asked */
  readonly verified: boolean;
  readonly time: string;
  /** All who have this name and content, the best first */
  readonly holders: readonly {
    readonly publisher: string;
    /** What the publisher is called, or the end of its id */
    readonly publisherName: string;
    readonly address: string | null;
    /** Live copies on the ring; for a shared file its live sources */
    readonly copies: number | null;
    /** The file lies at its publisher; otherwise the ring keeps it */
    readonly shared: boolean;
    /** Somebody who is here has it */
    readonly live: boolean;
    /** The publisher's own entry was read; else it is the word of the peers asked */
    readonly verified: boolean;
  }[];
}

export interface SearchStarted {
  readonly queryId: string;
}

export interface SearchResult {
  readonly queryId: string;
  readonly query: string;
  readonly mode: 'words' | 'broadcast';
  readonly time: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly total: number;
  /** Peers that looked, for a broadcast that has ended */
  readonly answered: number;
  /** Parts of the ring that a broadcast could not reach */
  readonly missed: number;
  /** A problem document when it failed */
  readonly problem: Readonly<Record<string, unknown>> | null;
  readonly hits: readonly Hit[];
}

export interface BrowsedFiles {
  readonly files: readonly Hit[];
  readonly cursor: string | null;
}

export interface RecentQuery {
  readonly id: string;
  readonly time: string;
  readonly query: string;
  readonly role: 'asked' | 'answered' | 'forwarded';
  readonly hash: string | null;
  readonly responses: number;
}

export interface Share {
  readonly path: string;
  /** Those known, indexed or not */
  readonly files: number;
  readonly bytes: number;
  /** missing: the folder is not there now */
  readonly state: 'indexing' | 'watching' | 'missing';
  readonly indexed: number;
  /** Of the indexed ones, those that others find */
  readonly announced: number;
  /** Files and folders that cannot be read or named, or are not for others */
  readonly unreadable: number;
  /** Files that keep changing; they are hashed when they have been quiet for a while */
  readonly changing: number;
  readonly leftOut: readonly {
    /** Below the share */
    readonly path: string;
    readonly why: string;
  }[];
}

export interface ShareList {
  readonly shares: readonly Share[];
}

export interface Stats {
  readonly uptimeSeconds: number;
  readonly residentBytes: number;
  readonly members: number;
  readonly hosts: number;
  /** Transfers by state */
  readonly transfers: Readonly<Record<string, number>>;
  /** Peers by state */
  readonly peers: Readonly<Record<string, number>>;
  /** From other peers since the start, on all connections */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly queries: readonly RecentQuery[];
}
