import type { RingId } from '../src/protocol/identifier.ts';
import type { MemberPointer } from '../src/protocol/pointer.ts';

/** Index of the first member at or after the key in a sorted list, wrapping around. */
export function placeNotBefore(sorted: readonly MemberPointer[], key: RingId): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.id < key) low = middle + 1;
    else high = middle;
  }
  return low === sorted.length ? 0 : low;
}
