/**
 * Content addresses: parsing and formatting, the ring key of a block, and verification. Blocks are addressed by SHA-256
 * only; an identity CID carries its bytes and is never stored.
 */
import { hash } from 'node:crypto';
import { bases } from 'multiformats/basics';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { ChordialError } from '../errors.ts';

export const rawCodec = 0x55;
export const dagPbCodec = 0x70;
const identityHash = 0x00;
const sha256Hash = 0x12;

/** The IPFS limit on a block; our leaves are half of it. */
export const maxBlockBytes = 2 * 1024 * 1024;
/** A SHA-256 CID has at most 290 characters (base 2); the rest is room for identity CIDs. */
const maxCidCharacters = 1024;

export interface Block {
  readonly cid: CID;
  readonly bytes: Uint8Array;
}

export interface ContentPath {
  readonly cid: CID;
  /** What follows the CID, percent-decoded if it came from an `ipfs://` URL. */
  readonly path: readonly string[];
}

/** CIDv0, CIDv1 in any base, `ipfs://CID` or `/ipfs/CID`. Throws ChordialError('bad-cid') for anything else, or a path after it. */
export function parseCid(text: string): CID {
  const { cid, path } = parseContentPath(text);
  if (path.length > 0) throw badCid(text, 'a path follows, where only a CID is accepted');
  return cid;
}

/**
 * The CID if the text is one, else null: for arguments that are a CID or a name. A short row of digits is a name, as in
 * teaching rings, although a few are identity CIDs in base 10.
 */
export function cidIn(text: string): CID | null {
  if (/^[0-9]{1,40}$/.test(text)) return null;
  try {
    return parseCid(text);
  } catch (error) {
    if (error instanceof ChordialError) return null;
    throw error;
  }
}

/** Like parseCid, with an optional path: `ipfs://CID/a/b`, `/ipfs/CID/a/b`, `CID/a/b`. */
export function parseContentPath(text: string): ContentPath {
  const isAddress = /^ipfs:\/\//i.test(text);
  const bare = isAddress
    ? text.slice('ipfs://'.length)
    : text.startsWith('/ipfs/')
      ? text.slice('/ipfs/'.length)
      : text;
  // Base64 contains slashes itself, so no path can follow it.
  const [head = '', ...rest] = /^m/i.test(bare) ? [bare] : bare.split('/');
  const segments = rest.filter((segment) => segment !== '');
  return { cid: decodeCidText(head, text), path: isAddress ? segments.map((s) => decodeSegment(s, text)) : segments };
}

/** The ring key of a block: SHA-256 of its multihash, 64 hexadecimal digits. CIDv0 and CIDv1 of a block share it. */
export function blockKey(cid: CID): string {
  return hash('sha256', cid.multihash.bytes, 'hex');
}

/** Whether the bytes are the block that the CID names. False above 2 MiB and for hashes other than SHA-256 and identity. */
export function verifyBlock(cid: CID, bytes: Uint8Array): boolean {
  if (bytes.length > maxBlockBytes) return false;
  const { code, digest } = cid.multihash;
  if (code === identityHash) return Buffer.compare(digest, bytes) === 0;
  return hasSha256(cid) && Buffer.compare(digest, hash('sha256', bytes, 'buffer')) === 0;
}

/** Whether the CID has a full-length SHA-256 multihash. */
export function hasSha256({ multihash: { code, digest } }: CID): boolean {
  return code === sha256Hash && digest.length === 32;
}

/** The bytes carried by an identity CID, or null for any other CID. */
export function inlineBytes(cid: CID): Uint8Array | null {
  return cid.multihash.code === identityHash ? cid.multihash.digest : null;
}

/** CIDv1 of a block whose SHA-256 is known. */
export function cidOfDigest(codec: number, sha256: Uint8Array): CID {
  return CID.createV1(codec, createDigest(sha256Hash, Uint8Array.from(sha256)));
}

/** CIDv1 of a block. */
export function cidOfBlock(codec: number, bytes: Uint8Array): CID {
  return cidOfDigest(codec, hash('sha256', bytes, 'buffer'));
}

/** Of a CIDv1 with SHA-256, the usual kind: version, codec, hash, length. */
const headBytes = 4;
const usualBytes = headBytes + 32;

/** Throws like `decodeCid`; cheaper for the usual kind. */
export function checkCid(bytes: Uint8Array): void {
  const isUsual =
    bytes.length === usualBytes &&
    bytes[0] === 1 &&
    (bytes[1] === rawCodec || bytes[1] === dagPbCodec) &&
    bytes[2] === sha256Hash &&
    bytes[3] === usualBytes - headBytes;
  if (!isUsual) decodeCid(bytes);
}

/** The CID in its binary form. Throws ChordialError('bad-cid'). */
export function decodeCid(bytes: Uint8Array): CID {
  try {
    return CID.decode(bytes);
  } catch (error) {
    throw badCid(Buffer.from(bytes.subarray(0, 64)).toString('hex'), 'its bytes are no CID', error);
  }
}

/** The "identity" base is binary, not text. */
const decoders = Object.values(bases).filter((base) => base.name !== 'identity');

function decodeCidText(head: string, whole: string): CID {
  if (head === '') throw badCid(whole, 'it is empty');
  if (head.length > maxCidCharacters) throw badCid(whole, `it is longer than ${maxCidCharacters} characters`);
  // CIDv0 has no base prefix: 46 characters of base58btc that begin with Qm.
  const decoder = decoders.find((base) => head.startsWith(base.prefix));
  try {
    if (head.startsWith('Qm')) return CID.parse(head);
    if (decoder === undefined) throw new Error(`no base has the prefix ${JSON.stringify(head[0])}`);
    return CID.decode(decoder.decode(head));
  } catch (error) {
    throw badCid(whole, error instanceof Error ? error.message : String(error), error);
  }
}

function decodeSegment(segment: string, whole: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    throw badCid(whole, `its path has an invalid percent-encoding in ${JSON.stringify(segment)}`, error);
  }
}

function badCid(text: string, reason: string, cause?: unknown): ChordialError {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
  const message = `${shown} is not a CID: ${reason}. Give one such as bafkrei… or Qm…, alone or after ipfs:// or /ipfs/.`;
  return new ChordialError('bad-cid', message, { cause });
}
