/** File names as stored in the network, and the ring keys of their entries. */
import { hash } from 'node:crypto';
import { type RingId, ringId, ringIdOfHash, toBigInt } from '@chordial/ring';
import { ChordialError } from '../errors.ts';

/** As on common file systems, so that every name can be fetched into a folder. */
export const maxNameBytes = 255;

/** Names of what keeps the content of folders that change (src/folders): no list shows them, and no one may put one. */
export const partPrefix = '.chordial-part-';

/** Printable ASCII without a slash: most names, which need no further check. */
const plainName = /^(?!\.{1,2}$)[ -.0-~]{1,255}$/;

/** The name in Unicode form NFC. Throws ChordialError('bad-name') with the reason. */
export function checkName(name: string): string {
  if (plainName.test(name)) return name;
  const reason = whyNotAPublishedName(name);
  if (reason !== null) throw badName(name, reason);
  return name.normalize('NFC');
}

export function isPartName(name: string): boolean {
  return name.startsWith(partPrefix);
}

/** The same for what a user puts. */
export function checkPutName(name: string): string {
  if (isPartName(name)) throw badName(name, `names that begin with ${partPrefix} are taken`);
  return checkName(name);
}

/** The reason why a name cannot be published or shared, or null. */
export function whyNotAPublishedName(name: string): string | null {
  if (!name.isWellFormed()) return 'it contains half a surrogate pair, which is not a Unicode character';
  const normal = name.normalize('NFC');
  return whyNotAName(normal) ?? (/\p{Cc}/u.test(normal) ? 'it contains a control character' : null);
}

/**
 * The reason why a name cannot be an entry of a folder, or null. Less strict than checkName: folders of others may hold
 * names that are not NFC or odd to look at; they must not escape the folder.
 */
export function whyNotAName(name: string): string | null {
  if (name === '') return 'it is empty';
  if (name === '.' || name === '..') return `"${name}" means a folder, not a file`;
  if (name.includes('/')) return 'it contains a "/"';
  if (name.includes('\0')) return 'it contains a NUL character';
  const bytes = Buffer.byteLength(name);
  if (bytes > maxNameBytes) return `it has ${bytes} bytes in UTF-8, and at most ${maxNameBytes} are allowed`;
  return null;
}

/** Record key of a name: SHA-256("name:" ‖ NFC name), 64 hexadecimal digits. */
export function nameKey(name: string): string {
  return hash('sha256', `name:${checkName(name)}`, 'hex');
}

/**
 * Ring position of the entries of a name. In a teaching ring (chosen ids) a decimal name N is at N mod 2^bits; every
 * other name is where its hash says.
 */
export function namePosition(name: string, bits: number, teaching: boolean): RingId {
  return ringIdOfHash(placedNameKey(name, bits, teaching), bits);
}

/**
 * The record key of a name, whose first `bits` bits are its position, so that one key serves for both: nameKey, except
 * for a decimal name in a teaching ring, whose position precedes the remaining bits of its hash.
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
