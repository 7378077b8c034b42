/**
 * The signed header of a batch: its publisher, Merkle root, expiry, and which of its files are withdrawn. A newer
 * version replaces an older one: that is how a batch is renewed, thinned and ended without sending its entries again.
 */
import { hash } from 'node:crypto';
import type { HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { decode, encode } from '../network/dag-cbor.ts';
import { isHostId } from '../network/host-id.ts';
import { maxClockSkewMilliseconds } from './merge.ts';
import { hashBytes, maxLevels } from './merkle-run.ts';
import type { ShareEntry } from './share-entry.ts';

export interface UnsignedHeader {
  readonly publisher: HostId;
  /** Where the publisher can be reached. */
  readonly addresses: readonly string[];
  /** Creation time of the batch, milliseconds since 1970: entries of later batches on the same subjects prevail. */
  readonly number: number;
  readonly root: Uint8Array;
  readonly leaves: number;
  readonly entries: number;
  /** Creation time of this header, milliseconds since 1970: of two headers of a batch the later prevails. */
  readonly version: number;
  /** Milliseconds since 1970, at most 60 min after `version`. */
  readonly expiry: number;
  /** The batch has ended: its leaves are dropped, and the header is kept until no older one can be current. */
  readonly ended: boolean;
  /** Tags of withdrawn entries, concatenated, unique, sorted. */
  readonly withdrawn: Uint8Array;
}

export interface BatchHeader extends UnsignedHeader {
  /** Canonical DAG-CBOR of everything, including the Ed25519 signature: what is stored and sent. */
  readonly bytes: Uint8Array;
}

export const headerLifetimeMilliseconds = 3_600_000;
export const maxBatchEntries = 131_072;
export const tagBytes = 8;
/** All files of a full batch: 128 KiB. */
export const maxWithdrawnTags = 16_384;
export const maxHeaderBytes = maxWithdrawnTags * tagBytes + 4096;
/** As of contacts (src/network/addresses.ts). */
const maxAddresses = 8;
const maxAddressCharacters = 261;
const signatureBytes = 64;
const fieldCount = 11;
const domain = 'chordial share batch v1\0';

export function signHeader(
  unsigned: UnsignedHeader,
  networkId: string,
  sign: (bytes: Uint8Array) => Uint8Array,
): BatchHeader {
  const signature = Uint8Array.from(sign(signedBytes(unsigned, networkId)));
  return { ...unsigned, bytes: encode([...fieldsOf(unsigned), signature]) };
}

/** Throws `bad-content` for anything that is not a header in canonical form. Signature, addresses and times are not checked. */
export function decodeHeader(bytes: Uint8Array): BatchHeader {
  if (bytes.length > maxHeaderBytes) throw malformed(`it has ${bytes.length} bytes`);
  const fields = decodedList(bytes);
  const [publisher, addresses, number, root, leaves, entries, version, expiry, ended, withdrawn, signature] = fields;
  if (!isHostId(publisher)) throw malformed('its publisher is no peer id');
  if (!isAddressList(addresses)) throw malformed('its addresses are none');
  if (!isCount(number) || !isCount(version) || !isCount(expiry) || version < number) throw malformed('a time is none');
  if (expiry <= version || expiry > version + headerLifetimeMilliseconds)
    throw malformed('it lasts longer than an hour');
  if (!(root instanceof Uint8Array) || root.length !== hashBytes) throw malformed('its root is no hash');
  if (!isCount(leaves) || leaves === 0 || leaves > 2 ** maxLevels) throw malformed('its number of leaves is none');
  if (!isCount(entries) || entries < leaves || entries > maxBatchEntries)
    throw malformed(`it has ${String(entries)} entries, not ${leaves} to ${maxBatchEntries}`);
  if (typeof ended !== 'boolean') throw malformed('whether it ended is not said');
  if (!isTagList(withdrawn)) throw malformed('what was withdrawn is no list of tags');
  if (!(signature instanceof Uint8Array) || signature.length !== signatureBytes) throw malformed('it has no signature');
  const header = { publisher, addresses, number, root, leaves, entries, version, expiry, ended, withdrawn };
  if (Buffer.compare(encode([...fieldsOf(header), signature]), bytes) !== 0) throw malformed('it is not canonical');
  return { ...header, bytes };
}

/** Whether the publisher signed it. */
export function isSigned(
  header: BatchHeader,
  networkId: string,
  verify: (publisher: HostId, bytes: Uint8Array, signature: Uint8Array) => boolean,
): boolean {
  return verify(header.publisher, signedBytes(header, networkId), header.bytes.subarray(-signatureBytes));
}

export function isHeaderFromTheFuture({ version }: UnsignedHeader, now: number): boolean {
  return version > now + maxClockSkewMilliseconds;
}

/**
 * Of two headers of a batch the prevailing one: the later, except that one from the future, made under a wrong clock,
 * prevails only alone.
 */
export function newerHeader<Header extends UnsignedHeader>(a: Header, b: Header, now: number): Header {
  const [isAheadA, isAheadB] = [isHeaderFromTheFuture(a, now), isHeaderFromTheFuture(b, now)];
  if (isAheadA !== isAheadB) return isAheadA ? b : a;
  return b.version > a.version ? b : a;
}

/** Identifies a batch globally. */
export function batchName({ publisher, number }: Pick<UnsignedHeader, 'publisher' | 'number'>): string {
  return `${publisher}/${number}`;
}

/** Entries with the same tag are withdrawn together: name and postings of one file, or the provider entries of one content. */
export function tagOf({ kind, subject }: Pick<ShareEntry, 'kind' | 'subject'>): string {
  const ofFile = kind === 'posting' ? subject.subarray(subject.indexOf(0) + 1) : subject;
  return hash('sha256', ofFile, 'hex').slice(0, 2 * tagBytes);
}

export function tagsIn({ withdrawn }: Pick<UnsignedHeader, 'withdrawn'>): ReadonlySet<string> {
  const text = Buffer.from(withdrawn.buffer, withdrawn.byteOffset, withdrawn.length).toString('hex');
  return new Set(text.match(/.{16}/g) ?? []);
}

export function withdrawnOf(tags: Iterable<string>): Uint8Array {
  return Uint8Array.from(Buffer.from([...new Set(tags)].sort().join(''), 'hex'));
}

function signedBytes(header: UnsignedHeader, networkId: string): Uint8Array {
  return Buffer.concat([Buffer.from(`${domain}${networkId}\0`), encode(fieldsOf(header))]);
}

function fieldsOf(header: UnsignedHeader): readonly unknown[] {
  const { publisher, addresses, number, root, leaves, entries, version, expiry, ended, withdrawn } = header;
  return [publisher, addresses, number, root, leaves, entries, version, expiry, ended, withdrawn];
}

function decodedList(bytes: Uint8Array): readonly unknown[] {
  let value: unknown;
  try {
    value = decode(bytes);
  } catch (cause) {
    throw malformed((cause as Error).message, cause);
  }
  if (!Array.isArray(value) || value.length !== fieldCount) throw malformed(`it has not ${fieldCount} fields`);
  return value;
}

function isAddressList(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= maxAddresses &&
    value.every((address) => typeof address === 'string' && address.length <= maxAddressCharacters)
  );
}

function isTagList(value: unknown): value is Uint8Array {
  if (!(value instanceof Uint8Array)) return false;
  if (value.length % tagBytes !== 0 || value.length > maxWithdrawnTags * tagBytes) return false;
  const tags = Buffer.from(value).toString('hex').match(/.{16}/g) ?? [];
  return tags.every((tag, index) => index === 0 || tag > tags[index - 1]!);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function malformed(reason: string, cause?: unknown): ChordialError {
  return new ChordialError('bad-content', `The header of a batch is malformed: ${reason}. It was refused.`, { cause });
}
