/** JSON schemas of the API's responses, part of the OpenAPI document, and the types derived from them. */

import { sentenceCodes } from '../sentences.ts';
import { list, orNull, record, type TypeOf, text, textOrNull, whole, wholeOrNull } from './schema.ts';

const zone = { type: ['string', 'null'], description: 'What fails together with the peer, as it says itself' } as const;

/** A sentence for people, in English, and as a code with values for other languages. */
const sentence = {
  text,
  code: { enum: sentenceCodes, description: 'Which sentence it is; sentences.ts names the values of each' },
  values: {
    type: 'object',
    description: 'What is said in it: sizes in bytes, times as ISO 8601',
    additionalProperties: true,
  },
} as const;

const putFields = { name: text, cid: text, size: whole, copies: whole, publisher: text } as const;
export const putResult = {
  type: 'object',
  properties: {
    ...putFields,
    sealedName: { type: 'string', description: 'Of a sealed file: its name in the network' },
  },
  required: Object.keys(putFields),
} as const;

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

/** Only what is sealed has it. */
const sealedField = {
  sealed: {
    type: ['object', 'null'],
    description: 'Of a sealed file: then name and size are those of its content, as far as this peer can open it',
    properties: {
      name: { type: 'string', description: 'Its name in the network' },
      size: { type: 'integer', description: 'Bytes of the ciphertext' },
      kinds: list(text),
      to: { ...list(text), description: 'Ids of peers, or recipients of age, that can open it; empty unless opened' },
      isOpen: { type: 'boolean', description: 'This peer can open it' },
    },
    required: ['name', 'size', 'kinds', 'to', 'isOpen'],
  },
} as const;

const fileEntry = {
  type: 'object',
  properties: { ...entryFields, ...sealedField },
  required: Object.keys(entryFields) as readonly (keyof typeof entryFields)[],
} as const;
const counts = record({
  kinds: { type: 'object', description: 'Files by kind', additionalProperties: whole },
  publishers: { ...list(record({ id: text, name: text, count: whole })), description: 'The 50 with the most files' },
  zones: list(record({ zone: text, count: whole })),
});
const kind = { enum: ['image', 'video', 'audio', 'document', 'archive', 'folder', 'other'] } as const;
const countsOrNull = { ...orNull(counts), description: 'Of the whole list before the filters' } as const;
const listedFile = {
  type: 'object',
  properties: {
    ...{ ...entryFields, ...sealedField, copies: wholeOrNull, kind },
    also: {
      ...list(record({ name: text, publisher: text, publisherName: text })),
      description:
        'Of a sorted or filtered list of all: others who put the same content, which is in one row; up to 20',
    },
  },
  required: [...(Object.keys(entryFields) as readonly (keyof typeof entryFields)[]), 'copies', 'kind', 'also'],
} as const;
export const filePage = record({
  files: list(listedFile),
  cursor: textOrNull,
  total: { type: ['integer', 'null'], description: 'Of a sorted or filtered list: what the filters let pass' },
  counts: countsOrNull,
});
const statFields = {
  ...entryFields,
  blocks: whole,
  copies: whole,
  cached: whole,
  holders: list(record({ id: text, name: text, address: text, zone })),
  ageSeconds: { type: ['number', 'null'] },
} as const;
export const fileStat = {
  type: 'object',
  properties: { ...statFields, ...sealedField },
  required: Object.keys(statFields) as readonly (keyof typeof statFields)[],
} as const;

export const folderPage = record({
  entries: list(
    record({
      name: text,
      cid: text,
      size: { type: 'integer', description: 'Of a folder as its entry says, unverified' },
      type: { enum: ['file', 'directory', null], description: 'null: no peer has it now' },
      kind,
    }),
  ),
  count: { type: 'integer', description: 'Of the whole folder' },
  page: { type: 'integer', description: 'From 1' },
  pages: whole,
});

