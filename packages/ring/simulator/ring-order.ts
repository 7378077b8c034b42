import type { RingId } from '../src/protocol/identifier.ts';
import type { MemberPointer } from '../src/protocol/pointer.ts';

/** Place of the member that follows the key (or stands on it) in a sorted list that closes to a ring. */
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
