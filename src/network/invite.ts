/**
 * An invite: one line with all that a peer of another machine needs to come in. `chordial:` and, in base64url, the
 * DAG-CBOR of [1, network id, addresses, secret or null, expiry in seconds since 1970], then four bytes of its SHA-256.
 *
 * Whoever has the line can join: it holds the network's secret. The expiry is a hint that `join` obeys and the secret does not.
 */
import { hash } from 'node:crypto';
import { ChordialError } from '../errors.ts';
import { isDialable, isLoopbackAddress, maximumAddressCharacters, maximumAddresses } from './addresses.ts';
import { decode, encode } from './dag-cbor.ts';
import { secretBytes } from './network-files.ts';
import type { Wire } from './transport.ts';
import { malformed, readBytes, readInteger, readList, readText, readTuple } from './wire-reading.ts';

export interface Invite {
  /** Network id, in hexadecimal. */
  readonly network: string;
  /** HOST:PORT, the best first; 1 … 8. */
  readonly addresses: readonly string[];
  /** Null in an open network. */
  readonly secret: Uint8Array | null;
  /** Seconds since 1970. */
  readonly expires: number;
}

const prefix = 'chordial:';
const version = 1;
const networkBytes = 32;
/** Finds slips of the hand and lines cut off; the secret is proven to the peer itself. */
const checksumBytes = 4;
/** The end of the year 9999, the last that a date shows in four digits. */
const latestExpiry = 253_402_300_799;
/** Eight addresses of the longest kind make 3 KB. */
const maximumCharacters = 4096;

export function isInvite(text: string): boolean {
  return text.trimStart().toLowerCase().startsWith(prefix);
}

export function encodeInvite({ network, addresses, secret, expires }: Invite): string {
  const wire = [version, Uint8Array.from(Buffer.from(network, 'hex')), addresses, secret, expires];
  const payload = encode(wire);
  return prefix + Buffer.concat([payload, checksum(payload)]).toString('base64url');
}

/** Takes text from anyone; mail programs may have broken the line. Throws `bad-invite`, saying what to do. */
export function decodeInvite(text: string): Invite {
  const line = text.replace(/\s+/g, '');
  if (!isInvite(line)) throw bad(`it does not begin with ${prefix}`);
  if (line.length > maximumCharacters) throw bad(`it has more than ${maximumCharacters} characters`);
  const code = line.slice(prefix.length);
  const bytes = Uint8Array.from(Buffer.from(code, 'base64url'));
  const payload = bytes.subarray(0, Math.max(0, bytes.length - checksumBytes));
  const isWhole = /^[\w-]+$/.test(code) && Buffer.compare(checksum(payload), bytes.subarray(payload.length)) === 0;
  if (!isWhole) throw bad('its checksum does not fit: a character is missing or differs');
  try {
    return readInvite(decode(payload));
  } catch (cause) {
    throw bad('it is whole, but of a kind that this version of Chordial does not know', cause);
  }
}

/** What another machine can use of a peer's addresses; those of loopback only where there are no others. */
export function invitingAddresses(addresses: readonly string[]): readonly string[] {
  const outside = addresses.filter((address) => !isLoopbackAddress(address));
  return (outside.length > 0 ? outside : addresses).slice(0, maximumAddresses);
}

function readInvite(wire: Wire): Invite {
  const [kind, network, addresses, secret, expires] = readTuple(wire, 'an invite', 5);
  if (kind !== version) throw malformed(`its version is ${String(kind).slice(0, 10)}`);
  return {
    network: Buffer.from(readBytes(network, 'the network id', networkBytes)).toString('hex'),
    addresses: readList(addresses, 'the list of addresses', 1, maximumAddresses).map(readAddress),
    secret: secret === null ? null : readBytes(secret, 'the secret', secretBytes),
    expires: readInteger(expires, 'the expiry', 0, latestExpiry),
  };
}

function readAddress(value: Wire): string {
  const text = readText(value, 'an address', maximumAddressCharacters);
  if (isDialable(text)) return text;
  throw malformed('an address is none');
}

function checksum(payload: Uint8Array): Uint8Array {
  return hash('sha256', payload, 'buffer').subarray(0, checksumBytes);
}

function bad(reason: string, cause?: unknown): ChordialError {
  return new ChordialError(
    'bad-invite',
    `This is no invite: ${reason}. Copy the whole line again, or ask for a new one; "chordial invite" prints it.`,
    cause === undefined ? undefined : { cause },
  );
}
