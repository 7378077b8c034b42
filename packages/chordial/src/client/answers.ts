/** JSON schemas of the API's responses, part of the OpenAPI document, and the types derived from them. */
import { list, orNull, record, type TypeOf, text, textOrNull, whole, wholeOrNull } from './schema.ts';

export const putResult = record({ name: text, cid: text, size: whole, copies: whole, publisher: text });

const entryFields = {
  name: textOrNull,
  cid: text,
  size: whole,
  type: { enum: ['file', 'directory'] },
  publisher: textOrNull,
  publisherName: { type: ['string', 'null'], description: 'What the publisher is called, or the end of its id' },
  time: textOrNull,
  expiry: textOrNull,
  sha256: textOrNull,
  others: whole,
} as const;

const fileEntry = record(entryFields);
export const filePage = record({ files: list(fileEntry), cursor: textOrNull });
export const fileStat = record({
  ...entryFields,
  blocks: whole,
  copies: whole,
  cached: whole,
  holders: list(record({ id: text, name: text, address: text })),
  ageSeconds: { type: ['number', 'null'] },
});

export const transferStatus = record({
  id: text,
  kind: { enum: ['put', 'get'] },
  reference: text,
  path: text,
  state: { enum: ['running', 'paused', 'done', 'failed', 'cancelled'] },
  bytesDone: whole,
  bytesTotal: wholeOrNull,
  rate: { type: 'number' },
  error: orNull(record({ code: text, message: text })),
  result: { description: 'put: like the answer of a put; get: what was fetched; null until it is done' },
  started: text,
});
export const transferList = record({ transfers: list(transferStatus) });

const pointer = record({ id: text, name: text, ringId: text, address: text });
const pointerOrNull = orNull(pointer);
const memberFields = {
  ringId: text,
  predecessor: pointerOrNull,
  successors: list(pointer),
  fingers: list(record({ start: text, node: pointerOrNull })),
} as const;

const ringMember = record(memberFields);

export const nodeStatus = record({
  ...memberFields,
  id: text,
  name: text,
  network: text,
  bits: whole,
  listen: text,
  api: text,
  virtualNodes: list(ringMember),
  members: whole,
  hosts: whole,
  replicas: whole,
  state: { enum: ['starting', 'joining', 'member', 'leaving', 'left'] },
  clock: orNull(
    record({
      ahead: {
        type: 'number',
        description: "Seconds by which this peer's clock is ahead of those of others, or below 0 behind",
      },
      peers: whole,
      note: { type: ['string', 'null'], description: 'A warning if the difference is more than a minute' },
    }),
  ),
});

export const ringMembers = record({ members: list(pointer) });
export const ringDigest = record({
  members: whole,
  digest: { type: 'string', description: 'Hash of the places of all members in ring order, hexadecimal' },
  epoch: { type: 'integer', description: "Grows with every change of this peer's own pointers" },
  isRight: { type: 'boolean', description: 'Every predecessor and successor of this peer matches the ring order' },
});

export const proof = record({ proof: text });
export const pageLink = record({
  token: text,
  expires: text,
  origin: { type: ['string', 'null'], description: 'Origin of the proxy in front of this API, if configured' },
});

export const invited = record({
  invite: text,
  network: text,
  addresses: list(text),
  expires: text,
  uses: whole,
  rights: list(text),
});

const member = record({
  id: text,
  name: text,
  state: { enum: ['member', 'waiting', 'removed'] },
  isSelf: { type: 'boolean' },
  isAdmin: { type: 'boolean' },
  rights: list(text),
  share: { type: ['number', 'null'] },
  admittedAt: textOrNull,
  admittedBy: textOrNull,
  firstSeenAt: textOrNull,
  lastSeenAt: textOrNull,
});
export const memberList = record({
  admission: { enum: ['members', 'open', 'classroom'] },
  openInvites: whole,
  members: list(member),
});
export const changedMembers = record({
  id: text,
  name: text,
  done: { type: 'boolean' },
  votes: whole,
  needed: whole,
});

export const storageListing = record({
  names: list(record({ name: text, publisher: text, cid: text })),
  blocks: whole,
  bytes: whole,
  cachedBlocks: whole,
  cachedBytes: whole,
  cursor: textOrNull,
});

export const lookupResult = record({
  key: text,
  owner: pointer,
  replicas: list(pointer),
  hops: whole,
  milliseconds: { type: 'number' },
});

