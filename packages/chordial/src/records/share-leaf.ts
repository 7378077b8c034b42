/**
 * Leaves: consecutive entries of a batch as bytes, the unit that is hashed, sent, stored and repaired. All keys of a
 * leaf are in one of 4096 equal cells of key space, so that a leaf belongs to few arcs whatever the ring looks like.
 *
 * An entry is: kind (1 byte: its index in `recordKinds`), length of the subject and of the body (2 bytes each,
 * big-endian), subject, body. Holders need not parse bodies; a leaf of a hundred entries costs them one hash.
 */
import type { ChordialError } from '../errors.ts';
import { recordKinds } from './entry.ts';
import { malformedEntry, maxShareEntryBytes, type ShareEntry } from './share-entry.ts';

export const maxLeafEntries = 64;
export const maxLeafBytes = 8192;
/** The first three hexadecimal digits of a key: as many cells as an item index has buckets. */
export const cellDigits = 3;
export const cellCount = 4096;
export const entryHeadBytes = 5;

/** The cell of a key, 0 … 4095. */
export function cellOf(key: string): number {
  return Number.parseInt(key.slice(0, cellDigits), 16);
}

/** The first and the last key of a cell. */
export function keysOfCell(cell: number): { readonly first: string; readonly last: string } {
  const head = cell.toString(16).padStart(cellDigits, '0');
  return { first: head.padEnd(64, '0'), last: head.padEnd(64, 'f') };
}

export function bytesOfEntry({ subject, body }: ShareEntry): number {
  return entryHeadBytes + subject.length + body.length;
}

export function bytesOfEntries(entries: readonly ShareEntry[]): number {
  return entries.reduce((sum, entry) => sum + bytesOfEntry(entry), 0);
}

/** Writes `bytesOfEntry` bytes. */
export function writeEntry({ kind, subject, body }: ShareEntry, target: Buffer, at: number): void {
  target.writeUInt8(recordKinds.indexOf(kind), at);
  target.writeUInt16BE(subject.length, at + 1);
  target.writeUInt16BE(body.length, at + 3);
  target.set(subject, at + entryHeadBytes);
  target.set(body, at + entryHeadBytes + subject.length);
}

/** Length of the subject of the entry at this offset. */
export function subjectBytesAt(bytes: Buffer, at: number): number {
  return bytes.readUInt16BE(at + 1);
}

/** Inverse of `writeEntry`; the entry is a view of the bytes. */
export function entryAt(bytes: Buffer, at: number): ShareEntry {
  const subjectEnd = at + entryHeadBytes + subjectBytesAt(bytes, at);
  return {
    kind: recordKinds[bytes.readUInt8(at)]!,
    subject: bytes.subarray(at + entryHeadBytes, subjectEnd),
    body: bytes.subarray(subjectEnd, subjectEnd + bytes.readUInt16BE(at + 3)),
  };
}

/** The entries are views of the bytes. Throws `bad-content` for anything but a leaf within its limits. */
export function decodeLeaf(bytes: Uint8Array): readonly ShareEntry[] {
  const view = viewOf(bytes);
  return entryStarts(view).map((at) => entryAt(view, at));
}

/** The first and the last entry; the others are checked as well. */
export function endsOfLeaf(bytes: Uint8Array): { readonly first: ShareEntry; readonly last: ShareEntry } {
  const view = viewOf(bytes);
  const starts = entryStarts(view);
  return { first: entryAt(view, starts[0]!), last: entryAt(view, starts.at(-1)!) };
}

export function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Offsets of the entries, at least one. */
export function entryStarts(view: Buffer): readonly number[] {
  if (view.length > maxLeafBytes) throw malformedEntry(`a leaf has ${view.length} bytes`);
  const starts: number[] = [];
  for (let at = 0; at < view.length; ) {
    if (at + entryHeadBytes > view.length) throw cutOff();
    const subjectBytes = subjectBytesAt(view, at);
    const end = at + entryHeadBytes + subjectBytes + view.readUInt16BE(at + 3);
    if (recordKinds[view.readUInt8(at)] === undefined) throw malformedEntry('its kind is unknown');
    if (end > view.length) throw cutOff();
    if (end - at > maxShareEntryBytes || subjectBytes === 0) throw malformedEntry('it is too long or empty');
    starts.push(at);
    at = end;
  }
  if (starts.length === 0 || starts.length > maxLeafEntries)
    throw malformedEntry(`a leaf has ${starts.length} entries`);
  return starts;
}

function cutOff(): ChordialError {
  return malformedEntry('a leaf ends in the middle of an entry');
}
