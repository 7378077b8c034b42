/**
 * Places of items: a record or block is at the owner of its key and the following hosts, as many as replicas are
 * wanted.
 *
 * A leaf belongs to a cell of key space (src/records/share-leaf.ts), and a cell may be cut by borders of arcs: its
 * leaves are at the places of all the arcs that it meets. So the owner of an arc is responsible for the whole of its
 * first cell, and every owner of a key has all entries at that key.
 */

import { type Contact, ringIdOfHash } from '@chordial/ring';
import type { RingView } from '../records/ring-view.ts';
import { cellDigits, cellOf, keysOfCell } from '../records/share-leaf.ts';
import { copiesOfSet, type ItemSet } from '../storage/item-index.ts';
import type { KeyArc } from '../storage/range-parts.ts';
import type { PlacementCache } from './placement-cache.ts';

export interface ItemPlacesPorts {
  readonly placement: Pick<PlacementCache, 'places' | 'placesOfRange' | 'candidates'>;
  readonly view: Pick<RingView, 'self' | 'shape'>;
  /** r of the network. */
  readonly replicas: number;
}

const lastKey = 'f'.repeat(64);

/** The arc extended to the whole cell of its first key: leaves are indexed under the first key of their cell. */
export function withWholeCells({ after, upTo }: KeyArc): KeyArc {
  const first = after === lastKey ? '0'.repeat(64) : (BigInt(`0x${after}`) + 1n).toString(16).padStart(64, '0');
  // The end may be in the first cell too, before the arc's beginning: then it is the whole circle.
  const isAround = after === upTo || (cellOf(upTo) === cellOf(first) && upTo < first);
  return { after: isAround ? upTo : cellArcOf(first).after, upTo };
}

/** The keys of the cell that contains a key. */
export function cellArcOf(key: string): KeyArc {
  const cell = cellOf(key);
  return { after: lastKeyOfCell((cell + 4095) % 4096), upTo: lastKeyOfCell(cell) };
}

/** The places of an item, the owner's first; for a leaf those of its whole cell. */
export function placesOfItem(
  { placement, view, replicas }: ItemPlacesPorts,
  set: ItemSet,
  key: string,
): Promise<readonly Contact[]> {
  const { bits } = view.shape;
  const at = key.slice(0, 64);
  if (set.kind === 'leaves') return placesOfCell(placement, at, bits, replicas);
  return placement.places(ringIdOfHash(at, bits), copiesOfSet(set, replicas));
}

/** The places of the item in a ring without this host. */
export async function placesWithoutSelf(
  { placement, view, replicas }: ItemPlacesPorts,
  set: ItemSet,
  key: string,
): Promise<readonly Contact[]> {
  const { bits } = view.shape;
  const at = key.slice(0, 64);
  const wanted = copiesOfSet(set, replicas);
  const isOther = ({ host }: Contact): boolean => host !== view.self.host;
  // A cell may meet several arcs with different places.
  if (set.kind === 'leaves') return (await placesOfCell(placement, at, bits, wanted + 1)).filter(isOther);
  return (await placement.candidates(ringIdOfHash(at, bits), wanted + 1)).filter(isOther).slice(0, wanted);
}

/** Hosts that hold the leaves of the cell of this key. */
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
