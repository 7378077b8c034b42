/** Computes SHA-256 of blocks, on this thread (below) or on a worker (hashing-thread.ts). */
import { createHash, hash } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import { hasSha256, maxBlockBytes, verifyBlock } from './cid.ts';

export interface BlockHashing {
  /**
   * 32 bytes, or a promise of them when another thread computes them: the bytes must not change until it resolves.
   * @param before hashed before the bytes
   */
  sha256(bytes: Uint8Array, before?: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** @param expectedBytes of the whole content; null when unknown */
  whole(expectedBytes: number | null): WholeHashing;
}

/** The SHA-256 of a whole content, computed along with those of its leaves. */
export interface WholeHashing {
  /** The digest of the leaf, which is also the next part of the content. */
  leaf(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** The digest of all leaves in order. */
  end(): Uint8Array | Promise<Uint8Array>;
  /** Releases the state when no `end` follows; no effect after `end`. */
  drop(): void;
}

export const hashingHere: BlockHashing = {
  sha256: (bytes, before) => sha256Of(bytes, before),
  whole: () => {
    const content = createHash('sha256');
    return {
      leaf: (bytes) => {
        content.update(bytes);
        return hash('sha256', bytes, 'buffer');
      },
      end: () => content.digest(),
      drop: () => undefined,
    };
  },
};

export function sha256Of(bytes: Uint8Array, before?: Uint8Array): Uint8Array {
  if (before === undefined) return hash('sha256', bytes, 'buffer');
  return createHash('sha256').update(before).update(bytes).digest();
}

/** `verifyBlock` with the hash computed by `hashing`. */
export function verifyBlockBy(hashing: BlockHashing, cid: CID, bytes: Uint8Array): boolean | Promise<boolean> {
  if (bytes.length > maxBlockBytes || !hasSha256(cid)) return verifyBlock(cid, bytes);
  const isOf = (digest: Uint8Array): boolean => Buffer.compare(cid.multihash.digest, digest) === 0;
  const digest = hashing.sha256(bytes);
  return digest instanceof Promise ? digest.then(isOf) : isOf(digest);
}
