/**
 * Makes replicas of one item durable on distinct hosts (spec/4): done when all r are, or when w are and the rest misses
 * its grace period, which is then left to repair. A failed host is replaced by the next one in ring order.
 */

import type { Clock, Contact, Timer } from '@chordial/ring';
import { ChordialError } from '../errors.ts';

/** A replica missing this long after w others are durable is left to repair … */
export const graceMilliseconds = 1000;
/** … unless its host is merely slow: it acknowledged something within the grace period. Not indefinitely. */
const maxGraces = 10;
/** While w are not reached and a host accepts nothing for this long, one more host is tried. */
const patienceMilliseconds = 1000;
/** Slightly less, since timers and the clock differ by up to a millisecond. */
const stalledMilliseconds = 900;

export interface CopyRule {
  /** r: replicas wanted. */
  readonly replicas: number;
  /** w: replicas below which it has failed while that many hosts are members. */
  readonly writeQuorum: number;
}

export interface CopyPorts {
  readonly clock: Clock;
  /** Resolves when the item is durable at the host. */
  storeAt(host: Contact): Promise<void>;
  /** Whether the host has acknowledged nothing that waits for it for this long. */
  isStalled(host: Contact, milliseconds: number): boolean;
}

export interface MadeCopies {
  readonly copies: number;
  /** min(w, hosts): fewer replicas are a failure, reported by the caller. */
  readonly needed: number;
  /** One line per failed host. */
  readonly failures: readonly string[];
  /** Codes of these failures, where they have one. */
  readonly codes: ReadonlySet<string>;
  /** Nothing is in flight to any host: the item's bytes may be overwritten. */
  readonly settled: boolean;
}

/** @param hosts in order of preference; the first r are the places */
export function makeCopies(hosts: readonly Contact[], rule: CopyRule, ports: CopyPorts): Promise<MadeCopies> {
  return new CopyMaker(hosts, rule, ports).run();
}

class CopyMaker {
  readonly #hosts: readonly Contact[];
  readonly #wanted: number;
  readonly #needed: number;
  readonly #ports: CopyPorts;
  readonly #done = Promise.withResolvers<void>();
  readonly #pending = new Set<Contact>();
  readonly #failures: string[] = [];
  readonly #codes = new Set<string>();
  #next = 0;
  #stored = 0;
  #ended = false;
  #timer: Timer | null = null;
  #graces = 0;

  constructor(hosts: readonly Contact[], rule: CopyRule, ports: CopyPorts) {
    this.#hosts = hosts;
    this.#wanted = Math.min(rule.replicas, hosts.length);
    this.#needed = Math.max(1, Math.min(rule.writeQuorum, this.#wanted));
    this.#ports = ports;
  }

  async run(): Promise<MadeCopies> {
    for (let copy = 0; copy < this.#wanted; copy++) this.#tryNext();
    this.#look();
    if (!this.#ended) this.#timer = this.#ports.clock.after(patienceMilliseconds, () => this.#impatient());
    await this.#done.promise;
    return {
      copies: this.#stored,
      needed: this.#needed,
      failures: this.#failures,
      codes: this.#codes,
      settled: this.#pending.size === 0,
    };
  }

  #tryNext(): void {
    const host = this.#hosts[this.#next++];
    if (host === undefined) return;
    this.#pending.add(host);
    this.#ports.storeAt(host).then(
      () => {
        this.#pending.delete(host);
        if (!this.#ended) this.#stored += 1;
        this.#look();
      },
      (error: Error) => {
        this.#pending.delete(host);
        this.#failures.push(`${host.host}: ${error.message}`);
        if (error instanceof ChordialError) this.#codes.add(error.code);
        if (!this.#ended) this.#tryNext();
        this.#look();
      },
    );
  }

  #look(): void {
    if (this.#ended) return;
    if (this.#stored >= this.#wanted || this.#pending.size === 0) this.#end();
    else if (this.#stored >= this.#needed && this.#graces === 0) this.#startGrace();
  }

  #impatient(): void {
    if (this.#ended || this.#stored >= this.#needed) return;
    // On a slow path everything takes long, and would through another host as well.
    if ([...this.#pending].some((host) => this.#ports.isStalled(host, stalledMilliseconds))) this.#tryNext();
    this.#timer = this.#ports.clock.after(patienceMilliseconds, () => this.#impatient());
  }

  #startGrace(): void {
    this.#graces += 1;
    this.#timer?.cancel();
    this.#timer = this.#ports.clock.after(graceMilliseconds, () => {
      const merelySlow = [...this.#pending].some((host) => !this.#ports.isStalled(host, graceMilliseconds));
      if (merelySlow && this.#graces < maxGraces) this.#startGrace();
      else this.#end();
    });
  }

  #end(): void {
    this.#ended = true;
    this.#timer?.cancel();
    this.#done.resolve();
  }
}
