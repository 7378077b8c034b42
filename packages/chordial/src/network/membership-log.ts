/**
 * Changes of a network since its founding: removed members, and admins added and removed. It consists of signed links,
 * each naming the hashes of its predecessors. A peer keeps every valid link, so nothing is revoked; the sides of a
 * partition add their own links, and hold the union afterwards.
 *
 * The state is a function of the set: links are ordered by epoch (one more than the highest predecessor), then by hash.
 * Changes of admins need votes of more than half of them, all for one composition (`generation`), so of two changes of
 * the same composition the first prevails and the other needs a new vote. A removal needs one admin, or the votes if an
 * admin is removed. Of a former admin only links before its end count; otherwise it could backdate new ones.
 */
import { hash } from 'node:crypto';
import type { HostId } from '@chordial/ring';
import {
  bool,
  convert,
  decodeAs,
  encodeAs,
  int,
  list,
  named,
  numbered,
  readList,
  type Schema,
  tuple,
  type ValueOf,
} from '../wire/schema.ts';
import { malformed } from '../wire/transport-error.ts';
import { grant } from './admission.ts';
import { type Genesis, networkId } from './genesis.ts';
import { hostIdOfPublicKey, hostKey, publicKeyOfHostId } from './host-id.ts';
import type { Right } from './membership.ts';
import { network, paper, readPaper, type Signing, sha256, time } from './paper.ts';

/** A network of some thousand members that loses its founder. */
export const maxLinkBytes = 256 * 1024;
export const maxKeeps = 7000;
export const maxLinks = 4096;
export const maxAdmins = 32;
const maxPrevious = 32;
const maxVoteBytes = 256;

const operations = ['remove', 'add-admin', 'remove-admin'] as const;
export type Operation = (typeof operations)[number];
const operation = numbered(operations);
const numbers = { recover: 3, grant: 4, 'take-back': 5 } as const;

/** An admin's vote for a change that needs more than half of them. */
export const vote = paper('vote', {
  kind: 1,
  maxBytes: maxVoteBytes,
  fields: {
    network,
    /** Hash of the link that made the present admins; initially the network id. */
    generation: sha256,
    operation,
    member: hostKey,
    by: hostKey,
  },
});

export const changeOfMember = tuple({
  operation,
  member: hostKey,
  /** Hides its names and frees its blocks. */
  purge: bool,
  /** Members admitted by it that stay. */
  keeps: list(hostKey, maxKeeps),
});

export const recovery = tuple({
  operation: only('recover'),
  admins: list(hostKey, maxAdmins, 1),
});

/** Rights and share of a member from now on, in place of those in its certificate. */
export const changeOfGrant = tuple({ operation: only('grant'), member: hostKey, ...grant });

/** Ends an invite. */
export const takeBack = tuple({
  operation: only('take-back'),
  /** The key of its ticket. */
  ticket: hostKey,
  /** Who came by it before. */
  keeps: list(hostKey, maxKeeps),
});

function only<Name extends keyof typeof numbers>(name: Name): Schema<Name> {
  const number = numbers[name];
  return convert<number, Name, unknown>(
    named(`${number}`, int(number, number)),
    () => number,
    () => name,
  );
}

export type Change =
  | ValueOf<typeof changeOfMember>
  | ValueOf<typeof recovery>
  | ValueOf<typeof changeOfGrant>
  | ValueOf<typeof takeBack>;

const change: Schema<Change> = {
  encode: (value) => {
    if (value.operation === 'recover') return encodeAs(recovery, value);
    if (value.operation === 'grant') return encodeAs(changeOfGrant, value);
    if (value.operation === 'take-back') return encodeAs(takeBack, value);
    return encodeAs(changeOfMember, value);
  },
  decode: (wire) => {
    const [number] = readList(wire, 2, 4);
    if (number === numbers.recover) return decodeAs(recovery, wire);
    if (number === numbers.grant) return decodeAs(changeOfGrant, wire);
    if (number === numbers['take-back']) return decodeAs(takeBack, wire);
    return decodeAs(changeOfMember, wire);
  },
};

export const linkPaper = paper('membership', {
  text: 'link',
  kind: 1,
  maxBytes: maxLinkBytes,
  fields: {
    network,
    /** Hashes of the links without a successor at that time, sorted; empty for the first. */
    previous: list(sha256, maxPrevious),
    epoch: int(1, maxLinks),
    time,
    change,
    votes: list(vote, maxAdmins),
    author: hostKey,
  },
});

export type Vote = ValueOf<typeof vote>;
export interface Link extends ValueOf<typeof linkPaper> {
  /** SHA-256 of the bytes, in hexadecimal. */
  readonly hash: string;
}

export const link: Schema<Link> = convert<ValueOf<typeof linkPaper>, Link, unknown>(linkPaper, (one) => one, withHash);

function withHash(one: ValueOf<typeof linkPaper>): Link {
  return { ...one, hash: hash('sha256', one.bytes, 'hex') };
}

