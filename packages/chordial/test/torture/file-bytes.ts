/** File contents regenerated from a seed for each comparison, so nothing is stored. */
import { createCipheriv, hash } from 'node:crypto';

/** A stream cipher over zeros: pseudo-random, a gigabyte per second. */
export function fileBytes(seed: string, size: number): Buffer {
  const digest = hash('sha256', seed, 'buffer');
  const cipher = createCipheriv('aes-128-ctr', digest.subarray(0, 16), digest.subarray(16, 32));
  return cipher.update(Buffer.alloc(size));
}

const largestSmallBytes = 300 * 1000;
const smallestLargeBytes = 1024 * 1024;
const largestLargeBytes = 8 * 1024 * 1024;
/** Large files have several blocks and a tree above them; they are expensive, so there are few. */
const largeShare = 0.04;

/** Mostly small, sometimes of several blocks, rarely empty. `chance` is from 0 to 1. */
export function sizeOf(chance: number): number {
  if (chance < largeShare) {
    return Math.floor(smallestLargeBytes + (largestLargeBytes - smallestLargeBytes) * (chance / largeShare));
  }
  return Math.floor(((chance - largeShare) / (1 - largeShare)) * largestSmallBytes);
}
