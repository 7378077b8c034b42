/**
 * CPace (draft-irtf-cfrg-cpace) over ristretto255 with SHA-512: two sides that know the same short password get the same
 * key, and anyone else, in the middle too, gets one guess for each exchange and learns nothing else.
 *
 * The initiator speaks first. Each side sends one point with data that both know afterwards, then a confirmation.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';

const { Point } = ristretto255;
type Point = InstanceType<typeof Point>;

const domain = 'CPaceRistretto255';
const hashBlockBytes = 128;
export const pointBytes = 32;
/** Of what is drawn for a scalar: so many that its remainder is uniform. */
export const scalarSeedBytes = 64;

/** What both sides know before they begin. */
export interface Channel {
  readonly password: Uint8Array;
  /** What is wanted. */
  readonly identifier: Uint8Array;
  /** New for each exchange. */
  readonly session: Uint8Array;
}

/** What one side sends: its point, and data that the key depends on. */
export interface Share {
  readonly point: Uint8Array;
  readonly data: Uint8Array;
}

export interface Transcript {
  readonly initiator: Share;
  readonly responder: Share;
}

/** The point from which both sides start. */
export function generator({ password, identifier, session }: Channel): Point {
  const head = Buffer.concat([prefixed(Buffer.from(domain)), prefixed(password)]);
  const zeros = new Uint8Array(Math.max(0, hashBlockBytes - 1 - head.length));
  const text = Buffer.concat([head, prefixed(zeros), prefixed(identifier), prefixed(session)]);
  return ristretto255_hasher.deriveToCurve!(Uint8Array.from(hash('sha512', text, 'buffer')));
}

/** A secret scalar of random bytes, little-endian. */
export function scalarOf(seed: Uint8Array): bigint {
  const number = BigInt(`0x${Buffer.from(seed).reverse().toString('hex')}`) % Point.Fn.ORDER;
  return number === 0n ? 1n : number;
}

export function shareOf(channel: Channel, scalar: bigint): Uint8Array {
  return Uint8Array.from(generator(channel).multiply(scalar).toBytes());
}

/** The point that both sides come to; null for a point of the other side that is none, or the neutral one: abort. */
export function commonPoint(scalar: bigint, other: Uint8Array): Uint8Array | null {
  try {
    const point = Point.fromBytes(other).multiply(scalar);
    return point.is0() ? null : Uint8Array.from(point.toBytes());
  } catch {
    return null;
  }
}

/** The key of 64 bytes, the same at both sides when password, identifier, session and transcript are. */
export function sessionKey(session: Uint8Array, point: Uint8Array, { initiator, responder }: Transcript): Uint8Array {
  const parts = [prefixed(Buffer.from(`${domain}_ISK`)), prefixed(session), prefixed(point)];
  return hash('sha512', Buffer.concat([...parts, encoded(initiator), encoded(responder)]), 'buffer');
}

/** By which the sender of a share proves that it has the key. */
export function confirmation(session: Uint8Array, key: Uint8Array, share: Share): Uint8Array {
  const macKey = hash('sha512', Buffer.concat([Buffer.from('CPaceMac'), session, key]), 'buffer');
  return createHmac('sha512', macKey).update(encoded(share)).digest();
}

export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function encoded({ point, data }: Share): Uint8Array {
  return Buffer.concat([prefixed(point), prefixed(data)]);
}

/** With its length in LEB128 before it. */
export function prefixed(bytes: Uint8Array): Uint8Array {
  const head: number[] = [];
  let length = bytes.length;
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) + 128);
  return Buffer.concat([Uint8Array.of(...head, length), bytes]);
}
