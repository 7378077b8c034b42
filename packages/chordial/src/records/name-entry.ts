/** A publisher's entry for a name: the content it refers to. */

import type { HostId } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { checkedAttributes, type FileAttributes } from '../content/attributes.ts';
import { decodeCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { EncodedEntry, Entry, UnsignedEntry } from './entry.ts';
import { tombstoneMilliseconds } from './entry.ts';

export interface NamedContent {
  /** In NFC. */
  readonly name: string;
  readonly cid: CID;
  /** Bytes of the file, or of everything below the folder. */
  readonly size: number;
  readonly type: 'file' | 'directory';
  /** Of the whole content in hexadecimal, when known. */
  readonly sha256: string | null;
  readonly blocks: number;
  /** A file's own; for a folder the CID of the list of those of its files. Absent when unknown. */
  readonly attributes?: FileAttributes | CID | null;
  /** Of a sealed file: what it is, as an age file for those who can open it. */
  readonly sealed?: Uint8Array | null;
  /** The same for its publisher alone, where only a passphrase opens it. */
  readonly own?: Uint8Array | null;
}

/** What seventeen recipients and a long name take. */
export const maxSealedFactsBytes = 3072;

/** A name of one publisher. */
export interface NameEntry extends NamedContent {
  readonly publisher: HostId;
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly expiry: number | null;
  readonly encoded: EncodedEntry;
}

interface Put {
  readonly publisher: HostId;
  readonly sequence: number;
  readonly time: number;
  readonly expiry: number | null;
}

/** The entry of a put: its subject is the name. */
export function nameEntry(content: NamedContent, { publisher, sequence, time, expiry }: Put): UnsignedEntry {
  const { name, cid, size, type, sha256, blocks, attributes = null, sealed = null, own = null } = content;
  const body = {
    ...{ name, root: cid.bytes, size, type, time, sha256, blocks, attributes: encodeAttributes(attributes) },
    ...(sealed === null ? {} : { sealed }),
    ...(own === null ? {} : { own }),
  };
  return { kind: 'name', subject: nameSubject(name), publisher, sequence, expiry, body };
}

/** The tombstone of a name. */
export function nameTombstone(name: string, publisher: HostId, sequence: number, now: number): UnsignedEntry {
  return {
    kind: 'name',
    subject: nameSubject(name),
    publisher,
    sequence,
    expiry: now + tombstoneMilliseconds,
    body: null,
  };
}

export function nameSubject(name: string): Uint8Array {
  return new TextEncoder().encode(name);
}

/** Parses a verified entry of kind `name` that is not a tombstone. Throws `bad-content`. */
export function readNameEntry(encoded: EncodedEntry): NameEntry {
  const { entry } = encoded;
  const { name, root, size, type, time, sha256, blocks, attributes, sealed, own } = bodyOf(entry);
  if (typeof name !== 'string' || checkedName(name) !== name) throw malformed('its name is none');
  if (!startsWith(entry.subject, nameSubject(name))) throw malformed('its subject is another name');
  if (!(root instanceof Uint8Array)) throw malformed('its root is no CID');
  if (!isCount(size) || !isCount(blocks) || !isCount(time)) throw malformed('a number is none');
  if (type !== 'file' && type !== 'directory') throw malformed('its type is unknown');
  if (sha256 !== null && (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)))
    throw malformed('its SHA-256 is none');
  const { publisher, sequence, expiry } = entry;
  const content: NamedContent = {
    name,
    cid: rootOf(root),
    size,
    type,
    sha256,
    blocks,
    attributes: readAttributes(attributes),
    sealed: readSealed(sealed),
    own: readSealed(own),
  };
  return { ...content, time, publisher, sequence, expiry, encoded };
}

/** The same, or null: publishers may sign anything, and an invalid one does not affect the others. */
export function readableName(encoded: EncodedEntry, refused?: (error: Error) => void): NameEntry | null {
  try {
    return readNameEntry(encoded);
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
    refused?.(error);
    return null;
  }
}

/** The name of an entry of kind `name`, tombstones included: the source of its record key. */
export function nameOf(entry: UnsignedEntry): string {
  if (entry.body !== null) {
    const { name } = entry.body;
    if (typeof name !== 'string') throw malformed('it has no name');
    if (!startsWith(entry.subject, nameSubject(name))) throw malformed('its subject is another name');
    return checkedName(name);
  }
  // The subject of a shared file is name, NUL, root; names contain no NUL.
  const end = entry.subject.indexOf(0);
  return checkedName(textOf(end === -1 ? entry.subject : entry.subject.subarray(0, end)));
}

function checkedName(name: string): string {
  try {
    return checkName(name);
  } catch (cause) {
    throw malformed('its name is none', cause);
  }
}

function textOf(subject: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(subject);
  } catch (cause) {
    throw malformed('its subject is no text', cause);
  }
}

function bodyOf(entry: Entry): Readonly<Record<string, unknown>> {
  if (entry.kind !== 'name' || entry.body === null) throw malformed('it is not the entry of a name');
  return entry.body;
}

function rootOf(bytes: Uint8Array): CID {
  try {
    return decodeCid(bytes);
  } catch (cause) {
    throw malformed('its root is no CID', cause);
  }
}

/** A file: modification time and executable bit. A folder: the bytes of a CID. */
function encodeAttributes(attributes: FileAttributes | CID | null): unknown {
  if (attributes === null) return null;
  return 'multihash' in attributes ? attributes.bytes : [attributes.modified, attributes.executable];
}

/** Content is valid without attributes: invalid ones are ignored. */
function readAttributes(value: unknown): FileAttributes | CID | null {
  if (Array.isArray(value)) return checkedAttributes(value[0], value[1]);
  return value instanceof Uint8Array ? rootOf(value) : null;
}

function readSealed(value: unknown): Uint8Array | null {
  if (value === undefined) return null;
  if (value instanceof Uint8Array && value.length <= maxSealedFactsBytes) return value;
  throw malformed('what it seals is none');
}

function startsWith(bytes: Uint8Array, head: Uint8Array): boolean {
  return bytes.length >= head.length && Buffer.compare(bytes.subarray(0, head.length), head) === 0;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function malformed(reason: string, cause?: unknown): ChordialError {
  return new ChordialError('bad-content', `A name's record is malformed: ${reason}. It was refused.`, { cause });
}
