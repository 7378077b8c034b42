/**
 * The cheapest way to a file that others hold (C1): keys of blocks and names are public, key pairs cost a millisecond. Keys
 * are made until r of them have a member between such a key and the next honest one; a host that asks these about it is told
 * that they hold it and are sure, what they are given is "stored", and nothing is kept.
 */

import type { RingId } from '@chordial/ring';
import { lyingAnswer, lyingStream } from '../../simulation/data/liar.ts';
import { memberId } from '../../src/network/host-id.ts';
import { createIdentity, type Identity } from '../../src/network/identity.ts';
import type { Lie } from './hostile-member.ts';

const membersPerHost = 12;

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
      const answer = lyingAnswer(kind, body, 'noise');
      return answer === null ? null : Promise.resolve(answer);
    },
    stream: (_, kind, incoming) => lyingStream(kind, incoming),
  };
}