export const preview = record({
  cid: text,
  type: { enum: ['file', 'directory'] },
  size: whole,
  shown: { enum: ['image', 'audio', 'video', 'text', 'pdf', null], description: 'null: nothing of it' },
  why: {
    enum: ['empty', 'folder', 'sealed', 'too-many-pixels', 'unknown-kind', null],
    description: 'Why nothing is shown',
  },
  contentType: { type: ['string', 'null'], description: 'Of its bytes at /api/v1/previews/{cid}/bytes' },
  width: { type: ['integer', 'null'], description: 'Pixels of an image' },
  height: wholeOrNull,
  text: textOrNull,
  isCut: { type: 'boolean', description: 'The text goes on' },
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
  note: { ...orNull(record(sentence)), description: 'Why a running one may be slow: limits of other peers' },
  result: { description: 'put: like the answer of a put; get: what was fetched; null until it is done' },
  started: text,
});
export const transferList = record({ transfers: list(transferStatus) });

const pointer = record({ id: text, name: text, ringId: text, address: text, zone });
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
  zone,
  listen: text,
  api: text,
  virtualNodes: list(ringMember),
  members: whole,
  hosts: whole,
  replicas: whole,
  state: { enum: ['starting', 'joining', 'member', 'leaving', 'left'] },
  reach: record({
    state: { enum: ['loopback-only', 'unknown', 'open', 'hidden'] },
    address: { type: ['string', 'null'], description: 'Where members dialled this peer back, or could not' },
    ...sentence,
  }),
  portMapping: record({
    state: { enum: ['off', 'asking', 'no-gateway', 'no-router', 'refused', 'mapped'] },
    ...sentence,
  }),
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
  lan: orNull(
    record({
      interfaces: list(
        record({ name: text, addresses: list(text), sent: whole, echoes: whole, received: whole, fault: textOrNull }),
      ),
      networks: list(
        record({
          tag: { type: 'string', description: 'What its peers say today' },
          isOwn: { type: 'boolean' },
          peers: whole,
          addresses: list(text),
          interfaces: list(text),
          members: { ...list(text), description: 'Names of those that showed their keys' },
        }),
      ),
    }),
  ),
  door: orNull(
    record({
      address: text,
      url: { type: 'string', description: 'What links begin with' },
      services: list(text),
      tls: orNull(
        record({
          expires: text,
          fingerprint: { type: 'string', description: 'SHA-256 of the certificate, hexadecimal' },
          fault: { type: ['string', 'null'], description: 'Why the files cannot be used now; the pair before is' },
        }),
      ),
      requests: { type: 'integer', description: 'In progress' },
      connections: whole,
    }),
  ),
});

const tokenFields = {
  id: text,
  for: text,
  readOnly: { type: 'boolean' },
  created: text,
  expires: textOrNull,
  used: { type: ['string', 'null'], description: 'To the minute' },
} as const;
const token = record(tokenFields);
export const tokenList = record({ tokens: list(token) });
export const madeToken = record({ ...tokenFields, token: { type: 'string', description: 'Shown this once' } });

export const ringMembers = record({ members: list(pointer) });
export const ringRecording = record({
  from: { type: 'string', description: 'From when on it is complete' },
  until: text,
  isTooLarge: { type: 'boolean', description: 'The ring has too many members to be recorded' },
  members: { ...list(pointer), description: 'At the beginning' },
  changes: { ...list(record({ time: text, came: list(pointer), went: list(pointer) })), description: 'Oldest first' },
});
export const ringDigest = record({
  members: whole,
  digest: { type: 'string', description: 'Hash of the places of all members in ring order, hexadecimal' },
  epoch: { type: 'integer', description: "Grows with every change of this peer's own pointers" },
  isRight: { type: 'boolean', description: 'Every predecessor and successor of this peer matches the ring order' },
});

