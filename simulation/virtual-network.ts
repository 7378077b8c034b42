/**
 * A network in virtual time: every message is delayed, may be lost, doubled or overtaken, and partitions cut hosts off.
 * What a real transport does is modelled at its own level: an answer that does not come is a time-out, a host that has
 * crashed refuses connections, a partitioned one is silent.
 */
import type { RingAnswers, RingAsks, RingHandler, RingMessageKind } from '../src/ring/messages.ts';
import type { Contact, HostId } from '../src/ring/pointer.ts';
import type { AskResult, Milliseconds, Random, RingNetwork } from '../src/ring/ports.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Faults {
  /** One-way delay is drawn from [minimum, maximum], so messages overtake each other. */
  readonly minimumDelay: Milliseconds;
  readonly maximumDelay: Milliseconds;
  /** Probability that a message is lost, and that a question arrives twice. */
  readonly loss: number;
  readonly duplication: number;
}

export interface VirtualHost extends RingHandler {
  readonly self: Contact;
  heard(contact: Contact): void;
}

export class VirtualNetwork {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #up = new Map<HostId, VirtualHost>();
  #group = new Map<HostId, number>();
  faults: Faults;
  /** Messages sent, by kind; answers and pings count as one each. */
  readonly sent: Record<string, number> = {};

  constructor(time: VirtualTime, random: Random, faults: Faults) {
    this.#time = time;
    this.#random = random;
    this.faults = faults;
  }

  attach(host: VirtualHost): void {
    this.#up.set(host.self.host, host);
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

  heal(): void {
    this.#group.clear();
  }

  /** The network as `self` sees it. */
  port(self: Contact, isRunning: () => boolean): RingNetwork {
    return {
      ask: (to, kind, ask, deadline, done) => this.#ask(self, isRunning, to, kind, ask, deadline, done),
      ping: (to, timeout, done) => {
        this.#exchange(
          self,
          isRunning,
          to,
          'ping',
          timeout,
          (_host, reply) => reply(true),
          (result) => {
            done(result === 'unreachable' || result === 'timeout' ? result : 'alive');
          },
        );
      },
    };
  }

  #ask<K extends RingMessageKind>(
    self: Contact,
    isRunning: () => boolean,
    to: Contact,
    kind: K,
    ask: RingAsks[K],
    deadline: Milliseconds,
    done: (result: AskResult<K>) => void,
  ): void {
    this.#exchange<RingAnswers[K] | null>(
      self,
      isRunning,
      to,
      kind,
      deadline,
      (host, reply) => host.handle(self.host, kind, ask, reply),
      (result) => {
        if (result === 'unreachable' || result === 'timeout') done({ ok: false, failure: result });
        else done(result === null ? { ok: false, failure: 'refused' } : { ok: true, answer: result });
      },
    );
  }

  #exchange<A>(
    self: Contact,
    isRunning: () => boolean,
    to: Contact,
    kind: string,
    deadline: Milliseconds,
    deliver: (host: VirtualHost, reply: (answer: A) => void) => void,
    done: (result: A | 'unreachable' | 'timeout') => void,
  ): void {
    let open = true;
    const finish = (result: A | 'unreachable' | 'timeout') => {
      if (!open) return;
      open = false;
      silence.cancel();
      if (isRunning()) done(result);
    };
    const silence = this.#time.after(deadline, () => finish('timeout'));
    const arrive = () => {
      if (this.#separated(self.host, to.host)) return;
      const host = this.#up.get(to.host);
      if (host === undefined) return this.#send(kind, () => finish('unreachable'));
      host.heard(self);
      deliver(host, (answer) => {
        if (!this.#up.has(to.host)) return;
        this.#send(kind, () => {
          if (this.#separated(self.host, to.host) || !isRunning()) return;
          this.#up.get(self.host)?.heard(to);
          finish(answer);
        });
      });
    };
    this.#send(kind, arrive);
    if (this.#random.next() < this.faults.duplication) this.#send(kind, arrive);
  }

  #send(kind: string, arrive: () => void): void {
    this.sent[kind] = (this.sent[kind] ?? 0) + 1;
    if (this.#random.next() < this.faults.loss) return;
    const { minimumDelay, maximumDelay } = this.faults;
    this.#time.after(minimumDelay + (maximumDelay - minimumDelay) * this.#random.next(), arrive);
  }

  #separated(a: HostId, b: HostId): boolean {
    return (this.#group.get(a) ?? 0) !== (this.#group.get(b) ?? 0);
  }
}
