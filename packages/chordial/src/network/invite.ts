/**
 * An invite: one line with all that a peer of another machine needs to come in. `chordial:` and, in base64url, the
 * DAG-CBOR of [2, network id, key of the inviting peer, addresses, expiry, ticket, its private key, admission of the
 * inviter], then four bytes of its SHA-256. The last three are null in networks that take everybody in.
 *
 * An invite lets its holder join, up to the uses of its ticket and until it expires; members enforce both.
 */
import { hash, randomBytes } from 'node:crypto';
import type { HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { bytes, decodeAs, encodeAs, int, list, named, nullable, textThat, tuple } from '../wire/schema.ts';
import { Malformed, type Wire } from '../wire/transport-error.ts';
import { isDialable, isLoopbackAddress, maxAddresses } from './addresses.ts';
import { type Admission, admission, admissionOf, signCertificate, type Ticket, ticket } from './admission.ts';
import { decode, encode } from './dag-cbor.ts';
import { hostKey } from './host-id.ts';
import { type Identity, identityOfSeed, seedBytes } from './identity.ts';
import type { Invitation, Members } from './members.ts';
import { network, time } from './paper.ts';

export interface InvitePapers {
  readonly ticket: Ticket;
  /** Of the ticket's key: the joiner signs its own certificate with it. */
  readonly seed: Uint8Array;
  /** Null when an admin invites. */
  readonly inviter: Admission | null;
}

export interface Invite {
  /** Network id, in hexadecimal. */
  readonly network: string;
  /** The host at the addresses: only it is shown the invite's documents. */
  readonly host: HostId;
  /** HOST:PORT, best first; 1 … 8. */
  readonly addresses: readonly string[];
  /** Milliseconds since 1970. */
  readonly expires: number;
  /** Null in networks without admission. */
  readonly papers: InvitePapers | null;
}

const noPapers = { ticket: null, seed: null, inviter: null };
const prefix = 'chordial:';
const version = 2;
/** Detects typing errors and truncated lines; signatures are checked by peers. */
const checksumBytes = 4;
/** Eight addresses of the longest kind make 3 KB, the admission of an inviter as much. */
const maxCharacters = 8192;

/** What is in base64url. */
export const invite = tuple({
  version: named(`${version}`, int(version, version)),
  network,
  host: hostKey,
  addresses: list(textThat(isDialable, 'is not HOST:PORT'), maxAddresses, 1),
  expires: time,
  ticket: nullable(ticket),
  seed: nullable(bytes(seedBytes)),
  inviter: nullable(admission),
});

export function isInvite(text: string): boolean {
  return text.trimStart().toLowerCase().startsWith(prefix);
}

export function encodeInvite({ papers, ...rest }: Invite): string {
  const payload = encode(encodeAs(invite, { version, ...rest, ...(papers ?? noPapers) }));
  return prefix + Buffer.concat([payload, checksum(payload)]).toString('base64url');
}

/** Parses untrusted text, possibly wrapped by a mail program. Throws `bad-invite` with the remedy. */
export function decodeInvite(text: string): Invite {
  const line = text.replace(/\s+/g, '');
  if (!isInvite(line)) throw bad(`it does not begin with ${prefix}`);
  if (line.length > maxCharacters) throw bad(`it has more than ${maxCharacters} characters`);
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

/** Creates the documents. Throws `not-admin` when this peer may not invite. */
export function ticketFrom(members: Members, invitation: Invitation): InvitePapers {
  const seed = Uint8Array.from(randomBytes(seedBytes));
  return { seed, ...members.invite(identityOfSeed(seed).host, invitation) };
}

/** What the joiner presents: a certificate for its own key, not countersigned yet. */
export function admissionFrom({ ticket, seed, inviter }: InvitePapers, member: Identity, name: string): Admission {
  const { network, rights, share, notBefore } = ticket;
  // The times are the ticket's: a joiner's clock does not matter.
  const text = { network, member: member.host, name, rights, share, notBefore, notAfter: null };
  return admissionOf({ certificate: signCertificate(text, identityOfSeed(seed)), ticket, inviter, stamp: null });
}

/** Addresses usable from another machine; loopback only if there are no others. */
export function invitingAddresses(addresses: readonly string[]): readonly string[] {
  const outside = addresses.filter((address) => !isLoopbackAddress(address));
  return (outside.length > 0 ? outside : addresses).slice(0, maxAddresses);
}

function readInvite(wire: Wire): Invite {
  const { version: _, ticket, seed, inviter, ...rest } = decodeAs(invite, wire);
  if (ticket === null || seed === null) {
    if (ticket === null && seed === null && inviter === null) return { ...rest, papers: null };
    throw new Malformed('has papers without a ticket or its key');
  }
  if (identityOfSeed(seed).host !== ticket.key) throw new Malformed('has a key that is not the one of the ticket');
  return { ...rest, papers: { ticket, seed, inviter } };
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