const rateField = { type: ['integer', 'null'], description: 'Bytes per second; null: no limit' } as const;
export const limitsStatus = record({
  limit: { type: 'string', description: 'What holds now: a rate, up:down, off or stop' },
  up: rateField,
  down: rateField,
  isStopped: { type: 'boolean', description: 'Puts and gets wait' },
  until: { type: ['string', 'null'], description: 'When something else holds; null: never' },
  next: { type: ['string', 'null'], description: 'What holds then' },
  timetable: { type: 'string', description: 'The rate or timetable in force' },
  source: { enum: ['settings', 'command', 'for-a-while'] },
  forAWhileUntil: { type: ['string', 'null'], description: 'When one for a while ends' },
  usual: { type: 'string', description: 'The same, but for one for a while' },
  configured: { type: 'string', description: 'That of the settings' },
  limitsLan: { type: 'boolean', description: 'Peers on the LAN and on this machine are limited too' },
  minuteOfWeek: { type: 'integer', description: 'Of the clock of this machine, since Sunday 00:00' },
});

export const recipient = record({ recipient: { type: 'string', description: 'It begins with "age1"' } });
export const proof = record({ proof: text });
export const pageLink = record({
  token: text,
  expires: text,
  origin: { type: ['string', 'null'], description: 'Origin of the proxy in front of this API, if configured' },
});

const shareOrNull = {
  type: ['number', 'null'],
  description: 'Part of the storage of each peer that a member may use; null: an eighth, or eight times what it gives',
} as const;
export const invited = record({
  invite: text,
  network: text,
  addresses: list(text),
  expires: text,
  uses: whole,
  rights: list(text),
  share: shareOrNull,
  isLocal: { type: 'boolean', description: 'It leads to this machine only' },
  id: { ...textOrNull, description: 'For taking it back; null where the network has no admission' },
});
export const inviteList = record({
  mayInvite: { type: 'boolean' },
  invites: list(
    record({
      id: text,
      created: text,
      expires: text,
      uses: whole,
      rights: list(text),
      share: shareOrNull,
      members: { ...list(text), description: 'Names of those that came by it' },
    }),
  ),
});

const report = {
  quota: { type: 'integer', description: 'Bytes that it gives at most; 0: it holds nothing' },
  used: { type: 'integer', description: 'Bytes of replicas' },
  cached: { type: 'integer', description: 'Bytes besides, which go first when room is short' },
  room: { type: 'integer', description: 'Bytes that it can still take, by its quota and its disk' },
  lacking: { type: ['integer', 'null'], description: 'Copies to be made of what it owns; null before it knows' },
  rare: { type: 'integer', description: 'Blocks with fewer copies than acknowledge a put' },
  version: text,
} as const;
const reportOrNull = {
  ...orNull(record(report)),
  description: 'What it tells of itself; null unless asked for, and where it does not answer',
} as const;

const member = record({
  id: text,
  name: text,
  shownName: { type: 'string', description: 'The name you gave it, else that in its certificate' },
  petname: { type: ['string', 'null'], description: 'The name you gave it; null for none' },
  zone,
  report: reportOrNull,
  state: { enum: ['member', 'waiting', 'removed'] },
  isSelf: { type: 'boolean' },
  isAdmin: { type: 'boolean' },
  rights: list(text),
  share: shareOrNull,
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
  hops: { type: 'integer', description: 'Peers that answered; 0 when this one is the owner' },
  milliseconds: { type: 'number' },
  asked: {
    ...list(
      record({
        id: text,
        name: text,
        ringId: { type: ['string', 'null'], description: 'The place for which it was asked' },
        address: text,
        zone,
        at: { type: 'number', description: 'Milliseconds since the lookup began' },
        milliseconds: { type: ['number', 'null'], description: 'Until it answered or failed; null: not waited for' },
        answer: {
          enum: ['owner', 'closer', 'silent', 'unreachable', 'refused', 'none'],
          description: 'owner: it owns the key; closer: it named others; none: not waited for',
        },
      }),
    ),
    description: 'Who was asked, in order',
  },
});

