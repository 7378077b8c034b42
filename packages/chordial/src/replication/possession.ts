/**
 * Proof that a host has the bytes of an item: SHA-256(challenge ‖ bytes), where the challenge is derived from the
 * asker's nonce and the ids of both. A proof is valid for one request: another nonce, asker or answerer gives another
 * challenge, so replayed and relayed proofs fail. A host that fetches the bytes from another during the challenge
 * cannot be told from one that holds them.
 *
 * The bytes are the content of a block, the signed entry of a record, or the entries of a leaf.
 */
import { hash } from 'node:crypto';
import type { HostId, Random } from '@chordial/ring';
import type { Item, ItemSet } from '../storage/item-index.ts';
import type { DataPorts } from './data-ports.ts';
import type { ItemStores } from './items/item-kind.ts';
import { kindOf } from './items/kinds.ts';
import { nonceBytes } from './sync-messages.ts';

const purpose = 'chordial holds v1';

/** Unpredictable. */
export function newNonce(random: Random): Uint8Array {
  return Uint8Array.from({ length: nonceBytes }, () => Math.floor(random.next() * 256));
}

/** What the answerer hashes before the bytes; 32 bytes. */
export function challengeOf(nonce: Uint8Array, asker: HostId, answerer: HostId): Uint8Array {
  return hash('sha256', Buffer.concat([Buffer.from(`${purpose}\0${asker}\0${answerer}\0`), nonce]), 'buffer');
}

/** Proofs of one item for each of the challenges; null when its bytes are gone. */
export async function proofsOf(
  ports: ItemStores & Pick<DataPorts, 'hashing'>,
  set: ItemSet,
  item: Pick<Item, 'cid' | 'record'>,
  challenges: readonly Uint8Array[],
): Promise<readonly Uint8Array[] | null> {
  const bytes = await kindOf(set).bytes(ports, item);
  if (bytes === null) return null;
  const proofs: Uint8Array[] = [];
  for (const challenge of challenges) proofs.push(await ports.hashing.sha256(bytes, challenge));
  ports.leaves.giveBack(bytes);
  return proofs;
}

export function isSameProof(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
