/** Answers of a host that claims to hold everything, authoritatively, acknowledges every store, and keeps nothing. */

import { drainPayload, type IncomingStream, type OutgoingStream, type Wire } from '../../src/network/transport.ts';
import { recordMessages } from '../../src/records/record-messages.ts';
import { absentSize, blockMessages } from '../../src/replication/block-messages.ts';
import { proofBytes, syncMessages } from '../../src/replication/sync-messages.ts';

const { compare, holds } = syncMessages;

const likelySize = 1000;

/** Null: answers like an honest host. `noise`: sends a made-up proof. */
export function lyingAnswer(kind: string, body: Wire, proof: 'none' | 'noise'): Wire | null {
  if (kind === compare.kind)
    return compare.encodeAnswer({
      answers: compare.decode(body).ranges.map(() => ({ differs: null, confirmed: 'sure' })),
    });
  if (kind === holds.kind) {
    const noise = proof === 'none' ? null : new Uint8Array(proofBytes).fill(7);
    const { items } = holds.decode(body);
    return holds.encodeAnswer({ answers: items.map(() => ({ held: 'same', confirmed: true, proof: noise })) });
  }
  if (kind === syncMessages.confirm.kind) return {};
  if (kind === blockMessages.has.kind)
    return blockMessages.has.encodeAnswer({
      sizes: blockMessages.has.decode(body).cids.map(() => likelySize),
      cached: new Set(),
    });
  if (kind === blockMessages.claim.kind)
    return blockMessages.claim.encodeAnswer({ sizes: blockMessages.claim.decode(body).map(() => likelySize) });
  if (kind === recordMessages.put.kind)
    return recordMessages.put.encodeAnswer({ results: recordMessages.put.decode(body).entries.map(() => 'stored') });
  if (kind === recordMessages.get.kind) {
    const { keys } = recordMessages.get.decode(body);
    return recordMessages.get.encodeAnswer({
      entries: keys.map(() => []),
      more: keys.map(() => null),
      unknown: keys.map(() => false),
    });
  }
  return null;
}

/** Serves nothing, accepts everything. */
export async function lyingStream(kind: string, { header, payload }: IncomingStream): Promise<OutgoingStream> {
  if (kind === blockMessages.get.kind)
    return {
      header: blockMessages.get.encodeAnswer({ sizes: blockMessages.get.decode(header).cids.map(() => absentSize) }),
    };
  const offered = blockMessages.put.decode(header);
  await drainPayload(payload, () => undefined);
  return { header: blockMessages.put.encodeAnswer({ results: offered.map(() => 'stored') }) };
}
