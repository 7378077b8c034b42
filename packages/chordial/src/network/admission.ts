/**
 * The papers of a network whose admission is `members`, each canonical DAG-CBOR with an Ed25519 signature:
 *
 *   certificate  a key is a member, under a name, with rights; signed by an admin or with the key of a ticket
 *   ticket       a one-time key may sign so many certificates until a day; signed by an admin or a member that may invite
 *   stamp        the member that was greeted first says when: so peers, and not the joiner, hold the ticket to its day
 *   admission    the three together, and those of the inviter: all that proves a membership, in one piece
 *
 * Depth is two at most: admin → member, or admin → inviter → member. docs/wire-format.md has the layouts.
 */
import { hash, randomBytes } from 'node:crypto';
import type { HostId } from '@chordial/ring';
import { decode, encode } from './dag-cbor.ts';
import { hostIdOfPublicKey, publicKeyBytes, publicKeyOfHostId } from './host-id.ts';
import { verifySignature } from './identity.ts';
import { allRights, type Right } from './membership.ts';
import { TransportError, type Wire } from './transport.ts';
import { malformed, readBytes, readInteger, readText, readTuple } from './wire-reading.ts';

export interface Grant {
  readonly rights: readonly Right[];
  /** Part of each quota, in thousandths, 1 … 1000; null: the default. */
  readonly share: number | null;
}

export interface Certificate extends Grant {
  /** Network id, in hexadecimal. */
  readonly network: string;
  readonly member: HostId;
  /** 16 random bytes. */
  readonly serial: Uint8Array;
  /** As the member wishes to be called. */
  readonly name: string;
  /** Milliseconds since 1970, like all times here. */
  readonly notBefore: number;
  /** Null: no expiry. */
  readonly notAfter: number | null;
  /** The signing key: an admin's or a ticket's. */
  readonly issuer: HostId;
  readonly bytes: Uint8Array;
}

export interface Ticket extends Grant {
  readonly network: string;
  readonly key: HostId;
  /** Number of members that it admits; 1 … 65 536. */
  readonly uses: number;
  readonly notBefore: number;
  readonly expires: number;
  readonly issuer: HostId;
  readonly bytes: Uint8Array;
}

export interface Stamp {
  readonly by: HostId;
  readonly time: number;
  /** The requested name, or one made unique. */
  readonly name: string;
  readonly signature: Uint8Array;
}

export interface Admission {
  readonly certificate: Certificate;
  /** Null if an admin signed the certificate itself. */
  readonly ticket: Ticket | null;
  /** Of the member that issued the ticket; null if an admin did. */
  readonly inviter: Admission | null;
  /** Null for a joiner that has not been countersigned yet, and without a ticket. */
  readonly stamp: Stamp | null;
  readonly bytes: Uint8Array;
}

export interface Signing {
  readonly host: HostId;
  sign(bytes: Uint8Array): Uint8Array;
}

export const maxNameCharacters = 64;
export const maxUses = 65_536;
/** Two certificates, two tickets and two stamps of the longest kind have about 1300. */
export const maxAdmissionBytes = 2048;
const maxPaperBytes = 512;
const signatureBytes = 64;
const serialBytes = 16;
const networkBytes = 32;
const wholeShare = 1000;
const latestTime = 253_402_300_799_000;
const kinds = { certificate: 1, ticket: 2 } as const;

/** Whether the text can be displayed: no control, formatting or private characters, no white space at the ends. */
export function isMemberName(name: string): boolean {
  return name.length <= maxNameCharacters && /^[^\p{C}\p{Z}]([^\p{C}\p{Zl}\p{Zp}]*[^\p{C}\p{Z}])?$/u.test(name);
}

export type CertificateText = Omit<Certificate, 'bytes' | 'issuer' | 'serial'>;

export function signCertificate(text: CertificateText, signer: Signing): Certificate {
  const serial = Uint8Array.from(randomBytes(serialBytes));
  const { network, member, name, rights, share, notBefore, notAfter } = text;
  const times = [notBefore, notAfter];
  const body = [kinds.certificate, fromHex(network), keyOf(member), serial, name, maskOf(rights), share, ...times];
  return decodeCertificate(signedPaper('certificate', [...body, keyOf(signer.host)], signer));
}

