/**
 * Whether others can dial this peer, as they say: up to three members on other machines dial it back now and then, those
 * beyond its own subnets if there are any. Two must agree where there are as many, so that one alone decides nothing.
 */
import type { Clock, Contact, Milliseconds, Random, Timer } from '@chordial/ring';
import { draw } from '../flow/draw.ts';
import { formatAddress, isInOwnSubnet, isOnThisMachine } from '../network/addresses.ts';
import { type Said, said } from '../sentences.ts';
import type { DialledBack, DialOutcome } from './reach-messages.ts';

export type Reach =
  /** It listens for peers of this machine only. */
  | { readonly state: 'loopback-only' }
  /** Too few members could be asked, or they disagree. */
  | { readonly state: 'unknown' }
  /** So many members dialled it back, most of them at this address. */
  | { readonly state: 'open'; readonly address: string; readonly members: number }
  /** So many of those that answered could not, at this address; most of them for this reason. */
  | {
      readonly state: 'hidden';
      readonly address: string;
      readonly failed: number;
      readonly asked: number;
      readonly outcome: Exclude<DialOutcome, 'reached'>;
    };

export interface ReachabilityPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** The port at which others are to reach this peer; null where it listens on loopback. */
  readonly port: () => number | null;
  /** The addresses that this peer gives itself: others are asked again when they change. */
  readonly addresses: () => readonly string[];
  /** Hosts believed alive. */
  readonly hosts: () => readonly Contact[];
  /** What came of a dial-back; null without an answer. */
  readonly ask: (host: Contact, port: number) => Promise<DialledBack | null>;
  /** For tests on one machine: whether a contact is this machine's, and whether it is in a subnet of it. */
  readonly isHere?: (address: string) => boolean;
  readonly isNear?: (address: string) => boolean;
}

const maxAsked = 3;
/** Members that must agree, where there are as many. */
const quorum = 2;
const firstAskMilliseconds: Milliseconds = 1000;
const askEveryMilliseconds: Milliseconds = 600_000;
/** After a round without a result, doubled each time. */
const retryMilliseconds: Milliseconds = 15_000;
/** Between two rounds, whatever changes: addresses, or hosts of the ring while the result is known. */
const minBetweenMilliseconds: Milliseconds = 5000;
const minBetweenRingMilliseconds: Milliseconds = 120_000;
const lookEveryMilliseconds: Milliseconds = 5000;

export class Reachability {
  readonly #ports: ReachabilityPorts;
  readonly #listeners = new Set<(reach: Reach) => void>();
  #reach: Reach;
  #timer: Timer | null = null;
  #askAt: Milliseconds;
  #askedAt: Milliseconds = Number.NEGATIVE_INFINITY;
  #retry = retryMilliseconds;
  #addresses = '';
  /** Members that had to agree on the result. */
  #agreed = 0;
  #asking: Promise<void> | null = null;
  #closed = false;

  constructor(ports: ReachabilityPorts) {
    this.#ports = ports;
    this.#reach = { state: ports.port() === null ? 'loopback-only' : 'unknown' };
    this.#askAt = ports.clock.now() + firstAskMilliseconds;
  }

  get reach(): Reach {
    return this.#reach;
  }

