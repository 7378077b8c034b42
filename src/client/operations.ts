/** What a peer is asked. Written from the OpenAPI document by `npm run docs`; a test compares the two. */
import type {
  BrowsedFiles,
  CalledPeer,
  ChangedMembers,
  FilePage,
  FileStat,
  Invited,
  LookupResult,
  MemberList,
  NodeStatus,
  PageLink,
  PeerList,
  Proof,
  RingDigest,
  RingMembers,
  SearchResult,
  SearchStarted,
  Share,
  ShareList,
  Stats,
  StorageListing,
  TransferList,
  TransferStatus,
} from './answers.ts';

/** What takes JSON and answers with JSON or nothing; bytes and events are streams and are read as such. */
export interface Operations {
  /** Size, blocks, live copies and holders of content */
  readonly 'GET /api/v1/content/{cid}/stat': {
    readonly path: {
      readonly cid: string;
    };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: FileStat;
  };
  /** Files that this peer publishes, or everybody with all=true, page by page */
  readonly 'GET /api/v1/files': {
    readonly path: undefined;
    readonly query: {
      readonly all?: boolean;
      readonly cursor?: string;
      readonly limit?: number;
    };
    readonly body: undefined;
    readonly answer: FilePage;
  };
  /** Ends the entry that this peer has published */
  readonly 'DELETE /api/v1/files/{name}': {
    readonly path: {
      readonly name: string;
    };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Size, blocks, live copies and holders of a file */
  readonly 'GET /api/v1/files/{name}/stat': {
    readonly path: {
      readonly name: string;
    };
    readonly query: {
      readonly publisher?: string;
    };
    readonly body: undefined;
    readonly answer: FileStat;
  };
  /** A line that lets others in, as often and as long as it says */
  readonly 'POST /api/v1/invites': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: {
      /** Milliseconds; 7 days by default */
      readonly timeToLive?: number;
      /** Members that it lets in; 1 by default */
      readonly uses?: number;
      /** What they may do; store and publish by default */
      readonly rights?: readonly ('store' | 'publish' | 'invite')[];
    } | null;
    readonly answer: Invited;
  };
  /** Who owns a name, a CID or key:HEX */
  readonly 'GET /api/v1/lookup/{wanted}': {
    readonly path: {
      readonly wanted: string;
    };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: LookupResult;
  };
  /** Members of the network, waiting and removed ones too */
  readonly 'GET /api/v1/members': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: MemberList;
  };
  /** Replaces all admins by one member, with the recovery key of the network */
  readonly 'POST /api/v1/members/recovery': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: {
      /** As printed when the network was founded */
      readonly key: string;
      /** Name, or id or part of it; this peer by default */
      readonly member?: string;
    };
    readonly answer: ChangedMembers;
  };
  /** Removes a member for good; where it is an admin, more than half of them must say so */
  readonly 'DELETE /api/v1/members/{member}': {
    readonly path: {
      readonly member: string;
    };
    readonly query: {
      readonly purge?: boolean;
      readonly admitted?: boolean;
    };
    readonly body: undefined;
    readonly answer: ChangedMembers;
  };
  /** Makes a member an admin, once more than half of the admins have said so */
  readonly 'PUT /api/v1/members/{member}/admin': {
    readonly path: {
      readonly member: string;
    };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: ChangedMembers;
  };
  /** Makes an admin a plain member, once more than half of the admins have said so */
  readonly 'DELETE /api/v1/members/{member}/admin': {
    readonly path: {
      readonly member: string;
    };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: ChangedMembers;
  };
  /** Admits one that waits because its invite was used up */
  readonly 'PUT /api/v1/members/{member}/admission': {
    readonly path: {
      readonly member: string;
    };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: ChangedMembers;
  };
  /** Id, place, neighbours and fingers of this peer */
  readonly 'GET /api/v1/node': {
    readonly path: undefined;
    readonly query: {
      readonly fingers?: 'all' | 'distinct' | 'none';
    };
    readonly body: undefined;
    readonly answer: NodeStatus;
  };
  /** Joins the ring of the peer at this address */
  readonly 'POST /api/v1/node/join': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: {
      /** HOST:PORT */
      readonly address: string;
    };
    readonly answer: NodeStatus;
  };
  /** Leaves for good, after handing over everything */
  readonly 'POST /api/v1/node/leave': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: {
      readonly force?: boolean;
    } | null;
    readonly answer: undefined;
  };
  /** Peers with liveness and last heartbeat */
  readonly 'GET /api/v1/peers': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: PeerList;
  };
  /** What a peer publishes and shares, asked of itself, page by page */
  readonly 'GET /api/v1/peers/{id}/files': {
    readonly path: {
      readonly id: string;
    };
    readonly query: {
      readonly cursor?: string;
    };
    readonly body: undefined;
    readonly answer: BrowsedFiles;
  };
  /** What you call a peer, in place of what it calls itself; null takes it back */
  readonly 'PUT /api/v1/peers/{id}/name': {
    readonly path: {
      readonly id: string;
    };
    readonly query: undefined;
    readonly body: {
      readonly name: string | null;
    };
    readonly answer: CalledPeer;
  };
  /** Proves that this is the peer that wrote the note of a data or runtime folder; needs no token */
  readonly 'GET /api/v1/proof': {
    readonly path: undefined;
    readonly query: {
      readonly nonce: string;
    };
    readonly body: undefined;
    readonly answer: Proof;
  };
  /** Every member that this peer knows of and believes alive, in ring order; hearsay, unlike /api/v1/node */
  readonly 'GET /api/v1/ring': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: RingMembers;
  };
  /** The same in a few bytes, for polling: peers that give one digest and are all right are one ring */
  readonly 'GET /api/v1/ring/digest': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: RingDigest;
  };
  /** Starts a search; an empty query is for everything */
  readonly 'POST /api/v1/search': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: {
      readonly query: string;
      /** words: through the index; broadcast: every peer is asked for a part of a name, a glob, /expression/, hash or CID */
      readonly mode?: 'words' | 'broadcast';
      /** By words: where no word matches, every peer is asked for the text as a part of names */
      readonly orBroadcast?: boolean;
      /** How often a broadcast may be handed on */
      readonly ttl?: number;
    };
    readonly answer: SearchStarted;
  };
  /** The hits so far; as text/event-stream each as it comes and whenever more is known of it, and an event `end` */
  readonly 'GET /api/v1/search/{queryId}': {
    readonly path: {
      readonly queryId: string;
    };
    readonly query: {
      readonly skip?: number;
      readonly limit?: number;
    };
    readonly body: undefined;
    readonly answer: SearchResult;
  };
  /** Trades the token of a link, or that of the API, for a cookie */
  readonly 'POST /api/v1/session': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: {
      readonly token: string;
    };
    readonly answer: undefined;
  };
  /** Ends what the cookie of this browser allows */
  readonly 'DELETE /api/v1/session': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** A token for a link to the page, good once and for ten minutes: http://HOST:PORT/#t=TOKEN */
  readonly 'POST /api/v1/session/links': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: PageLink;
  };
  /** Shared folders and how far they are indexed */
  readonly 'GET /api/v1/shares': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: ShareList;
  };
  /** Shares a folder or file of this machine, which stays where it is */
  readonly 'POST /api/v1/shares': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: {
      /** Absolute */
      readonly path: string;
      /** What "localKey" says in the note of the runtime folder, which the user of the peer alone may read; the page of the peer sends none */
      readonly key?: string;
      /** Device and inode, in decimal */
      readonly mark?: {
        readonly device: string;
        readonly inode: string;
      };
      /** Also what belongs to other users than the folder or lies on other devices; kept as it was if not given */
      readonly others?: boolean;
    };
    readonly answer: Share;
  };
  /** Ends a share; the files stay */
  readonly 'DELETE /api/v1/shares': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: {
      /** Absolute */
      readonly path: string;
    };
    readonly answer: Share;
  };
  /** Counts of transfers and peers */
  readonly 'GET /api/v1/stats': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: Stats;
  };
  /** What this peer holds, page by page */
  readonly 'GET /api/v1/storage': {
    readonly path: undefined;
    readonly query: {
      readonly role?: 'primary' | 'replica';
      readonly cursor?: string;
    };
    readonly body: undefined;
    readonly answer: StorageListing;
  };
  /** Starts a put or get */
  readonly 'POST /api/v1/transfers': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: {
      readonly kind: 'put' | 'get';
      readonly name?: string;
      readonly cid?: string;
      /** Peer id of the publisher, at least 8 characters of its beginning, or … and as many of its end; or what the peer is called */
      readonly publisher?: string;
      /** Absolute, without links, on the machine of the peer */
      readonly path: string;
      /** What "localKey" says in the note of the runtime folder, which the user of the peer alone may read */
      readonly key: string;
      /** put: of the file; get: of an empty file beside it that the caller has made, named "." and the first 32 hexadecimal digits of the SHA-256 of the last part of the path and ".part" */
      readonly mark: {
        readonly device: string;
        readonly inode: string;
      };
      /** Paused when its state is not requested for 15 s */
      readonly isAttended?: boolean;
      readonly replicas?: number;
      /** Milliseconds */
      readonly timeToLive?: number;
      readonly force?: boolean;
    };
    readonly answer: TransferStatus;
  };
  /** Transfers, running and past */
  readonly 'GET /api/v1/transfers': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: TransferList;
  };
  /** One transfer; with `wait`, answered when it ends or after so many milliseconds */
  readonly 'GET /api/v1/transfers/{id}': {
    readonly path: {
      readonly id: string;
    };
    readonly query: {
      readonly wait?: number;
    };
    readonly body: undefined;
    readonly answer: TransferStatus;
  };
  /** Pauses or resumes a transfer */
  readonly 'PATCH /api/v1/transfers/{id}': {
    readonly path: {
      readonly id: string;
    };
    readonly query: undefined;
    readonly body: {
      readonly state: 'paused' | 'running';
      readonly isAttended?: boolean;
    };
    readonly answer: TransferStatus;
  };
  /** Ends a transfer and removes what it has half written */
  readonly 'DELETE /api/v1/transfers/{id}': {
    readonly path: {
      readonly id: string;
    };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** 200 when serving */
  readonly 'GET /healthz': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: {
      readonly status: string;
    };
  };
  /** 200 when a member of a ring */
  readonly 'GET /readyz': {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: {
      readonly status: string;
    };
  };
}
