/**
 * Whether an admission proves a membership: signatures, times, rights, and that everybody on whom it rests is a member,
 * or an admin that kept it. The membership log decides who is which.
 */
import { hash } from 'node:crypto';
import type { HostId, Milliseconds } from '@chordial/ring';
import {
  type Admission,
  admissionOf,
  type Certificate,
  defaultShare,
  isCertificateSigned,
  isStampSigned,
  isTicketSigned,
  refusedPapers,
  type Ticket,
} from './admission.ts';
import { BoundedCache } from './bounded-cache.ts';
import type { Right } from './membership.ts';
import type { MembershipLog, MembershipState } from './membership-log.ts';
import type { TransportError } from './transport.ts';

export interface AdmissionVerifierPorts {
  /** Network id. */
  readonly network: string;
  readonly log: Pick<MembershipLog, 'state'>;
  /** Milliseconds since 1970. */
  readonly wallTime: () => Milliseconds;
  /** A member that does not wait for an admin: it may countersign. */
  readonly isSettled: (host: HostId) => boolean;
  readonly nameOf: (host: HostId) => string;
}

/** Tolerated clock difference, as for records. */
const clockTolerance: Milliseconds = 10 * 60_000;
const maxVerified = 32_768;

export class AdmissionVerifier {
  readonly #ports: AdmissionVerifierPorts;
  /** Verified documents, by hash. */
  readonly #verified = new BoundedCache<string, true>(maxVerified);

  constructor(ports: AdmissionVerifierPorts) {
    this.#ports = ports;
  }

