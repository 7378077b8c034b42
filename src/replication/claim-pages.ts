/**
 * Claims in messages of bounded size: ten thousand names may refer to one block.
 *
 * `claims.list` request `{keys, after}` → `{blocks: [[position…]…], claims, more}`: the claims on the first of these
 * blocks, as many as one message holds, by publisher, name and sequence. `after` is the last claim received for the
 * first block, or null; with `more` the last listed block is incomplete, or the next one was not started.
 */

import type { Contact, Milliseconds } from '@chordial/ring';
import type { Transport, Wire } from '../network/transport.ts';
import { field, malformed, readBoolean, readBytes, readList } from '../network/wire-reading.ts';
import type { Claim, ClaimTable } from '../storage/claim-table.ts';
import {
  type ClaimedCid,
  gatherClaims,
  maxClaimsPerMessage,
  readClaim,
  readClaims,
  wireOfClaim,
} from './claim-messages.ts';
import type { RecentlyTransferred } from './recently-transferred.ts';

export const claimListMessage = 'claims.list';

export const maxKeysPerList = 256;
const keyBytes = 32;
/** Pages per request: bounds a host that never ends its list. */
const maxPages = 512;

export interface ClaimListQuestion {
  readonly keys: readonly string[];
  readonly after: Claim | null;
}

export interface ClaimList {
  /** Entry i belongs to key i of the request; there may be fewer. */
  readonly blocks: readonly (readonly Claim[])[];
  readonly more: boolean;
}

export const encodeListQuestion = ({ keys, after }: ClaimListQuestion): Wire => ({
  keys: keys.map((key) => Buffer.from(key, 'hex')),
  after: after === null ? null : wireOfClaim(after),
});

export function decodeListQuestion(body: Wire): ClaimListQuestion {
  const keys = readList(field(body, 'keys'), 'the keys', 1, maxKeysPerList);
  const after = field(body, 'after');
  return {
    keys: keys.map((key) => Buffer.from(readBytes(key, 'a key', keyBytes)).toString('hex')),
    after: after === null ? null : readClaim(after),
  };
}

export function encodeClaimList({ blocks, more }: ClaimList): Wire {
  const { positions, claims } = gatherClaims(blocks.map((some) => ({ claims: some })));
  return { blocks: positions, claims, more };
}

export function decodeClaimList(body: Wire, most: number): ClaimList {
  const positions = readList(field(body, 'blocks'), 'the claims of blocks', 1, most);
  const blocks = readClaims(field(body, 'claims'), positions);
  const count = blocks.reduce((sum, claims) => sum + claims.length, 0);
  const more = readBoolean(field(body, 'more'), 'whether there is more');
  if (count > maxClaimsPerMessage) throw malformed('it lists more claims than a message may');
  if (more && count === 0 && blocks.length === 1) throw malformed('it lists nothing and says that there is more');
  return { blocks, more };
}

/** The answer to a request, from the claims held here. */
export function listClaims({ keys, after }: ClaimListQuestion, claims: Pick<ClaimTable, 'of'>): ClaimList {
  const blocks: (readonly Claim[])[] = [];
  let room = maxClaimsPerMessage;
  for (const [index, key] of keys.entries()) {
    if (index > 0 && room === 0) return { blocks, more: true };
    const left = claims.of(key, index === 0 ? after : null, room + 1);
    blocks.push(left.slice(0, room));
    if (left.length > room) return { blocks, more: true };
    room -= left.length;
  }
  return { blocks, more: false };
}

/** `claims.list`: the asker is about to take these blocks, or has them. */
export function answerClaimList(
  from: Contact,
  body: Wire,
  claims: Pick<ClaimTable, 'of'>,
  recentlyTransferred: Pick<RecentlyTransferred, 'note'>,
): Wire {
  const question = decodeListQuestion(body);
  for (const key of question.keys) recentlyTransferred.note(from.host, key);
  return encodeClaimList(listClaims(question, claims));
}

/** All claims of each block at the host, in the order of the keys. */
export async function claimsAt(
  transport: Transport,
  host: Contact,
  keys: readonly string[],
  options: { readonly deadline: Milliseconds; readonly signal: AbortSignal },
): Promise<readonly (readonly Claim[])[]> {
  const found: Claim[][] = keys.map(() => []);
  let at = 0;
  let after: Claim | null = null;
  for (let pages = 0; at < keys.length; pages++) {
    if (pages === maxPages) throw malformed(`${host.host} does not come to the end of its claims`);
    const asked = keys.slice(at, at + maxKeysPerList);
    const question = encodeListQuestion({ keys: asked, after });
    const { blocks, more } = decodeClaimList(
      await transport.request(host, claimListMessage, question, options),
      asked.length,
    );
    for (const [index, claims] of blocks.entries()) found[at + index]?.push(...claims);
    if (!more && blocks.length < asked.length) throw malformed('claims of some blocks are missing');
    at += more ? blocks.length - 1 : blocks.length;
    after = more ? (found[at]?.at(-1) ?? null) : null;
  }
  return found;
}

/** The same claims in messages of bounded size, with several blocks each as far as they fit. */
export function pagesOfClaims(blocks: readonly ClaimedCid[]): readonly (readonly ClaimedCid[])[] {
  const pages: ClaimedCid[][] = [];
  let page: ClaimedCid[] = [];
  let room = maxClaimsPerMessage;
  for (const { cid, claims } of blocks) {
    let start = 0;
    do {
      if (room === 0) {
        pages.push(page);
        [page, room] = [[], maxClaimsPerMessage];
      }
      const some = claims.slice(start, start + room);
      page.push({ cid, claims: some });
      start += some.length;
      room -= some.length;
    } while (start < claims.length);
  }
  if (page.length > 0) pages.push(page);
  return pages;
}
