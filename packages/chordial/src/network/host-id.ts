/**
 * A host's id is its public key in the notation of libp2p: base58 of the identity multihash of the key's protobuf.
 * https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
 */
import { hash } from 'node:crypto';
import { type HostId, type RingId, ringIdOfHash } from '@chordial/ring';
import { base58btc } from 'multiformats/bases/base58';
import { ChordialError } from '../errors.ts';
import { readBytes, type Schema, textThat } from '../wire/schema.ts';
import { BoundedCache } from './bounded-cache.ts';

export const publicKeyBytes = 32;
/** Index of a virtual node: 0 … 63. */
export const maxVirtualNodes = 64;

// Identity multihash (0x00) of 36 bytes, which are a protobuf: field 1 (key type) = Ed25519, field 2 = 32 bytes of key.
const prefix = new Uint8Array([0x00, 0x24, 0x08, 0x01, 0x12, 0x20]);
const hostIdPattern = /^12D3Koo[1-9A-HJ-NP-Za-km-z]{45}$/;

/** Hosts whose key, id and members are cached: base58 and SHA-256 are hot when lists of pointers are decoded. */
const maxCachedHosts = 16_384;
const keyOfHost = new BoundedCache<HostId, Uint8Array>(maxCachedHosts);
const hostOfKey = new BoundedCache<string, HostId>(maxCachedHosts);
const membersOfHost = new BoundedCache<HostId, (RingId | undefined)[]>(maxCachedHosts);

/** @param publicKey the 32 raw bytes of an Ed25519 public key. */
export function hostIdOfPublicKey(publicKey: Uint8Array): HostId {
  if (publicKey.length !== publicKeyBytes) {
    throw new ChordialError('bad-request', `A public key has ${publicKeyBytes} bytes, this one ${publicKey.length}.`);
  }
  const cacheKey = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.length).toString('latin1');
  const known = hostOfKey.get(cacheKey);
  if (known !== undefined) return known;
  const host = base58btc.baseEncode(Buffer.concat([prefix, publicKey])) as HostId;
  hostOfKey.set(cacheKey, host);
  keyOfHost.set(host, Uint8Array.from(publicKey));
  return host;
}

/** The 32 raw bytes of the key. Throws `bad-request` when the text is not the id of an Ed25519 key. */
export function publicKeyOfHostId(host: string): Uint8Array {
  const known = keyOfHost.get(host as HostId);
  if (known !== undefined) return known;
  const publicKey = decodeHostId(host);
  if (publicKey === null) {
    throw new ChordialError(
      'bad-request',
      `${quoted(host)} is not a peer id; one looks like 12D3KooW… (52 characters).`,
    );
  }
  keyOfHost.set(host as HostId, publicKey);
  return publicKey;
}

export function isHostId(text: unknown): text is HostId {
  if (typeof text !== 'string') return false;
  return keyOfHost.get(text as HostId) !== undefined || decodeHostId(text) !== null;
}

/** The place on the ring of a host's virtual node: the first `bits` bits of SHA-256(public key ‖ index as one byte). */
export function memberId(publicKey: Uint8Array, index: number, bits: number): RingId {
  if (!Number.isInteger(index) || index < 0 || index >= maxVirtualNodes) {
    throw new ChordialError('bad-request', `A virtual node's index is 0 to ${maxVirtualNodes - 1}, not ${index}.`);
  }
  return ringIdOfHash(hash('sha256', Buffer.concat([publicKey, Uint8Array.of(index)]), 'hex'), bits);
}

/** Cached `memberId`. */
export function memberIdOfHost(host: HostId, index: number, bits: number): RingId {
  let members = membersOfHost.get(host);
  if (members === undefined) {
    members = [];
    membersOfHost.set(host, members);
  }
  const known = members[index];
  // A process may hold networks of several widths (tests, simulator): only the full width is cached.
  if (known !== undefined) return bits === 256 ? known : ringIdOfHash(known, bits);
  const full = memberId(publicKeyOfHostId(host), index, 256);
  members[index] = full;
  return ringIdOfHash(full, bits);
}

function decodeHostId(text: string): Uint8Array | null {
  if (!hostIdPattern.test(text)) return null;
  const bytes = base58btc.baseDecode(text);
  if (bytes.length !== prefix.length + publicKeyBytes) return null;
  if (!prefix.every((byte, position) => bytes[position] === byte)) return null;
  return bytes.slice(prefix.length);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** A peer id as text. */
export const hostId: Schema<HostId> = textThat(isHostId, 'is no peer id');

/** A peer id as the public key that it is made of. */
export const hostKey: Schema<HostId> = {
  encode: publicKeyOfHostId,
  decode: (wire) => hostIdOfPublicKey(readBytes(wire, publicKeyBytes)),
};
