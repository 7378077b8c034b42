/**
 * A network in virtual time: every message is delayed, may be lost, doubled or overtaken, partitions cut groups of hosts
 * off and broken links single pairs. What a real transport does is modelled at its own level: an answer that does not
 * come is a time-out, a host that has crashed refuses connections, one that is frozen or cut off is silent.
 */

import type { AskResult, Milliseconds, Random, RingNetwork, RingQuestion } from '../host/ports.ts';
import type { RingAnswers, RingAsks, RingHandler, RingMessageKind } from '../protocol/messages.ts';
import type { Contact, HostId } from '../protocol/pointer.ts';
import { eventsBytes, snapshotBytes } from './payload.ts';
import type { Process } from './process.ts';
import type { Outcome, Trace } from './trace.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Faults {
  /** One-way delay is drawn from [minimum, maximum], so messages overtake each other. */
  readonly minDelay: Milliseconds;
  readonly maxDelay: Milliseconds;
  /** Probability that a message is lost, and that a question arrives twice. */
  readonly loss: number;
  readonly duplication: number;
}

export interface VirtualHost extends RingHandler {
  readonly self: Contact;
  heard(contact: Contact): void;
}

interface Attached {
  readonly host: VirtualHost;
  readonly process: Process;
}

interface Exchange<A> {
  readonly self: Contact;
  readonly process: Process;
  readonly to: Contact;
  readonly kind: string;
  readonly deadline: Milliseconds;
  deliver(host: VirtualHost, reply: (answer: A) => void): void;
  done(result: A | 'unreachable' | 'timeout'): void;
}

export class VirtualNetwork {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #trace: Trace | null;
  readonly #up = new Map<HostId, Attached>();
  readonly #brokenLinks = new Set<string>();
  #group = new Map<HostId, number>();
  faults: Faults;
  /** Whether a host takes messages of another at all; a removed one is refused, and not heard. */
  admits: (at: HostId, from: HostId) => boolean = () => true;
  /** Whether some way leads to a host from another: one behind a router is reached only through others. Answers need none. */
  leads: (from: HostId, to: HostId) => boolean = () => true;
  /** What becomes of the answer of a host: a liar gives another. */
  says: <A>(from: HostId, answer: A) => A = (_from, answer) => answer;
  /** Messages sent, by kind; answers and pings count as one each. */
  readonly sent: Record<string, number> = {};
  /** Bytes of payload of membership events, and of membership snapshots; see payload.ts. */
  readonly payload = { events: 0, snapshot: 0 };

  constructor(time: VirtualTime, random: Random, faults: Faults, trace: Trace | null = null) {
    this.#time = time;
    this.#random = random;
    this.#trace = trace;
    this.faults = faults;
  }

  attach(host: VirtualHost, process: Process): void {
    this.#up.set(host.self.host, { host, process });
  }

  /** The process is gone: connections to it are refused. */
  detach(host: HostId): void {
    this.#up.delete(host);
  }

  isUp(host: HostId): boolean {
    return this.#up.has(host);
  }

  /** Hosts of different groups cannot reach each other; hosts not named are in group 0. */
  partition(groups: ReadonlyMap<HostId, number>): void {
    this.#group = new Map(groups);
  }

  /** These two cannot reach each other, though others reach both (a link that is not transitive). */
  breakLink(a: HostId, b: HostId): void {
    this.#brokenLinks.add(linkName(a, b));
  }

  /** Ends partitions and restores links. */
  heal(): void {
    this.#group.clear();
    this.#brokenLinks.clear();
  }

  /** The network as one process of `self` sees it. */
  port(self: Contact, process: Process): RingNetwork {
    return {
      ask: (to, question, done) => this.#ask({ self, process, to }, question, done),
      ping: (to, deadline, done) => {
        this.#exchange<true>({
          self,
          process,
          to,
          kind: 'ping',
          deadline,
          deliver: (_host, reply) => reply(true),
          done: (result) => done(result === true ? 'alive' : result),
        });
      },
    };
  }

  #ask<K extends RingMessageKind>(
    between: Pick<Exchange<unknown>, 'self' | 'process' | 'to'>,
    { kind, ask, deadline }: RingQuestion<K>,
    done: (result: AskResult<K>) => void,
  ): void {
    if (kind === 'events') this.payload.events += eventsBytes(ask as RingAsks['events']);
    this.#exchange<RingAnswers[K] | null>({
      ...between,
      kind,
      deadline,
      deliver: (host, reply) => host.handle(between.self.host, kind, ask, reply),
      done: (result) => {
        if (result === 'unreachable' || result === 'timeout') return done({ ok: false, failure: result });
        if (result === null) return done({ ok: false, failure: 'refused' });
        if (kind === 'snapshot') this.payload.snapshot += snapshotBytes(result as RingAnswers['snapshot']);
        done({ ok: true, answer: result });
      },
    });
  }

  #exchange<A>(exchange: Exchange<A>): void {
    const { self, process, to, kind, deadline } = exchange;
    let open = true;
    const finish = (result: A | 'unreachable' | 'timeout') => {
      process.run(() => {
        if (!open) return;
        open = false;
        silence.cancel();
        if (result === 'timeout') this.#note(kind, self, to, 'timeout');
        exchange.done(result);
      });
    };
    const silence = this.#time.after(deadline, () => finish('timeout'));
    // It answers as who and where it says that it is, whatever pointer led to it.
    const answered = (from: Contact, answer: A) => {
      this.#send(kind, to, self, () => {
        if (!process.isRunning) return;
        this.#note(kind, to, self, 'answered');
        process.run(() => this.#up.get(self.host)?.host.heard(from));
        finish(this.says(from.host, answer));
      });
    };
    const arrive = () => {
      const attached = this.#up.get(to.host);
      if (attached === undefined) {
        this.#note(kind, self, to, 'refused');
        this.#send(kind, to, self, () => finish('unreachable'));
        return;
      }
      if (!this.admits(to.host, self.host) || !this.leads(self.host, to.host)) {
        this.#note(kind, self, to, 'refused');
        this.#send(kind, to, self, () => finish('unreachable'));
        return;
      }
      this.#note(kind, self, to, 'delivered');
      attached.process.run(() => {
        attached.host.heard(self);
        exchange.deliver(attached.host, (answer) => {
          if (attached.process.isRunning) answered(attached.host.self, answer);
        });
      });
    };
    this.#send(kind, self, to, arrive);
    if (this.#random.next() < this.faults.duplication) this.#send(kind, self, to, arrive);
  }

  #send(kind: string, from: Contact, to: Contact, arrive: () => void): void {
    this.sent[kind] = (this.sent[kind] ?? 0) + 1;
    if (this.#random.next() < this.faults.loss) {
      this.#note(kind, from, to, 'lost');
      return;
    }
    const { minDelay, maxDelay } = this.faults;
    this.#time.after(minDelay + (maxDelay - minDelay) * this.#random.next(), () => {
      if (this.#separated(from.host, to.host)) this.#note(kind, from, to, 'cut-off');
      else arrive();
    });
  }

  #separated(a: HostId, b: HostId): boolean {
    if (this.#brokenLinks.size > 0 && this.#brokenLinks.has(linkName(a, b))) return true;
    return (this.#group.get(a) ?? 0) !== (this.#group.get(b) ?? 0);
  }

  #note(kind: string, from: Contact, to: Contact, outcome: Outcome): void {
    this.#trace?.note(`${this.#time.now} ${kind} ${from.host} ${to.host} ${outcome}`);
  }
}

function linkName(a: HostId, b: HostId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
