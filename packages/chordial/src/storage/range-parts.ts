/** Splits ranges of keys. */
import type { KeyRange } from './key-range.ts';

/** A range with two ends, as compared with other hosts. */
export type KeyArc = Exclude<KeyRange, 'all'>;

const circle = 1n << 256n;

export function isInArc({ after, upTo }: KeyArc, key: string): boolean {
  if (after === upTo) return true;
  return after < upTo ? key > after && key <= upTo : key > after || key <= upTo;
}

/** Consecutive parts of nearly equal length, without empty ones. */
export function partsOf({ after, upTo }: KeyArc, count: number): readonly KeyArc[] {
  const start = BigInt(`0x${after}`);
  const length = after === upTo ? circle : BigInt.asUintN(256, BigInt(`0x${upTo}`) - start);
  const ends = Array.from({ length: count + 1 }, (_, index) => start + (length * BigInt(index)) / BigInt(count));
  return ends.slice(1).flatMap((end, index) => {
    const begin = ends[index] ?? start;
    return begin === end ? [] : [{ after: keyOf(begin), upTo: keyOf(end) }];
  });
}

function keyOf(value: bigint): string {
  return BigInt.asUintN(256, value).toString(16).padStart(64, '0');
}
