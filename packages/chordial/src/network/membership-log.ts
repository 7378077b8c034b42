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
  canonical,
  contextual,
  decoded,
  fromHex,
  keyOf,
  readKey,
  readNetwork,
  readTime,
  type Signing,
} from './admission.ts';
import { encode } from './dag-cbor.ts';
import { type Genesis, networkId } from './genesis.ts';
import { verifySignature } from './identity.ts';
import type { Wire } from './transport.ts';
import { malformed, readBoolean, readBytes, readInteger, readList, readTuple } from './wire-reading.ts';

export type Operation = 'remove' | 'add-admin' | 'remove-admin';
const operations: readonly Operation[] = ['remove', 'add-admin', 'remove-admin'];

/** An admin's vote for a change that needs more than half of them. */
export interface Vote {
  readonly network: string;
  /** Hash of the link that made the present admins; initially the network id. */
  readonly generation: string;
  readonly operation: Operation;
  readonly member: HostId;
  readonly by: HostId;
  readonly bytes: Uint8Array;
}

export type Change =
  | {
      readonly operation: Operation;
      readonly member: HostId;
      /** Hides its names and frees its blocks. */
      readonly purge: boolean;
      /** Members admitted by it that stay. */
      readonly keeps: readonly HostId[];
    }
  | { readonly operation: 'recover'; readonly admins: readonly HostId[] };

export interface Link {
  readonly network: string;
  /** Hashes in hexadecimal of the links without a successor at that time, sorted; empty for the first. */
  readonly previous: readonly string[];
  readonly epoch: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly change: Change;
  readonly votes: readonly Vote[];
  readonly author: HostId;
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, in hexadecimal. */
  readonly hash: string;
}

export interface Removal {
  readonly member: HostId;
  readonly time: number;
  readonly purge: boolean;
  readonly keeps: ReadonlySet<HostId>;
  readonly by: HostId;
}

export interface MembershipState {
  readonly epoch: number;
  readonly generation: string;
  readonly admins: ReadonlySet<HostId>;
  readonly removed: ReadonlyMap<HostId, Removal>;
  /** Former admins, and the members admitted by them that stay; null: all. */
  readonly former: ReadonlyMap<HostId, ReadonlySet<HostId> | null>;
}