const peerStatus = record({
  id: text,
  name: {
    type: 'string',
    description: 'The name you gave it, else that in its certificate, else the end of its id',
  },
  address: text,
  zone,
  state: { enum: ['alive', 'suspected', 'away', 'left', 'dead'] },
  lastHeartbeat: textOrNull,
  lastUpdate: textOrNull,
  heartbeatAge: { type: ['number', 'null'] },
  roundTripMilliseconds: { type: ['number', 'null'] },
  virtualNodes: whole,
  petname: { type: ['string', 'null'], description: 'The name you gave it; null for none' },
  moved: {
    ...record({ sent: whole, received: whole, sendRate: whole, receiveRate: whole }),
    description: 'Content moved between it and this peer: bytes since the start, and per second over the last seconds',
  },
  report: reportOrNull,
});
export const calledPeer = record({ id: text, name: { type: 'string', description: 'The name shown in lists' } });
export const peerList = record({ peers: list(peerStatus) });

const holder = {
  name: { type: 'string', description: 'What the publisher calls the content' },
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
  key: { type: 'string', description: 'Of the row: what replaces it later has the same' },
  size: whole,
  type: { enum: ['file', 'directory'] },
  kind,
  cid: text,
  sha256: textOrNull,
  ...holder,
  time: text,
  isSealed: { type: 'boolean', description: 'A sealed file of this peer, which it opens' },
  holders: { ...list(record(holder)), description: 'All who put or share this content, best first' },
});

export const browsedFiles = record({ files: list(hit), cursor: textOrNull });
export const searchStarted = record({ queryId: text });
export const searchResult = record({
  queryId: text,
  query: text,
  mode: { enum: ['words', 'broadcast'] },
  time: text,
  state: { enum: ['running', 'done', 'failed'] },
  total: {
    type: 'integer',
    description: 'Rows that the filters let pass, over all pages: one per content, however many put and share it',
  },
  counts: countsOrNull,
  answered: { type: 'integer', description: 'Peers that searched, once a broadcast has ended' },
  missed: { type: 'integer', description: 'Parts of the ring that a broadcast could not reach' },
  problem: { type: ['object', 'null'], description: 'A problem document if it failed' },
  hits: list(hit),
});

export const removal = record({
  id: text,
  names: list(text),
  state: { enum: ['waiting', 'running', 'failed'] },
  due: { type: 'string', description: 'Until then it may be undone' },
  failures: { ...list(record({ name: text, problem: text })), description: 'Files that are still there' },
});
export const removalList = record({ removals: list(removal) });

export const listedZip = record({
  id: { type: 'string', description: 'To fetch it: GET /api/v1/zips/{id}, any number of times' },
  name: { type: 'string', description: 'Under which a browser saves it' },
  bytes: { type: 'integer', description: 'Of the ZIP' },
  entries: whole,
  expires: text,
});

const linkFields = {
  id: { type: 'string', description: '16 characters; who knows them may fetch what the link leads to' },
  url: { type: ['string', 'null'], description: 'At a door that serves links; null while none answers' },
  path: { type: 'string', description: 'What comes after the origin of any door' },
  name: text,
  type: { enum: ['file', 'directory', 'drop'] },
  cid: { type: ['string', 'null'], description: 'null for a drop box' },
  size: { type: 'integer', description: 'Bytes; of a drop box how many it takes' },
  created: text,
  expires: text,
  isExpired: { type: 'boolean' },
  times: {
    type: ['integer', 'null'],
    description: 'How often each door lets the whole be fetched; null: any number of times',
  },
  hasPassword: { type: 'boolean' },
  isSealed: { type: 'boolean', description: 'The key is in the URL, and no door sees it' },
  fetched: { type: 'integer', description: 'How often the whole was fetched, as doors told' },
  fetches: {
    ...list(record({ time: text, door: text, doorName: text, bytes: whole, whole })),
    description: 'The last 20, newest first, those of one door within a minute together',
  },
} as const;
const link = record(linkFields);
export const linkList = record({ links: list(link) });
export const madeLink = record({
  ...linkFields,
  notes: { ...list(record(sentence)), description: 'What its maker should know' },
});

