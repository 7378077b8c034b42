/**
 * Identifiers on a ring of 2^bits places.
 *
 * An identifier is written as lower-case hexadecimal of fixed width (⌈bits/4⌉ digits), so that comparing two strings
 * compares the numbers, a Map can be keyed by it, and what the API shows is what the code holds.
 */

/** A place on the ring: lower-case hexadecimal, ⌈bits/4⌉ digits, below 2^bits. */
export type RingId = string & { readonly __ringId: unique symbol };

export const minBits = 3;
export const maxBits = 256;

/** Hexadecimal digits of an identifier. */
export function digitsOf(bits: number): number {
  return Math.ceil(bits / 4);
}

/** Whether it is an identifier as this file writes them: what comes from outside is checked with it. */
export function isRingId(text: unknown, bits: number): text is RingId {
  if (typeof text !== 'string' || text.length !== digitsOf(bits) || !/^[0-9a-f]+$/.test(text)) return false;
  const spareBits = digitsOf(bits) * 4 - bits;
  return Number.parseInt(text.charAt(0), 16) < 16 >> spareBits;
}

/** The number as an identifier, reduced modulo 2^bits. */
export function ringId(value: bigint | number, bits: number): RingId {
  return BigInt.asUintN(bits, BigInt(value)).toString(16).padStart(digitsOf(bits), '0') as RingId;
}

export function toBigInt(id: RingId): bigint {
  return BigInt(`0x${id}`);
}

/** The first `bits` bits of a hash given as at least that many bits of hexadecimal. */
export function ringIdOfHash(hash: string, bits: number): RingId {
  const digits = digitsOf(bits);
  const head = hash.slice(0, digits).toLowerCase();
  const spareBits = digits * 4 - bits;
  if (spareBits === 0) return head as RingId;
  return ringId(BigInt(`0x${head}`) >> BigInt(spareBits), bits);
}

/** id + 1 modulo 2^bits. */
export function nextId(id: RingId, bits: number): RingId {
  return ringId(toBigInt(id) + 1n, bits);
}

/** id + 2^power modulo 2^bits: where finger number `power` starts. */
export function fingerStart(id: RingId, power: number, bits: number): RingId {
  return ringId(toBigInt(id) + (1n << BigInt(power)), bits);
}

/** Clockwise distance from one identifier to another, 0 … 2^bits − 1. */
export function distance(from: RingId, to: RingId, bits: number): bigint {
  return BigInt.asUintN(bits, toBigInt(to) - toBigInt(from));
}

/**
 * b lies strictly inside the arc that goes clockwise from a to c (Zave 2017, §II).
 * The arc from a to a is the whole ring without a, so between(a, b, a) holds for every b ≠ a.
 */
export function between(a: RingId, b: RingId, c: RingId): boolean {
  return a < c ? a < b && b < c : a < b || b < c;
}

/** key lies in (start, end]: the arc that a member `end` with predecessor `start` owns. */
export function inOwnedArc(start: RingId, key: RingId, end: RingId): boolean {
  return key === end || between(start, key, end);
}
