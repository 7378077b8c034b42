/** What a peer answers: JSON schemas, which the OpenAPI document tells, and the types that follow from them. */
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
      note: { type: ['string', 'null'], description: 'A sentence when that is more than a minute' },
    }),
  ),
});

export const ringMembers = record({ members: list(pointer) });
export const ringDigest = record({
  members: whole,
  digest: { type: 'string', description: 'Of the places of all members in ring order, as hexadecimal' },
  epoch: { type: 'integer', description: "Grows with every change of this peer's own pointers" },
  isRight: { type: 'boolean', description: 'Every predecessor and successor of this peer is that of the order' },
});

export const proof = record({ proof: text });
export const pageLink = record({
  token: text,
  expires: text,
  origin: { type: ['string', 'null'], description: 'Of the proxy before this API, where one was named' },
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
    description: 'What you call it, else its certificate; the end of its id where it has no name',
  },
  address: text,
  state: { enum: ['alive', 'suspected', 'away', 'left', 'dead'] },
  lastHeartbeat: textOrNull,
  lastUpdate: textOrNull,
  heartbeatAge: { type: ['number', 'null'] },
  roundTripMilliseconds: { type: ['number', 'null'] },
  virtualNodes: whole,
});
export const calledPeer = record({ id: text, name: { type: 'string', description: 'As lists show it' } });
export const peerList = record({ peers: list(peerStatus) });

const holder = {
  publisher: text,
  publisherName: { type: 'string', description: 'What the publisher is called, or the end of its id' },
  address: textOrNull,
  copies: { type: ['integer', 'null'], description: 'Live copies on the ring; for a shared file its live sources' },
  shared: { type: 'boolean', description: 'The file lies at its publisher; otherwise the ring keeps it' },
  live: { type: 'boolean', description: 'Somebody who is here has it' },
  verified: {
    type: 'boolean',
    description: "The publisher's own entry was read; else it is the word of the peers asked",
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
  holders: { ...list(record(holder)), description: 'All who have this name and content, the best first' },
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
  answered: { type: 'integer', description: 'Peers that looked, for a broadcast that has ended' },
  missed: { type: 'integer', description: 'Parts of the ring that a broadcast could not reach' },
  problem: { type: ['object', 'null'], description: 'A problem document when it failed' },
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
  files: { type: 'integer', description: 'Those known, indexed or not' },
  bytes: whole,
  state: { enum: ['indexing', 'watching', 'missing'], description: 'missing: the folder is not there now' },
  indexed: whole,
  announced: { type: 'integer', description: 'Of the indexed ones, those that others find' },
  unreadable: { type: 'integer', description: 'Files and folders that cannot be read or named, or are not for others' },
  changing: {
    type: 'integer',
    description: 'Files that keep changing; they are hashed when they have been quiet for a while',
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

/** By their names in the document. */
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