export const linkedContent = record({
  from: { type: 'string', description: 'What the peer of the sender is called' },
  expires: text,
  type: { enum: ['file', 'directory'] },
  name: { type: ['string', 'null'], description: 'null when it is sealed' },
  sealed: { type: ['string', 'null'], description: 'Name, size and file key under the key of the URL, base64url' },
  size: { type: 'integer', description: 'Of the bytes stored' },
  cid: text,
});
export type LinkedContent = TypeOf<typeof linkedContent>;
export const madeCode = record({
  code: { type: 'string', description: 'A number and three words, such as 7-coral-eagle-river' },
  expires: text,
  guardians: { type: 'integer', description: 'Members that keep the code, this peer among them' },
  door: { type: ['string', 'null'], description: 'A door at which it can be received; null while none is known' },
  link: record(linkFields),
});
export type MadeCode = TypeOf<typeof madeCode>;
const turn = record({ sender: whole, guardian: whole });
export const begunCode = record({ publisher: text, guardian: text, exchange: text, point: text, turn });
export const toldCode = record({ confirmation: text, sealed: text });

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

const level = { enum: ['good', 'note', 'bad'], description: 'bad: it does not work; note: it may surprise' } as const;
export const health = record({
  level: { ...level, description: 'The worst of the findings' },
  time: text,
  findings: list(record({ check: { type: 'string', description: 'What was looked at' }, level, ...sentence })),
  copies: record({
    state: { enum: ['whole', 'repairing', 'waiting', 'few-peers', 'unknown'] },
    wanted: { type: 'integer', description: 'Copies that a block is to have' },
    hosts: { type: 'integer', description: 'Peers that may hold one' },
    lacking: { type: ['integer', 'null'], description: 'Copies to be made, as the peers that answered say' },
    answered: { type: 'integer', description: 'Peers that answered, this one included' },
    asked: whole,
    until: { type: ['string', 'null'], description: "Until they are made, estimated by this peer's pace" },
    waitsUntil: { type: ['string', 'null'], description: 'When copies of a peer that is away are made elsewhere' },
  }),
  atRisk: {
    ...list(record({ name: text, publisher: text, publisherName: text, copies: whole, blocks: whole })),
    description: 'Files with blocks that this peer looks after and that have too few copies; 100 at most',
  },
  disks: {
    ...list(record({ id: text, name: text, isSelf: { type: 'boolean' }, ...report })),
    description: 'This peer and those that answered',
  },
});

export const settingList = record({
  file: { type: 'string', description: 'Where changes are kept' },
  settings: list(
    record({
      name: text,
      kind: { enum: ['text', 'path', 'quantity', 'list', 'paths', 'switch', 'yes-no'] },
      description: text,
      value: { type: ['string', 'null'], description: 'As text, several separated by commas; null: its default' },
      source: { type: 'string', description: 'A flag, a variable, a line of the file, or default' },
      default: text,
      unit: {
        enum: ['bytes', 'bytes per second', 'milliseconds', 'time', null],
        description: 'Sizes take K, M, G or T of 1024, times ms, s, m, h or d',
      },
      choices: {
        type: ['array', 'null'],
        items: text,
        description: 'All values that there are; null: any of its kind',
      },
      takesSeveral: { type: 'boolean', description: 'Several of the choices, separated by commas' },
      example: { type: 'string', description: 'A line of the file' },
      changes: { enum: ['now', 'restart', 'never'], description: 'When a change holds; never: it is refused' },
      next: { type: ['string', 'null'], description: 'The value after the next start' },
    }),
  ),
  disk: record({
    quota: { type: 'integer', description: 'Bytes kept for the network at most' },
    used: { type: 'integer', description: 'Bytes of replicas' },
    cached: { type: 'integer', description: 'Bytes besides, which go first when room is short' },
    free: { type: 'integer', description: 'Bytes free on the disk of the data folder' },
  }),
  notes: { ...list(text), description: 'What the one who changed settings should know' },
});

