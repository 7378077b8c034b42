/**
 * A Sybil attack on the replicas of a file (C1): keys of blocks and names are public, key pairs cost a millisecond. Keys are
 * generated until r of them have a member between such a key and the next honest one; they claim to hold everything
 * authoritatively, acknowledge every store, and keep nothing.
 */

import type { RingId } from '@chordial/ring';
import { lyingAnswer, lyingStream } from '../../simulation/data/liar.ts';
import { memberId } from '../../src/network/host-id.ts';
import { createIdentity, type Identity } from '../../src/network/identity.ts';
import type { Lie } from './hostile-member.ts';

const membersPerHost = 12;

/** Identities with a member between each key and its honest owner, `wanted` per key. */
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
      // After the last member the arc wraps around; such keys only take more attempts.
      const isBetween = ids.some((id) => id >= key && (owner === undefined || id < owner));
      if (!isBetween) continue;
      identities.add(identity);
      found.set(key, count + 1);
    }
  }
  return { identities: [...identities], keysMade };
}

/** Claims to hold everything, with made-up proofs. */
export function holdsEverything(): Lie {
  return {
    request: (_, kind, body) => {
      const answer = lyingAnswer(kind, body, 'noise');
      return answer === null ? null : Promise.resolve(answer);
    },
    stream: (_, kind, incoming) => lyingStream(kind, incoming),
  };
}
