/**
 * The JSON operations of the API. The schemas of an operation validate its requests, document it in OpenAPI, and type both
 * its handler and its callers. Routes that stream bytes or events are declared where they are served.
 */
import * as answers from './answers.ts';
import { fields, record, type TypeOf, text } from './schema.ts';

const dayMilliseconds = 86_400_000;
/** Limits of common systems. */
const maxPathCharacters = 4096;
/** Callers that wait longer poll again. */
const maxWaitMilliseconds = 30_000;
const maxInviteUses = 65_536;
const maxTokenCharacters = 1024;
export const maxCopiesCounted = 200;
/** Of one request. */
export const maxZipFiles = 2000;
export const maxRemovedFiles = 2000;

export const nameParameter = record({
  name: { type: 'string', description: 'A file name, percent-encoded; no "/", at most 255 bytes' },
});
export const cidParameter = record({ cid: { type: 'string', description: 'A CID, version 0 or 1, in any base' } });
const transferParameter = record({ id: { type: 'string', maxLength: 128 } });
const peerParameter = record({ id: { type: 'string', maxLength: 128 } });
export const zipParameter = record({ id: { type: 'string', maxLength: 64 } });
const codeParameter = record({ number: { type: 'integer', minimum: 1, maximum: 999 } });
const base64url = { type: 'string', maxLength: 128 } as const;
const codePlace = { type: 'integer', minimum: 0, maximum: 16 } as const;
const codeTurn = {
  description: 'The sender and the guardian of its code from which on to ask',
  ...fields({ sender: codePlace, guardian: codePlace }, ['sender', 'guardian']),
} as const;
const memberParameter = record({
  member: { type: 'string', maxLength: 128, description: 'Name, or id or part of it' },
});

export const publisherQuery = {
  type: 'string',
  description:
    'Peer id of the publisher, at least 8 characters of its beginning, or … and as many of its end; or what the peer is called',
  minLength: 1,
  maxLength: 128,
} as const;
const cursorQuery = {
  type: 'string',
  description: 'From the page before; none or an empty one: the first page',
  maxLength: 1024,
} as const;
export const pathQuery = { type: 'string', description: 'One entry inside a folder', maxLength: 4096 } as const;
export const treePathQuery = {
  type: 'string',
  description: 'Below the folder, such as a/b.txt',
  maxLength: 16_384,
} as const;
export const maxQuery = {
  type: 'integer',
  description:
    'Bytes up to which the content is sent: folders and larger files are only described, with 204 and X-Chordial-Size',
  minimum: 0,
} as const;
/** Filters and order of lists. */
const listingQuery = {
  sort: { enum: ['name', 'size', 'date', 'copies'], description: 'By name in natural order: 1, 2, 10' },
  descending: { type: 'boolean' },
  kind: {
    type: 'string',
    maxLength: 128,
    description: 'Of image, video, audio, document, archive, folder, other: some of them, separated by commas',
  },
  least: { type: 'integer', minimum: 0, description: 'Bytes' },
  most: { type: 'integer', minimum: 0, description: 'Bytes' },
  after: { type: 'string', maxLength: 32, description: 'ISO 8601, inclusive' },
  before: { type: 'string', maxLength: 32, description: 'ISO 8601, inclusive' },
  zone: { type: 'string', maxLength: 64, description: 'Of a publisher' },
} as const;
export const replicasField = { type: 'integer', minimum: 1, maximum: 8 } as const;

const localKeyField = {
  type: 'string',
  minLength: 1,
  maxLength: 256,
  description: 'What "localKey" says in the note of the runtime folder, which the user of the peer alone may read',
} as const;
/** Identifies a file, since caller and peer may see different files at the same path. */
const markField = {
  description: 'Device and inode, in decimal',
  ...fields({ device: { type: 'string', maxLength: 32 }, inode: { type: 'string', maxLength: 32 } }, [
    'device',
    'inode',
  ]),
} as const;
const sharedPath = { type: 'string', minLength: 1, maxLength: maxPathCharacters, description: 'Absolute' } as const;
const passphraseField = { type: 'string', minLength: 1, maxLength: 1024 } as const;
const health = record({ status: text });

export const openQuery = { type: 'boolean', description: 'The content of a sealed file' } as const;