  /** Throws a TransportError `refused` with the reason. An admission without a stamp is a joiner's. */
  verify(admission: Admission): void {
    const { certificate, ticket, inviter, stamp } = admission;
    const now = this.#ports.wallTime();
    this.#checkNetwork(certificate.network);
    if (certificate.rights.includes('admin') && !this.#isOrWasAdmin(certificate.member)) {
      throw refusedPapers(
        'bad-certificate',
        'The certificate grants the right of admins, which only the admins themselves give.',
      );
    }
    this.#checkSigned(certificate.bytes, 'certificate', () => isCertificateSigned(certificate));
    this.#checkBegun(certificate.notBefore, now);
    this.refuseEnded(certificate);
    if (ticket === null) {
      if (inviter !== null || stamp !== null) throw brokenChain();
      if (!this.#isOrWasAdmin(certificate.issuer)) throw brokenChain();
    } else {
      this.#verifyTicket(ticket, inviter, now);
      if (certificate.issuer !== ticket.key) throw brokenChain();
      const isWithin = certificate.rights.every((right) => ticket.rights.includes(right));
      if (!isWithin || certificate.share !== ticket.share) {
        throw refusedPapers('bad-certificate', 'The certificate grants more than its invite.');
      }
      if (stamp !== null) {
        // The whole stamp: its signature alone would stand for any name, time and signer.
        const { bytes } = admissionOf({ certificate, ticket: null, inviter: null, stamp });
        this.#checkSigned(bytes, 'countersignature', () => isStampSigned(stamp, certificate));
        this.#checkBegun(stamp.time, now);
        if (stamp.time > ticket.expires)
          throw refusedPapers('invite-expired', `The invite was used after its end, ${dateOf(ticket.expires)}.`);
        if (!this.#isOrWasAdmin(stamp.by) && !this.#ports.isSettled(stamp.by)) {
          throw refusedPapers('not-admitted', 'The certificate was countersigned by a host that is not a member.');
        }
      }
    }
    const removed = restsOnRemoved(admission, this.#ports.log.state);
    if (removed !== null && removed === ticket?.key) {
      throw refusedPapers('invite-expired', 'The invite was taken back by an admin. Ask for a new one.');
    }
    if (removed !== null) {
      throw refusedPapers(
        'member-removed',
        `The certificate rests on ${this.#ports.nameOf(removed)}, who was removed. Ask an admin for a new invite.`,
      );
    }
  }

  #verifyTicket(ticket: Ticket, inviter: Admission | null, now: Milliseconds): void {
    this.#checkNetwork(ticket.network);
    this.#checkSigned(ticket.bytes, 'invite', () => isTicketSigned(ticket));
    this.#checkBegun(ticket.notBefore, now);
    if (ticket.rights.includes('admin')) throw refusedPapers('bad-certificate', 'An invite cannot make an admin.');
    if (inviter === null) {
      if (!this.#isOrWasAdmin(ticket.issuer)) throw brokenChain();
      return;
    }
    const { certificate } = inviter;
    if (
      inviter.inviter !== null ||
      certificate.member !== ticket.issuer ||
      (inviter.ticket !== null && inviter.stamp === null)
    )
      throw brokenChain();
    this.verify(inviter);
    const isWithin = ticket.rights.every((right) => right !== 'invite' && this.#hadRight(certificate, right));
    if (!this.#hadRight(certificate, 'invite') || !isWithin || !this.#hadShare(certificate, ticket.share)) {
      throw refusedPapers('bad-certificate', 'The invite grants more than its issuer may.');
    }
  }

  /** At some time: what was granted while it had it stays. */
  #hadRight({ member, rights }: Certificate, right: Right): boolean {
    return rights.includes(right) || this.#ports.log.state.grants.get(member)?.ever.has(right) === true;
  }

  #hadShare({ member, share }: Certificate, granted: number | null): boolean {
    const had = [share, ...(this.#ports.log.state.grants.get(member)?.shares ?? [])];
    return had.some((one) => (granted ?? defaultShare) <= (one ?? defaultShare));
  }

  #checkNetwork(network: string): void {
    if (network !== this.#ports.network)
      throw refusedPapers('bad-certificate', 'The certificate is of another network.');
  }

  #checkSigned(bytes: Uint8Array, what: string, isSigned: () => boolean): void {
    const name = hash('sha256', bytes, 'base64');
    if (this.#verified.get(name) === true) return;
    if (!isSigned()) throw refusedPapers('bad-certificate', `The ${what} is forged: its signature does not hold.`);
    this.#verified.set(name, true);
  }

  #checkBegun(time: Milliseconds, now: Milliseconds): void {
    if (time <= now + clockTolerance) return;
    throw refusedPapers(
      'wrong-clock',
      `The certificate is of ${dateOf(time)}, and the clock of this peer says ${dateOf(now)}: one of the two clocks is wrong. Set it and start again.`,
    );
  }

  #isOrWasAdmin(host: HostId): boolean {
    const { admins, former } = this.#ports.log.state;
    return admins.has(host) || former.has(host);
  }

  refuseEnded({ notAfter }: Certificate): void {
    if (notAfter === null || this.#ports.wallTime() <= notAfter + clockTolerance) return;
    throw refusedPapers(
      'bad-certificate',
      `The certificate ended at ${dateOf(notAfter)}. Ask an admin for a new invite.`,
    );
  }
}

/** A host on which this admission depends that was removed, or is no longer an admin, without keeping it; or the key of its ticket, if that was taken back. */
export function restsOnRemoved(admission: Admission, state: MembershipState): HostId | null {
  const { removed, former, takenBack } = state;
  const { certificate, ticket, inviter, stamp } = admission;
  const kept = (by: HostId, isIssuer: boolean) => {
    const removal = removed.get(by);
    if (removal !== undefined) return removal.keeps.has(certificate.member);
    const end = isIssuer ? former.get(by) : undefined;
    return end === undefined || end === null || end.has(certificate.member) || certificate.member === by;
  };
  const issuer = ticket?.issuer ?? certificate.issuer;
  if (issuer !== certificate.member && !kept(issuer, inviter === null)) return issuer;
  if (ticket !== null && takenBack.get(ticket.key)?.has(certificate.member) === false) return ticket.key;
  const above = inviter === null ? null : restsOnRemoved(inviter, state);
  if (above !== null) return above;
  if (stamp !== null && !kept(stamp.by, false)) return stamp.by;
  return null;
}

function brokenChain(): TransportError {
  return refusedPapers('bad-certificate', 'The certificate does not chain to an admin of this network.');
}

export function dateOf(time: Milliseconds): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}