  /** Calls it with each result that differs from the one before. Returns what ends that. */
  onChange(listener: (reach: Reach) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  begin(): void {
    if (this.#reach.state === 'loopback-only') return;
    this.#addresses = this.#ownAddresses();
    this.#schedule();
  }

  /** Asks at once, as before this peer joins. Resolves with what is known then. */
  async askNow(): Promise<Reach> {
    if (this.#reach.state === 'loopback-only' || this.#closed) return this.#reach;
    await this.#asking;
    this.#timer?.cancel();
    await this.#ask();
    return this.#reach;
  }

  /** Something changed that others may now see: asks again soon. */
  again(): void {
    this.#retry = retryMilliseconds;
    this.#askBefore(this.#askedAt + minBetweenMilliseconds);
  }

  /** Hosts came or went. */
  ringChanged(): void {
    const isPreliminary = this.#agreed < Math.min(quorum, this.#members().length);
    const isKnown = this.#reach.state !== 'unknown' && !isPreliminary;
    this.#askBefore(this.#askedAt + (isKnown ? minBetweenRingMilliseconds : minBetweenMilliseconds));
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  #askBefore(time: Milliseconds): void {
    const at = Math.max(time, this.#ports.clock.now());
    if (at >= this.#askAt) return;
    this.#askAt = at;
    if (this.#timer !== null) this.#schedule();
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#closed || this.#asking !== null) return;
    const { clock } = this.#ports;
    const wait = Math.min(Math.max(this.#askAt - clock.now(), 0), lookEveryMilliseconds);
    this.#timer = clock.after(wait, () => this.#look());
  }

  #look(): void {
    const own = this.#ownAddresses();
    if (own !== this.#addresses) {
      this.#addresses = own;
      this.again();
    }
    const { clock } = this.#ports;
    if (clock.now() < this.#askAt) {
      this.#schedule();
      return;
    }
    void this.#ask();
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#round().finally(() => {
      this.#asking = null;
      this.#schedule();
    });
    return this.#asking;
  }

  async #round(): Promise<void> {
    const { clock, random, port: portOf, ask } = this.#ports;
    const port = portOf();
    const members = this.#members();
    if (port === null || members.length === 0) {
      this.#askAt = clock.now() + lookEveryMilliseconds;
      return;
    }
    this.#askedAt = clock.now();
    this.#askAt = Number.POSITIVE_INFINITY;
    const asked = draw(random, members, maxAsked);
    const answers = (await Promise.all(asked.map((host) => ask(host, port)))).filter((answer) => answer !== null);
    if (this.#closed) return;
    const needed = Math.min(quorum, members.length);
    const judged = port === portOf() ? judge(answers, port, needed) : null;
    const wait = judged === null ? this.#retry : askEveryMilliseconds * (0.9 + 0.2 * random.next());
    this.#retry = judged === null ? Math.min(2 * this.#retry, askEveryMilliseconds) : retryMilliseconds;
    this.#askBefore(clock.now() + wait);
    if (judged === null) return;
    this.#agreed = needed;
    this.#set(judged);
  }

  /** Those on other machines; if any are beyond the own subnets, only those: they see what a router does. */
  #members(): readonly Contact[] {
    const { hosts, isHere = isOnThisMachine, isNear = isInOwnSubnet } = this.#ports;
    const elsewhere = hosts().filter(
      ({ addresses }) => addresses.length > 0 && !addresses.some((address) => isHere(address)),
    );
    const beyond = elsewhere.filter(({ addresses }) => !addresses.some((address) => isNear(address)));
    return beyond.length > 0 ? beyond : elsewhere;
  }

  #ownAddresses(): string {
    return `${this.#ports.port()} ${this.#ports.addresses().join()}`;
  }

  #set(reach: Reach): void {
    const isSame = JSON.stringify(reach) === JSON.stringify(this.#reach);
    this.#reach = reach;
    if (!isSame) for (const listener of [...this.#listeners]) listener(reach);
  }
}

/** Null when fewer than `needed` agree. */
function judge(answers: readonly DialledBack[], port: number, needed: number): Reach | null {
  const reached = answers.filter(({ outcome }) => outcome === 'reached');
  const failed = answers.filter(({ outcome }) => outcome !== 'reached');
  const agreeing = reached.length >= needed ? reached : failed;
  if (agreeing.length < needed) return null;
  const address = formatAddress({ host: mostOf(agreeing.map((one) => one.address)), port });
  const outcome = mostOf(agreeing.map((one) => one.outcome));
  if (outcome === 'reached') return { state: 'open', address, members: reached.length };
  return { state: 'hidden', address, failed: failed.length, asked: answers.length, outcome };
}

/** The value that is there most often; the first of several. */
function mostOf<Value>(values: readonly Value[]): Value {
  const count = (value: Value): number => values.filter((one) => one === value).length;
  return values.reduce((best, value) => (count(value) > count(best) ? value : best));
}

const reasons: Readonly<Record<Exclude<DialOutcome, 'reached'>, string>> = {
  refused: 'nothing took the connection',
  silent: 'no answer came',
  another: 'something else answered',
};

/** For people: what is known, and what to do about it. */
export function saidReach(reach: Reach, relays: number | null = null): Said {
  const { state } = reach;
  if (state === 'loopback-only') {
    const text = 'it listens on loopback, so only peers of this machine reach it. Others need --listen 0.0.0.0:PORT.';
    return said('reach-loopback-only', {}, text);
  }
  if (state === 'unknown') {
    const text = 'not known yet: too few members on other machines could try to dial this peer back.';
    return said('reach-unknown', {}, text);
  }
  const members = (count: number): string => `${count} ${count === 1 ? 'member' : 'members'}`;
  if (state === 'open') {
    const { members: count, address } = reach;
    return said('reach-open', { members: count, address }, `${members(count)} dialled this peer back at ${address}`);
  }
  const { failed, asked, address, outcome } = reach;
  const text = `${failed} of ${members(asked)} could not dial this peer back at ${address}: ${reasons[outcome]}. Open TCP port ${address.slice(address.lastIndexOf(':') + 1)} in its firewall, and forward it to this machine where a router is in between.${relayText(relays)}`;
  return said('reach-hidden', { failed, asked, address, outcome, relays }, text);
}

function relayText(relays: number | null): string {
  if (relays === null) return '';
  if (relays === 0) return ' Until then no one reaches it: no member relays for it.';
  return ` Until then others reach it through ${relays} ${relays === 1 ? 'relay' : 'relays'}.`;
}
