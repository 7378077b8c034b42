/** The Range header (RFC 9110, section 14), single ranges only. */
import { ChordialError } from '../errors.ts';

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * Positions of any length: beyond the safe integers they are past the end of every file. Null when the whole is to be
 * sent: no header, another unit, several ranges (which a server may ignore) or an invalid header. Throws
 * `range-not-satisfiable` when it begins past the end.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | null {
  const parts = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '');
  if (parts === null) return null;
  const [, first = '', last = ''] = parts;
  if (first === '' && last === '') return null;
  if (first === '') return suffix(Number(last), size);
  const start = Number(first);
  if (last !== '' && Number(last) < start) return null;
  if (start >= size) throw notSatisfiable(header, size);
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) };
}

/** The last `length` bytes. */
function suffix(length: number, size: number): ByteRange | null {
  // Satisfiable, but Content-Range cannot express an empty range.
  if (length > 0 && size === 0) return null;
  if (length === 0) throw notSatisfiable(`bytes=-${length}`, size);
  return { start: Math.max(0, size - length), end: size };
}

function notSatisfiable(header: string | undefined, size: number): ChordialError {
  return new ChordialError(
    'range-not-satisfiable',
    `The range ${JSON.stringify(header ?? '')} lies outside of the ${size} bytes there are. Ask for a part of 0-${Math.max(0, size - 1)}.`,
  );
}
