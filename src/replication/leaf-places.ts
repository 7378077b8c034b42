/**
 * Where leaves of shares lie. A leaf belongs to a cell of key space (src/records/share-leaf.ts), and a cell may be cut by the
 * borders of arcs: its leaves lie at the places of all the arcs that it meets. So who owns an arc answers for the whole
 * of its first cell, and every owner of a key has all entries at that key.
 */
import { cellDigits, cellOf, keysOfCell } from '../records/share-leaf.ts';
import { ringIdOfHash } from '../ring/identifier.ts';
import type { Contact } from '../ring/pointer.ts';
import type { KeyArc } from '../storage/range-parts.ts';
import type { PlacementCache } from './placement-cache.ts';

const lastKey = 'f'.repeat(64);

/** The arc with the cell of its first key whole: items of leaves are indexed under the first key of their cell. */
export function withWholeCells({ after, upTo }: KeyArc): KeyArc {
  const first = after === lastKey ? '0'.repeat(64) : (BigInt(`0x${after}`) + 1n).toString(16).padStart(64, '0');
  // The end may lie in the first cell too, before the arc's beginning: then it is the whole circle.
  const isAround = after === upTo || (cellOf(upTo) === cellOf(first) && upTo < first);
  return { after: isAround ? upTo : cellArcOf(first).after, upTo };
}

/** The keys of the cell that a key lies in. */
export function cellArcOf(key: string): KeyArc {
  const cell = cellOf(key);
  return { after: lastKeyOfCell((cell + 4095) % 4096), upTo: lastKeyOfCell(cell) };
}

/** Hosts at which the leaves of the cell of this key lie. */
export function placesOfCell(
  placement: Pick<PlacementCache, 'placesOfRange'>,
  key: string,
  bits: number,
  wanted: number,
): Promise<readonly Contact[]> {
  const { first, last } = keysOfCell(cellOf(key));
  return placement.placesOfRange(ringIdOfHash(first, bits), ringIdOfHash(last, bits), wanted);
}

function lastKeyOfCell(cell: number): string {
  return cell.toString(16).padStart(cellDigits, '0').padEnd(64, 'f');
}
