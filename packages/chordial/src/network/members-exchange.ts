/**
 * Gossip of members and removals: each peer summarises what it knows by two hashes (`members.hear`), and a peer that
 * differs asks for the rest (`members.pull`). News is forwarded at once to some peers, which forward it in turn; every
 * few seconds two peers also compare, which repairs losses. HELLO carries the epoch of the log, and a higher one is
 * fetched before anything else.
 */
import type { Clock, Contact, HostId, Milliseconds, Random, Timer } from '@chordial/ring';
import type { Registry } from '../wire/message.ts';
import { decodeAdmission, fromHex, maxAdmissionBytes } from './admission.ts';
import { type Members, maxMembers, nameOf } from './members.ts';
import { decodeLink, decodeVote, maxLinkBytes, maxLinks } from './membership-log.ts';
import { type Transport, TransportError, type Wire } from './transport.ts';
import { readBoolean, readBytes, readBytesUpTo, readInteger, readList, readTuple } from './wire-reading.ts';

export interface MembersExchangePorts {
  readonly members: Members;
  readonly transport: Pick<Transport, 'request'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Hosts believed alive, neighbours on the ring first. */
  readonly hosts: () => readonly Contact[];
  /** Called once when other members report that this one was removed. */
  readonly removed?: (message: string) => void;
}

export const membersMessages = { hear: 'members.hear', pull: 'members.pull' } as const;

const deadline: Milliseconds = 5000;
const compareEvery: Milliseconds = 3000;
/** Fan-out of news of the log, and of a member. */
const fanOut = { log: 32, members: 4 } as const;
/** Hashes per request, and bytes per answer, both below the message limit. */
const shortHashBytes = 8;
const maxVotes = 1024;
const maxAnswerBytes = 900 * 1024;
const maxPulls = 64;

export class MembersExchange {
  readonly #ports: MembersExchangePorts;
  readonly #pulling = new Set<HostId>();
  #timer: Timer | null = null;
  #epoch: string;
  #isClosed = false;
  #isRemoved = false;
  readonly #stopListening: () => void;

  constructor(ports: MembersExchangePorts) {
    this.#ports = ports;
    this.#epoch = ports.members.log.digest;
    this.#stopListening = ports.members.onChange(() => this.#spread());
  }

  begin(): void {
    this.#timer = this.#ports.clock.after(compareEvery * this.#ports.random.next(), () => this.#compare());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#stopListening();
  }

  answerIn<Payload>(registry: Registry<Contact, Payload>): Registry<Contact, Payload> {
    return registry
      .onKind(membersMessages.pull, async (_, body) => this.#papersFor(body))
      .onKind(membersMessages.hear, async (from, body) => {
        this.#heard(from, body);
        return this.#said();
      });
  }

  /** From a HELLO. */
  heardEpoch(from: Contact, epoch: number): void {
    if (epoch > this.#ports.members.epoch) void this.#pull(from);
  }

  #said(): Wire {
    const { members } = this.#ports;
    return [members.epoch, fromHex(members.log.digest), fromHex(members.digest)];
  }

  #heard(from: Contact, said: Wire): void {
    const [epoch, log, admissions] = readTuple(said, 'what a peer knows of members', 3);
    readInteger(epoch, 'an epoch', 0, maxLinks);
    const { members } = this.#ports;
    const isSame =
      Buffer.from(readBytes(log, 'a hash', 32)).toString('hex') === members.log.digest &&
      Buffer.from(readBytes(admissions, 'a hash', 32)).toString('hex') === members.digest;
    if (!isSame) void this.#pull(from);
  }

