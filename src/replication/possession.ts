/**
 * Proof that a host has the bytes of an item: SHA-256(challenge ‖ bytes), where the challenge is derived from the
 * asker's nonce and the ids of both. A proof is valid for one request: another nonce, asker or answerer gives another
 * challenge, so replayed and relayed proofs fail. A host that fetches the bytes from another during the challenge
 * cannot be told from one that holds them.
 *
 * The bytes are the content of a block, the signed entry of a record, or the entries of a leaf.
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

/** What the answerer hashes before the bytes; 32 bytes. */
export function challengeOf(nonce: Uint8Array, asker: HostId, answerer: HostId): Uint8Array {
  return hash('sha256', Buffer.concat([Buffer.from(`${purpose}\0${asker}\0${answerer}\0`), nonce]), 'buffer');
}

/** Proofs of one item for each of the challenges; null when its bytes are gone. */
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