export type TicketText = Omit<Ticket, 'bytes' | 'issuer'>;

export function signTicket(text: TicketText, signer: Signing): Ticket {
  const { network, key, uses, rights, share, notBefore, expires } = text;
  const body = [kinds.ticket, fromHex(network), keyOf(key), uses, maskOf(rights), share, notBefore, expires];
  return decodeTicket(signedPaper('ticket', [...body, keyOf(signer.host)], signer));
}

export function signStamp(certificate: Certificate, time: number, name: string, signer: Signing): Stamp {
  return {
    by: signer.host,
    time,
    name,
    signature: Uint8Array.from(signer.sign(stampedBytes(certificate, time, name))),
  };
}

export function admissionOf(parts: Omit<Admission, 'bytes'>): Admission {
  return { ...parts, bytes: encode(wireOfAdmission(parts)) };
}

/** Parses untrusted bytes. Throws a TransportError `bad-request`; signatures are not checked. */
export function decodeAdmission(bytes: Uint8Array): Admission {
  const admission = readAdmission(decoded(bytes, 'an admission', maxAdmissionBytes), 0);
  checkCanonical(admission.bytes, bytes, 'an admission');
  return admission;
}

/** The same for the documents of an invite. */
export function decodeTicket(bytes: Uint8Array): Ticket {
  const paper = readTuple(decoded(bytes, 'a ticket', maxPaperBytes), 'a ticket', 10);
  const [kind, network, key, uses, rights, share, notBefore, expires, issuer, signature] = paper;
  if (kind !== kinds.ticket) throw malformed('a ticket is of another kind');
  readBytes(signature, 'a signature', signatureBytes);
  return {
    network: readNetwork(network),
    key: readKey(key),
    uses: readInteger(uses, 'the uses of a ticket', 1, maxUses),
    ...readGrant(rights, share),
    notBefore: readTime(notBefore),
    expires: readTime(expires),
    issuer: readKey(issuer),
    bytes: canonical(paper, bytes, 'a ticket'),
  };
}

export function isCertificateSigned({ bytes, issuer }: Certificate): boolean {
  return isPaperSigned('certificate', bytes, issuer);
}

export function isTicketSigned({ bytes, issuer }: Ticket): boolean {
  return isPaperSigned('ticket', bytes, issuer);
}

export function isStampSigned({ by, time, name, signature }: Stamp, certificate: Certificate): boolean {
  return verifySignature(by, stampedBytes(certificate, time, name), signature);
}

export function readKey(value: Wire): HostId {
  return hostIdOfPublicKey(readBytes(value, 'a public key', publicKeyBytes));
}

export function keyOf(host: HostId): Uint8Array {
  return publicKeyOfHostId(host);
}

