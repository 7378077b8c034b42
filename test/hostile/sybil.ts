/**
 * The cheapest way to a file that others hold (C1): keys of blocks and names are public, key pairs cost a millisecond. Keys
 * are made until r of them have a member between such a key and the next honest one; whoever asks these about it is told
 * that they hold it and are sure, what they are given is "stored", and nothing is kept.
 */
import { randomBytes } from 'node:crypto';
import { drainPayload } from '../../src/network/drain-payload.ts';
import { memberId } from '../../src/network/host-id.ts';
import { createIdentity, type Identity } from '../../src/network/identity.ts';
import type { Wire } from '../../src/network/transport.ts';
import {
  decodeEntryBytes,
  decodeQuestion,
  encodeEntryResults,
  encodePages,
  recordMessages,
} from '../../src/records/record-messages.ts';
import {
  absentSize,
  blockMessages,
  decodeCids,
  decodeOffer,
  encodeHeld,
  encodeResults,
  encodeSizes,
  maximumBlocksPerStream,
  maximumCidsPerQuestion,
} from '../../src/replication/block-messages.ts';
import { claimMessages, decodeClaimed } from '../../src/replication/claim-messages.ts';
import {
  decodeHoldsQuestion,
  decodeRanges,
  encodeHeldAnswers,
  encodeRangeAnswers,
  syncMessages,
} from '../../src/replication/sync-messages.ts';
import type { RingId } from '../../src/ring/identifier.ts';
import type { Lie } from './hostile-member.ts';

const membersPerHost = 12;
const likelySize = 1000;

/** Identities of which each has a member between every one of the keys and the honest member that owns it, `wanted` per key. */
export function identitiesBetween(
  keys: readonly RingId[],
  honest: readonly RingId[],
  {
    bits,
    wanted,
    members = membersPerHost,
  }: { readonly bits: number; readonly wanted: number; readonly members?: number },
): { readonly identities: readonly Identity[]; readonly keysMade: number } {
  const inOrder = honest.toSorted();
  const identities = new Set<Identity>();
  const found = new Map(keys.map((key) => [key, 0]));
  let keysMade = 0;
  for (; [...found.values()].some((count) => count < wanted); keysMade++) {
    const identity = createIdentity();
    const ids = Array.from({ length: members }, (_, index) => memberId(identity.publicKey, index, bits));
    for (const [key, count] of found) {
      if (count >= wanted) continue;
      const owner = inOrder.find((id) => id >= key);
      // Behind the last member the arc goes on from zero: such a key only costs more tries.
      const isBetween = ids.some((id) => id >= key && (owner === undefined || id < owner));
      if (!isBetween) continue;
      identities.add(identity);
      found.set(key, count + 1);
    }
  }
  return { identities: [...identities], keysMade };
}

/** Holds everything, and proves it with noise. */
export function holdsEverything(): Lie {
  return {
    request: (_, kind, body) => {
      const answer = answerTo(kind, body);
      return answer === null ? null : Promise.resolve(answer);
    },
    stream: async (_, kind, incoming) => {
      if (kind === blockMessages.get) {
        const cids = decodeCids(incoming.header, maximumBlocksPerStream);
        return { header: encodeSizes(cids.map(() => absentSize)) };
      }
      const offered = decodeOffer(incoming.header);
      await drainPayload(incoming.payload, () => undefined);
      return { header: encodeResults(offered.map(() => 'stored')) };
    },
  };
}

function answerTo(kind: string, body: Wire): Wire | null {
  if (kind === syncMessages.compare)
    return encodeRangeAnswers(decodeRanges(body).map(() => ({ differs: null, confirmed: true })));
  if (kind === syncMessages.holds)
    return encodeHeldAnswers(
      decodeHoldsQuestion(body).items.map(() => ({ held: 'same', confirmed: true, proof: randomBytes(32) })),
    );
  if (kind === syncMessages.confirm) return {};
  if (kind === blockMessages.has)
    return encodeHeld(
      decodeCids(body, maximumCidsPerQuestion).map(() => likelySize),
      [],
    );
  if (kind === claimMessages.claim) return encodeSizes(decodeClaimed(body).map(() => likelySize));
  if (kind === recordMessages.put) return encodeEntryResults(decodeEntryBytes(body).map(() => 'stored'));
  if (kind === recordMessages.get) {
    const { keys } = decodeQuestion(body);
    return encodePages({ entries: keys.map(() => []), more: keys.map(() => null), unknown: keys.map(() => false) });
  }
  return null;
}