export interface Removal {
  readonly member: HostId;
  readonly time: number;
  readonly purge: boolean;
  readonly keeps: ReadonlySet<HostId>;
  readonly by: HostId;
}

/** What the last change of a member's grant says, and what all of them said. */
export interface Granted {
  readonly rights: readonly Right[];
  /** Thousandths. */
  readonly share: number | null;
  /** Rights that it had at some time by a change: what it did with them stays. */
  readonly ever: ReadonlySet<Right>;
  readonly shares: ReadonlySet<number | null>;
  /** When the right to publish was taken away; null while it has it. */
  readonly publishedUntil: number | null;
}

export interface MembershipState {
  readonly epoch: number;
  readonly generation: string;
  readonly admins: ReadonlySet<HostId>;
  readonly removed: ReadonlyMap<HostId, Removal>;
  /** Former admins, and the members admitted by them that stay; null: all. */
  readonly former: ReadonlyMap<HostId, ReadonlySet<HostId> | null>;
  readonly grants: ReadonlyMap<HostId, Granted>;
  /** Keys of tickets of ended invites, and the members that came by each before. */
  readonly takenBack: ReadonlyMap<HostId, ReadonlySet<HostId>>;
}

export class MembershipLog {
  readonly #genesis: Genesis;
  readonly #network: string;
  readonly #links = new Map<string, Link>();
  readonly #votes = new Map<string, Vote>();
  #state: MembershipState;

  constructor(genesis: Genesis) {
    this.#genesis = genesis;
    this.#network = networkId(genesis);
    this.#state = this.#computed();
  }

  get state(): MembershipState {
    return this.#state;
  }

