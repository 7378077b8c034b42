/**
 * Folders as blocks: one UnixFS node, or a tree of shards (a hash array mapped trie with 256 children) when that node
 * would exceed 256 KiB. The threshold is that of profile unixfs-v1-2025: the exact block size, strictly above.
 */
import { Bucket, createHAMT } from 'hamt-sharding';
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import type { Emit } from './builder.ts';
import type { Block } from './cid.ts';
import { whyNotAName } from './name.ts';
import { type DirectoryEntry, encodeDirectoryNode, encodeShardNode, shardHash } from './unixfs.ts';

/** A folder whose plain node is larger is sharded. */
export const maxPlainDirectoryBytes = 262_144;
const shardBits = 8;

export interface BuiltDirectory {
  readonly cid: CID;
  /** Bytes of the folder's own blocks and of everything below, from the sizes of its entries (Tsize). */
  readonly size: number;
  /** Blocks of the folder itself. */
  readonly blocks: number;
}

/**
 * Emits the blocks of a folder, children before parents. Entries come in any order; throws ChordialError('bad-name')
 * for an invalid or duplicate name.
 */
export async function buildDirectory(entries: readonly DirectoryEntry[], emit: Emit): Promise<BuiltDirectory> {
  checkEntries(entries);
  const below = entries.reduce((sum, entry) => sum + entry.size, 0);
  const plain = encodeDirectoryNode(entries);
  if (plain.bytes.length <= maxPlainDirectoryBytes) {
    await emit(plain);
    return { cid: plain.cid, size: below + plain.bytes.length, blocks: 1 };
  }
  const trie = createHAMT<DirectoryEntry>({ hashFn: consumableHash, bits: shardBits });
  for (const entry of entries) await trie.put(entry.name, entry);
  let blocks = 0;
  const { cid, size } = await emitShard(trie, async (block) => {
    blocks += 1;
    await emit(block);
  });
  return { cid, size, blocks };
}

async function emitShard(shard: Bucket<DirectoryEntry>, emit: Emit): Promise<{ cid: CID; size: number }> {
  const links: DirectoryEntry[] = [];
  const children = shard._children;
  for (let place = 0; place < children.length; place++) {
    const child = children.get(place);
    if (child === undefined || child === null) continue;
    const label = place.toString(16).toUpperCase().padStart(2, '0');
    if (child instanceof Bucket) links.push({ name: label, ...(await emitShard(child, emit)) });
    else links.push({ ...child.value, name: label + child.key });
  }
  const block: Block = encodeShardNode(Uint8Array.from(children.bitField().reverse()), links);
  await emit(block);
  return { cid: block.cid, size: links.reduce((sum, link) => sum + link.size, block.bytes.length) };
}

/** The trie consumes hashes from their last byte. */
async function consumableHash(name: Uint8Array): Promise<Uint8Array> {
  return (await shardHash(name)).slice().reverse();
}

function checkEntries(entries: readonly DirectoryEntry[]): void {
  const seen = new Set<string>();
  for (const { name } of entries) {
    const reason = whyNotAName(name) ?? (seen.has(name) ? 'the folder has it twice' : null);
    if (reason !== null)
      throw new ChordialError('bad-name', `${JSON.stringify(name)} cannot be in a folder: ${reason}. Rename it.`);
    seen.add(name);
  }
}
