/** File names as the network keeps them, and where the entries of a name lie on the ring. */
import { hash } from 'node:crypto';
import { ChordialError } from '../errors.ts';
import { type RingId, ringId, ringIdOfHash, toBigInt } from '../ring/identifier.ts';

/** As on every common file system, so that whatever is put can be fetched into a folder. */
export const maxNameBytes = 255;

/** The name in Unicode form NFC. Throws ChordialError('bad-name') that names the reason. */
export function checkName(name: string): string {
  const reason = whyNotAPublishedName(name);
  if (reason !== null) throw badName(name, reason);
  return name.normalize('NFC');
}

/** Why nothing can be put or shared under this name, or null when it can. */
export function whyNotAPublishedName(name: string): string | null {
  if (!name.isWellFormed()) return 'it holds half a surrogate pair, which is no Unicode character';
  const normal = name.normalize('NFC');
  return whyNotAName(normal) ?? (/\p{Cc}/u.test(normal) ? 'it holds a control character' : null);
}

/**
 * Why this cannot be the name of anything in a folder, or null when it can. Less strict than checkName: folders of
 * others may hold names that are not NFC or odd to look at; they may not lead out of the folder.
 */
export function whyNotAName(name: string): string | null {
  if (name === '') return 'it is empty';
  if (name === '.' || name === '..') return `"${name}" means a folder, not a file`;
  if (name.includes('/')) return 'it holds a "/"';
  if (name.includes('\0')) return 'it holds a NUL character';
  const bytes = Buffer.byteLength(name);
  if (bytes > maxNameBytes) return `it has ${bytes} bytes in UTF-8, and at most ${maxNameBytes} are allowed`;
  return null;
}

/** Record key of a name: SHA-256("name:" ‖ NFC name), 64 hexadecimal digits. */
export function nameKey(name: string): string {
  return hash('sha256', `name:${checkName(name)}`, 'hex');
}

/**
 * Where the entries of a name lie. In a teaching ring (ids are chosen) a decimal name N lies at N mod 2^bits; any other
 * name, and every name elsewhere, where its hash says.
 */
export function namePosition(name: string, bits: number, teaching: boolean): RingId {
  return ringIdOfHash(placedNameKey(name, bits, teaching), bits);
}

/**
 * The record key of a name whose first `bits` bits are its position, so that one key serves for both: nameKey, but for
 * a decimal name in a teaching ring, whose position stands in front of the remaining bits of its hash.
 */
export function placedNameKey(name: string, bits: number, teaching: boolean): string {
  const key = nameKey(name);
  if (!teaching || !/^[0-9]+$/.test(name)) return key;
  const restBits = BigInt(256 - bits);
  const rest = BigInt.asUintN(256 - bits, BigInt(`0x${key}`));
  const position = toBigInt(ringId(BigInt(name), bits));
  return ((position << restBits) | rest).toString(16).padStart(64, '0');
}

function badName(name: string, reason: string): ChordialError {
  const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
  return new ChordialError('bad-name', `${shown} cannot be a file name: ${reason}. Use another name.`);
}
