/**
 * Gossip of members and removals: each peer summarises what it knows by two hashes (`members.hear`), and a peer that
 * differs asks for the rest (`members.pull`). News is forwarded at once to some peers, which forward it in turn; every
 * few seconds two peers also compare, which repairs losses. HELLO carries the epoch of the log, and a higher one is
 * fetched before anything else.
 */
import type { Clock, Contact, HostId, Milliseconds, Random, Timer } from '@chordial/ring';
import { draw } from '../flow/draw.ts';
import { Message, type Registry } from '../wire/message.ts';
import { bool, hex, int, list, tuple, type ValueOf } from '../wire/schema.ts';
import { admission } from './admission.ts';
import { admissionHash, type Members, maxMembers } from './members.ts';
import { type Link, link, maxLinks, vote } from './membership-log.ts';
import { sha256 } from './paper.ts';
import { type Transport, TransportError } from './transport.ts';

/** How other hosts are asked now and then. */
export interface AskingPorts {
  readonly transport: Pick<Transport, 'request'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Hosts believed alive. */
  readonly hosts: () => readonly Contact[];
}

const deadline: Milliseconds = 5000;
const compareEvery: Milliseconds = 3000;
/** Fan-out of news of the log, and of a member. */
const fanOut = { log: 32, members: 4 } as const;
/** Of a link or an admission that a peer has. */
const shortHashBytes = 8;
const maxVotes = 1024;
/** Below the message limit. */
const maxAnswerBytes = 900 * 1024;
const maxPulls = 64;

const shortHash = hex(shortHashBytes);
/** What a peer knows, as two digests. */
const summary = tuple({ epoch: int(0, maxLinks), log: sha256, admissions: sha256 });
type Summary = ValueOf<typeof summary>;

/** What the asker has. */
const had = tuple({ links: list(shortHash, maxLinks), admissions: list(shortHash, maxMembers) });
/** What it lacks. */
const lacked = tuple({
  links: list(link, maxLinks),
  votes: list(vote, maxVotes),
  admissions: list(admission, maxMembers),
  /** There is more. */
  isCut: bool,
});

export const membersMessages = {
  hear: new Message('members.hear', summary, summary),
  pull: new Message('members.pull', had, lacked),
} as const;

export class MembersExchange {
  readonly #ports: AskingPorts;
  readonly #members: Members;
  readonly #removed: (message: string) => void;
  readonly #pulling = new Set<HostId>();
  #timer: Timer | null = null;
  #epoch: string;
  #isClosed = false;
  #isRemoved = false;
  readonly #stopListening: () => void;

  /**
   * @param ports of hosts the neighbours on the ring first
   * @param removed called once when other members report that this one was removed
   */
  constructor(ports: AskingPorts, members: Members, removed: (message: string) => void = () => undefined) {
    this.#ports = ports;
    this.#members = members;
    this.#removed = removed;
    this.#epoch = members.log.digest;
    this.#stopListening = members.onChange(() => this.#spread());
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
      .on(membersMessages.pull, (question) => this.#papersFor(question))
      .on(membersMessages.hear, (said, from) => {
        this.#heard(from, said);
        return this.#said();
      });
  }

  /** From a HELLO. */
  heardEpoch(from: Contact, epoch: number): void {
    if (epoch > this.#members.epoch) void this.#pull(from);
  }

  #said(): Summary {
    const members = this.#members;
    return { epoch: members.epoch, log: members.log.digest, admissions: members.digest };
  }

  #heard(from: Contact, { log, admissions }: Summary): void {
    const members = this.#members;
    if (log !== members.log.digest || admissions !== members.digest) void this.#pull(from);
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
    const { transport } = this.#ports;
    const members = this.#members;
    const has = { links: members.log.links.map(shortHashOf), admissions: members.admissions.map(admissionHash) };
    const { links, votes, admissions, isCut } = await membersMessages.pull.ask(transport, from, has, { deadline });
    const isNews = members.takeLinks(links);
    members.takeVotes(votes);
    return (members.takeAdmissions(admissions) || isNews) && isCut;
  }

  #papersFor(has: ValueOf<typeof had>): ValueOf<typeof lacked> {
    const hasLink = new Set(has.links);
    const hasAdmission = new Set(has.admissions);
    const members = this.#members;
    let room = maxAnswerBytes;
    let isCut = false;
    const isFitting = ({ bytes }: { readonly bytes: Uint8Array }) => {
      if (isCut || bytes.length + 8 > room) {
        isCut = true;
        return false;
      }
      room -= bytes.length + 8;
      return true;
    };
    const links = members.log.inOrder().filter((one) => !hasLink.has(shortHashOf(one)) && isFitting(one));
    const votes = members.log.votes.filter(isFitting);
    const admissions = members.admissions.filter((one) => !hasAdmission.has(admissionHash(one)) && isFitting(one));
    return { links, votes, admissions, isCut };
  }

  #spread(): void {
    const { digest } = this.#members.log;
    const isOfLog = digest !== this.#epoch;
    this.#epoch = digest;
    const hosts = this.#ports.hosts();
    const most = isOfLog ? fanOut.log : fanOut.members;
    // Neighbours first: they exchange the most requests.
    const near = hosts.slice(0, most / 2);
    const far = draw(this.#ports.random, hosts.slice(near.length), most - near.length);
    for (const host of [...near, ...far]) void this.#tell(host);
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
      this.#heard(to, await membersMessages.hear.ask(this.#ports.transport, to, this.#said(), { deadline }));
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      if (error.code !== 'member-removed' || this.#isRemoved) return;
      this.#isRemoved = true;
      this.#removed(error.message);
    }
  }
}

function shortHashOf({ hash }: Link): string {
  return hash.slice(0, shortHashBytes * 2);
}
