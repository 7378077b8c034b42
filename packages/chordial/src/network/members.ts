/**
 * The members of a network as known to this peer: all verified admissions, and the log of removals and admins. Each
 * peer keeps all of it; members-exchange.ts synchronises peers, and admission-verifier.ts says what an admission proves.
 * Decides who is admitted, and countersigns joiners. In networks without admission it knows only the names that hosts
 * gave themselves, and still applies removals.
 */
import { hash } from 'node:crypto';
import type { HostId, Milliseconds } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import {
  type Admission,
  admissionOf,
  type Certificate,
  decodeAdmission,
  defaultShare,
  maxNameCharacters,
  refusedPapers,
  signCertificate,
  signStamp,
  signTicket,
  type Ticket,
  ticket,
  wholeShare,
} from './admission.ts';
import { AdmissionVerifier, dateOf, restsOnRemoved } from './admission-verifier.ts';
import { BoundedCache } from './bounded-cache.ts';
import { encodeGenesis, type Genesis, networkId } from './genesis.ts';
import type { AdmissionMode, KnownHost, Membership, Right } from './membership.ts';
import { allRights, shortId } from './membership.ts';
import {
  type Change,
  decodeLink,
  type Link,
  MembershipLog,
  maxAdmins,
  maxKeeps,
  type Operation,
  type Removal,
  type Vote,
} from './membership-log.ts';
import { readPaper, type Signing } from './paper.ts';
import { maxProofs } from './small-exchange.ts';
import { TransportError } from './transport.ts';

/** `ticket`: of an invite of this peer. */
export type MemberPaper = 'admission' | 'link' | 'ticket';

/** Persistent storage of members, the log, and own invites. */
export interface MemberStore {
  read(kind: MemberPaper): readonly Uint8Array[];
  write(kind: MemberPaper, id: string, bytes: Uint8Array): void;
  remove(kind: MemberPaper, id: string): void;
  seen(): Iterable<{ readonly host: string; readonly first: number; readonly last: number }>;
  saw(host: HostId, first: number, last: number): void;
}

export const removedHere =
  'This member was removed from the network. Ask an admin of it for an invite, and join with a new data folder.';

/** For tests, and before a peer knows whether it will be a member. */
export const noStore: MemberStore = {
  read: () => [],
  write: () => {},
  remove: () => {},
  seen: () => [],
  saw: () => {},
};

export interface MembersOptions {
  readonly genesis: Genesis;
  readonly signer: Signing;
  /** Milliseconds since 1970. */
  readonly wallTime: () => Milliseconds;
  readonly store?: MemberStore;
}

export interface ListedMember {
  readonly host: HostId;
  readonly name: string;
  /** `waiting`: the invite was used up, and an admin has not admitted it. */
  readonly state: 'member' | 'waiting' | 'removed';
  readonly isAdmin: boolean;
  readonly rights: readonly Right[];
  readonly share: number | null;
  readonly admittedAt: Milliseconds | null;
  /** The issuer of the invite, or the signer of the certificate. */
  readonly admittedBy: HostId | null;
  readonly firstSeenAt: Milliseconds | null;
  readonly lastSeenAt: Milliseconds | null;
}

export interface Invitation {
  readonly uses: number;
  readonly expires: Milliseconds;
  readonly rights: readonly Right[];
  /** Part of each quota, in thousandths. Default: that of the inviter, for admins none. */
  readonly share?: number | null;
}

/** An invite of this peer. */
export interface OpenInvite {
  /** The key of its ticket. */
  readonly id: HostId;
  readonly created: Milliseconds;
  readonly expires: Milliseconds;
  readonly uses: number;
  readonly rights: readonly Right[];
  /** Thousandths. */
  readonly share: number | null;
  /** Who came by it, the waiting ones too. */
  readonly members: readonly HostId[];
}

export interface GrantWish {
  readonly publish?: boolean;
  readonly invite?: boolean;
  /** Thousandths; null: the default. */
  readonly share?: number | null;
}

/** 500 bytes each in memory and on disk. */
export const maxMembers = 16_384;
/** Beyond a ticket's uses; each waiting member takes room at every peer. */
const maxWaiting = 16;
/** The author of a stamp needs one too, and so on up to an admin's: what HELLO carries. */
export const maxShown = 32;
/** Of an id, to name a member by. */
const minIdPart = 8;
/** How often the last contact with a host is stored. */
const maxTickets = 1024;
/** Tickets with at least this many uses are those that peers of one user leave for each other. */
const maxUsesNoted = 1000;
const seenEvery: Milliseconds = 3600_000;
const founderRights: readonly Right[] = ['store', 'publish', 'invite', 'admin'];
const openRights: readonly Right[] = ['store', 'publish'];

