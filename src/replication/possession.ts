/**
 * Proof that a host has the bytes of an item, and not only says so: SHA-256(challenge ‖ bytes), where the challenge comes
 * from a nonce of the asker and the ids of both. A proof is good for one question: another nonce, asker or answerer makes
 * another challenge, so neither a replayed nor a relayed proof is one. A host that fetches the bytes from somebody
 * else while it is asked cannot be told from one that holds them.
 *
 * Of a block the bytes are its content, of a record the signed entry, of a leaf its entries.
 */
import { hash } from 'node:crypto';
import type { Clock, HostId, Random } from '@chordial/ring';
import type { BlockHashing } from '../content/block-hashing.ts';
import type { LeafPool } from '../content/leaf-pool.ts';
import type { BlockStore } from '../storage/block-store.ts';
import type { Item, ItemSet } from '../storage/item-index.ts';
import type { RecordTable } from '../storage/record-table.ts';
import type { ShareTable } from '../storage/share-table.ts';

export const nonceBytes = 32;
export const proofBytes = 32;
const purpose = 'chordial holds v1';

export interface PossessionPorts {
  readonly blocks: Pick<BlockStore, 'get'>;
  readonly records: { readonly table: Pick<RecordTable, 'byRow'> };
  readonly shares: { readonly table: Pick<ShareTable, 'byRow'> };
  readonly clock: Pick<Clock, 'wallTime'>;
  readonly leaves: LeafPool;
  readonly hashing: BlockHashing;
}

/** Unpredictable. */
export function newNonce(random: Random): Uint8Array {
  return Uint8Array.from({ length: nonceBytes }, () => Math.floor(random.next() * 256));
}

/** What the answerer has to hash before the bytes; 32 bytes. */
export function challengeOf(nonce: Uint8Array, asker: HostId, answerer: HostId): Uint8Array {
  return hash('sha256', Buffer.concat([Buffer.from(`${purpose}\0${asker}\0${answerer}\0`), nonce]), 'buffer');
}

/** The proofs of one item here for each of the challenges; null when its bytes are not here any more. */
export async function proofsOf(
  ports: PossessionPorts,
  set: ItemSet,
  item: Pick<Item, 'cid' | 'record'>,
  challenges: readonly Uint8Array[],
): Promise<readonly Uint8Array[] | null> {
  const bytes = await bytesOf(ports, set, item);
  if (bytes === null) return null;
  const proofs: Uint8Array[] = [];
  for (const challenge of challenges) proofs.push(await ports.hashing.sha256(bytes, challenge));
  ports.leaves.giveBack(bytes);
  return proofs;
}

export function isSameProof(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

async function bytesOf(
  { blocks, records, shares, clock, leaves }: PossessionPorts,
  set: ItemSet,
  { cid, record }: Pick<Item, 'cid' | 'record'>,
): Promise<Uint8Array | null> {
  if (set.kind === 'blocks') return cid === null ? null : blocks.get(cid, leaves);
  if (record === null) return null;
  if (set.kind === 'records') return records.table.byRow(record)?.bytes ?? null;
  return shares.table.byRow(record, clock.wallTime())?.bytes ?? null;
}
