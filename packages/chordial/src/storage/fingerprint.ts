/**
 * What two hosts compare instead of lists: the number of items in a range and the sum of their hashes. Sums can be
 * updated per item and added across ranges; 8 lanes of 32 bits, each modulo 2^32, so that SQLite can add them too.
 */
import { hash } from 'node:crypto';

export const lanesPerFingerprint = 8;
export const fingerprintBytes = 32;
const laneBytes = 4;

export interface Fingerprint {
  readonly count: number;
  readonly lanes: readonly number[];
}

export const emptyFingerprint: Fingerprint = { count: 0, lanes: new Array(lanesPerFingerprint).fill(0) };

/** The contribution of one item: the lanes of SHA-256(key ‖ digest). */
export function lanesOfItem(key: Uint8Array, digest: Uint8Array): readonly number[] {
  return lanesFromBytes(hash('sha256', Buffer.concat([key, digest]), 'buffer'));
}

export function addLanes(a: readonly number[], b: readonly number[]): readonly number[] {
  return a.map((lane, index) => (lane + (b[index] ?? 0)) % 2 ** 32);
}

/** The additive inverse. */
export function negativeLanes(lanes: readonly number[]): readonly number[] {
  return lanes.map((lane) => (2 ** 32 - lane) % 2 ** 32);
}

/** The lanes in the first 32 bytes. */
export function lanesFromBytes(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, fingerprintBytes);
  return emptyFingerprint.lanes.map((_, lane) => view.getUint32(lane * laneBytes));
}

export function lanesToBytes(lanes: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(fingerprintBytes);
  for (const [index, lane] of lanes.entries()) bytes.writeUInt32BE(lane, index * laneBytes);
  return bytes;
}