export class Members implements Membership {
  readonly genesis: Genesis;
  readonly network: string;
  readonly encodedGenesis: Uint8Array;
  readonly #signer: Signing;
  readonly #wallTime: () => Milliseconds;
  readonly #store: MemberStore;
  readonly #log: MembershipLog;
  readonly #admissions = new Map<HostId, Admission>();
  readonly #ofTicket = new Map<HostId, Set<HostId>>();
  readonly #seen = new Map<HostId, { first: number; last: number; written: number }>();
  /** Names that hosts gave themselves, in networks without certificates. */
  readonly #given = new BoundedCache<HostId, string>(maxMembers);
  readonly #verifier: AdmissionVerifier;
  /** Those issued by this peer, except for its own user. */
  readonly #tickets = new BoundedCache<HostId, Ticket>(maxTickets);
  readonly #listeners = new Set<(removed: readonly HostId[]) => void>();
  #barred: ReadonlySet<HostId> = new Set();
  #digest: string | null = null;
  #stampedAt: Milliseconds = 0;

  constructor({ genesis, signer, wallTime, store = noStore }: MembersOptions) {
    this.genesis = genesis;
    this.network = networkId(genesis);
    this.encodedGenesis = encodeGenesis(genesis);
    this.#signer = signer;
    this.#wallTime = wallTime;
    this.#store = store;
    this.#log = new MembershipLog(genesis);
    this.#verifier = new AdmissionVerifier({
      network: this.network,
      log: this.#log,
      wallTime,
      isSettled: (host) => this.#isSettled(host),
      nameOf: (host) => this.of(host).name,
    });
    const links = store.read('link').map(decodeLink);
    for (const link of links.sort((a, b) => a.epoch - b.epoch)) this.#log.take(link);
    this.#takeAll(store.read('admission').map(decodeAdmission), false);
    for (const bytes of store.read('ticket')) {
      const known = readPaper(ticket, bytes);
      if (known.expires > wallTime()) this.#tickets.set(known.key, known);
      else store.remove('ticket', known.key);
    }
    for (const { host, first, last } of store.seen()) this.#seen.set(host as HostId, { first, last, written: last });
    this.#barred = this.#barredNow();
  }

  get admission(): AdmissionMode {
    return this.genesis.admission;
  }

  get self(): HostId {
    return this.#signer.host;
  }

  /** Increases with the log: a host with a higher one knows of newer removals. */
  get epoch(): number {
    return this.#log.state.epoch;
  }

  get log(): MembershipLog {
    return this.#log;
  }

  get own(): Admission | null {
    return this.#admissions.get(this.self) ?? null;
  }

  get isAdmin(): boolean {
    return this.#log.state.admins.has(this.self);
  }

  /** Summarises the admissions known here. */
  get digest(): string {
    this.#digest ??= hash('sha256', [...this.#admissions.values()].map(admissionHash).sort().join(' '), 'hex');
    return this.#digest;
  }

  get admissions(): readonly Admission[] {
    return [...this.#admissions.values()];
  }

  /** Called after each change, with hosts that are no longer members. */
  onChange(listener: (removed: readonly HostId[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // QUERIES

  of(host: HostId): KnownHost {
    const firstSeenAt = this.#seen.get(host)?.first ?? null;
    const admission = this.#admissions.get(host);
    if (admission === undefined) {
      const rights = this.admission === 'members' ? [] : openRights;
      return { name: this.#given.get(host) ?? shortId(host), admittedAt: null, share: null, rights, firstSeenAt };
    }
    const share = this.#shareOf(admission);
    return {
      name: shownName(admission),
      admittedAt: admittedAt(admission),
      share: share === null ? null : share / wholeShare,
      rights: this.#rightsOf(admission),
      firstSeenAt,
    };
  }

  isRemoved(host: HostId): boolean {
    return this.#barred.has(host);
  }

  /** Known as a member: admitted as far as is known here, and in networks without admission anyone who was not removed. */
  isMember(host: HostId): boolean {
    if (this.#barred.has(host)) return false;
    const admission = this.#admissions.get(host);
    return admission === undefined ? this.admission !== 'members' : !this.#isWaiting(admission);
  }

  /** Also signatures dated in the future; a removed host may have set its clock at will. */
  refuses(host: HostId, time: number): boolean {
    if (!this.#barred.has(host)) return !this.#mayPublish(host, time);
    const removal = this.#removalOf(host);
    return removal !== null && (removal.purge || time > removal.time);
  }

  /** For hosts removed with the member that admitted them, its removal. */
  #removalOf(host: HostId): Removal | null {
    const admission = this.#admissions.get(host);
    const by =
      this.#log.state.removed.has(host) || admission === undefined ? host : restsOnRemoved(admission, this.#log.state);
    return (by === null ? undefined : this.#log.state.removed.get(by)) ?? null;
  }

  /** Also a host whose admission is not known here yet: it presents it on contact. */
  mayStore(host: HostId): boolean {
    const admission = this.#admissions.get(host);
    return admission === undefined || this.#rightsOf(admission).includes('store');
  }

  /** Known members denied by `mayStore`. */
  storingNothing(): readonly HostId[] {
    return [...this.#admissions.keys()].filter((host) => !this.mayStore(host));
  }

  /** What it published before it lost the right stays. */
  #mayPublish(host: HostId, time: number): boolean {
    const admission = this.#admissions.get(host);
    // A host that is not known here yet was admitted elsewhere; its rights arrive soon.
    if (admission === undefined || this.#rightsOf(admission).includes('publish')) return true;
    const granted = this.#log.state.grants.get(host);
    const had = admission.certificate.rights.includes('publish') || granted?.ever.has('publish') === true;
    return had && time <= (granted?.publishedUntil ?? 0);
  }

  removed(): readonly HostId[] {
    return [...this.#barred];
  }

  removal(host: HostId): Removal | null {
    return this.#log.state.removed.get(host) ?? null;
  }

  named(name: string): readonly HostId[] {
    return [...this.#hosts()].filter((host) => {
      const admission = this.#admissions.get(host);
      const called = admission === undefined ? this.#given.get(host) : shownName(admission);
      if (called !== name || this.isRemoved(host)) return false;
      return admission === undefined || !this.#isWaiting(admission);
    });
  }

  list(): readonly ListedMember[] {
    const { admins } = this.#log.state;
    return [...new Set([...this.#hosts(), ...this.#barred])]
      .map((host): ListedMember => {
        const admission = this.#admissions.get(host);
        const known = this.of(host);
        const isWaiting = admission !== undefined && this.#isWaiting(admission);
        return {
          host,
          name: known.name,
          state: this.isRemoved(host) ? 'removed' : isWaiting ? 'waiting' : 'member',
          isAdmin: admins.has(host),
          rights: known.rights,
          share: known.share,
          admittedAt: known.admittedAt,
          admittedBy: admission === undefined ? null : issuerOf(admission),
          firstSeenAt: known.firstSeenAt,
          lastSeenAt: this.#seen.get(host)?.last ?? null,
        };
      })
      .sort((a, b) => (a.admittedAt ?? 0) - (b.admittedAt ?? 0) || (a.name < b.name ? -1 : 1));
  }

  /** Members and admins, and in networks without admission all that were met. */
  #hosts(): ReadonlySet<HostId> {
    const met = this.admission === 'members' ? [] : this.#seen.keys();
    return new Set([...this.#admissions.keys(), ...this.#log.state.admins, ...met]);
  }

  /** By name, id, or part of it. Throws `not-found`, or `ambiguous-member` naming the ids. */
  find(text: string): ListedMember {
    const all = this.list();
    const byName = all.filter(({ name, state }) => name === text && state !== 'removed');
    const wanted = text.split('…');
    const isPart = ({ host }: ListedMember) => {
      if (host === text) return true;
      const [begin = '', end = ''] = wanted.length === 2 ? wanted : [text, ''];
      return begin.length + end.length >= minIdPart && host.startsWith(begin) && host.endsWith(end);
    };
    const found = byName.length > 0 ? byName : all.filter(isPart);
    const [first, second] = found;
    const shown = JSON.stringify(text.slice(0, 80));
    if (first === undefined) {
      throw new ChordialError('not-found', `No member is called ${shown}. List members with "chordial members".`);
    }
    if (second === undefined) return first;
    const ids = found.map(({ host }) => host).join(', ');
    throw new ChordialError('ambiguous-member', `Several members are called ${shown}. Give the id of one: ${ids}.`);
  }

  saw(host: HostId): void {
    const now = this.#wallTime();
    const seen = this.#seen.get(host);
    if (seen !== undefined && now - seen.written < seenEvery) {
      seen.last = now;
      return;
    }
    if (seen === undefined && this.#seen.size >= maxMembers) return;
    const first = seen?.first ?? now;
    this.#seen.set(host, { first, last: now, written: now });
    this.#store.saw(host, first, now);
  }

  // ADMISSION

  /** What HELLO carries: the own admission, then those of its countersigners, up to an admin's. */
  shown(): readonly Uint8Array[] {
    const shown: Uint8Array[] = [];
    let next = this.own;
    while (next !== null && shown.length < maxShown) {
      shown.push(next.bytes);
      const by = next.stamp?.by;
      if (by === undefined || this.#log.state.admins.has(by)) break;
      next = this.#admissions.get(by) ?? null;
    }
    return shown;
  }

  /** This peer's own name. */
  get name(): string | null {
    const { own } = this;
    return own === null ? (this.#given.get(this.self) ?? null) : shownName(own);
  }

  /** The name that a host gives itself; certificates take precedence. */
  call(host: HostId, name: string): void {
    this.#given.set(host, name);
  }

  /** Throws a TransportError `refused` with the reason why the host is not a member. */
  check(host: HostId, shown: readonly Uint8Array[]): void {
    this.#refuseRemoved(host);
    if (this.admission !== 'members') return;
    const own = this.#learn(host, shown);
    const admission = this.#admissions.get(host);
    if (admission === undefined) {
      if (own !== null) this.#verifier.verify(own);
      throw refusedPapers('not-admitted', 'No member certificate was presented.');
    }
    this.#verifier.refuseEnded(admission.certificate);
    this.#refuseWaiting(admission);
  }

  /**
   * Admits a host: a member, or a joiner whose certificate is then countersigned. Returns the admission that it should
   * present from now on. Throws a TransportError `refused`.
   */
  admit(host: HostId, shown: readonly Uint8Array[]): Admission | null {
    this.#refuseRemoved(host);
    if (this.admission !== 'members') return null;
    const own = this.#learn(host, shown);
    const known = this.#admissions.get(host);
    if (known !== undefined) {
      this.#verifier.refuseEnded(known.certificate);
      this.#refuseWaiting(known);
      return known;
    }
    if (own === null) throw refusedPapers('not-admitted', 'No member certificate was presented.');
    if (own.ticket === null || own.stamp !== null) {
      this.#verifier.verify(own);
      throw refusedPapers('not-admitted', 'The presented certificate was rejected.');
    }
    return this.#countersign(own, own.ticket);
  }

  #refuseRemoved(host: HostId): void {
    if (!this.isRemoved(host)) return;
    throw refusedPapers(
      'member-removed',
      removedHere,
      this.#log
        .inOrder()
        .slice(-maxProofs)
        .map(({ bytes }) => bytes),
    );
  }

  #refuseWaiting(admission: Admission): void {
    if (!this.#isWaiting(admission)) return;
    const uses = admission.ticket?.uses ?? 1;
    throw refusedPapers(
      'not-admitted',
      `The invite was for ${uses === 1 ? 'one member' : `${uses} members`}, which have already joined. An admin can still admit this one with "chordial admin admit ${shortId(admission.certificate.member)}"; then start again.`,
    );
  }

  /** The host's own admission, decoded; those after it are accepted if valid. */
  #learn(host: HostId, shown: readonly Uint8Array[]): Admission | null {
    const [own, ...others] = shown.slice(0, maxShown).map(decodeAdmission);
    if (own === undefined) return null;
    if (own.certificate.member !== host) {
      throw refusedPapers(
        'bad-certificate',
        `The certificate is for the key of ${shortId(own.certificate.member)}, not for the one of ${shortId(host)}.`,
      );
    }
    const known = this.#admissions.get(host);
    if (known !== undefined && Buffer.compare(known.bytes, own.bytes) === 0) return own;
    this.#takeAll([...others.reverse(), ...(own.ticket !== null && own.stamp === null ? [] : [own])], true);
    return own;
  }

  #countersign(own: Admission, ticket: Ticket): Admission {
    this.#verifier.verify(own);
    if (own.inviter !== null && !this.of(ticket.issuer).rights.includes('invite')) {
      const name = this.of(ticket.issuer).name;
      throw refusedPapers('invite-expired', `${name} may not invite any more. Ask an admin for a new invite.`);
    }
    const now = this.#wallTime();
    if (now > ticket.expires) {
      throw refusedPapers(
        'invite-expired',
        `The invite was valid until ${dateOf(ticket.expires)}, and the clock of this peer says ${dateOf(now)}. Ask for a new one, or set the clock that is wrong.`,
      );
    }
    const name = this.#freeName(own.certificate.name, own.certificate.member);
    // Of two that arrive at the same time the first prevails.
    this.#stampedAt = Math.max(now, this.#stampedAt + 1);
    const stamp = signStamp(own.certificate, this.#stampedAt, name, this.#signer);
    const admission = admissionOf({ ...own, stamp });
    if (!this.#take(admission)) {
      throw refusedPapers(
        'invite-used',
        `The invite was for ${ticket.uses}, and the queue for an admin is full. Ask for a new one.`,
      );
    }
    this.#changed();
    this.#refuseWaiting(admission);
    return admission;
  }

  /** `anna@laptop-2` if another member is called `anna@laptop`. */
  #freeName(wanted: string, member: HostId): string {
    const taken = new Set([...this.#admissions.values()].filter((a) => a.certificate.member !== member).map(shownName));
    if (!taken.has(wanted)) return wanted;
    for (let number = 2; ; number++) {
      const name = `${wanted.slice(0, maxNameCharacters - 7)}-${number}`;
      if (!taken.has(name)) return name;
    }
  }

  // LEARNING

  /** Stores valid documents; true when something was new. Never throws: other peers may forward invalid ones. */
  takeAdmissions(admissions: readonly Admission[]): boolean {
    const isNews = this.#takeAll(admissions, true);
    if (isNews) this.#changed();
    return isNews;
  }

  /** In order of their epochs. Throws a TransportError at the first invalid one; those before it stay. */
  takeLinks(links: readonly Link[]): boolean {
    let isNews = false;
    try {
      for (const link of [...links].sort((a, b) => a.epoch - b.epoch)) {
        if (!this.#log.take(link)) continue;
        isNews = true;
        this.#store.write('link', link.hash, link.bytes);
      }
    } finally {
      if (isNews) this.#changed();
    }
    return isNews;
  }

  /** Stores the links that came with a refusal. The sender is not trusted: invalid links are ignored. */
  takeProof(links: readonly Uint8Array[]): void {
    try {
      this.takeLinks(links.map(decodeLink));
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
    }
  }

  takeVotes(votes: readonly Vote[]): boolean {
    const news = votes.filter((vote) => this.#log.takeVote(vote));
    if (news.length > 0) this.#changed();
    return news.length > 0;
  }

  /** Documents whose authors come with them are accepted in any order. */
  #takeAll(admissions: readonly Admission[], isStrict: boolean): boolean {
    let open = admissions.filter((one) => this.#isNews(one));
    let isNews = false;
    for (let before = -1; open.length !== before; ) {
      before = open.length;
      open = open.filter((one) => {
        try {
          this.#verifier.verify(one);
        } catch (error) {
          if (!(error instanceof TransportError)) throw error;
          // What was verified before may depend on a member that was removed since.
          return isStrict || error.code === 'not-admitted';
        }
        isNews = this.#take(one) || isNews;
        return false;
      });
    }
    return isNews;
  }

  /** One admission per member: an admin's own before a ticket's, then the earlier. */
  #isNews(admission: Admission): boolean {
    const known = this.#admissions.get(admission.certificate.member);
    if (known === undefined) return this.#admissions.size < maxMembers;
    return isBefore(admission, known);
  }

  #take(admission: Admission): boolean {
    if (!this.#isNews(admission)) return false;
    const { certificate, ticket } = admission;
    if (ticket !== null && (this.#ofTicket.get(ticket.key)?.size ?? 0) >= ticket.uses + maxWaiting) return false;
    this.#admissions.set(certificate.member, admission);
    if (ticket !== null) {
      const members = this.#ofTicket.get(ticket.key) ?? new Set();
      this.#ofTicket.set(ticket.key, members.add(certificate.member));
    }
    this.#digest = null;
    this.#store.write('admission', certificate.member, admission.bytes);
    return true;
  }

  #changed(): void {
    this.#digest = null;
    const before = this.#barred;
    this.#barred = this.#barredNow();
    const removed = [...this.#barred].filter((host) => !before.has(host));
    for (const listener of this.#listeners) listener(removed);
  }

  /** Removed members, and those whose admission depended on one and who were not kept. */
  #barredNow(): ReadonlySet<HostId> {
    const barred = new Set(this.#log.state.removed.keys());
    for (let before = -1; barred.size !== before; ) {
      before = barred.size;
      for (const [host, admission] of this.#admissions) {
        if (!barred.has(host) && restsOnRemoved(admission, this.#log.state) !== null) barred.add(host);
      }
    }
    return barred;
  }

  #isSettled(host: HostId): boolean {
    const admission = this.#admissions.get(host);
    return admission !== undefined && !this.#isWaiting(admission);
  }

  /** Beyond the uses of its ticket, in order of the countersignatures. */
  #isWaiting({ certificate, ticket }: Admission): boolean {
    if (ticket === null) return false;
    const members = this.#ofTicket.get(ticket.key);
    if (members === undefined || members.size <= ticket.uses) return false;
    const order = [...members]
      .map((member) => this.#admissions.get(member)!)
      .filter((one) => one.ticket?.key === ticket.key)
      .sort((a, b) => admittedAt(a) - admittedAt(b) || (a.certificate.member < b.certificate.member ? -1 : 1));
    return order.findIndex((one) => one.certificate.member === certificate.member) >= ticket.uses;
  }

  #rightsOf({ certificate }: Admission): readonly Right[] {
    const { admins, grants } = this.#log.state;
    if (admins.has(certificate.member)) return founderRights;
    const granted = grants.get(certificate.member)?.rights ?? certificate.rights;
    return allRights.filter(
      (right) => right !== 'admin' && (right === 'store' ? certificate.rights : granted).includes(right),
    );
  }

  /** Thousandths. */
  #shareOf({ certificate }: Admission): number | null {
    const granted = this.#log.state.grants.get(certificate.member);
    return granted === undefined ? certificate.share : granted.share;
  }

  // CHANGES

  /** The founder's own certificate. */
  foundWith(name: string): void {
    this.#take(this.#certified(this.self, { name, share: null, rights: founderRights }));
  }

  /** The admission that this peer received. Throws like `check`. */
  keepOwn(admission: Admission): void {
    this.#takeAll([admission], true);
    this.#take(admission);
  }

  /** Issued by this peer: those that still admit someone, newest first. */
  openInvites(): readonly OpenInvite[] {
    const now = this.#wallTime();
    return [...this.#tickets.values()]
      .map(({ key, notBefore, expires, uses, rights, share }) => {
        const members = [...(this.#ofTicket.get(key) ?? [])];
        return { id: key, created: notBefore, expires, uses, rights, share, members };
      })
      .filter(({ id, expires, uses, members }) => expires > now && members.length < uses && !this.#isTakenBack(id))
      .sort((a, b) => b.created - a.created);
  }

  #isTakenBack(ticket: HostId): boolean {
    return this.#log.state.takenBack.has(ticket);
  }

  /** Ends an invite of this peer for good; who came by it stays. Throws `not-admin`, `not-found`. */
  takeBack(id: HostId): void {
    if (!this.openInvites().some((one) => one.id === id)) {
      throw new ChordialError(
        'not-found',
        'This peer has no such invite: it is used up, has expired, was taken back, or is of another peer. List them with "chordial invites".',
      );
    }
    if (!this.isAdmin) {
      throw new ChordialError(
        'not-admin',
        'Only an admin takes back invites, and this peer is none. It ends when it is used up or has expired; an admin can take the right to invite from this peer.',
      );
    }
    const keeps = [...(this.#ofTicket.get(id) ?? [])];
    this.takeLinks([
      this.#log.signLink({ operation: 'take-back', ticket: id, keeps }, [], this.#wallTime(), this.#signer),
    ]);
    this.#tickets.delete(id);
    this.#store.remove('ticket', id);
  }

  /**
   * Changes whether a member may publish and invite, and its share of each quota (thousandths; null: the default).
   * Throws `not-admin`, `not-found`, `bad-request`.
   */
  grant(member: HostId, { publish, invite, share }: GrantWish): void {
    this.#assertAdmin();
    const admission = this.#admissions.get(member);
    if (this.admission !== 'members')
      throw new ChordialError('bad-request', 'This network has no admission, so its members have no rights to change.');
    if (admission === undefined || !this.#isSettled(member) || this.isRemoved(member)) throw noMember(member);
    const { name } = this.of(member);
    if (this.#log.state.admins.has(member) && (publish === false || invite === false))
      throw new ChordialError(
        'bad-request',
        `${name} is an admin, and admins have all rights. Make it a plain member first: "chordial admin remove ${name}".`,
      );
    if (invite === true && admission.inviter !== null)
      throw new ChordialError(
        'bad-request',
        `${name} was admitted by a member that is no admin, so it cannot invite. Remove it, and invite it yourself with that right.`,
      );
    const had = this.#rightsOf(admission);
    const wished = { publish: publish ?? had.includes('publish'), invite: invite ?? had.includes('invite') };
    const rights = allRights.filter(
      (right) => (right === 'store' && had.includes(right)) || wished[right as keyof typeof wished] === true,
    );
    const change: Change = {
      operation: 'grant',
      member,
      rights,
      share: share === undefined ? this.#shareOf(admission) : share,
    };
    this.takeLinks([this.#log.signLink(change, [], this.#wallTime(), this.#signer)]);
  }

  get mayInvite(): boolean {
    const { own } = this;
    return own !== null && this.#rightsOf(own).includes('invite') && (this.isAdmin || own.inviter === null);
  }

  /** Documents of an invite for the key; throws `not-admin` when this peer may not invite. */
  invite(
    key: HostId,
    { uses, expires, rights, share }: Invitation,
  ): { readonly ticket: Ticket; readonly inviter: Admission | null } {
    const own = this.own;
    const mine: readonly Right[] = own === null ? [] : this.#rightsOf(own);
    if (own === null || !mine.includes('invite')) {
      throw new ChordialError(
        'not-admin',
        'This peer may not invite: its certificate lacks the right "invite". Ask an admin for the invite.',
      );
    }
    const inviter = this.isAdmin ? null : own;
    if (inviter?.inviter != null) {
      throw new ChordialError(
        'not-admin',
        'This peer was admitted by a member that is no admin, so it cannot invite. Ask an admin for the invite.',
      );
    }
    const grantable = rights.filter(
      (right) => right !== 'admin' && mine.includes(right) && (inviter === null || right !== 'invite'),
    );
    const text = {
      network: this.network,
      key,
      uses,
      rights: grantable,
      share: this.#grantable(own, share),
      notBefore: this.#wallTime(),
      expires,
    };
    const ticket = signTicket(text, this.#signer);
    if (uses <= maxUsesNoted) {
      this.#tickets.set(key, ticket);
      this.#store.write('ticket', key, ticket.bytes);
    }
    return { ticket, inviter };
  }

  /** A member that is no admin gives no more than it has. */
  #grantable(own: Admission, wished: number | null | undefined): number | null {
    if (this.isAdmin) return wished ?? null;
    const most = this.#shareOf(own);
    if (wished === undefined || wished === null) return most;
    if (wished <= (most ?? defaultShare)) return wished;
    throw new ChordialError(
      'not-admin',
      `This peer may give at most ${((most ?? defaultShare) * 100) / wholeShare} % of the storage, what it has itself. Ask an admin for the invite.`,
    );
  }

  /** Admits a waiting host. Throws `not-admin`, `not-found`. */
  admitWaiting(host: HostId): void {
    this.#assertAdmin();
    const waiting = this.#admissions.get(host);
    if (waiting === undefined || !this.#isWaiting(waiting)) {
      throw new ChordialError(
        'not-found',
        `${shortId(host)} does not wait to be admitted. List members with "chordial members".`,
      );
    }
    const { rights, share } = waiting.certificate;
    const granted = rights.filter((right) => right !== 'admin');
    this.takeAdmissions([this.#certified(host, { name: shownName(waiting), share, rights: granted })]);
  }

  /** With a certificate by this peer, an admin. */
  #certified(member: HostId, text: Pick<Certificate, 'name' | 'share' | 'rights'>): Admission {
    const whole = { ...text, network: this.network, member, notBefore: this.#wallTime(), notAfter: null };
    const certificate = signCertificate(whole, this.#signer);
    return admissionOf({ certificate, ticket: null, inviter: null, stamp: null });
  }

  /**
   * Removes a member, or adds or removes an admin. If that needs more admins, this one's vote is stored and gossiped.
   * `withAdmitted`: together with the members that it admitted.
   */
  change(
    operation: Operation,
    member: HostId,
    { purge = false, withAdmitted = false }: { readonly purge?: boolean; readonly withAdmitted?: boolean } = {},
  ): { readonly done: boolean; readonly votes: number; readonly needed: number } {
    this.#assertAdmin();
    const { admins } = this.#log.state;
    if (!this.#isSettled(member) && this.admission === 'members' && !this.#log.state.admins.has(member)) {
      throw noMember(member);
    }
    if (operation === 'add-admin' && (admins.has(member) || admins.size >= maxAdmins)) {
      const reason = admins.has(member) ? 'is an admin already' : `would be one admin more than ${maxAdmins}`;
      throw new ChordialError('already-exists', `${this.of(member).name} ${reason}.`);
    }
    if (operation === 'remove-admin' && !admins.has(member)) {
      throw new ChordialError(
        'not-found',
        `${this.of(member).name} is no admin. List members with "chordial members".`,
      );
    }
    const isVoted = operation !== 'remove' || admins.has(member);
    if (operation !== 'add-admin' && admins.has(member) && admins.size === 1) {
      throw new ChordialError(
        'last-admin',
        `${this.of(member).name} is the only admin: without it no member can be admitted or removed. Add another first, with "chordial admin add MEMBER".`,
      );
    }
    if (isVoted) this.takeVotes([this.#log.signVote(operation, member, this.#signer)]);
    const { votes, needed } = this.#log.votesFor(operation, member);
    if (isVoted && votes.length < needed) return { done: false, votes: votes.length, needed };
    const keeps = operation === 'add-admin' ? [] : this.#kept(member, withAdmitted);
    const change: Change = { operation, member, purge, keeps };
    this.takeLinks([this.#log.signLink(change, isVoted ? votes : [], this.#wallTime(), this.#signer)]);
    return { done: true, votes: votes.length, needed: isVoted ? needed : 1 };
  }

  /** Throws `bad-usage` for the key of another network. */
  recover(key: Signing, admin: HostId): void {
    if (!this.#log.isRecoveryKey(key.host)) {
      throw new ChordialError(
        'bad-usage',
        'This is the recovery key of another network. Give the one that was printed when this one was founded.',
      );
    }
    if (this.admission === 'members' && !this.#isSettled(admin)) {
      throw noMember(admin);
    }
    const change: Change = { operation: 'recover', admins: [admin] };
    this.takeLinks([this.#log.signLink(change, [], this.#wallTime(), key)]);
  }

  #kept(member: HostId, withAdmitted: boolean): readonly HostId[] {
    const kept = [...this.#admissions]
      .filter(([host, one]) => {
        if (host === member || this.isRemoved(host)) return false;
        const isAdmitted = issuerOf(one) === member;
        return (isAdmitted && !withAdmitted) || (!isAdmitted && one.stamp?.by === member);
      })
      .map(([host]) => host);
    if (kept.length <= maxKeeps) return kept;
    throw new ChordialError(
      'too-large',
      `${kept.length} members were admitted by it, more than the ${maxKeeps} that one removal can keep. Add admins and admit some of them again first.`,
    );
  }

  #assertAdmin(): void {
    if (this.isAdmin) return;
    throw new ChordialError(
      'not-admin',
      'This peer is no admin of the network. Ask one of them; "chordial members" lists who is.',
    );
  }
}

/** The hash by which peers refer to an admission. */
export function admissionHash({ bytes }: Admission): string {
  return hash('sha256', bytes, 'hex').slice(0, 16);
}

export function shownName({ certificate, stamp }: Admission): string {
  return stamp?.name ?? certificate.name;
}

export function admittedAt({ certificate, stamp }: Admission): Milliseconds {
  return stamp?.time ?? certificate.notBefore;
}

function issuerOf({ certificate, ticket }: Admission): HostId {
  return ticket?.issuer ?? certificate.issuer;
}

function isBefore(a: Admission, b: Admission): boolean {
  if ((a.ticket === null) !== (b.ticket === null)) return a.ticket === null;
  return admittedAt(a) - admittedAt(b) < 0 || (admittedAt(a) === admittedAt(b) && Buffer.compare(a.bytes, b.bytes) < 0);
}

function noMember(host: HostId): ChordialError {
  const message = `${shortId(host)} is no member of this network. List members with "chordial members".`;
  return new ChordialError('not-found', message);
}
