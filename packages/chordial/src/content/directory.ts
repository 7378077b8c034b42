/**
 * Folders as blocks: one UnixFS node, or a tree of shards (a hash array mapped trie with 256 children) when that node
 * would exceed 256 KiB. The threshold is that of profile unixfs-v1-2025: the exact block size, strictly above.
 */
import { setImmediate } from 'node:timers/promises';
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import type { Emit } from './builder.ts';
import type { Block } from './cid.ts';
import { whyNotAName } from './name.ts';
import { type DirectoryEntry, encodeDirectoryNode, encodeShardNode, shardFanout, shardHash } from './unixfs.ts';

/** A folder whose plain node is larger is sharded. */
export const maxPlainDirectoryBytes = 262_144;
/** Yields to the event loop after this many entries. */
const entriesPerTurn = 512;
/** Names that are looked at, which is quicker. */
const namesPerTurn = 8192;

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
  await checkEntries(entries);
  const below = entries.reduce((sum, entry) => sum + entry.size, 0);
  const plain = leastPlainBytes(entries) > maxPlainDirectoryBytes ? null : encodeDirectoryNode(entries);
  if (plain !== null && plain.bytes.length <= maxPlainDirectoryBytes) {
    await emit(plain);
    return { cid: plain.cid, size: below + plain.bytes.length, blocks: 1 };
  }
  const encoder = new TextEncoder();
  const placed: PlacedEntry[] = [];
  for (const entry of entries) {
    const name = encoder.encode(entry.name);
    placed.push({ entry, name, hash: await shardHash(name) });
    if (placed.length % entriesPerTurn === 0) await setImmediate();
  }
  return new Shards(emit).build(placed);
}

/** The plain node is at least this large: decides without encoding a folder of very many entries. */
function leastPlainBytes(entries: readonly DirectoryEntry[]): number {
  return entries.reduce((sum, { name, cid }) => sum + name.length + cid.byteLength, 0);
}

interface PlacedEntry {
  readonly entry: DirectoryEntry;
  readonly name: Uint8Array;
  /** Byte i is the index in the shard at depth i, as far as it goes. */
  hash: Uint8Array;
}

class Shards {
  readonly #emit: Emit;
  #blocks = 0;
  #entries = 0;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  async build(entries: readonly PlacedEntry[]): Promise<BuiltDirectory> {
    return { ...(await this.#shard(entries, 0)), blocks: this.#blocks };
  }

  async #shard(entries: readonly PlacedEntry[], depth: number): Promise<{ readonly cid: CID; readonly size: number }> {
    for (const entry of entries) if (depth >= entry.hash.length) entry.hash = await longerHash(entry);
    const byPlace = Map.groupBy(entries, ({ hash }) => hash[depth]!);
    const links: DirectoryEntry[] = [];
    const bits = new Uint8Array(shardFanout / 8);
    for (let place = 0; place < shardFanout; place++) {
      const [first, ...others] = byPlace.get(place) ?? [];
      if (first === undefined) continue;
      bits[bits.length - 1 - (place >> 3)]! |= 1 << (place & 7);
      const label = place.toString(16).toUpperCase().padStart(2, '0');
      if (others.length > 0) links.push({ name: label, ...(await this.#shard([first, ...others], depth + 1)) });
      else links.push({ ...first.entry, name: label + first.entry.name });
      this.#entries += 1;
      if (this.#entries % entriesPerTurn === 0) await setImmediate();
    }
    const block: Block = encodeShardNode(bits.subarray(bits.findIndex((byte) => byte !== 0)), links);
    this.#blocks += 1;
    await this.#emit(block);
    return { cid: block.cid, size: links.reduce((sum, link) => sum + link.size, block.bytes.length) };
  }
}

/** Names of one hash, which only a hostile folder has: the name is hashed once more with the number of the round behind it. */
async function longerHash({ name, hash }: PlacedEntry): Promise<Uint8Array> {
  const round = hash.length / (await shardHash(name)).length;
  return Buffer.concat([hash, await shardHash(Buffer.concat([name, Uint8Array.of(round)]))]);
}

async function checkEntries(entries: readonly DirectoryEntry[]): Promise<void> {
  const seen = new Set<string>();
  for (const { name } of entries) {
    const reason = whyNotAName(name) ?? (seen.has(name) ? 'the folder has it twice' : null);
    if (reason !== null)
      throw new ChordialError('bad-name', `${JSON.stringify(name)} cannot be in a folder: ${reason}. Rename it.`);
    seen.add(name);
    if (seen.size % namesPerTurn === 0) await setImmediate();
  }
}
