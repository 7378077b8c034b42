/**
 * Turns a stream of bytes into the blocks of a file: raw leaves of 1 MiB under a balanced tree of dag-pb nodes, as
 * profile unixfs-v1-2025 (IPIP-0499) specifies, so that other tools compute the same CID.
 *
 * Memory is bounded for any size: a few leaves being hashed, and one unfinished node per level of the tree. Leaves are
 * hashed while the next ones are read and earlier ones are consumed.
 */

import type { CID } from 'multiformats/cid';
import { type BlockHashing, hashingHere } from './block-hashing.ts';
import { type Block, cidOfBlock, cidOfDigest, rawCodec } from './cid.ts';
import { LeafPool, leafBytes } from './leaf-pool.ts';
import { encodeFileNode, type FilePart, maxFileLinks } from './unixfs.ts';

/** Takes ownership of a block; resolves when ready for the next, which is the backpressure. */
export type Emit = (block: Block) => Promise<void>;

export interface BuildOptions {
  /** Changed only in tests: other values give CIDs that no other tool computes. */
  readonly leafBytes?: number;
  readonly linksPerNode?: number;
  /** Source of leaf buffers; the consumer returns a block here when done. Without it each leaf is a new buffer. */
  readonly pool?: LeafPool;
  /** Whether to compute the SHA-256 of the whole content, which costs as much time as that of all blocks. Default true. */
  readonly wholeHash?: boolean;
  /** Default: this thread. */
  readonly hashing?: BlockHashing;
  /** Size of the whole content, when known. */
  readonly expectedBytes?: number | null;
}

export interface BuiltFile {
  readonly cid: CID;
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes of all its blocks: what a folder shows as the entry's size (Tsize). */
  readonly storedBytes: number;
  /** Number of blocks emitted; duplicates count each time. */
  readonly blocks: number;
  /** Hexadecimal SHA-256 of the whole content; null when not requested. */
  readonly sha256: string | null;
}

/** Enough to overlap hashing with reading. */
const maxLeavesHashing = 2;

/** Emits every block, children before parents, one at a time. Errors of the source and of `emit` abort it and are thrown. */
export function buildFile(
  source: AsyncIterable<Uint8Array>,
  emit: Emit,
  options: BuildOptions = {},
): Promise<BuiltFile> {
  return buildOfLeaves(cutIntoLeaves(source, options.leafBytes ?? leafBytes, options.pool), emit, options);
}

/** The same for leaves that are already cut, each in its own buffer; an empty file has one leaf of no bytes. */
export async function buildOfLeaves(
  leaves: AsyncIterable<Uint8Array>,
  emit: Emit,
  options: Omit<BuildOptions, 'leafBytes' | 'pool'> = {},
): Promise<BuiltFile> {
  const { hashing = hashingHere, expectedBytes = null } = options;
  const whole = options.wholeHash === false ? null : hashing.whole(expectedBytes);
  const tree = new BalancedTree(options.linksPerNode ?? maxFileLinks, emit);
  const inFlight: Promise<Block>[] = [];
  const takeOldest = async (): Promise<void> => {
    const leaf = await inFlight.shift()!;
    const size = leaf.bytes.length;
    await emit(leaf);
    await tree.add({ cid: leaf.cid, size, storedBytes: size });
  };
  try {
    for await (const bytes of leaves) {
      const leaf = leafOf(bytes, whole === null ? hashing.sha256(bytes) : whole.leaf(bytes));
      // Awaited, and reported, in its turn.
      leaf.catch(() => undefined);
      inFlight.push(leaf);
      if (inFlight.length >= maxLeavesHashing) await takeOldest();
    }
    while (inFlight.length > 0) await takeOldest();
    const root = await tree.finish();
    const digest = whole === null ? null : await whole.end();
    return { ...root, blocks: tree.blocks, sha256: digest === null ? null : Buffer.from(digest).toString('hex') };
  } finally {
    whole?.drop();
  }
}

async function leafOf(bytes: Uint8Array, digest: Uint8Array | Promise<Uint8Array>): Promise<Block> {
  return { cid: cidOfDigest(rawCodec, await digest), bytes };
}

/** The same for content of at most one leaf in memory: the buffer becomes the block and must not change afterwards. */
export async function buildLeaf(bytes: Uint8Array, emit: Emit): Promise<BuiltFile> {
  if (bytes.length > leafBytes) throw new RangeError(`${bytes.length} bytes are more than one leaf.`);
  const cid = cidOfBlock(rawCodec, bytes);
  await emit({ cid, bytes });
  const sha256 = Buffer.from(cid.multihash.digest).toString('hex');
  return { cid, size: bytes.length, storedBytes: bytes.length, blocks: 1, sha256 };
}

/** Levels of unfinished nodes; a node is emitted as soon as it is full. */
export class BalancedTree {
  readonly #width: number;
  readonly #emit: Emit;
  /** Level 0 holds leaves. Between calls no level holds `width` parts. */
  readonly #levels: { waiting: FilePart[]; total: number }[] = [];
  blocks = 0;

  constructor(width: number, emit: Emit) {
    this.#width = width;
    this.#emit = emit;
  }

  async add(leaf: FilePart): Promise<void> {
    this.blocks += 1;
    await this.#add(leaf, 0);
  }

  /** Closes unfinished nodes bottom up; the first level with a single part holds the root. */
  async finish(): Promise<FilePart> {
    for (let height = 0; ; height++) {
      const level = this.#level(height);
      const [only] = level.waiting;
      if (level.total === 1 && only !== undefined) return only;
      if (level.waiting.length > 0) await this.#close(height);
    }
  }

  async #add(part: FilePart, height: number): Promise<void> {
    const level = this.#level(height);
    level.total += 1;
    level.waiting.push(part);
    if (level.waiting.length === this.#width) await this.#close(height);
  }

  async #close(height: number): Promise<void> {
    const level = this.#level(height);
    const parts = level.waiting;
    level.waiting = [];
    const node = encodeFileNode(parts);
    this.blocks += 1;
    await this.#emit(node);
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const storedBytes = parts.reduce((sum, part) => sum + part.storedBytes, node.bytes.length);
    await this.#add({ cid: node.cid, size, storedBytes }, height + 1);
  }

  #level(height: number): { waiting: FilePart[]; total: number } {
    this.#levels[height] ??= { waiting: [], total: 0 };
    return this.#levels[height];
  }
}

/** Yields full leaves and a shorter last one; for an empty source one empty leaf, as IPFS does. */
export async function* cutIntoLeaves(
  source: AsyncIterable<Uint8Array>,
  size: number = leafBytes,
  /** Of the same leaf size; the consumer may return leaves to it. */
  pool: LeafPool = new LeafPool(size),
): AsyncGenerator<Uint8Array, void, undefined> {
  let leaf: Uint8Array | null = null;
  let filled = 0;
  let leaves = 0;
  for await (const piece of source) {
    for (let taken = 0; taken < piece.length; ) {
      leaf ??= pool.take();
      const part = piece.subarray(taken, taken + size - filled);
      leaf.set(part, filled);
      filled += part.length;
      taken += part.length;
      if (filled < size) continue;
      yield leaf;
      leaves += 1;
      leaf = null;
      filled = 0;
    }
  }
  // A copy, so that a short last leaf does not retain a megabyte.
  if (leaf !== null) {
    const last = leaf.slice(0, filled);
    pool.giveBack(leaf);
    yield last;
  }
  if (leaf === null && leaves === 0) yield new Uint8Array(0);
}
