/** One interface: what comes from it is bounded and taken apart, who is there is asked for, and what this peer says goes out. */
import { BlockList, isIPv6 } from 'node:net';
import type { Clock, Milliseconds, Random, Timer } from '@chordial/ring';
import { type Rate, TokenBucket } from '../flow/token-bucket.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { LocalInterface } from '../network/interface-watch.ts';
import { decodeMessage, encodeMessage, type LanMessage, query } from './dns-message.ts';
import type { HeardPeers } from './heard-peers.ts';
import { Responder, type ResponderPorts } from './responder.ts';
import { mentionsService, serviceType } from './service.ts';

/** The sockets of an interface. */
export interface LinkSocket {
  /** To the group, by IPv4 and IPv6. */
  send(bytes: Uint8Array): void;
  close(): void;
  /** Why it cannot be used; null while it can. */
  readonly fault: string | null;
}

export interface Received {
  readonly bytes: Buffer;
  /** Address of the sender, of IPv6 perhaps with its interface. */
  readonly source: string;
}

export interface LinkPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly heard: HeardPeers;
  isOwn: ResponderPorts['isOwn'];
  /** Names of this peer, now and before, which come back from the group. */
  isOwnLabel(label: string): boolean;
  conflict(): void;
  changed(): void;
}

export interface LinkCounts {
  sent: number;
  /** About the service, from the link. */
  received: number;
  /** Own messages that came back. */
  echoes: number;
  /** Too many, or malformed. */
  dropped: number;
}

export const sourceRate: Rate = { perSecond: 20, burst: 60 };
/** A hundred peers that all start at once say a thousand things. */
export const linkRate: Rate = { perSecond: 400, burst: 1000 };
/** Milliseconds of work: names can be made so that one message takes twenty to read. */
export const workRate: Rate = { perSecond: 200, burst: 2000 };
export const maxSources = 256;
/** RFC 6762, 5.2: at once, after a second, and then after twice the time, up to an hour. */
const minFirstQuery: Milliseconds = 20;
const firstQuerySpread: Milliseconds = 100;
const minBetweenQueries: Milliseconds = 1000;
const maxBetweenQueries: Milliseconds = 3_600_000;
/** Entries that end within this time are asked for together. */
const refreshTogether: Milliseconds = 3000;

export class Link {
  readonly interface: LocalInterface;
  readonly counts: LinkCounts = { sent: 0, received: 0, echoes: 0, dropped: 0 };
  readonly responder: Responder;
  readonly #ports: LinkPorts;
  readonly #socket: LinkSocket;
  readonly #subnets: BlockList;
  readonly #all: TokenBucket;
  readonly #work: TokenBucket;
  readonly #bySource = new BoundedCache<string, TokenBucket>(maxSources);
  #query: Timer;
  #refresh: Timer | null = null;
  #isClosed = false;

  constructor(local: LocalInterface, ports: LinkPorts, open: (receive: (received: Received) => void) => LinkSocket) {
    this.interface = local;
    this.#ports = ports;
    this.#subnets = subnetsOf(local);
    const { clock, random, isOwn, conflict } = ports;
    this.#all = new TokenBucket(linkRate, clock.now);
    this.#work = new TokenBucket(workRate, clock.now);
    this.responder = new Responder({ clock, random, isOwn, conflict, send: (message) => this.#send(message) });
    this.#socket = open((received) => this.#receive(received));
    const first = minFirstQuery + random.next() * firstQuerySpread;
    this.#query = clock.after(first, () => this.#ask(minBetweenQueries));
  }

  get fault(): string | null {
    return this.#socket.fault;
  }

  close(): void {
    this.#isClosed = true;
    this.#query.cancel();
    this.#refresh?.cancel();
    this.responder.end();
    this.#socket.close();
  }

  #send(message: LanMessage): void {
    this.counts.sent += 1;
    this.#socket.send(encodeMessage(message));
  }

  #receive({ bytes, source: from }: Received): void {
    const source = this.#sourceOnLink(from);
    // The system may still hand over what came before.
    if (this.#isClosed || source === null || !mentionsService(bytes)) return;
    const { clock } = this.#ports;
    const isOwn = this.interface.addresses.some(({ address }) => address === source);
    if (isOwn) this.counts.echoes += 1;
    else this.counts.received += 1;
    const bucket = this.#bySource.get(source) ?? new TokenBucket(sourceRate, clock.now);
    this.#bySource.set(source, bucket);
    if (bucket.left < 1 || this.#all.left < 1 || this.#work.left <= 0) {
      this.counts.dropped += 1;
      return;
    }
    bucket.take();
    this.#all.take();
    const began = clock.now();
    this.#read(bytes, source);
    this.#work.take(clock.now() - began);
  }

  #read(bytes: Buffer, source: string): void {
    const { heard, isOwnLabel } = this.#ports;
    const message = decodeMessage(bytes);
    if (message === null) {
      this.counts.dropped += 1;
      return;
    }
    this.responder.receive(message, source);
    const isOnLink = (address: string) => this.#isOnLink(address) && !/^fe80:/i.test(address);
    const changed = heard.take(message, { link: this.interface.name, source, isOnLink, isOwn: isOwnLabel });
    if (!message.isResponse) return;
    this.#planRefresh();
    if (changed) this.#ports.changed();
  }

  /** Without its interface; null for one from elsewhere. */
  #sourceOnLink(from: string): string | null {
    const [address = '', zone] = from.split('%');
    if (zone !== undefined && zone !== this.interface.name) return null;
    return this.#isOnLink(address) ? address : null;
  }

  #isOnLink(address: string): boolean {
    return this.#subnets.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }

  #ask(next: Milliseconds): void {
    const { clock, heard } = this.#ports;
    const link = this.interface.name;
    const questions = [{ name: serviceType, type: 'PTR' }, ...heard.toRefresh(link, refreshTogether)];
    this.#send(query({ questions, answers: [...this.responder.listed, ...heard.knownAnswers(link)] }));
    this.#query = clock.after(next, () => this.#ask(Math.min(next * 2, maxBetweenQueries)));
  }

  /** Asks for what is about to end. */
  #planRefresh(): void {
    const { clock, heard } = this.#ports;
    const link = this.interface.name;
    const at = heard.nextRefresh(link);
    this.#refresh?.cancel();
    if (at === null) return;
    this.#refresh = clock.after(Math.max(minBetweenQueries, at - clock.now()), () => {
      const questions = heard.toRefresh(link, refreshTogether);
      if (questions.length > 0) this.#send(query({ questions }));
      this.#planRefresh();
    });
  }
}

function subnetsOf({ addresses }: LocalInterface): BlockList {
  const subnets = new BlockList();
  for (const { address, prefix } of addresses) {
    subnets.addSubnet(address, prefix, isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return subnets;
}