export const history = record({
  of: { enum: ['rates', 'storage', 'queries'] },
  span: { enum: ['hour', 'day', 'month'] },
  stepSeconds: whole,
  times: { ...list(whole), description: 'Unix time of the beginning of each step, the current one last' },
  series: {
    ...list(record({ name: text, values: list({ type: ['number', 'null'] } as const) })),
    description: 'Bytes, or for rates and queries what came per second; null while the peer did not run',
  },
});

export const treeEntry = record({
  name: text,
  type: { enum: ['file', 'directory'] },
  cid: { type: ['string', 'null'], description: 'Null of a folder with changes that are not published yet' },
  size: { type: 'integer', description: 'Bytes; of a folder those of all its files when it was published' },
  modified: textOrNull,
  executable: { type: 'boolean' },
});
export const tree = record({
  entry: treeEntry,
  entries: { ...list(treeEntry), description: 'Of a folder, by name' },
  cursor: textOrNull,
  isChanging: { type: 'boolean', description: 'The network has not got all changes yet' },
  failure: { type: ['string', 'null'], description: 'Why they could not be published; it is tried again' },
});
const treeVersion = record({ time: text, cid: text, size: whole });
export const treeVersions = record({ versions: { ...list(treeVersion), description: 'Newest first' } });
export const restoredTree = record({ time: text, cid: text });

export const machineFolders = record({
  path: text,
  parent: textOrNull,
  folders: list(record({ name: text, path: text })),
  isCut: { type: 'boolean', description: 'There are more, which are not told' },
});

/** By name in the document. */
export const answers = {
  putResult,
  fileEntry,
  filePage,
  fileStat,
  folderPage,
  preview,
  health,
  history,
  transferStatus,
  transferList,
  pointer,
  ringMember,
  nodeStatus,
  ringMembers,
  ringDigest,
  ringRecording,
  calledPeer,
  invited,
  inviteList,
  member,
  memberList,
  changedMembers,
  limitsStatus,
  link,
  linkList,
  madeLink,
  proof,
  pageLink,
  storageListing,
  lookupResult,
  peerStatus,
  peerList,
  hit,
  listedZip,
  removal,
  removalList,
  searchStarted,
  searchResult,
  browsedFiles,
  recentQuery,
  machineFolders,
  treeEntry,
  tree,
  treeVersions,
  restoredTree,
  settingList,
  share,
  shareList,
  stats,
} as const;

export type ChangedMembers = TypeOf<typeof changedMembers>;
export type Health = TypeOf<typeof health>;
export type FileEntry = TypeOf<typeof fileEntry>;
export type FolderPage = TypeOf<typeof folderPage>;
export type Preview = TypeOf<typeof preview>;
export type Removal = TypeOf<typeof removal>;
export type FilePage = TypeOf<typeof filePage>;
export type Hit = TypeOf<typeof hit>;
export type SearchResult = TypeOf<typeof searchResult>;
export type FileStat = TypeOf<typeof fileStat>;
export type Link = TypeOf<typeof link>;
export type MadeLink = TypeOf<typeof madeLink>;
export type SettingList = TypeOf<typeof settingList>;
export type LimitsStatus = TypeOf<typeof limitsStatus>;
export type RingRecording = TypeOf<typeof ringRecording>;
export type History = TypeOf<typeof history>;
export type LookupResult = TypeOf<typeof lookupResult>;
export type InviteList = TypeOf<typeof inviteList>;
export type MemberList = TypeOf<typeof memberList>;
export type NodeStatus = TypeOf<typeof nodeStatus>;
export type PeerStatus = TypeOf<typeof peerStatus>;
export type Pointer = TypeOf<typeof pointer>;
export type Share = TypeOf<typeof share>;
export type Stats = TypeOf<typeof stats>;
export type TransferList = TypeOf<typeof transferList>;
export type TransferStatus = TypeOf<typeof transferStatus>;