  /** Everything that the other side has and this one lacks. */
  async #pull(from: Contact): Promise<void> {
    if (this.#isClosed || this.#pulling.has(from.host) || this.#pulling.size >= maxPulls) return;
    this.#pulling.add(from.host);
    try {
      for (let isMore = true; isMore && !this.#isClosed; ) isMore = await this.#pullOnce(from);
    } catch (error) {
      // A host that is gone, or sends invalid documents, is asked again when it has news.
      if (!(error instanceof TransportError)) throw error;
    } finally {
      this.#pulling.delete(from.host);
    }
  }

  /** Whether there is more to request. */
  async #pullOnce(from: Contact): Promise<boolean> {
    const { members, transport } = this.#ports;
    const body = [
      members.log.links.map((link) => fromHex(link.hash.slice(0, shortHashBytes * 2))),
      members.admissions.map((one) => fromHex(nameOf(one))),
    ];
    const answer = await transport.request(from, membersMessages.pull, body, { deadline });
    const [links, votes, admissions, isCut] = readTuple(answer, 'papers of members', 4);
    const readLinks = readList(links, 'links', 0, maxLinks).map((one) =>
      decodeLink(readBytesUpTo(one, 'a link', maxLinkBytes)),
    );
    const isNews = members.takeLinks(readLinks);
    members.takeVotes(readList(votes, 'votes', 0, maxVotes).map(decodeVote));
    const read = readList(admissions, 'admissions', 0, maxMembers).map((one) =>
      decodeAdmission(readBytesUpTo(one, 'an admission', maxAdmissionBytes)),
    );
    return (members.takeAdmissions(read) || isNews) && readBoolean(isCut, 'whether there is more');
  }

  #papersFor(body: Wire): Wire {
    const [links, admissions] = readTuple(body, 'what a peer has of members', 2);
    const hasLink = shortHashes(links, maxLinks);
    const hasAdmission = shortHashes(admissions, maxMembers);
    const { members } = this.#ports;
    let room = maxAnswerBytes;
    let isCut = false;
    const fitting = (bytes: Uint8Array) => {
      if (isCut || bytes.length + 8 > room) {
        isCut = true;
        return false;
      }
      room -= bytes.length + 8;
      return true;
    };
    return [
      members.log
        .inOrder()
        .filter((link) => !hasLink.has(link.hash.slice(0, shortHashBytes * 2)))
        .map(({ bytes }) => bytes)
        .filter(fitting),
      members.log.votes.map(({ bytes }) => bytes).filter(fitting),
      members.admissions
        .filter((one) => !hasAdmission.has(nameOf(one)))
        .map(({ bytes }) => bytes)
        .filter(fitting),
      isCut,
    ];
  }

  #spread(): void {
    const { digest } = this.#ports.members.log;
    const isOfLog = digest !== this.#epoch;
    this.#epoch = digest;
    const hosts = this.#ports.hosts();
    const most = isOfLog ? fanOut.log : fanOut.members;
    // Neighbours first: they exchange the most requests.
    const near = hosts.slice(0, most / 2);
    const far = hosts.slice(near.length);
    const told = [...near];
    while (told.length < most && far.length > 0) {
      told.push(...far.splice(Math.floor(this.#ports.random.next() * far.length), 1));
    }
    for (const host of told) void this.#tell(host);
  }

  #compare(): void {
    if (this.#isClosed) return;
    this.#timer = this.#ports.clock.after(compareEvery, () => this.#compare());
    const hosts = this.#ports.hosts();
    const one = hosts[Math.floor(this.#ports.random.next() * hosts.length)];
    if (one !== undefined) void this.#tell(one);
  }

  async #tell(to: Contact): Promise<void> {
    if (this.#isClosed) return;
    try {
      this.#heard(to, await this.#ports.transport.request(to, membersMessages.hear, this.#said(), { deadline }));
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      if (error.code !== 'member-removed' || this.#isRemoved) return;
      this.#isRemoved = true;
      this.#ports.removed?.(error.message);
    }
  }
}

function shortHashes(value: Wire, most: number): ReadonlySet<string> {
  const hashes = readList(value, 'hashes', 0, most).map((one) => readBytes(one, 'a hash', shortHashBytes));
  return new Set(hashes.map((one) => Buffer.from(one).toString('hex')));
}
