/**
 * Ranges of keys: 64 hexadecimal digits, ordered as numbers on a circle. Walks of a range are paged; a cursor says
 * after which item the next page begins.
 */

import { type RingId, toBigInt } from '@chordial/ring';
import { ChordialError } from '../errors.ts';

/** (after, upTo] clockwise, as an arc of the ring: it may pass zero; from a key to itself it is the whole circle. */
export type KeyRange = 'all' | { readonly after: string; readonly upTo: string };

export interface Page<T> {
  readonly items: readonly T[];
  /** For the next page; null when this was the last. */
  readonly cursor: string | null;
}

/** A range without wrap-around, exclusive of `after` (null: from the start), inclusive of `upTo`. */
export interface KeySegment {
  readonly after: string | null;
  readonly upTo: string;
}

const lastKey = 'f'.repeat(64);
/** Maximum size of a page, whatever the caller asks for. */
export const maxPageItems = 10_000;

/** The keys whose first `bits` bits are in the arc (after, upTo]. */
export function keyRangeOfArc(after: RingId, upTo: RingId, bits: number): KeyRange {
  const spare = BigInt(256 - bits);
  const lastOf = (id: RingId) => (((toBigInt(id) + 1n) << spare) - 1n).toString(16).padStart(64, '0');
  return { after: lastOf(after), upTo: lastOf(upTo) };
}

/** The range as one or two segments in the order of the walk. */
export function segmentsOf(range: KeyRange): readonly KeySegment[] {
  if (range === 'all') return [{ after: null, upTo: lastKey }];
  if (range.after < range.upTo) return [{ after: range.after, upTo: range.upTo }];
  return [
    { after: range.after, upTo: lastKey },
    { after: null, upTo: range.upTo },
  ];
}

/** The segments from the one that contains `key` on. Throws ChordialError('bad-request') when none does. */
export function segmentsFrom(range: KeyRange, key: string): readonly KeySegment[] {
  const segments = segmentsOf(range);
  const at = segments.findIndex((segment) => (segment.after === null || key > segment.after) && key <= segment.upTo);
  if (at < 0) throw badCursor(key);
  return segments.slice(at);
}

export function pageLimit(limit: number): number {
  return Math.max(1, Math.min(limit, maxPageItems));
}

/** Validates a key from outside: cursors pass through clients. */
export function checkedKey(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw badCursor(text);
  return text;
}

export function badCursor(text: string): ChordialError {
  const shown = JSON.stringify(text.slice(0, 80));
  return new ChordialError(
    'bad-request',
    `The cursor ${shown} belongs to no page of this list. Start again without a cursor.`,
  );
}
