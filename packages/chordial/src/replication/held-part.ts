/**
 * Challenges a host to prove that it stores what it should. Its reported quota counts in proportion (claim-owners.ts),
 * since reporting a large number costs nothing.
 *
 * Samples random blocks held here of which the host is also a replica; if there are none, blocks that it published
 * itself. A host that fetches the blocks during the challenge passes (possession.ts).
 */

import { type Contact, ringIdOfHash } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import type { RingView } from '../records/ring-view.ts';
import { likelyPlaces } from '../records/zone-order.ts';
import type { BlockStore } from '../storage/block-store.ts';
import { copiesOfSet, type Item, type ItemIndex, type ItemSet } from '../storage/item-index.ts';
import type { ItemStores } from './items/item-kind.ts';
import { challengeOf, isSameProof, newNonce, proofsOf } from './possession.ts';
import { SyncClient } from './sync-client.ts';
import type { SyncPorts } from './sync-ports.ts';

/** Leaves of 1 MiB: half of what one answer may cost its host. */
const blocksAsked = 8;
/** Blocks after a random key that are searched for those. */
const blocksLookedAt = 256;

type Ports = ItemStores &
  Pick<SyncPorts, 'hashing' | 'transport' | 'random' | 'replicas'> & {
    readonly blocks: Pick<BlockStore, 'get' | 'claimsOf'>;
    readonly index: Pick<ItemIndex, 'sets' | 'items'>;
    readonly view: Pick<RingView, 'self' | 'shape' | 'nearby' | 'hosts'>;
  };

interface Asked {
  readonly set: ItemSet;
  readonly item: Item & { readonly cid: CID };
}

/** The fraction of sampled blocks proved, from 0 to 1; null when there is nothing to sample. Rejects with TransportError. */
export async function heldPart(ports: Ports, host: Contact, signal: AbortSignal): Promise<number | null> {
  const asked = chosen(ports, host);
  if (asked.length === 0) return null;
  const nonce = newNonce(ports.random);
  const items = asked.map(({ set, item: { key, digest } }) => ({ set, key, digest }));
  const answers = await new SyncClient(ports.transport, signal).holds(host, items, nonce);
  const challenge = challengeOf(nonce, ports.view.self.host, host.host);
  let right = 0;
  for (const [position, { set, item }] of asked.entries()) {
    const proof = answers[position]?.proof ?? null;
    const expected = proof === null ? null : await proofsOf(ports, set, item, [challenge]);
    if (proof !== null && expected !== null && isSameProof(proof, expected[0]!)) right += 1;
  }
  return right / asked.length;
}

function chosen({ index, view, blocks, random, replicas }: Ports, { host }: Contact): readonly Asked[] {
  const from = Buffer.from(newNonce(random)).toString('hex');
  const own: Asked[] = [];
  const placed: Asked[] = [];
  for (const set of index.sets()) {
    if (set.kind !== 'blocks') continue;
    for (const { cid, ...item } of index.items(set, { after: from, upTo: from }, null, blocksLookedAt).items) {
      if (placed.length >= blocksAsked) return placed;
      if (cid === null) continue;
      const places = likelyPlaces(view, ringIdOfHash(item.key, view.shape.bits), copiesOfSet(set, replicas));
      if (places.some((place) => place.host === host)) placed.push({ set, item: { ...item, cid } });
      else if (own.length < blocksAsked && blocks.claimsOf(cid).some(({ publisher }) => publisher === host))
        own.push({ set, item: { ...item, cid } });
    }
  }
  return placed.length > 0 ? placed : own;
}