const peerStatus = record({
  id: text,
  name: {
    type: 'string',
    description: 'The name you gave it, else that in its certificate, else the end of its id',
  },
  address: text,
  state: { enum: ['alive', 'suspected', 'away', 'left', 'dead'] },
  lastHeartbeat: textOrNull,
  lastUpdate: textOrNull,
  heartbeatAge: { type: ['number', 'null'] },
  roundTripMilliseconds: { type: ['number', 'null'] },
  virtualNodes: whole,
});
export const calledPeer = record({ id: text, name: { type: 'string', description: 'The name shown in lists' } });
export const peerList = record({ peers: list(peerStatus) });

const holder = {
  publisher: text,
  publisherName: { type: 'string', description: 'What the publisher is called, or the end of its id' },
  address: textOrNull,
  copies: { type: ['integer', 'null'], description: 'Live copies on the ring; for a shared file its live sources' },
  shared: { type: 'boolean', description: 'True if the file stays at its publisher, false if the ring stores it' },
  live: { type: 'boolean', description: 'A live peer has it' },
  verified: {
    type: 'boolean',
    description: "True if the publisher's own entry was read; otherwise only the peers asked claim it",
  },
} as const;

const hit = record({
  name: text,
  size: whole,
  type: { enum: ['file', 'directory'] },
  cid: text,
  sha256: textOrNull,
  ...holder,
  time: text,
  holders: { ...list(record(holder)), description: 'All publishers of this name and content, best first' },
});

export const browsedFiles = record({ files: list(hit), cursor: textOrNull });
export const searchStarted = record({ queryId: text });
export const searchResult = record({
  queryId: text,
  query: text,
  mode: { enum: ['words', 'broadcast'] },
  time: text,
  state: { enum: ['running', 'done', 'failed'] },
  total: whole,
  answered: { type: 'integer', description: 'Peers that searched, once a broadcast has ended' },
  missed: { type: 'integer', description: 'Parts of the ring that a broadcast could not reach' },
  problem: { type: ['object', 'null'], description: 'A problem document if it failed' },
  hits: list(hit),
});

const recentQuery = record({
  id: text,
  time: text,
  query: text,
  role: { enum: ['asked', 'answered', 'forwarded'] },
  hash: textOrNull,
  responses: whole,
});

export const share = record({
  path: text,
  files: { type: 'integer', description: 'Known files, indexed or not' },
  bytes: whole,
  state: { enum: ['indexing', 'watching', 'missing'], description: 'missing: the folder does not exist at the moment' },
  indexed: whole,
  announced: { type: 'integer', description: 'Indexed files that other peers can find' },
  unreadable: {
    type: 'integer',
    description: 'Files and folders that cannot be read, have invalid names, or may not be shared',
  },
  changing: {
    type: 'integer',
    description: 'Files that keep changing; hashed once they have been unchanged for a while',
  },
  leftOut: list(record({ path: { type: 'string', description: 'Below the share' }, why: text })),
});
export const shareList = record({ shares: list(share) });

export const stats = record({
  uptimeSeconds: { type: 'number' },
  residentBytes: whole,
  members: whole,
  hosts: whole,
  transfers: { type: 'object', description: 'Transfers by state', additionalProperties: whole },
  peers: { type: 'object', description: 'Peers by state', additionalProperties: whole },
  bytesReceived: { type: 'integer', description: 'From other peers since the start, on all connections' },
  bytesSent: whole,
  queries: list(recentQuery),
});

/** By name in the document. */
export const answers = {
  putResult,
  fileEntry,
  filePage,
  fileStat,
  transferStatus,
  transferList,
  pointer,
  ringMember,
  nodeStatus,
  ringMembers,
  ringDigest,
  calledPeer,
  invited,
  member,
  memberList,
  changedMembers,
  proof,
  pageLink,
  storageListing,
  lookupResult,
  peerStatus,
  peerList,
  hit,
  searchStarted,
  searchResult,
  browsedFiles,
  recentQuery,
  share,
  shareList,
  stats,
} as const;

export type ChangedMembers = TypeOf<typeof changedMembers>;
export type FileEntry = TypeOf<typeof fileEntry>;
export type FileStat = TypeOf<typeof fileStat>;
export type LookupResult = TypeOf<typeof lookupResult>;
export type MemberList = TypeOf<typeof memberList>;
export type NodeStatus = TypeOf<typeof nodeStatus>;
export type PeerStatus = TypeOf<typeof peerStatus>;
export type Pointer = TypeOf<typeof pointer>;
export type Share = TypeOf<typeof share>;
export type Stats = TypeOf<typeof stats>;
export type TransferStatus = TypeOf<typeof transferStatus>;
