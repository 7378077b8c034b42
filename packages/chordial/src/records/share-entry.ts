/**
 * Entries of shared files. They carry no signature: the batch is signed (share-batch.ts), so an entry holds only its
 * subject and body. Publisher, sequence and expiry are those of its batch.
 *
 * Subjects (spec/4, Records; parts separated by NUL, which neither names nor words contain): name: name ‖ root;
 * provider: the root's multihash; posting: word ‖ name ‖ root, the root being the CID in binary.
 */

import type { Contact } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import { decode, encode } from '../network/dag-cbor.ts';
import type { EntryBody, RecordKind } from './entry.ts';
import { providerKey, type RecordKey, type RecordPlaces, recordKeyOfName, wordKey } from './record-keys.ts';

/** One entry of a shared file, as announced. */
export interface ShareEntry {
  readonly kind: RecordKind;
  readonly subject: Uint8Array;
  /** A map in canonical DAG-CBOR, from `shareBody`; encoded once for all entries of a file. */
  readonly body: Uint8Array;
}

/** An entry on the ring: verified, current, not withdrawn. */
export interface HeldShareEntry extends ShareEntry {
  /** The publisher, with its address as of the last renewal. */
  readonly source: Contact;
  /** Number of the batch, milliseconds since 1970: of two entries on one subject by one publisher the later prevails. */
  readonly batch: number;
  /** Milliseconds since 1970. */
  readonly expiry: number;
}

/** Enough for a word, a name of 255 bytes, a root and a body; a leaf holds several. */
export const maxShareEntryBytes = 2048;
/** spec/4, Bounds. */
export const maxEntriesPerFile = 20;
export const maxEntriesPerPublisher = 10_000_000;
const maxSubjectBytes = 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The body of entries. Values of the DAG-CBOR data model. */
export function shareBody(body: EntryBody): Uint8Array {
  return encode(body);
}

/** Throws `bad-content` for what is no map. */
export function readShareBody({ body }: Pick<ShareEntry, 'body'>): EntryBody {
  let value: unknown;
  try {
    value = decode(body);
  } catch (cause) {
    throw malformedEntry('its body is no DAG-CBOR', cause);
  }
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    throw malformedEntry('its body is no map');
  return value as EntryBody;
}

/** @param name in NFC */
export function shareNameEntry(name: string, root: CID, body: Uint8Array): ShareEntry {
  return { kind: 'name', subject: fileSubject(name, root), body };
}

/** The publisher has the content available. */
export function shareProviderEntry(root: CID, body: Uint8Array): ShareEntry {
  return { kind: 'provider', subject: root.multihash.bytes, body };
}

export function sharePostingEntry(word: string, name: string, root: CID, body: Uint8Array): ShareEntry {
  return sharePostingEntries([word], name, root, body)[0]!;
}

/** One entry per word; their subjects share one piece of memory. */
export function sharePostingEntries(
  words: readonly string[],
  name: string,
  root: CID,
  body: Uint8Array,
): readonly ShareEntry[] {
  const file = fileSubject(name, root);
  const sizes = words.map((word) => Buffer.byteLength(word) + 1 + file.length);
  const bytes = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  return words.map((word, index) => {
    const end = at + sizes[index]!;
    bytes.write(`${word}\0`, at);
    bytes.set(file, end - file.length);
    const subject = bytes.subarray(at, end);
    at = end;
    return { kind: 'posting', subject, body };
  });
}

/** Parses the subject of an entry of kind name or posting; `word` is null for a name. Throws `bad-content`. */
export function readSubject({ kind, subject }: Pick<ShareEntry, 'kind' | 'subject'>): {
  readonly word: string | null;
  readonly name: string;
  /** Binary CID, not checked. */
  readonly root: Uint8Array;
} {
  if (kind === 'provider') throw malformedEntry('it has no name');
  const wordEnd = kind === 'posting' ? divider(subject, 0) : -1;
  const nameEnd = divider(subject, wordEnd + 1);
  return {
    word: kind === 'posting' ? text(subject.subarray(0, wordEnd)) : null,
    name: text(subject.subarray(wordEnd + 1, nameEnd)),
    root: subject.subarray(nameEnd + 1),
  };
}

/** The key of an entry. Throws `bad-content` for an invalid subject. */
export function shareEntryKey(entry: Pick<ShareEntry, 'kind' | 'subject'>, places: RecordPlaces): RecordKey {
  if (entry.kind === 'provider') return providerKey(entry.subject);
  const { word, name } = readSubject(entry);
  return word === null ? recordKeyOfName(name, places) : wordKey(word);
}

/** Throws `too-large` or `bad-content` for what every holder would refuse. */
export function checkShareEntry({ kind, subject, body }: ShareEntry): void {
  if (subject.length === 0 || subject.length > maxSubjectBytes)
    throw malformedEntry(`its subject has ${subject.length} bytes, not 1 to ${maxSubjectBytes}`);
  const bytes = subject.length + body.length;
  if (bytes > maxShareEntryBytes - 8) {
    throw new ChordialError(
      'too-large',
      `An entry of kind ${kind} of a shared file has ${bytes} bytes, more than the ${maxShareEntryBytes} that one may have. Use a shorter name.`,
    );
  }
}

export function tooManyEntries(entries: number): ChordialError {
  return new ChordialError(
    'too-many-entries',
    `A shared file has ${entries} entries, more than the ${maxEntriesPerFile} that one may have. Index fewer of its words.`,
  );
}

function fileSubject(name: string, root: CID): Uint8Array {
  return Buffer.concat([Buffer.from(`${name}\0`), root.bytes]);
}

function divider(subject: Uint8Array, from: number): number {
  const at = subject.indexOf(0, from);
  if (at <= from) throw malformedEntry('its subject has not all its parts');
  return at;
}

function text(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw malformedEntry('its subject is no text', cause);
  }
}

export function malformedEntry(reason: string, cause?: unknown): ChordialError {
  return new ChordialError('bad-content', `An entry of a share is malformedEntry: ${reason}. It was refused.`, {
    cause,
  });
}