export function readNetwork(value: Wire): string {
  return Buffer.from(readBytes(value, 'a network id', networkBytes)).toString('hex');
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

/** One value of DAG-CBOR of a bounded length. */
export function decoded(bytes: Wire, what: string, maxBytes: number): Wire {
  if (!(bytes instanceof Uint8Array) || bytes.length > maxBytes) {
    throw malformed(`${what} is not of at most ${maxBytes} bytes`);
  }
  try {
    return decode(bytes);
  } catch (cause) {
    throw malformed(`${what} is not DAG-CBOR: ${(cause as Error).message}`);
  }
}

/** A unique encoding: what is signed and counted has no second spelling. */
export function canonical(value: Wire, bytes: Uint8Array, what: string): Uint8Array {
  checkCanonical(encode(value), bytes, what);
  return Uint8Array.from(bytes);
}

export function readTime(value: Wire): number {
  return readInteger(value, 'a time', 0, latestTime);
}

function checkCanonical(encoded: Uint8Array, bytes: Uint8Array, what: string): void {
  if (Buffer.compare(encoded, bytes) !== 0) throw malformed(`${what} is not in canonical form`);
}

function decodeCertificate(bytes: Uint8Array): Certificate {
  const paper = readTuple(decoded(bytes, 'a certificate', maxPaperBytes), 'a certificate', 11);
  const [kind, network, member, serial, name, rights, share, notBefore, notAfter, issuer, signature] = paper;
  if (kind !== kinds.certificate) throw malformed('a certificate is of another kind');
  readBytes(signature, 'a signature', signatureBytes);
  return {
    network: readNetwork(network),
    member: readKey(member),
    serial: readBytes(serial, 'a serial', serialBytes),
    name: readName(name),
    ...readGrant(rights, share),
    notBefore: readTime(notBefore),
    notAfter: notAfter === null ? null : readTime(notAfter),
    issuer: readKey(issuer),
    bytes: canonical(paper, bytes, 'a certificate'),
  };
}

function readAdmission(value: Wire, depth: number): Admission {
  const [certificate, ticket, inviter, stamp] = readTuple(value, 'an admission', 4);
  if (inviter !== null && depth > 0) throw malformed('an admission goes through more than one inviter');
  return admissionOf({
    certificate: decodeCertificate(readBounded(certificate)),
    ticket: ticket === null ? null : decodeTicket(readBounded(ticket)),
    inviter: inviter === null ? null : readAdmission(inviter, depth + 1),
    stamp: stamp === null ? null : readStamp(stamp),
  });
}

function readBounded(value: Wire): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw malformed('a paper of an admission is not bytes');
}

function readStamp(value: Wire): Stamp {
  const [by, time, name, signature] = readTuple(value, 'a stamp', 4);
  return {
    by: readKey(by),
    time: readTime(time),
    name: readName(name),
    signature: readBytes(signature, 'a signature', signatureBytes),
  };
}

function readName(value: Wire): string {
  const name = readText(value, 'a name', maxNameCharacters);
  if (isMemberName(name)) return name;
  throw malformed('a name has characters that cannot be shown');
}

function readGrant(rights: Wire, share: Wire): Grant {
  const mask = readInteger(rights, 'rights', 0, 2 ** allRights.length - 1);
  return {
    rights: allRights.filter((_, position) => (mask & (1 << position)) !== 0),
    share: share === null ? null : readInteger(share, 'a share', 1, wholeShare),
  };
}

function wireOfAdmission({ certificate, ticket, inviter, stamp }: Omit<Admission, 'bytes'>): Wire {
  return [
    certificate.bytes,
    ticket?.bytes ?? null,
    inviter === null ? null : wireOfAdmission(inviter),
    stamp === null ? null : [keyOf(stamp.by), stamp.time, stamp.name, stamp.signature],
  ];
}

function maskOf(rights: readonly Right[]): number {
  return allRights.reduce((mask, right, position) => (rights.includes(right) ? mask | (1 << position) : mask), 0);
}

function signedPaper(kind: keyof typeof kinds, body: readonly Wire[], signer: Signing): Uint8Array {
  return encode([...body, signer.sign(contextual(kind, encode(body)))]);
}

function isPaperSigned(kind: keyof typeof kinds, bytes: Uint8Array, issuer: HostId): boolean {
  const paper = decode(bytes) as readonly Wire[];
  const body = encode(paper.slice(0, -1));
  return verifySignature(issuer, contextual(kind, body), paper.at(-1) as Uint8Array);
}

/** Domain separation: a signature here is invalid elsewhere under the same key. */
export function contextual(kind: string, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`chordial ${kind}\0`), bytes]);
}

function stampedBytes(certificate: Certificate, time: number, name: string): Uint8Array {
  return contextual('stamp', encode([hash('sha256', certificate.bytes, 'buffer'), time, name]));
}

/** A refusal because of the documents' content, with a code of src/errors.ts. */
export function refusedPapers(
  code: 'bad-certificate' | 'not-admitted' | 'member-removed' | 'wrong-clock' | 'invite-expired' | 'invite-used',
  message: string,
  proof: readonly Uint8Array[] = [],
): TransportError {
  return new TransportError('refused', message, code, proof);
}
