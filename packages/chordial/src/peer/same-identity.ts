/**
 * Detects a copied data folder: two processes with one key would keep replacing each other on the ring. The later one
 * notices and gives up, if possible before it is a member; the other one is not disturbed.
 */

import {
  type Contact,
  type HostId,
  type MemberPointer,
  type Milliseconds,
  type RingAnswers,
  type RingAsks,
  type RingHandler,
  type RingId,
  type RingNetwork,
  sameAddresses,
} from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { directAddresses, isOnThisMachine, parseAddress } from '../network/addresses.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import { hostAt } from '../network/dial.ts';
import type { Identity } from '../network/identity.ts';

/** Peers asked where this host is; one that knows suffices. */
const maxAsked = 4;
const askMilliseconds = 1500;
/** For the first answer when no peer that was asked refuses or answers sooner, and for that of the other process. */
const firstAnswerMilliseconds = 5000;
/**
 * After a start the others have heard of both, and tell the address of the one that spoke to them last: about every second look
 * shows the other process, and on a busy machine some have no answer.
 */
const looks = Array.from({ length: 15 }, (_, number) => 2000 + 4000 * number);
/** After that. */
const laterLookMilliseconds = 20_000;
/** Checks triggered by connections of the other process. */
const minMillisecondsBetween = 1000;
/** Checks triggered by what others say, each of which dials an address of their choice. */
const minMillisecondsBetweenHearsay = 8000;

/** Through a relay a host may be led to itself, and relays change while it stays where it is. */
function direct({ host, addresses }: Contact): Contact {
  return { host, addresses: directAddresses(addresses) };
}

/** The first address at which a process with this key answers. This one must not be listening yet. */
export async function whereItRuns(identity: Identity, addresses: readonly string[]): Promise<string | null> {
  const answering = await Promise.all(
    [...new Set(directAddresses(addresses))].map(async (address) => {
      const host = await hostAt(parseAddress(address), identity).catch(() => null);
      return host === identity.host ? address : null;
    }),
  );
  return answering.find((address) => address !== null) ?? null;
}

/**
 * Where other peers believe this host to be. Once `askMilliseconds` have passed one answer suffices; without any it waits
 * longer. Peers that do not answer in time are skipped.
 */
export async function whereOthersSeeIt(
  peers: readonly Contact[],
  ports: Pick<WatchOptions, 'identity' | 'network' | 'member'>,
): Promise<readonly string[]> {
  const { identity, network, member } = ports;
  if (member === null) return [];
  const began = performance.now();
  const asked = peers.filter(({ host }) => host !== identity.host).slice(0, maxAsked);
  const told: MemberPointer[] = [];
  let unanswered = asked.length;
  let hasAnswer = false;
  await new Promise<void>((resolve) => {
    if (unanswered === 0) return resolve();
    const patience = setTimeout(() => hasAnswer && resolve(), askMilliseconds);
    for (const peer of asked) {
      network.ask(peer, { kind: 'find', ask: { keys: [member] }, deadline: firstAnswerMilliseconds }, (result) => {
        if (result.ok) told.push(...result.answer.found.flatMap(({ guesses, closer }) => [...guesses, ...closer]));
        hasAnswer ||= result.ok;
        unanswered -= 1;
        if (unanswered > 0 && !(hasAnswer && performance.now() - began > askMilliseconds)) return;
        clearTimeout(patience);
        resolve();
      });
    }
  });
  return told.flatMap(({ contact }) => (contact.host === identity.host ? contact.addresses : []));
}

export function runsElsewhere(host: HostId, address: string, folder: string): ChordialError {
  const message = `This peer, ${host}, is already running at ${address}: ${folder} is a copy of its data folder, and two peers cannot have one key. Stop that one, or start here with an empty --data to be a new peer.`;
  return new ChordialError('identity-in-use', message);
}

const maxHeardHosts = 1024;
/** A host that is heard at another address so soon has not moved: two processes have its key. */
const movedMilliseconds: Milliseconds = 3000;
const tellAgainMilliseconds: Milliseconds = 2000;

/**
 * Notices a host that is heard at two addresses in turn, and tells whichever process has its connection of both: what either
 * asks is answered with its own address, since that is where it was heard last.
 */
export class TwoAddresses {
  readonly #network: Pick<RingNetwork, 'ask'>;
  /** Where each host was heard last, and when it was told of two addresses. */
  readonly #heard = new BoundedCache<
    HostId,
    { readonly contact: Contact; readonly at: Milliseconds; readonly toldAt: Milliseconds }
  >(maxHeardHosts);

  constructor(network: Pick<RingNetwork, 'ask'>) {
    this.#network = network;
  }

