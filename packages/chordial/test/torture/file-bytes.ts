/** The bytes of a file, made again from its seed whenever a read is compared: nothing has to be kept. */
import { createCipheriv, hash } from 'node:crypto';

/** A stream cipher over zeros: as good as random, a gigabyte a second. */
export function fileBytes(seed: string, size: number): Buffer {
  const digest = hash('sha256', seed, 'buffer');
  const cipher = createCipheriv('aes-128-ctr', digest.subarray(0, 16), digest.subarray(16, 32));
  return cipher.update(Buffer.alloc(size));
}

const largestSmallBytes = 300 * 1000;
const smallestLargeBytes = 1024 * 1024;
const largestLargeBytes = 8 * 1024 * 1024;
/** Large files have several blocks and a tree above them; they are dear, so there are few. */
const largeShare = 0.04;

/** Mostly small, at times of several blocks, rarely empty. `chance` is from 0 to 1. */
export function sizeOf(chance: number): number {
  if (chance < largeShare) {
    return Math.floor(smallestLargeBytes + (largestLargeBytes - smallestLargeBytes) * (chance / largeShare));
  }
  return Math.floor(((chance - largeShare) / (1 - largeShare)) * largestSmallBytes);
}