  get links(): readonly Link[] {
    return [...this.#links.values()];
  }

  /** In topological order. */
  inOrder(): readonly Link[] {
    return [...this.#links.values()].sort((a, b) => a.epoch - b.epoch || (a.hash < b.hash ? -1 : 1));
  }

  get votes(): readonly Vote[] {
    return [...this.#votes.values()];
  }

  /** Summarises a set of links and votes: SHA-256 of their sorted hashes, in hexadecimal. */
  get digest(): string {
    return hash('sha256', [...this.#links.keys(), ...this.#votes.keys()].sort().join(' '), 'hex');
  }

  /** Whether it was new. Throws a TransportError for a malformed or forged one. Links must follow their predecessors. */
  take(link: Link): boolean {
    if (this.#links.has(link.hash)) return false;
    if (link.network !== this.#network) throw malformed('a link of the membership log is of another network');
    if (this.#links.size >= maxLinks) throw malformed('the membership log is full');
    const before = link.previous.map((one) => this.#links.get(one));
    if (!before.every((one) => one !== undefined)) throw malformed('a link follows one that is not known');
    if (link.epoch !== 1 + Math.max(0, ...before.map((one) => one.epoch))) throw malformed('a link has a wrong epoch');
    if (!isLinkSigned(link)) throw malformed('a link was not signed by its author');
    if (!this.#mayWrite(link)) throw malformed('a link was signed by a host that is not an admin');
    this.#links.set(link.hash, link);
    this.#state = this.#computed();
    for (const [id, vote] of this.#votes) if (!this.#counts(vote)) this.#votes.delete(id);
    return true;
  }

  /** Whether it was new and counts. Throws for a malformed or forged one. */
  takeVote(vote: Vote): boolean {
    const id = hash('sha256', vote.bytes, 'hex');
    if (this.#votes.has(id) || vote.network !== this.#network || !this.#counts(vote)) return false;
    if (!isVoteSigned(vote)) throw malformed('a vote was not signed by its admin');
    // Each admin has one vote per member, which bounds the votes.
    const own = [...this.#votes].filter(([, { by }]) => by === vote.by);
    if (own.length >= maxAdmins) this.#votes.delete(own[0]![0]);
    this.#votes.set(id, vote);
    return true;
  }

  /** Hashes of the links without a successor. */
  heads(): readonly string[] {
    const followed = new Set(this.links.flatMap(({ previous }) => previous));
    return [...this.#links.keys()].filter((one) => !followed.has(one)).sort();
  }

  /** Votes for a change of the present admins, and how many are needed. */
  votesFor(operation: Operation, member: HostId): { readonly votes: readonly Vote[]; readonly needed: number } {
    const votes = this.votes.filter((vote) => vote.operation === operation && vote.member === member);
    return { votes, needed: majorityOf(this.#state.admins.size) };
  }

  signVote(operation: Operation, member: HostId, signer: Signing): Vote {
    const { generation } = this.#state;
    return vote.sign({ network: this.#network, generation, operation, member, by: signer.host }, signer);
  }

  signLink(change: Change, votes: readonly Vote[], time: number, signer: Signing): Link {
    const previous = this.heads().slice(0, maxPrevious);
    const epoch = 1 + Math.max(0, ...previous.map((one) => this.#links.get(one)!.epoch));
    const body = { network: this.#network, previous, epoch, time, change, votes, author: signer.host };
    return withHash(linkPaper.sign(body, signer));
  }

  #counts({ generation, by }: Vote): boolean {
    return generation === this.#state.generation && this.#state.admins.has(by);
  }

  /** Links of non-admins are not stored: each costs room and time for ever. */
  #mayWrite({ change, author }: Link): boolean {
    if (change.operation === 'recover') return this.isRecoveryKey(author);
    return this.#state.admins.has(author) || this.#state.former.has(author) || this.#state.removed.has(author);
  }

  isRecoveryKey(author: HostId): boolean {
    return hash('sha256', publicKeyOfHostId(author), 'hex') === Buffer.from(this.#genesis.recovery).toString('hex');
  }

  #computed(): MembershipState {
    const links = this.inOrder();
    let admins = new Set([hostOfFounder(this.#genesis)]);
    let generation = this.#network;
    const ever = new Set(admins);
    const ended = new Map<HostId, { readonly link: Link; readonly keeps: ReadonlySet<HostId> | null }>();
    const removed = new Map<HostId, Removal>();
    for (const link of links) {
      const { change } = link;
      if (change.operation === 'recover') {
        for (const one of admins) if (!change.admins.includes(one)) ended.set(one, { link, keeps: null });
        admins = new Set(change.admins);
        generation = link.hash;
      } else if (isOfAdmins(change) || (change.operation === 'remove' && admins.has(change.member))) {
        if (!isVoted(link, { ...change, generation }, admins)) continue;
        if (change.operation === 'add-admin') admins.add(change.member);
        else {
          if (admins.size === 1 || !admins.delete(change.member)) continue;
          ended.set(change.member, { link, keeps: new Set(change.keeps) });
          if (change.operation === 'remove') removed.set(change.member, removalOf(link, change));
        }
        generation = link.hash;
      }
      for (const one of admins) {
        ever.add(one);
        ended.delete(one);
      }
    }
    const grants = new Map<HostId, Granted>();
    const takenBack = new Map<HostId, ReadonlySet<HostId>>();
    for (const link of links) {
      const { change, author } = link;
      const end = ended.get(author);
      if (!ever.has(author) || (end !== undefined && !this.#isBefore(link, end.link))) continue;
      if (change.operation === 'grant') grants.set(change.member, grantedBy(link, change, grants.get(change.member)));
      else if (change.operation === 'take-back')
        takenBack.set(change.ticket, new Set([...(takenBack.get(change.ticket) ?? []), ...change.keeps]));
      else if (change.operation === 'remove' && !removed.has(change.member) && !admins.has(change.member))
        removed.set(change.member, removalOf(link, change));
    }
    const former = new Map([...ended].map(([host, { keeps }]) => [host, keeps]));
    return { epoch: links.at(-1)?.epoch ?? 0, generation, admins, removed, former, grants, takenBack };
  }

  #isBefore(link: Link, after: Link): boolean {
    const seen = new Set<string>();
    const open = [...after.previous];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next === link.hash) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(...(this.#links.get(next)?.previous ?? []));
    }
    return false;
  }
}

export function hostOfFounder({ founder }: Genesis): HostId {
  return hostIdOfPublicKey(founder);
}

/** More than half. */
export function majorityOf(admins: number): number {
  return Math.floor(admins / 2) + 1;
}

/** Parses untrusted bytes. Throws a TransportError `bad-request`; signatures are not checked. */
export function decodeLink(bytes: Uint8Array): Link {
  return readPaper(link, bytes);
}

function isVoted(
  { votes }: Link,
  { operation, member, generation }: Pick<Vote, 'operation' | 'member' | 'generation'>,
  admins: ReadonlySet<HostId>,
): boolean {
  const fitting = votes.filter(
    (vote) => vote.operation === operation && vote.member === member && vote.generation === generation,
  );
  const voters = new Set(fitting.filter(({ by }) => admins.has(by)).map(({ by }) => by));
  return voters.size >= majorityOf(admins.size);
}

function isLinkSigned(link: Link): boolean {
  return linkPaper.isSigned(link, link.author) && link.votes.every(isVoteSigned);
}

function isVoteSigned(one: Vote): boolean {
  return vote.isSigned(one, one.by);
}

function isOfAdmins(
  change: Change,
): change is ValueOf<typeof changeOfMember> & { readonly operation: 'add-admin' | 'remove-admin' } {
  return change.operation === 'add-admin' || change.operation === 'remove-admin';
}

function grantedBy(
  { time }: Link,
  { rights, share }: ValueOf<typeof changeOfGrant>,
  before: Granted | undefined,
): Granted {
  return {
    rights,
    share,
    ever: new Set([...(before?.ever ?? []), ...rights]),
    shares: new Set([...(before?.shares ?? []), share]),
    publishedUntil: rights.includes('publish') ? null : (before?.publishedUntil ?? time),
  };
}

function removalOf({ time, author }: Link, change: ValueOf<typeof changeOfMember>): Removal {
  return { member: change.member, time, purge: change.purge, keeps: new Set(change.keeps), by: author };
}
