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
import {
  bytes,
  convert,
  decodeAs,
  encodeAs,
  int,
  named,
  nullable,
  refine,
  type Schema,
  text,
  tuple,
  type ValueOf,
} from '../wire/schema.ts';
import { Malformed } from '../wire/transport-error.ts';
import { encode } from './dag-cbor.ts';
import { hostKey } from './host-id.ts';
import { verifySignature } from './identity.ts';
import { allRights, type Right } from './membership.ts';
import {
  checkCanonical,
  contextual,
  network,
  paper,
  readDagCbor,
  readPaper,
  type Signing,
  signature,
  time,
} from './paper.ts';
import { TransportError } from './transport.ts';

export const maxNameCharacters = 64;
export const maxUses = 65_536;
/** Two certificates, two tickets and two stamps of the longest kind have about 1300. */
export const maxAdmissionBytes = 2048;
const maxPaperBytes = 512;
const serialBytes = 16;
/** Shares are in thousandths of each quota. */
export const wholeShare = 1000;
/** What a member without a share of its own may use at least, in thousandths: an eighth. */
export const defaultShare = 125;

/** Whether the text can be displayed: no control, formatting or private characters, no white space at the ends. */
export function isMemberName(name: string): boolean {
  return name.length <= maxNameCharacters && /^[^\p{C}\p{Z}]([^\p{C}\p{Zl}\p{Zp}]*[^\p{C}\p{Z}])?$/u.test(name);
}

const memberName = refine(text(maxNameCharacters), (name) =>
  isMemberName(name) ? null : 'has characters that cannot be shown',
);

/** What a certificate, a ticket or a change of the membership log grants. */
export const grant = {
  rights: convert<number, readonly Right[], unknown>(
    int(0, 2 ** allRights.length - 1),
    (rights) =>
      allRights.reduce((mask, right, position) => (rights.includes(right) ? mask | (1 << position) : mask), 0),
    (mask) => allRights.filter((_, position) => (mask & (1 << position)) !== 0),
  ),
  /** Part of each quota, in thousandths; null: the default. */
  share: nullable(int(1, wholeShare)),
};

export const certificate = paper('certificate', {
  kind: 1,
  maxBytes: maxPaperBytes,
  fields: {
    network,
    member: hostKey,
    /** Random. */
    serial: bytes(serialBytes),
    /** As the member wishes to be called. */
    name: memberName,
    ...grant,
    notBefore: time,
    /** Null: no expiry. */
    notAfter: nullable(time),
    /** The signing key: an admin's or a ticket's. */
    issuer: hostKey,
  },
});

export const ticket = paper('ticket', {
  kind: 2,
  maxBytes: maxPaperBytes,
  fields: {
    network,
    key: hostKey,
    /** Number of members that it admits. */
    uses: int(1, maxUses),
    ...grant,
    notBefore: time,
    expires: time,
    issuer: hostKey,
  },
});

export const stampParts = tuple({
  by: hostKey,
  time,
  /** The requested name, or one made unique. */
  name: memberName,
  signature,
});
const stamp = named('stamp', stampParts);

export type Certificate = ValueOf<typeof certificate>;
export type Ticket = ValueOf<typeof ticket>;
export type Stamp = ValueOf<typeof stamp>;

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

type AdmissionParts = Omit<Admission, 'bytes'>;

const noInviter: Schema<Admission | null> = {
  encode: (value) => (value === null ? null : encodeAs(admissionParts, value)),
  decode: (wire) => {
    if (wire === null) return null;
    throw new Malformed('is one inviter too many');
  },
};

/** An admission as a list; the one of an inviter is a list in it. */
export const admissionParts: Schema<AdmissionParts> = partsWith(
  nullable(named('admission', withBytes(partsWith(noInviter)))),
);

function partsWith(inviter: Schema<Admission | null>): Schema<AdmissionParts> {
  return tuple({ certificate, ticket: nullable(ticket), inviter, stamp: nullable(stamp) });
}

function withBytes(parts: Schema<AdmissionParts>): Schema<Admission> {
  return convert<AdmissionParts, Admission, unknown>(parts, (admission) => admission, admissionOf);
}

/** An admission as bytes. */
export const admission: Schema<Admission> = {
  text: 'admission',
  encode: ({ bytes }) => bytes,
  decode: (wire) => {
    const read = admissionOf(decodeAs(admissionParts, readDagCbor(wire, maxAdmissionBytes)));
    checkCanonical(read.bytes, wire as Uint8Array);
    return read;
  },
};

export type CertificateText = Omit<Certificate, 'bytes' | 'issuer' | 'serial'>;

export function signCertificate(text: CertificateText, signer: Signing): Certificate {
  return certificate.sign({ ...text, serial: Uint8Array.from(randomBytes(serialBytes)), issuer: signer.host }, signer);
}

export type TicketText = Omit<Ticket, 'bytes' | 'issuer'>;

export function signTicket(text: TicketText, signer: Signing): Ticket {
  return ticket.sign({ ...text, issuer: signer.host }, signer);
}

export function signStamp(certificate: Certificate, time: number, name: string, signer: Signing): Stamp {
  return {
    by: signer.host,
    time,
    name,
    signature: Uint8Array.from(signer.sign(stampedBytes(certificate, time, name))),
  };
}

export function admissionOf(parts: AdmissionParts): Admission {
  return { ...parts, bytes: encode(encodeAs(admissionParts, parts)) };
}

/** Parses untrusted bytes. Throws a TransportError `bad-request`; signatures are not checked. */
export function decodeAdmission(bytes: Uint8Array): Admission {
  return readPaper(admission, bytes);
}

export function isCertificateSigned(paper: Certificate): boolean {
  return certificate.isSigned(paper, paper.issuer);
}

export function isTicketSigned(paper: Ticket): boolean {
  return ticket.isSigned(paper, paper.issuer);
}

export function isStampSigned({ by, time, name, signature }: Stamp, certificate: Certificate): boolean {
  return verifySignature(by, stampedBytes(certificate, time, name), signature);
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
