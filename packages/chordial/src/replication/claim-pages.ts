/**
 * Claims in messages of bounded size, however many there are: ten thousand names may stand for one block.
 */

import type { Contact, Milliseconds } from '@chordial/ring';
import type { Transport } from '../network/transport.ts';
import type { Claim, ClaimTable } from '../storage/claim-table.ts';
import { malformed } from '../wire/transport-error.ts';
import type { ClaimedCid } from './block-messages.ts';
import {
  type ClaimList,
  type ClaimListQuestion,
  claimMessages,
  maxClaimsPerMessage,
  maxKeysPerList,
} from './claim-messages.ts';

/** Pages of one question: a host that never comes to an end is not listened to for ever. */
const maxPages = 512;

/** The answer to a question, from the claims as they are here. */
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

/** Of each block all claims on it at the host, in the order of the keys. */
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
    const { blocks, more }: ClaimList = await claimMessages.list.ask(transport, host, { keys: asked, after }, options);
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
