/**
 * The record of a link (docs/wire-format.md, Links). Its body is sealed under the id, which the hosts that keep the record do
 * not know; what it leads to is sealed once more under the password, if any; and what a sealed link says of its
 * content under the key of its URL, which no door sees.
 */

import { hash, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { HostId } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { decodeCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { Semaphore } from '../flow/semaphore.ts';
import { decode, encode } from '../network/dag-cbor.ts';
import type { EncodedEntry, UnsignedEntry } from '../records/entry.ts';
import { type LinkId, linkIdOf, linkSubject, secretBytes } from './link-address.ts';
import { type Seal, seal, unseal } from './sealing.ts';

/** What a link leads to, as the door sees it. */
export type LinkedContent =
  | {
      readonly type: 'file' | 'directory';
      /** Null when it is sealed: the page opens `sealedPart` with the key of the URL. */
      readonly name: string | null;
      readonly root: CID;
      /** Of the bytes stored, which are those of an age file when it is sealed. */
      readonly size: number;
      readonly sealedPart: Uint8Array | null;
    }
  | {
      /** Takes uploads into a folder of the publisher. */
      readonly type: 'drop';
      readonly name: string;
      /** Bytes that it takes in all. */
      readonly most: number;
    };

/** What only the key in a URL opens: JSON, since a page reads it. */
export interface SealedContent {
  readonly name: string;
  /** Of the content, not of the age file. */
  readonly size: number;
  /** The 16 bytes that the header of the age file wraps. */
  readonly fileKey: Uint8Array;
}

export interface LinkTerms {
  /** What the sender's peer is called. */
  readonly from: string;
  /** How often the whole content may be fetched at each door; null: any number of times. */
  readonly times: number | null;
}

/** A verified record. */
export interface Link extends LinkTerms {
  readonly id: LinkId;
  readonly publisher: HostId;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly expiry: number;
  /** Null while `lock` is there: a password opens it. */
  readonly content: LinkedContent | null;
  readonly lock: Lock | null;
}

interface Lock {
  readonly salt: Uint8Array;
  readonly sealed: Uint8Array;
}

/** The cost of one guess: 32 MiB and some 60 ms. */
const scryptCost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const;
export const saltBytes = 16;
/** Guesses computed at once, for all callers: each holds 32 MiB. */
const maxGuessesAtOnce = 2;
/** These included. */
const maxGuessesWaiting = 16;
export const maxPasswordBytes = 1024;
export const maxTimes = 1_000_000;
const maxFromCharacters = 256;
const maxSealedPartBytes = 1024;

const guesses = new Semaphore(maxGuessesAtOnce);
let guessing = 0;
const derive = promisify<string, Uint8Array, number, object, Buffer>(scrypt);

export interface NewLink extends LinkTerms {
  readonly publisher: HostId;
  readonly secret: Uint8Array;
  readonly sequence: number;
  readonly expiry: number;
  readonly content: LinkedContent;
  readonly password: string | null;
}

export async function linkEntry(link: NewLink, salt: Uint8Array): Promise<UnsignedEntry> {
  const { publisher, secret, sequence, expiry, content, password, from, times } = link;
  const id = linkIdOf(publisher, secret);
  const part = encode(fieldsOf(content));
  const locked = password === null ? null : seal(part, await lockSeal(id, publisher, { salt, password }));
  const body = encode({
    secret,
    from: from.slice(0, maxFromCharacters).toWellFormed(),
    times,
    salt: locked === null ? null : salt,
    part: locked ?? part,
  });
  const subject = linkSubject(id);
  return { kind: 'link', subject, publisher, sequence, expiry, body: { sealed: seal(body, idSeal(id, publisher)) } };
}

/** Ends as its link would have: none that is still around may come back. */
export function linkTombstone(id: LinkId, publisher: HostId, sequence: number, expiry: number): UnsignedEntry {
  return { kind: 'link', subject: linkSubject(id), publisher, sequence, expiry, body: null };
}

/** Null for the record of another publisher, and for anything malformed. The signature was checked before. */
export function readLinkEntry(id: LinkId, { entry }: EncodedEntry): Link | null {
  const { publisher, sequence, expiry, body } = entry;
  const sealed = body?.['sealed'];
  if (!(sealed instanceof Uint8Array) || expiry === null) return null;
  const fields = mapIn(unseal(sealed, idSeal(id, publisher)));
  if (fields === null) return null;
  const { secret, from, times, salt, part } = fields;
  if (!isBytes(secret, secretBytes) || linkIdOf(publisher, secret) !== id) return null;
  if (typeof from !== 'string' || from.length > maxFromCharacters || !(part instanceof Uint8Array)) return null;
  if (times !== null && !isCount(times, maxTimes)) return null;
  const head = { id, publisher, created: sequence, expiry, from, times };
  if (salt === null) {
    const content = contentIn(part);
    return content === null ? null : { ...head, content, lock: null };
  }
  return isBytes(salt, saltBytes) ? { ...head, content: null, lock: { salt, sealed: part } } : null;
}

/** What a link with a password leads to; null for a wrong one. Throws `busy` while too many guesses wait. */
export async function openLock(
  { id, publisher, content, lock }: Link,
  password: string,
): Promise<LinkedContent | null> {
  if (lock === null) return content;
  if (Buffer.byteLength(password) > maxPasswordBytes) return null;
  const plain = unseal(lock.sealed, await lockSeal(id, publisher, { salt: lock.salt, password }));
  return plain === null ? null : contentIn(plain);
}

export function sealForKey(id: LinkId, key: Uint8Array, { name, size, fileKey }: SealedContent): Uint8Array {
  const json = JSON.stringify({ name, size, fileKey: Buffer.from(fileKey).toString('base64url') });
  return seal(Buffer.from(json), keySeal(id, key));
}

/** Null for a wrong key. The page has its twin. */
export function openWithKey(id: LinkId, key: Uint8Array, sealedPart: Uint8Array): SealedContent | null {
  const plain = unseal(sealedPart, keySeal(id, key));
  if (plain === null) return null;
  try {
    const { name, size, fileKey } = JSON.parse(Buffer.from(plain).toString('utf8'));
    const bytes = Uint8Array.from(Buffer.from(String(fileKey), 'base64url'));
    return isName(name) && isCount(size) && bytes.length === 16 ? { name, size, fileKey: bytes } : null;
  } catch {
    return null;
  }
}

function fieldsOf(content: LinkedContent): Readonly<Record<string, unknown>> {
  if (content.type === 'drop') return { type: content.type, name: content.name, size: content.most };
  const { type, name, root, size, sealedPart } = content;
  return { type, name, root: root.bytes, size, sealedPart };
}

function contentIn(bytes: Uint8Array): LinkedContent | null {
  const { type, name, root, size, sealedPart } = mapIn(bytes) ?? {};
  if (!isCount(size) || (name !== null && !isName(name))) return null;
  if (type === 'drop') return name === null ? null : { type, name, most: size };
  if ((type !== 'file' && type !== 'directory') || !(root instanceof Uint8Array)) return null;
  const isSealed = sealedPart instanceof Uint8Array && sealedPart.length <= maxSealedPartBytes && type === 'file';
  if (isSealed ? name !== null : sealedPart !== null || name === null) return null;
  const cid = cidIn(root);
  return cid === null ? null : { type, name, root: cid, size, sealedPart: isSealed ? sealedPart : null };
}

/** The key of the record's own seal. */
function idSeal(id: LinkId, publisher: HostId): Seal {
  return {
    secret: Buffer.from(id),
    salt: new Uint8Array(0),
    purpose: 'chordial link v1 id',
    bound: boundTo(id, publisher),
  };
}

function keySeal(id: LinkId, key: Uint8Array): Seal {
  return { secret: key, salt: new Uint8Array(0), purpose: 'chordial link v1 key', bound: Buffer.from(id) };
}

async function lockSeal(
  id: LinkId,
  publisher: HostId,
  { salt, password }: { readonly salt: Uint8Array; readonly password: string },
): Promise<Seal> {
  if (guessing >= maxGuessesWaiting)
    throw new ChordialError('busy', 'Too many passwords are being checked at this moment. Try again in a few seconds.');
  guessing += 1;
  const secret = await guesses
    .pass(() => derive(password.normalize('NFC'), salt, 32, scryptCost))
    .finally(() => {
      guessing -= 1;
    });
  return { secret, salt, purpose: 'chordial link v1 password', bound: boundTo(id, publisher) };
}

function boundTo(id: LinkId, publisher: HostId): Uint8Array {
  return hash('sha256', `${publisher}\0${id}`, 'buffer');
}

function mapIn(bytes: Uint8Array | null): Readonly<Record<string, unknown>> | null {
  if (bytes === null) return null;
  try {
    const value = decode(bytes);
    const isMap = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
    return isMap ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function cidIn(bytes: Uint8Array): CID | null {
  try {
    return decodeCid(bytes);
  } catch {
    return null;
  }
}

function isName(value: unknown): value is string {
  try {
    return typeof value === 'string' && checkName(value) === value;
  } catch (error) {
    if (error instanceof ChordialError) return false;
    throw error;
  }
}

function isBytes(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

function isCount(value: unknown, most: number = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most;
}
