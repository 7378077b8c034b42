/**
 * A record key holds a set of entries, one per kind, publisher and subject: that with the highest sequence. Merging is
 * a union: commutative, associative and idempotent.
 */
import type { EncodedEntry, UnsignedEntry } from './entry.ts';

/** Entries further ahead are rejected: their publisher's clock is wrong, or it wants to win for ever. */
export const maxClockSkewMilliseconds = 600_000;

/** Identity of an entry; entries of one identity replace each other. */
export function identityOf({ kind, publisher, subject }: UnsignedEntry): string {
  return `${kind}/${publisher}/${Buffer.from(subject.buffer, subject.byteOffset, subject.length).toString('base64')}`;
}

/** The prevailing one of two entries of one identity. Equal sequences: the greater bytes, so that all hosts choose alike. */
export function newerOf(a: EncodedEntry, b: EncodedEntry): EncodedEntry {
  if (a.entry.sequence !== b.entry.sequence) return a.entry.sequence > b.entry.sequence ? a : b;
  return Buffer.compare(a.bytes, b.bytes) >= 0 ? a : b;
}

/** The union, sorted by identity. */
export function mergeEntries(...sets: readonly (readonly EncodedEntry[])[]): readonly EncodedEntry[] {
  return mergeEntriesAt(Number.POSITIVE_INFINITY, ...sets);
}

/**
 * The same as of a time: an entry from the future, made under a wrong clock, loses to any of its identity that is not,
 * so that its publisher can continue once the clock is right. Alone it counts: this clock may be behind.
 */
export function mergeEntriesAt(now: number, ...sets: readonly (readonly EncodedEntry[])[]): readonly EncodedEntry[] {
  const merged = new Map<string, EncodedEntry>();
  for (const set of sets) {
    for (const encoded of set) {
      const identity = identityOf(encoded.entry);
      const known = merged.get(identity);
      merged.set(identity, known === undefined ? encoded : newerAt(now, known, encoded));
    }
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, encoded]) => encoded);
}

function newerAt(now: number, a: EncodedEntry, b: EncodedEntry): EncodedEntry {
  const [isAheadA, isAheadB] = [isFromTheFuture(a.entry, now), isFromTheFuture(b.entry, now)];
  if (isAheadA !== isAheadB) return isAheadA ? b : a;
  return newerOf(a, b);
}

/** By its sequence, or by the time that its body claims, which ranks entries of a name. */
export function isFromTheFuture({ sequence, body }: UnsignedEntry, now: number): boolean {
  const time = body?.['time'];
  return Math.max(sequence, typeof time === 'number' ? time : 0) > now + maxClockSkewMilliseconds;
}

/** Neither a tombstone nor expired. */
export function isCurrent(entry: UnsignedEntry, now: number): boolean {
  return entry.body !== null && (entry.expiry === null || entry.expiry > now);
}