const version = 1;
/** A network of some thousand members that loses its founder. */
export const maxLinkBytes = 256 * 1024;
export const maxKeeps = 7000;
export const maxLinks = 4096;
export const maxAdmins = 32;
const maxPrevious = 32;
const maxVoteBytes = 256;
const hashBytes = 32;
const signatureBytes = 64;

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
    const body = [
      version,
      fromHex(this.#network),
      fromHex(this.#state.generation),
      operations.indexOf(operation),
      keyOf(member),
      keyOf(signer.host),
    ];
    return decodeVote(encode([...body, signer.sign(contextual('vote', encode(body)))]));
  }

  signLink(change: Change, votes: readonly Vote[], time: number, signer: Signing): Link {
    const previous = this.heads().slice(0, maxPrevious);
    const epoch = 1 + Math.max(0, ...previous.map((one) => this.#links.get(one)!.epoch));
    const body = [
      version,
      fromHex(this.#network),
      previous.map(fromHex),
      epoch,
      time,
      wireOfChange(change),
      votes.map(({ bytes }) => bytes),
      keyOf(signer.host),
    ];
    return decodeLink(encode([...body, signer.sign(contextual('membership', encode(body)))]));
  }

  #counts({ generation, by }: Vote): boolean {
    return generation === this.#state.generation && this.#state.admins.has(by);
  }

  /** Links of non-admins are not stored: each costs room and time for ever. */
  #mayWrite({ change, author }: Link): boolean {
    if (change.operation === 'recover') return this.#isRecoveryKey(author);
    return this.#state.admins.has(author) || this.#state.former.has(author) || this.#state.removed.has(author);
  }

  #isRecoveryKey(author: HostId): boolean {
    return hash('sha256', keyOf(author), 'hex') === Buffer.from(this.#genesis.recovery).toString('hex');
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
      } else if (change.operation !== 'remove' || admins.has(change.member)) {
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
    for (const link of links) {
      const { change, author } = link;
      if (change.operation !== 'remove' || removed.has(change.member) || admins.has(change.member)) continue;
      const end = ended.get(author);
      if (ever.has(author) && (end === undefined || this.#isBefore(link, end.link))) {
        removed.set(change.member, removalOf(link, change));
      }
    }
    const former = new Map([...ended].map(([host, { keeps }]) => [host, keeps]));
    return { epoch: links.at(-1)?.epoch ?? 0, generation, admins, removed, former };
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
  return readKey(founder);
}

/** More than half. */
export function majorityOf(admins: number): number {
  return Math.floor(admins / 2) + 1;
}

/** Parses untrusted bytes. Throws a TransportError `bad-request`; signatures are not checked. */
export function decodeLink(bytes: Uint8Array): Link {
  const wire = readTuple(decoded(bytes, 'a link', maxLinkBytes), 'a link', 9);
  const [kind, network, previous, epoch, time, change, votes, author, signature] = wire;
  if (kind !== version) throw malformed(`a link is of version ${String(kind).slice(0, 10)}`);
  readBytes(signature, 'a signature', signatureBytes);
  const kept = canonical(wire, bytes, 'a link');
  return {
    network: readNetwork(network),
    previous: readList(previous, 'the links that one follows', 0, maxPrevious).map((one) => readHash(one)),
    epoch: readInteger(epoch, 'an epoch', 1, maxLinks),
    time: readTime(time),
    change: readChange(change),
    votes: readList(votes, 'votes', 0, maxAdmins).map((one) => decodeVote(one)),
    author: readKey(author),
    bytes: kept,
    hash: hash('sha256', kept, 'hex'),
  };
}

export function decodeVote(bytes: Wire): Vote {
  const wire = readTuple(decoded(bytes, 'a vote', maxVoteBytes), 'a vote', 7);
  const [kind, network, generation, operation, member, by, signature] = wire;
  if (kind !== version) throw malformed(`a vote is of version ${String(kind).slice(0, 10)}`);
  readBytes(signature, 'a signature', signatureBytes);
  return {
    network: readNetwork(network),
    generation: readHash(generation),
    operation: operations[readInteger(operation, 'an operation', 0, operations.length - 1)]!,
    member: readKey(member),
    by: readKey(by),
    bytes: canonical(wire, bytes as Uint8Array, 'a vote'),
  };
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
  return isSigned('membership', link.bytes, link.author) && link.votes.every(isVoteSigned);
}

function isVoteSigned(vote: Vote): boolean {
  return isSigned('vote', vote.bytes, vote.by);
}

function isSigned(kind: string, bytes: Uint8Array, by: HostId): boolean {
  const wire = decoded(bytes, kind, maxLinkBytes) as readonly Wire[];
  return verifySignature(by, contextual(kind, encode(wire.slice(0, -1))), wire.at(-1) as Uint8Array);
}

function removalOf({ time, author }: Link, change: Change & { readonly operation: Operation }): Removal {
  return { member: change.member, time, purge: change.purge, keeps: new Set(change.keeps), by: author };
}

function wireOfChange(change: Change): Wire {
  if (change.operation === 'recover') return [operations.length, change.admins.map(keyOf)];
  const { operation, member, purge, keeps } = change;
  return [operations.indexOf(operation), keyOf(member), purge, keeps.map(keyOf)];
}

function readChange(value: Wire): Change {
  const [kind] = readList(value, 'a change', 2, 4);
  if (kind === operations.length) {
    const [, admins] = readTuple(value, 'a recovery', 2);
    return { operation: 'recover', admins: readList(admins, 'admins', 1, maxAdmins).map(readKey) };
  }
  const [, member, purge, keeps] = readTuple(value, 'a change', 4);
  return {
    operation: operations[readInteger(kind, 'an operation', 0, operations.length - 1)]!,
    member: readKey(member),
    purge: readBoolean(purge, 'whether to purge'),
    keeps: readList(keeps, 'members that stay', 0, maxKeeps).map(readKey),
  };
}

function readHash(value: Wire): string {
  return Buffer.from(readBytes(value, 'a hash', hashBytes)).toString('hex');
}
