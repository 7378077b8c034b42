/** The answers of the peer's API that the page reads, as its OpenAPI document states them. */

export interface ShownPointer {
  readonly id: string;
  readonly ringId: string;
  readonly address: string;
}

export interface ShownMember {
  readonly ringId: string;
  readonly predecessor: ShownPointer | null;
  readonly successors: readonly ShownPointer[];
  readonly fingers: readonly { readonly start: string; readonly node: ShownPointer | null }[];
}

export interface NodeStatus extends ShownMember {
  readonly id: string;
  readonly network: string;
  readonly bits: number;
  readonly listen: string;
  readonly api: string;
  readonly virtualNodes: readonly ShownMember[];
  readonly members: number;
  readonly hosts: number;
  readonly replicas: number;
  readonly state: string;
}

export interface RingMembers {
  readonly members: readonly ShownPointer[];
}

export interface PeerStatus {
  readonly id: string;
  readonly address: string;
  readonly state: 'alive' | 'suspected' | 'away' | 'left' | 'dead';
  readonly lastHeartbeat: string | null;
  readonly lastUpdate: string | null;
  readonly heartbeatAge: number | null;
  readonly roundTripMilliseconds: number | null;
  readonly virtualNodes: number;
}

export interface FileEntry {
  readonly name: string | null;
  readonly cid: string;
  readonly size: number;
  readonly type: 'file' | 'directory';
  readonly publisher: string | null;
  readonly time: string | null;
  readonly expiry: string | null;
  readonly sha256: string | null;
}

export interface FilePage {
  readonly files: readonly FileEntry[];
  readonly cursor: string | null;
}

export interface FileStat extends FileEntry {
  readonly blocks: number;
  readonly copies: number;
  readonly holders: readonly { readonly id: string; readonly address: string }[];
}

export interface LookupResult {
  readonly key: string;
  readonly owner: ShownPointer;
  readonly replicas: readonly ShownPointer[];
  readonly hops: number;
  readonly milliseconds: number;
}

export interface TransferStatus {
  readonly id: string;
  readonly kind: 'put' | 'get';
  readonly reference: string;
  readonly path: string;
  readonly state: 'running' | 'paused' | 'done' | 'failed' | 'cancelled';
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  /** Bytes per second. */
  readonly rate: number;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly started: string;
}

export interface Stats {
  readonly uptimeSeconds: number;
  readonly residentBytes: number;
  readonly members: number;
  readonly hosts: number;
  readonly transfers: Readonly<Record<string, number>>;
  readonly peers: Readonly<Record<string, number>>;
  /** Since the peer started, on all connections. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** The last ones, newest first. */
  readonly queries: readonly ShownQuery[];
}

export interface ShownQuery {
  readonly id: string;
  readonly time: string;
  readonly query: string;
  /** What this peer did with it. */
  readonly role: 'asked' | 'answered' | 'forwarded';
  /** Where the query was for a hash. */
  readonly hash: string | null;
  readonly responses: number;
}

export interface PeerEvent {
  readonly time: string;
  readonly kind: string;
  readonly text: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}
