/** What a host answers that says that it holds everything, is sure of it and stores what it is given, and keeps nothing. */
import { drainPayload } from '../../src/network/drain-payload.ts';
import type { IncomingStream, OutgoingStream, Wire } from '../../src/network/transport.ts';
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
  maxBlocksPerStream,
  maxCidsPerQuestion,
} from '../../src/replication/block-messages.ts';
import { claimMessages, decodeClaimed } from '../../src/replication/claim-messages.ts';
import { proofBytes } from '../../src/replication/possession.ts';
import {
  decodeHoldsQuestion,
  decodeRanges,
  encodeHeldAnswers,
  encodeRangeAnswers,
  syncMessages,
} from '../../src/replication/sync-messages.ts';

const likelySize = 1000;

/** Null for what it answers as honest hosts do. `noise`: it gives something for a proof. */
export function lyingAnswer(kind: string, body: Wire, proof: 'none' | 'noise'): Wire | null {
  if (kind === syncMessages.compare)
    return encodeRangeAnswers(decodeRanges(body).map(() => ({ differs: null, confirmed: true })));
  if (kind === syncMessages.holds) {
    const noise = proof === 'none' ? null : new Uint8Array(proofBytes).fill(7);
    const { items } = decodeHoldsQuestion(body);
    return encodeHeldAnswers(items.map(() => ({ held: 'same', confirmed: true, proof: noise })));
  }
  if (kind === syncMessages.confirm) return {};
  if (kind === blockMessages.has)
    return encodeHeld(
      decodeCids(body, maxCidsPerQuestion).map(() => likelySize),
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

/** Hands out nothing, takes everything. */
export async function lyingStream(kind: string, { header, payload }: IncomingStream): Promise<OutgoingStream> {
  if (kind === blockMessages.get)
    return { header: encodeSizes(decodeCids(header, maxBlocksPerStream).map(() => absentSize)) };
  const offered = decodeOffer(header);
  await drainPayload(payload, () => undefined);
  return { header: encodeResults(offered.map(() => 'stored')) };
}