  heard(contact: Contact): void {
    const now = performance.now();
    const before = this.#heard.get(contact.host) ?? { contact, at: now, toldAt: Number.NEGATIVE_INFINITY };
    const isAtBoth = !sameAddresses(direct(before.contact), direct(contact)) && now - before.at <= movedMilliseconds;
    const tells = isAtBoth && now - before.toldAt >= tellAgainMilliseconds;
    this.#heard.set(contact.host, { contact, at: now, toldAt: tells ? now : before.toldAt });
    if (!tells) return;
    const events = [before.contact, contact].map(
      (one) => ({ type: 'alive', contact: one, virtualNodes: 1, incarnation: 0 }) as const,
    );
    this.#network.ask(contact, { kind: 'gossip', ask: { events }, deadline: firstAnswerMilliseconds }, () => {});
  }
}

export interface WatchOptions {
  readonly identity: Identity;
  readonly network: RingNetwork;
  /** A member of this host; null for a client, which has none. */
  readonly member: RingId | null;
  /** Of this start. What the ring tells grows with each rumour that this host is dead, so it says nothing of who was first. */
  readonly incarnation: number;
  readonly self: () => Contact;
  readonly peers: () => readonly Contact[];
  /** The other process was there first. */
  readonly found: (address: string) => void;
}

/**
 * Checks after the start, since both may have started at once, later every 20 s, and when a peer with our key connects. The question
 * to the other process is such a connection: of the two the later one ends, whichever of them looks.
 */
export class SameIdentityWatch {
  readonly #options: WatchOptions;
  readonly #timers: NodeJS.Timeout[];
  #lookedAt = Number.NEGATIVE_INFINITY;
  #lookedForHearsayAt = Number.NEGATIVE_INFINITY;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#timers = looks.map((after) => setTimeout(() => void this.#look(), after).unref());
    this.#timers.push(setInterval(() => void this.#look(), laterLookMilliseconds).unref());
  }

  /** An authenticated connection from this very host, which does not connect to itself. */
  called(from: Contact): void {
    const now = performance.now();
    if (now - this.#lookedAt < minMillisecondsBetween) return;
    this.#lookedAt = now;
    void this.#compare(from.addresses);
  }

  /** The ring's answers, except to the other process: it is told when this one started. */
  answers(ring: RingHandler): RingHandler {
    const { identity, incarnation, self } = this.#options;
    return {
      handle: (from, kind, ask, answer) => {
        if (from !== identity.host && kind === 'gossip')
          this.#toldOf((ask as RingAsks['gossip']).events.map(({ contact }) => contact));
        if (from !== identity.host || kind !== 'gossip') return ring.handle(from, kind, ask, answer);
        const start = { type: 'alive', contact: self(), virtualNodes: 1, incarnation } as const;
        (answer as (news: RingAnswers['gossip']) => void)({ events: [start] });
      },
    };
  }

  /** Another host has heard this one at several addresses. */
  #toldOf(contacts: readonly Contact[]): void {
    const { host } = this.#options.identity;
    const addresses = contacts.flatMap((one) => (one.host === host ? one.addresses : []));
    const elsewhere = directAddresses(addresses).find((address) => !this.#isOwn(address));
    const now = performance.now();
    if (elsewhere === undefined || now - this.#lookedForHearsayAt < minMillisecondsBetweenHearsay) return;
    this.#lookedForHearsayAt = now;
    void this.#compare([elsewhere]);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  async #look(): Promise<void> {
    const { peers } = this.#options;
    await this.#compare(await whereOthersSeeIt(peers(), this.#options));
  }

  async #compare(addresses: readonly string[]): Promise<void> {
    for (const address of new Set(directAddresses(addresses))) {
      if (this.#isOwn(address)) continue;
      const other = await this.#incarnationAt(address);
      if (other !== null && other < this.#options.incarnation) return this.#options.found(address);
    }
  }

  #isOwn(address: string): boolean {
    const { addresses } = direct(this.#options.self());
    if (addresses.includes(address)) return true;
    const ports = addresses.map((own) => parseAddress(own).port);
    return isOnThisMachine(address) && ports.includes(parseAddress(address).port);
  }

  /** Start time of the process there; null when it has another key. */
  #incarnationAt(address: string): Promise<number | null> {
    const { identity, network } = this.#options;
    const contact = { host: identity.host, addresses: [address] };
    return new Promise((resolve) => {
      network.ask(contact, { kind: 'gossip', ask: { events: [] }, deadline: firstAnswerMilliseconds }, (result) => {
        const own = result.ok ? result.answer.events.find((event) => event.contact.host === identity.host) : undefined;
        resolve(own?.incarnation ?? null);
      });
    });
  }
}
