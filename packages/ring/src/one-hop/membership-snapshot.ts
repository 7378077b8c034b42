/**
 * The membership snapshot: the hosts of the network. A newcomer reads it page by page from one host, so that its lookups
 * soon take one hop; later it reads a short page now and then to catch events that the tree missed.
 */

import type { Clock, Milliseconds, Random, Timer } from '../host/ports.ts';
import type { RingId } from '../protocol/identifier.ts';
import type { MembershipEvent, RingAnswers, RingAsks } from '../protocol/messages.ts';
import type { Contact, HostId, MemberPointer } from '../protocol/pointer.ts';
import type { MemberCache } from './member-cache.ts';

export interface SnapshotPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** Live hosts, this one excluded. */
  live(): readonly Contact[];
  ask(to: Contact, ask: RingAsks['snapshot'], done: (answer: RingAnswers['snapshot'] | null) => void): void;
  firstIdOf(host: HostId): RingId | null;
  learn(hosts: readonly MembershipEvent[]): void;
  isClosed(): boolean;
}

const hostsPerPage = 128;
const pagePause: Milliseconds = 50;
const maxFailures = 3;
/** 16 384 hosts; the rest is learnt in time. */
const maxPages = 128;
/** More is not believed. */
const maxTotal = 1_000_000;
const hostsPerLook = 16;
const lookPause: Milliseconds = 60_000;

export class SnapshotReader {
  readonly #ports: SnapshotPorts;
  readonly #start: RingId;
  #cursor: RingId;
  #timer: Timer | null = null;
  /** Hosts of the network by the last answer. */
  total = 0;

  constructor(ports: SnapshotPorts, start: RingId) {
    this.#ports = ports;
    this.#start = start;
    this.#cursor = start;
  }

  close(): void {
    this.#timer?.cancel();
  }

  /** Reads all of it; `begun` once, after the first page or when no one would give one. */
  begin(begun: () => void): void {
    this.#read(maxPages, 0, begun);
  }

  /** A few hosts at a time, for ever. */
  look(): void {
    const { random } = this.#ports;
    this.#after(lookPause * (0.8 + 0.4 * random.next()), () => this.#page(hostsPerLook, () => this.look()));
  }

  #read(pages: number, failures: number, begun: (() => void) | null): void {
    this.#page(hostsPerPage, (read) => {
      begun?.();
      const failed = read === 'failed' ? failures + 1 : 0;
      if (read === 'end' || failed >= maxFailures || pages <= 1) return this.look();
      this.#after(pagePause, () => this.#read(pages - 1, failed, null));
    });
  }

  #page(max: number, done: (read: 'more' | 'end' | 'failed') => void): void {
    const { live, random, ask, learn, firstIdOf, isClosed } = this.#ports;
    const hosts = live();
    const chosen = hosts[Math.floor(random.next() * hosts.length)];
    if (chosen === undefined) {
      this.#after(0, () => done('failed'));
      return;
    }
    const before = this.#cursor;
    ask(chosen, { after: before, max }, (answer) => {
      if (isClosed()) return;
      if (answer === null) return done('failed');
      this.total = Math.min(answer.total, maxTotal);
      learn(answer.hosts);
      const last = answer.hosts.at(-1);
      const next = last === undefined ? null : firstIdOf(last.contact.host);
      const isRound = next === null || answer.hosts.length < max || passes(before, next, this.#start);
      this.#cursor = isRound ? this.#start : next;
      done(isRound ? 'end' : 'more');
    });
  }

  #after(pause: Milliseconds, run: () => void): void {
    this.#timer = this.#ports.clock.after(pause, () => {
      if (!this.#ports.isClosed()) run();
    });
  }
}

/** Whether the way from one place to the next, neither of them the mark, leads over it. */
function passes(from: RingId, to: RingId, mark: RingId): boolean {
  if (from === mark) return false;
  return from < to ? from < mark && mark <= to : mark > from || mark <= to;
}

/** The page behind `after`: hosts in the order of their first members, with what is known of them. */
export function snapshotPage(
  cache: MemberCache,
  { after, max }: RingAsks['snapshot'],
  eventOf: (pointer: MemberPointer) => MembershipEvent | null,
): readonly MembershipEvent[] {
  const members = cache.all();
  const start = cache.placeOf(after);
  const hosts: MembershipEvent[] = [];
  for (let step = 0; step < members.length && hosts.length < max; step++) {
    const pointer = members[(start + step) % members.length]!;
    if (pointer.index !== 0 || pointer.id === after) continue;
    const event = eventOf(pointer);
    if (event !== null) hosts.push(event);
  }
  return hosts;
}
