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

export const nameParameter = record({
  name: { type: 'string', description: 'A file name, percent-encoded; no "/", at most 255 bytes' },
});
export const cidParameter = record({ cid: { type: 'string', description: 'A CID, version 0 or 1, in any base' } });
const transferParameter = record({ id: { type: 'string', maxLength: 128 } });
const peerParameter = record({ id: { type: 'string', maxLength: 128 } });
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
export const maxQuery = {
  type: 'integer',
  description:
    'Bytes up to which the content is sent: folders and larger files are only described, with 204 and X-Chordial-Size',
  minimum: 0,
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
const health = record({ status: text });

export const operations = {
  'GET /api/v1/content/{cid}/stat': {
    summary: 'Size, blocks, live copies and holders of content',
    params: cidParameter,
    response: { 200: answers.fileStat },
  },
  'GET /api/v1/files': {
    summary: 'Files that this peer publishes, or all peers with all=true, page by page',
    querystring: fields({
      all: { type: 'boolean', default: false },
      cursor: cursorQuery,
      limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
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
      },
      additionalProperties: false,
    },
    response: { 201: answers.invited },
  },
  'GET /api/v1/lookup/{wanted}': {
    summary: 'Who owns a name, a CID or key:HEX',
    params: record({ wanted: text }),
    response: { 200: answers.lookupResult },
  },
  'GET /api/v1/members': {
    summary: 'Members of the network, waiting and removed ones too',
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
  'GET /api/v1/peers': { summary: 'Peers with liveness and last heartbeat', response: { 200: answers.peerList } },
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
  'GET /api/v1/proof': {
    summary: 'Proves that this is the peer that wrote the note of a data or runtime folder; needs no token',
    querystring: fields({ nonce: { type: 'string', pattern: '^[0-9a-f]{32,128}$' } }, ['nonce']),
    response: { 200: answers.proof },
  },
  'GET /api/v1/ring': {
    summary: 'Every member that this peer believes alive, in ring order; partly hearsay, unlike /api/v1/node',
    response: { 200: answers.ringMembers },
  },
  'GET /api/v1/ring/digest': {
    summary: 'A digest of the members, for polling: peers with equal digests and isRight form one ring',
    response: { 200: answers.ringDigest },
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
