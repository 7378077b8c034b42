/**
 * Places of items: a record or block is at the owner of its key and the following hosts, as many as replicas are
 * wanted.
 *
 * A leaf belongs to a cell of key space (src/records/share-leaf.ts), and a cell may be cut by borders of arcs: its
 * leaves are at the places of all the arcs that it meets. So the owner of an arc is responsible for the whole of its
 * first cell, and every owner of a key has all entries at that key.
 */

import { type Contact, ringIdOfHash } from '@chordial/ring';
import { cellDigits, cellOf, keysOfCell } from '../records/share-leaf.ts';
import type { KeyArc } from '../storage/range-parts.ts';
import type { PlacementCache } from './placement-cache.ts';
import type { SyncPorts } from './sync-ports.ts';

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

/** The places of a record or block, the owner's first. */
export function placesOfKey(
  { placement, view }: Pick<SyncPorts, 'placement' | 'view'>,
  key: string,
  wanted: number,
): Promise<readonly Contact[]> {
  return placement.places(ringIdOfHash(key.slice(0, 64), view.shape.bits), wanted);
}

/** The same in a ring without this host. */
export async function placesOfKeyWithoutSelf(
  { placement, view }: Pick<SyncPorts, 'placement' | 'view'>,
  key: string,
  wanted: number,
): Promise<readonly (readonly Contact[])[]> {
  const hosts = await placement.withoutSelf.candidates(ringIdOfHash(key.slice(0, 64), view.shape.bits), wanted);
  return [hosts.slice(0, wanted)];
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

/** In a ring without this host, of each arc that the cell meets. */
export async function placesOfCellWithoutSelf(
  { placement, view }: Pick<SyncPorts, 'placement' | 'view'>,
  key: string,
  wanted: number,
): Promise<readonly (readonly Contact[])[]> {
  const { first, last } = keysOfCell(cellOf(key));
  const range = [ringIdOfHash(first, view.shape.bits), ringIdOfHash(last, view.shape.bits)] as const;
  return placement.withoutSelf.placesOfArcs(...range, wanted);
}

function lastKeyOfCell(cell: number): string {
  return cell.toString(16).padStart(cellDigits, '0').padEnd(64, 'f');
}