export const operations = {
  'GET /api/v1/content/{cid}/entries': {
    summary: 'What is in one folder, not in those below it, in natural order, 200 a page',
    params: cidParameter,
    querystring: fields({
      page: { type: 'integer', minimum: 1, default: 1, description: 'The last if there are fewer' },
    }),
    response: { 200: answers.folderPage },
  },
  'GET /api/v1/content/{cid}/stat': {
    summary: 'Size, blocks, live copies and holders of content',
    params: cidParameter,
    response: { 200: answers.fileStat },
  },
  'POST /api/v1/content/copies': {
    summary: 'Live copies of the first block of contents, counted within a second',
    body: fields(
      { cids: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 1024 }, maxItems: maxCopiesCounted } },
      ['cids'],
    ),
    response: { 200: record({ copies: { type: 'array', items: { type: 'integer' } } }) },
  },
  'POST /api/v1/content/{cid}/put': {
    summary:
      'Puts a plain file or folder of others as one of this peer: it keeps copies, as of all that it puts, and the content stays when others remove theirs',
    params: cidParameter,
    body: fields({ name: { type: 'string', minLength: 1, maxLength: 512 } }, ['name']),
    response: { 201: answers.putResult },
  },
  'POST /api/v1/codes': {
    summary: 'Makes a link to a file, by name or CID, and a code of a number and three words that leads to it',
    body: fields({
      name: { type: 'string', minLength: 1, maxLength: 512 },
      cid: { type: 'string', minLength: 1, maxLength: 1024 },
      publisher: publisherQuery,
      as: { type: 'string', minLength: 1, maxLength: 512, description: 'What it is called where it is received' },
      isCopy: { type: 'boolean', description: 'It was put for this code alone, and is removed with the link' },
      timeToLive: {
        type: 'integer',
        minimum: 1000,
        maximum: 30 * dayMilliseconds,
        description: 'Milliseconds, of link and code; 7 days by default',
      },
      times: { type: 'integer', minimum: 1, maximum: 10_000, description: 'Receives after which the code ends' },
    }),
    response: { 201: answers.madeCode },
  },
  'POST /api/v1/codes/{number}': {
    summary: 'Begins an exchange about a code (docs/wire-format.md, Codes) with a member that keeps it',
    params: codeParameter,
    body: fields({ session: base64url, point: base64url, turn: codeTurn }, ['session', 'point', 'turn']),
    response: { 200: answers.begunCode },
  },
  'POST /api/v1/codes/{number}/confirm': {
    summary: 'Confirms an exchange: what the code leads to, sealed, or wrong-code',
    params: codeParameter,
    body: fields({ guardian: base64url, exchange: base64url, confirmation: base64url }, [
      'guardian',
      'exchange',
      'confirmation',
    ]),
    response: { 200: answers.toldCode },
  },
  'GET /api/v1/files': {
    summary: 'Files that this peer publishes, or all peers with all=true, page by page',
    querystring: fields({
      all: { type: 'boolean', default: false },
      cursor: cursorQuery,
      limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
      skip: { type: 'integer', minimum: 0, description: 'Of a sorted or filtered list: where the page begins' },
      copies: { type: 'boolean', default: false, description: 'Counts live copies of what is on the page, up to 200' },
      ...listingQuery,
      publisher: publisherQuery,
    }),
    response: { 200: answers.filePage },
  },
  'DELETE /api/v1/files/{name}': {
    summary: 'Ends the entry that this peer has published',
    params: nameParameter,
    reads: { 'If-Match': 'ETags: removes only what is one of them' },
  },
  'GET /api/v1/files/{name}/stat': {
    summary: 'Size, blocks, live copies and holders of a file',
    params: nameParameter,
    querystring: fields({ publisher: publisherQuery }),
    response: { 200: answers.fileStat },
  },
  'GET /api/v1/health': {
    summary: 'Whether everything is safe: copies, disks of all peers, clock, reachability, in words with what to do',
    response: { 200: answers.health },
  },
  'GET /api/v1/history': {
    summary: 'Rates, storage or queries of this peer over an hour, a day or a month',
    querystring: fields({ of: { enum: ['rates', 'storage', 'queries'] }, span: { enum: ['hour', 'day', 'month'] } }, [
      'of',
      'span',
    ]),
    response: { 200: answers.history },
  },
  'GET /api/v1/invites': {
    summary: 'Invites of this peer that still admit someone, and whether it may invite',
    response: { 200: answers.inviteList },
  },
  'DELETE /api/v1/invites/{invite}': {
    summary: 'Takes an invite back for good; who came by it stays (admins)',
    params: record({ invite: { type: 'string', maxLength: 64, description: 'Its id' } }),
  },
  'POST /api/v1/invites': {
    summary: 'Creates an invite with a number of uses and an expiry',
    body: {
      type: ['object', 'null'],
      properties: {
        timeToLive: {
          type: 'integer',
          minimum: 60_000,
          maximum: 366 * dayMilliseconds,
          description: 'Milliseconds; 7 days by default',
        },
        uses: {
          type: 'integer',
          minimum: 1,
          maximum: maxInviteUses,
          description: 'Number of uses; 1 by default',
        },
        rights: {
          type: 'array',
          items: { type: 'string', enum: ['store', 'publish', 'invite'] },
          maxItems: 3,
          description: 'Rights of the new members; store and publish by default',
        },
        share: {
          type: ['number', 'null'],
          exclusiveMinimum: 0,
          maximum: 1,
          description:
            'Part of the storage of each peer that each may use; null: an eighth, or eight times what it gives',
        },
      },
      additionalProperties: false,
    },
    response: { 201: answers.invited },
  },
  'GET /api/v1/limits': {
    summary: 'The limit on what this peer moves: what holds now, until when, and the timetable',
    response: { 200: answers.limitsStatus },
  },
  'PUT /api/v1/limits': {
    summary: 'Sets the limit; for a while, or until another is set, also over restarts',
    body: fields(
      {
        limit: {
          type: ['string', 'null'],
          minLength: 1,
          maxLength: 4096,
          description:
            'Bytes per second with K, M or G of 1024, up:down, off, stop, or a timetable such as "08:00,512k Mon-18:00,10M 23:00,off"; null: that of the settings',
        },
        milliseconds: {
          type: 'integer',
          minimum: 1,
          maximum: 366 * dayMilliseconds,
          description: 'How long; until another is set if not given',
        },
      },
      ['limit'],
    ),
    response: { 200: answers.limitsStatus },
  },
  'GET /api/v1/links': {
    summary: 'Links that this peer has made, newest first, with what doors told of fetches',
    response: { 200: answers.linkList },
  },
  'POST /api/v1/links': {
    summary: 'Makes a link to a file or folder, by name or CID, or to a drop box, for people who are no members',
    body: fields({
      name: { type: 'string', minLength: 1, maxLength: 512 },
      cid: { type: 'string', minLength: 1, maxLength: 1024 },
      as: { type: 'string', minLength: 1, maxLength: 512, description: 'What the link calls it; its name by default' },
      publisher: publisherQuery,
      drop: { type: 'string', minLength: 1, maxLength: 256, description: 'A folder of this peer that takes uploads' },
      most: { type: 'integer', minimum: 1, description: 'Bytes that the drop box takes; 5 GiB by default' },
      timeToLive: {
        type: 'integer',
        minimum: 1000,
        maximum: 366 * dayMilliseconds,
        description: 'Milliseconds; 7 days by default',
      },
      password: { type: 'string', minLength: 1, maxLength: 1024 },
      sealed: {
        type: 'boolean',
        description: 'Puts a plain file again, sealed, for as long as the link works: no door can read that copy',
      },
      times: {
        type: 'integer',
        minimum: 1,
        maximum: 1_000_000,
        description: 'How often each door lets the whole be fetched, approximately',
      },
    }),
    response: { 201: answers.madeLink },
  },
  'DELETE /api/v1/links/{id}': {
    summary: 'Takes a link back: it is gone at every door within five seconds',
    params: record({ id: { type: 'string', maxLength: 64 } }),
  },
  'GET /api/v1/links/{id}/content': {
    summary: 'What a link of any peer leads to, for who receives it; its bytes are under its CID',
    params: record({ id: { type: 'string', maxLength: 64 } }),
    response: { 200: answers.linkedContent },
  },
  'GET /api/v1/lookup/{wanted}': {
    summary: 'Who owns a name, a CID or key:HEX, and who was asked for it',
    params: record({ wanted: text }),
    response: { 200: answers.lookupResult },
  },
  'POST /api/v1/machine/folders': {
    summary: 'Folders of this machine to pick from, for the user of the peer alone; no links',
    body: fields({
      path: { ...sharedPath, description: 'Absolute; the home folder by default' },
      hidden: { type: 'boolean', default: false, description: 'Those whose names begin with a dot, too' },
      key: { ...localKeyField, description: `${localKeyField.description}; the page of the peer sends none` },
    }),
    response: { 200: answers.machineFolders },
  },
  'GET /api/v1/members': {
    summary: 'Members of the network, waiting and removed ones too',
    querystring: fields({
      report: { type: 'boolean', default: false, description: 'Also what each gives and holds, which is asked of it' },
    }),
    response: { 200: answers.memberList },
  },
  'POST /api/v1/members/recovery': {
    summary: 'Replaces all admins by one member, with the recovery key of the network',
    body: fields(
      {
        key: { type: 'string', maxLength: 256, description: 'As printed when the network was founded' },
        member: { type: 'string', maxLength: 128, description: 'Name, or id or part of it; this peer by default' },
      },
      ['key'],
    ),
    response: { 200: answers.changedMembers },
  },
  'DELETE /api/v1/members/{member}': {
    summary: 'Removes a member permanently; to remove an admin more than half of the admins must approve',
    params: memberParameter,
    querystring: fields({
      purge: { type: 'boolean', description: 'Also hides what it published and frees the blocks' },
      admitted: { type: 'boolean', description: 'Also removes the members that it admitted' },
    }),
    response: { 200: answers.changedMembers },
  },
  'PATCH /api/v1/members/{member}': {
    summary: 'Changes rights and share of a member (admins); what is not given stays',
    params: memberParameter,
    body: fields({
      publish: { type: 'boolean', description: 'May put and share; what it published before stays' },
      invite: { type: 'boolean', description: 'May invite; who came by it stays' },
      share: {
        type: ['number', 'null'],
        exclusiveMinimum: 0,
        maximum: 1,
        description: 'Part of the storage of each peer that it may use; null: an eighth, or eight times what it gives',
      },
    }),
    response: { 200: answers.changedMembers },
  },
  'PUT /api/v1/members/{member}/admin': {
    summary: 'Makes a member an admin, once more than half of the admins have approved',
    params: memberParameter,
    response: { 200: answers.changedMembers },
  },
  'DELETE /api/v1/members/{member}/admin': {
    summary: 'Makes an admin a plain member, once more than half of the admins have approved',
    params: memberParameter,
    response: { 200: answers.changedMembers },
  },
  'PUT /api/v1/members/{member}/admission': {
    summary: 'Admits a member that is waiting because its invite was used up',
    params: memberParameter,
    response: { 200: answers.changedMembers },
  },
  'GET /api/v1/node': {
    summary: 'Id, place, neighbours and fingers of this peer',
    querystring: fields({
      fingers: {
        enum: ['all', 'distinct', 'none'],
        default: 'all',
        description: 'distinct: one entry per run of equal fingers; none: no fingers, for polling',
      },
    }),
    response: { 200: answers.nodeStatus },
  },
  'POST /api/v1/node/join': {
    summary: 'Joins the ring of the peer at this address',
    body: fields({ address: { type: 'string', description: 'HOST:PORT' } }, ['address']),
    response: { 200: answers.nodeStatus },
  },
  'POST /api/v1/node/leave': {
    summary: 'Leaves for good, after handing over everything',
    body: { type: ['object', 'null'], properties: { force: { type: 'boolean' } }, additionalProperties: false },
  },
  'GET /api/v1/peers': {
    summary: 'Peers with liveness and last heartbeat',
    querystring: fields({
      report: { type: 'boolean', default: false, description: 'Also what each gives and holds, which is asked of it' },
    }),
    response: { 200: answers.peerList },
  },
  'GET /api/v1/peers/{id}/files': {
    summary: 'What a peer publishes and shares, page by page, as that peer answers',
    params: peerParameter,
    querystring: fields({ cursor: cursorQuery }),
    response: { 200: answers.browsedFiles },
  },
  'PUT /api/v1/peers/{id}/name': {
    summary: 'Sets your own name for a peer; null removes it',
    params: peerParameter,
    body: fields({ name: { type: ['string', 'null'], maxLength: 256 } }, ['name']),
    response: { 200: answers.calledPeer },
  },
  'GET /api/v1/previews/{cid}': {
    summary: 'What can be shown of a content, by its first bytes; a text is in the answer, up to 256 KiB of it',
    params: cidParameter,
    querystring: fields({ open: openQuery }),
    response: { 200: answers.preview },
  },
  'GET /api/v1/proof': {
    summary: 'Proves that this is the peer that wrote the note of a data or runtime folder; needs no token',
    querystring: fields({ nonce: { type: 'string', pattern: '^[0-9a-f]{32,128}$' } }, ['nonce']),
    response: { 200: answers.proof },
  },
  'GET /api/v1/ring': {
    summary: 'Every member that this peer believes alive, in ring order; partly hearsay, unlike /api/v1/node',
    response: { 200: answers.ringMembers },
  },
  'GET /api/v1/ring/recording': {
    summary: 'Members that came and went in the last five minutes, as this peer saw it',
    response: { 200: answers.ringRecording },
  },
  'GET /api/v1/ring/digest': {
    summary: 'A digest of the members, for polling: peers with equal digests and isRight form one ring',
    response: { 200: answers.ringDigest },
  },
  'GET /api/v1/key': {
    summary: 'The recipient of age for which others seal files that this peer can open',
    response: { 200: answers.recipient },
  },
  'POST /api/v1/key/export': {
    summary: 'The key itself, as age reads it',
    body: fields({ key: localKeyField }, ['key']),
    response: { 200: record({ text }) },
  },
  'POST /api/v1/key/import': {
    summary: 'Makes a key of age the current one, and keeps those of before',
    body: fields({ key: localKeyField, text: { type: 'string', minLength: 1, maxLength: 64 * 1024 } }, ['key', 'text']),
    response: { 200: answers.recipient },
  },
  'POST /api/v1/search': {
    summary: 'Starts a search; an empty query matches everything',
    body: fields(
      {
        query: { type: 'string', maxLength: 10 * 1024 },
        mode: {
          enum: ['words', 'broadcast'],
          default: 'words',
          description:
            'words: through the index; broadcast: every peer is asked for a part of a name, a glob, /expression/, hash or CID',
        },
        orBroadcast: {
          type: 'boolean',
          description: 'Word search only: if no word matches, asks every peer for names that contain the text',
        },
        ttl: { type: 'integer', minimum: 1, maximum: 64, description: 'How often a broadcast may be forwarded' },
      },
      ['query'],
    ),
    response: { 201: answers.searchStarted },
  },
  'GET /api/v1/search/{queryId}': {
    summary:
      'The hits so far; as text/event-stream each as it comes and whenever more is known of it, and an event `end`',
    params: record({ queryId: { type: 'string', maxLength: 64 } }),
    querystring: fields({
      skip: { type: 'integer', minimum: 0, default: 0 },
      limit: { type: 'integer', minimum: 1, maximum: 10_000, default: 1000 },
      ...listingQuery,
      publisher: publisherQuery,
    }),
    reads: { Accept: 'text/event-stream for the stream' },
    produces: ['text/event-stream'],
    response: { 200: answers.searchResult },
  },
  'POST /api/v1/session': {
    summary: 'Exchanges the token of a link, or the API token, for a cookie',
    body: fields({ token: { type: 'string', minLength: 1, maxLength: maxTokenCharacters } }, ['token']),
  },
  'DELETE /api/v1/session': { summary: 'Signs this browser out' },
  'POST /api/v1/session/links': {
    summary: 'A token for a link to the page, valid once within ten minutes: http://HOST:PORT/#t=TOKEN',
    response: { 201: answers.pageLink },
  },
  'GET /api/v1/settings': {
    summary: 'All settings: value, source, default, and whether a change holds at once',
    response: { 200: answers.settingList },
  },
  'PATCH /api/v1/settings': {
    summary:
      'Changes settings, all that are given or none: kept in chordial.toml, the limit as PUT /api/v1/limits does',
    body: fields(
      {
        settings: {
          type: 'object',
          description: 'Values by name, as text; null: the default',
          maxProperties: 64,
          additionalProperties: { type: ['string', 'null'], maxLength: 4096 },
        },
        key: {
          ...localKeyField,
          description: `${localKeyField.description}, for a path; the page of the peer sends none`,
        },
      },
      ['settings'],
    ),
    response: { 200: answers.settingList },
  },
  'GET /api/v1/shares': {
    summary: 'Shared folders and how far they are indexed',
    response: { 200: answers.shareList },
  },
  'POST /api/v1/shares': {
    summary: 'Shares a folder or file of this machine in place',
    body: fields(
      {
        path: sharedPath,
        key: { ...localKeyField, description: `${localKeyField.description}; the page of the peer sends none` },
        mark: markField,
        others: {
          type: 'boolean',
          description:
            'Also what belongs to other users than the folder or lies on other devices; kept as it was if not given',
        },
      },
      ['path'],
    ),
    response: { 201: answers.share },
  },
  'DELETE /api/v1/shares': {
    summary: 'Ends a share; the files stay',
    body: fields({ path: sharedPath }, ['path']),
    response: { 200: answers.share },
  },
  'GET /api/v1/stats': { summary: 'Counts of transfers and peers', response: { 200: answers.stats } },
  'GET /api/v1/storage': {
    summary: 'What this peer holds, page by page',
    querystring: fields({ role: { enum: ['primary', 'replica'], default: 'primary' }, cursor: cursorQuery }),
    response: { 200: answers.storageListing },
  },
  'GET /api/v1/tokens': {
    summary: 'Tokens for services of the door; their texts are not kept',
    response: { 200: answers.tokenList },
  },
  'POST /api/v1/tokens': {
    summary: 'Makes a token for a service of the door',
    body: fields(
      {
        for: { enum: ['links', 'dav'] },
        readOnly: { type: 'boolean' },
        timeToLive: {
          type: 'integer',
          minimum: 1000,
          maximum: 3660 * dayMilliseconds,
          description: 'Milliseconds; until it is removed if not given',
        },
      },
      ['for'],
    ),
    response: { 201: answers.madeToken },
  },
  'DELETE /api/v1/tokens/{id}': {
    summary: 'Removes a token: it is refused from now on',
    params: record({ id: { type: 'string', maxLength: 64 } }),
  },
  'POST /api/v1/transfers': {
    summary: 'Starts a put or get',
    body: fields(
      {
        kind: { enum: ['put', 'get'] },
        name: text,
        cid: text,
        publisher: publisherQuery,
        path: {
          type: 'string',
          minLength: 1,
          maxLength: maxPathCharacters,
          description: 'Absolute, without links, on the machine of the peer',
        },
        key: localKeyField,
        mark: {
          ...markField,
          description:
            'put: of the file; get: of an empty file beside it that the caller has made, named "." and the first 32 hexadecimal digits of the SHA-256 of the last part of the path and ".part"',
        },
        isAttended: { type: 'boolean', description: 'Paused when its state is not requested for 15 s' },
        replicas: replicasField,
        timeToLive: { type: 'integer', minimum: 1, description: 'Milliseconds' },
        force: { type: 'boolean' },
        isOpened: { type: 'boolean', description: 'get by CID: the content of a sealed file' },
        passphrase: { ...passphraseField, description: 'get: of a sealed file' },
        sealed: {
          type: ['object', 'null'],
          description: 'put: readable for this peer and these alone; null: for everybody; default: its setting',
          properties: {
            to: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 128 }, maxItems: 15 },
            passphrase: passphraseField,
          },
          additionalProperties: false,
        },
      },
      ['kind', 'path', 'key', 'mark'],
    ),
    response: { 201: answers.transferStatus },
  },
  'GET /api/v1/transfers': {
    summary: 'Transfers, running and past',
    response: { 200: answers.transferList },
  },
  'GET /api/v1/transfers/{id}': {
    summary: 'One transfer; with `wait`, responds when it ends or after that many milliseconds',
    params: transferParameter,
    querystring: fields({ wait: { type: 'integer', minimum: 0, maximum: maxWaitMilliseconds, default: 0 } }),
    response: { 200: answers.transferStatus },
  },
  'PATCH /api/v1/transfers/{id}': {
    summary: 'Pauses or resumes a transfer',
    params: transferParameter,
    body: fields({ state: { enum: ['paused', 'running'] }, isAttended: { type: 'boolean' } }, ['state']),
    response: { 200: answers.transferStatus },
  },
  'DELETE /api/v1/transfers/{id}': {
    summary: 'Cancels a transfer and removes its partial file',
    params: transferParameter,
  },
  'GET /api/v1/trees/{name}': {
    summary: 'What is in an own folder, with changes that are not published yet',
    params: nameParameter,
    querystring: fields({
      path: treePathQuery,
      cursor: cursorQuery,
      limit: { type: 'integer', minimum: 1, maximum: 10_000, default: 1000 },
    }),
    response: { 200: answers.tree },
  },
  'POST /api/v1/trees/{name}': {
    summary: 'Makes a folder, or moves or copies what is in an own folder',
    params: nameParameter,
    body: fields(
      {
        action: { enum: ['create', 'move', 'copy'] },
        path: { ...treePathQuery, description: 'Of what; none: the own folder itself' },
        to: { ...treePathQuery, description: 'FOLDER/PATH, in this or another own folder' },
        replace: { type: 'boolean', description: 'What is there is replaced; otherwise it is refused' },
      },
      ['action'],
    ),
  },
  'DELETE /api/v1/trees/{name}': {
    summary: 'Removes a file, or a folder with all in it, from an own folder',
    params: nameParameter,
    querystring: fields({ path: treePathQuery }, ['path']),
  },
  'GET /api/v1/trees/{name}/versions': {
    summary: 'Earlier roots of an own folder that stay readable',
    params: nameParameter,
    response: { 200: answers.treeVersions },
  },
  'POST /api/v1/trees/{name}/restore': {
    summary: 'Makes an own folder what it was at a time',
    params: nameParameter,
    body: fields({ time: { type: 'string', maxLength: 64, description: 'ISO 8601' } }, ['time']),
    response: { 200: answers.restoredTree },
  },
  'GET /api/v1/removals': {
    summary: 'Removals that may still be undone, and those of which something has failed',
    response: { 200: answers.removalList },
  },
  'POST /api/v1/removals': {
    summary: 'Removes files that this peer has put, after a while in which that may be undone',
    body: fields(
      {
        names: { type: 'array', minItems: 1, maxItems: maxRemovedFiles, items: { type: 'string', maxLength: 512 } },
        milliseconds: { type: 'integer', minimum: 1, maximum: 60_000, description: 'Until then; 10 s by default' },
      },
      ['names'],
    ),
    response: { 201: answers.removal },
  },
  'DELETE /api/v1/removals/{id}': {
    summary: 'Undoes a removal that has not begun, whole; takes note of one that has failed',
    params: record({ id: { type: 'string', maxLength: 64 } }),
  },
  'POST /api/v1/zips': {
    summary: 'Lists files and folders, of any publisher, to be fetched as one ZIP within an hour',
    body: fields(
      {
        name: { type: 'string', minLength: 1, maxLength: 512, description: 'Of the ZIP' },
        files: {
          type: 'array',
          minItems: 1,
          maxItems: maxZipFiles,
          items: fields({
            cid: { type: 'string', minLength: 1, maxLength: 1024 },
            name: {
              type: 'string',
              minLength: 1,
              maxLength: 512,
              description: 'Beside a CID: what it is called in the ZIP; else the file of this name',
            },
            publisher: publisherQuery,
            isOpened: { type: 'boolean', description: 'By CID: the content of a sealed file' },
          }),
        },
      },
      ['files'],
    ),
    response: { 201: answers.listedZip },
  },
  'GET /healthz': { summary: '200 when serving', response: { 200: health } },
  'GET /readyz': { summary: '200 when a member of a ring', response: { 200: health } },
} as const;

export type OperationName = keyof typeof operations;
export type Schemas<N extends OperationName> = (typeof operations)[N];
export type AnswerOf<N extends OperationName> =
  Schemas<N> extends { readonly response: infer R } ? TypeOf<R[keyof R]> : undefined;

/** The type of path, query or body; undefined if the operation takes none. */
export type PartOf<N extends OperationName, K extends 'params' | 'querystring' | 'body'> =
  Schemas<N> extends { readonly [P in K]: infer S } ? TypeOf<S> : undefined;
