/**
 * Computes the address of a file that stays in place: its leaves are read on the thread pool and hashed on several
 * threads at once, and the nodes above them are built; nothing is copied. As fast as the cores allow, without blocking
 * the event loop.
 *
 * The SHA-256 of the whole cannot be computed in parts: for a file of one leaf it is that leaf's, for others see
 * whole-hash.ts.
 */
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { CID } from 'multiformats/cid';
import { type BlockHashing, hashingHere } from '../content/block-hashing.ts';
import { BalancedTree } from '../content/builder.ts';
import { type Block, cidOfDigest, rawCodec } from '../content/cid.ts';
import { LeafPool, leafBytes } from '../content/leaf-pool.ts';
import { maxFileLinks } from '../content/unixfs.ts';
import { ChordialError } from '../errors.ts';
import { fileError, openToRead } from '../transfer/local-file.ts';

export interface HashedFile {
  readonly cid: CID;
  /** Bytes of the file. */
  readonly size: number;
  /** SHA-256 of the leaves, 32 bytes each, in order; leaf i is the bytes from i MiB on. */
  readonly leafDigests: Uint8Array;
  /** The nodes above the leaves, children before parents; none for a file of one leaf, which is its own root. */
  readonly nodes: readonly Block[];
  /** Of the whole, hexadecimal; null for several leaves. */
  readonly sha256: string | null;
  /** Tells later whether the file has changed. */
  readonly status: Pick<BigIntStats, 'mtimeNs' | 'ctimeNs' | 'ino' | 'dev'>;
}

export interface HashOptions {
  readonly signal?: AbortSignal;
  /** Called with the bytes hashed so far. */
  readonly progress?: (bytesDone: number) => void;
  /** Hashing threads; default: this thread. */
  readonly hashing?: readonly BlockHashing[];
  /** Buffers shared with those threads. */
  readonly leaves?: LeafPool;
  /** Leaves being read or hashed. Default two per thread: one is hashed while the next is read. */
  readonly leafConcurrency?: number;
}

export const digestBytes = 32;
const leavesPerLook = 32;
/** Smaller files get a buffer of their size. */
const minBytesOfPool = 256 * 1024;

/** Throws `unreadable-file`, `changed` when the file was written meanwhile, or `interrupted`. Links are not followed. */
export async function hashFile(path: string, options: HashOptions = {}): Promise<HashedFile> {
  const file = await openToRead(path, false);
  try {
    return await hashOpened(file, path, options);
  } catch (cause) {
    throw fileError('unreadable-file', path, cause);
  } finally {
    await file.close();
  }
}

/**
 * The same for an open file, which the caller closes.
 * @param path for messages
 */
export async function hashOpened(file: FileHandle, path: string, options: HashOptions = {}): Promise<HashedFile> {
  const before = await file.stat({ bigint: true });
  if (!before.isFile()) throw new ChordialError('unreadable-file', `${path} is no regular file. It is left out.`);
  const size = Number(before.size);
  const leafDigests = await digestsOf(file, path, before, options);
  const after = await file.stat({ bigint: true });
  if (!isSame(before, after)) throw changed(path);
  const { cid, nodes } = await treeOver(leafDigests, size);
  const sha256 = nodes.length === 0 ? Buffer.from(cid.multihash.digest).toString('hex') : null;
  const { mtimeNs, ctimeNs, ino, dev } = after;
  return { cid, size, leafDigests, nodes, sha256, status: { mtimeNs, ctimeNs, ino, dev } };
}

async function digestsOf(
  file: FileHandle,
  path: string,
  before: BigIntStats,
  options: HashOptions,
): Promise<Uint8Array> {
  const size = Number(before.size);
  const leaves = Math.max(1, Math.ceil(size / leafBytes));
  const digests = new Uint8Array(leaves * digestBytes);
  const { hashing = [hashingHere], leaves: pool = new LeafPool() } = options;
  let next = 0;
  let bytesDone = 0;
  const work = async (thread: BlockHashing): Promise<void> => {
    const buffer = size < minBytesOfPool ? Buffer.allocUnsafeSlow(size) : pool.take();
    while (next < leaves) {
      if (options.signal?.aborted) throw new ChordialError('interrupted', `Hashing ${path} was interrupted.`);
      const leaf = next++;
      const offset = leaf * leafBytes;
      const bytes = buffer.subarray(0, Math.min(leafBytes, size - offset));
      if (!(await fill(file, bytes, offset))) throw changed(path);
      digests.set(await thread.sha256(bytes), leaf * digestBytes);
      bytesDone += bytes.length;
      // Stops early when a large file is being written: reading on would be wasted.
      if (leaf % leavesPerLook === leavesPerLook - 1 && !isSame(before, await file.stat({ bigint: true })))
        throw changed(path);
      options.progress?.(bytesDone);
    }
    pool.giveBack(buffer);
  };
  const atOnce = Math.min(leaves, options.leafConcurrency ?? 2 * hashing.length);
  const workers = Array.from({ length: atOnce }, (_, index) => work(hashing[index % hashing.length]!));
  const results = await Promise.allSettled(workers);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return digests;
}

/** The time of change cannot be set back, unlike that of modification. */
function isSame(before: BigIntStats, after: BigIntStats): boolean {
  return after.size === before.size && after.mtimeNs === before.mtimeNs && after.ctimeNs === before.ctimeNs;
}

/** False when the file ends earlier. */
async function fill(file: FileHandle, bytes: Uint8Array, offset: number): Promise<boolean> {
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled);
    if (bytesRead === 0) return false;
    filled += bytesRead;
  }
  return true;
}

async function treeOver(
  digests: Uint8Array,
  size: number,
): Promise<{ readonly cid: CID; readonly nodes: readonly Block[] }> {
  const nodes: Block[] = [];
  const tree = new BalancedTree(maxFileLinks, async (node) => {
    nodes.push(node);
  });
  for (let leaf = 0; leaf * digestBytes < digests.length; leaf++) {
    const length = Math.min(leafBytes, size - leaf * leafBytes);
    const cid = cidOfDigest(rawCodec, digests.subarray(leaf * digestBytes, (leaf + 1) * digestBytes));
    await tree.add({ cid, size: length, storedBytes: length });
  }
  const { cid } = await tree.finish();
  return { cid, nodes };
}

function changed(path: string): ChordialError {
  return new ChordialError('changed', `${path} was changed while it was hashed. It is looked at again later.`);
}
