/**
 * A signed record: one publisher's statement about one subject (spec/4, Records).
 *
 * On the wire and on disk it is canonical DAG-CBOR of seven fields. The signature covers a domain prefix, the network
 * id and the canonical bytes of the other six fields, so that a record can neither be taken for another kind of message
 * nor be replayed in another network. Entries published together may share a signature (group-signature.ts).
 */

import type { HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { decode, encode } from '../network/dag-cbor.ts';
import { isHostId } from '../network/host-id.ts';
import { isSignatureLength, maxEntriesSigned, signTogether } from './group-signature.ts';

export type RecordKind = 'name' | 'provider' | 'posting' | 'link';
export const recordKinds: readonly RecordKind[] = ['name', 'provider', 'posting', 'link'];
/** A holder hands out links only to those that know the key of one. */
export const listedKinds: readonly RecordKind[] = ['name', 'provider', 'posting'];

/** Values of the DAG-CBOR data model. The content of a body depends on its kind. */
export type EntryBody = Readonly<Record<string, unknown>>;

export interface UnsignedEntry {
  readonly kind: RecordKind;
  /**
   * name: the name (and the root, for a shared file). provider: the root's multihash. posting: word ‖ name ‖ root. link: its
   * record key.
   */
  readonly subject: Uint8Array;
  readonly publisher: HostId;
  /** max(previous + 1, milliseconds since 1970): the newest wins, and it is the creation time. */
  readonly sequence: number;
  /** Milliseconds since 1970, or null: never. */
  readonly expiry: number | null;
  /** Null is a tombstone: the publisher ended the subject. */
  readonly body: EntryBody | null;
}

export interface Entry extends UnsignedEntry {
  /** Ed25519, 64 bytes; or one for several entries, with the proof of this one. */
  readonly signature: Uint8Array;
}

/** An entry with its canonical bytes, which are what is stored and sent. */
export interface EncodedEntry {
  readonly entry: Entry;
  readonly bytes: Uint8Array;
}

/** A name of 255 bytes, its body and the signature take less than 1 kB. */
export const maxEntryBytes = 4096;
export const maxSubjectBytes = 1024;
/**
 * How long tombstones are listed, and those of postings kept; a peer away for longer discards its records (spec/4).
 * Tombstones of names are kept for ever at their places: otherwise a host that still has the entry could bring it back.
 */
export const tombstoneMilliseconds = 90 * 24 * 3600 * 1000;
/** From its creation: every link expires, and its tombstone with it. */
export const maxLinkMilliseconds = 366 * 24 * 3600 * 1000;
export const linkSubjectBytes = 32;

const domain = 'chordial record v1\0';
const encoder = new TextEncoder();
/** In canonical form a map of this many fields begins with this byte, and "signature" is its last field. */
const mapOfSix = 0xa6;
const mapOfSeven = 0xa7;
const signatureName = encode('signature');

/** The signed part of an entry that was read or made. */
export function signedBytesOf({ entry, bytes }: EncodedEntry, networkId: string): Uint8Array {
  return signedBytes(fieldsIn(bytes, entry.signature) ?? fieldsOf(entry), networkId);
}

export function signEntry(
  unsigned: UnsignedEntry,
  networkId: string,
  sign: (bytes: Uint8Array) => Uint8Array,
): EncodedEntry {
  const fields = fieldsOf(unsigned);
  return encodeEntry(unsigned, fields, Uint8Array.from(sign(signedBytes(fields, networkId))));
}

/** One signature for all; else like `signEntry` for each. */
export function signEntries(
  unsigned: readonly UnsignedEntry[],
  networkId: string,
  sign: (bytes: Uint8Array) => Uint8Array,
): readonly EncodedEntry[] {
  if (unsigned.length < 2) return unsigned.map((entry) => signEntry(entry, networkId, sign));
  if (unsigned.length > maxEntriesSigned) {
    const [some, rest] = [unsigned.slice(0, maxEntriesSigned), unsigned.slice(maxEntriesSigned)];
    return [...signEntries(some, networkId, sign), ...signEntries(rest, networkId, sign)];
  }
  const fields = unsigned.map(fieldsOf);
  const signatures = signTogether(
    fields.map((one) => signedBytes(one, networkId)),
    networkId,
    sign,
  );
  return unsigned.map((entry, place) => encodeEntry(entry, fields[place]!, signatures[place]!));
}

/** The canonical bytes of the six fields. */
function fieldsOf({ kind, subject, publisher, sequence, expiry, body }: UnsignedEntry): Uint8Array {
  return encode({ kind, subject, publisher, sequence, expiry, body });
}

function signedBytes(fields: Uint8Array, networkId: string): Uint8Array {
  return Buffer.concat([encoder.encode(`${domain}${networkId}\0`), fields]);
}

/**
 * The signed part of an entry, taken from its canonical bytes: everything before the signature, in a map of one field
 * fewer. Encoding it again would cost as much as everything else in verifying one of many entries. Null for bytes of
 * another shape.
 */
function fieldsIn(bytes: Uint8Array, signature: Uint8Array): Uint8Array | null {
  const end = bytes.length - signatureField(signature).length;
  if (end < 1 || bytes[0] !== mapOfSeven) return null;
  const fields = bytes.slice(0, end);
  fields[0] = mapOfSix;
  return fields;
}

function signatureField(signature: Uint8Array): Uint8Array {
  return Buffer.concat([signatureName, encode(signature)]);
}

function encodeEntry(unsigned: UnsignedEntry, fields: Uint8Array, signature: Uint8Array): EncodedEntry {
  const bytes = new Uint8Array(Buffer.concat([fields, signatureField(signature)]));
  bytes[0] = mapOfSeven;
  if (bytes.length > maxEntryBytes) {
    throw new ChordialError(
      'too-large',
      `A record of ${bytes.length} bytes is above the bound of ${maxEntryBytes}. Use a shorter name.`,
    );
  }
  const { kind, subject, publisher, sequence, expiry, body } = unsigned;
  return { entry: { kind, subject, publisher, sequence, expiry, body, signature }, bytes };
}

/** Throws `bad-content` for anything that is not exactly one entry in canonical form. The signature is not checked. */
export function decodeEntry(bytes: Uint8Array): EncodedEntry {
  const encoded = decodeStoredEntry(bytes);
  // A unique encoding: otherwise one entry could be stored under many byte strings.
  if (Buffer.compare(encode(encoded.entry), bytes) !== 0) throw malformed('it is not in canonical form');
  return encoded;
}

/** The same for bytes from this host's own table, whose form was checked on insertion: half the work. */
export function decodeStoredEntry(bytes: Uint8Array): EncodedEntry {
  if (bytes.length > maxEntryBytes) throw malformed(`it has ${bytes.length} bytes`);
  const value = decoded(bytes);
  if (Object.keys(value).length !== 7) throw malformed('it has other fields');
  const { kind, subject, publisher, sequence, expiry, body, signature } = value;
  if (!recordKinds.includes(kind as RecordKind)) throw malformed('its kind is unknown');
  if (!(subject instanceof Uint8Array) || subject.length === 0 || subject.length > maxSubjectBytes) {
    throw malformed('its subject is not a few bytes');
  }
  if (!isHostId(publisher)) throw malformed('its publisher is no peer id');
  if (!isTime(sequence)) throw malformed('its sequence is no number');
  if (expiry !== null && !isTime(expiry)) throw malformed('its expiry is no time');
  if (body !== null && !isMap(body)) throw malformed('its body is no map');
  if (!(signature instanceof Uint8Array) || !isSignatureLength(signature.length))
    throw malformed('it has no signature');
  const entry: Entry = { kind: kind as RecordKind, subject, publisher, sequence, expiry, body, signature };
  return { entry, bytes };
}

/** Readable rows of this host's own table: an unreadable one does not affect the others. */
export function storedEntries(rows: readonly { readonly bytes: Uint8Array }[]): readonly EncodedEntry[] {
  return rows.flatMap(({ bytes }) => {
    try {
      return [decodeStoredEntry(bytes)];
    } catch (error) {
      if (error instanceof ChordialError) return [];
      throw error;
    }
  });
}

/** Creation time by its publisher's clock: milliseconds since 1970. */
export function timeOf(entry: UnsignedEntry): number {
  return entry.sequence;
}

function decoded(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = decode(bytes);
  } catch (cause) {
    throw malformed((cause as Error).message, cause);
  }
  if (!isMap(value)) throw malformed('it is no map');
  return value;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function malformed(reason: string, cause?: unknown): ChordialError {
  return new ChordialError('bad-content', `A record is malformed: ${reason}. It was refused.`, { cause });
}
