/**
 * Makes replicas of one item durable on distinct hosts (spec/4): done when all r are, or when w are and the rest misses
 * its grace period, which is then left to repair. A failed host is replaced by the next one in ring order. The w are in as
 * many zones as w of the places would be, unless no other host is left to ask.
 */

import type { Clock, Contact, Timer } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { type AskPolicy, AskReplicas } from './ask-replicas.ts';
import { countZones } from './zone-order.ts';

/** A replica missing this long after w others are durable is left to repair … */
export const copyGraceMilliseconds = 1000;
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

class CopyMaker implements AskPolicy<Contact, void> {
  readonly need: number;
  readonly #enough: number;
  readonly #enoughZones: number;
  readonly #ports: CopyPorts;
  readonly #asking: AskReplicas<Contact, void>;
  readonly #failures: string[] = [];
  readonly #codes = new Set<string>();
  readonly #stored: Contact[] = [];
  #timer: Timer | null = null;
  #graces = 0;

  constructor(hosts: readonly Contact[], rule: CopyRule, ports: CopyPorts) {
    this.need = Math.min(rule.replicas, hosts.length);
    this.#enough = Math.max(1, Math.min(rule.writeQuorum, this.need));
    this.#enoughZones = Math.min(this.#enough, countZones(hosts.slice(0, this.need)));
    this.#ports = ports;
    this.#asking = new AskReplicas(hosts, this);
  }

  async run(): Promise<MadeCopies> {
    const made = this.#asking.run();
    if (!this.#asking.isOver) this.#timer = this.#ports.clock.after(patienceMilliseconds, () => this.#impatient());
    await made;
    this.#timer?.cancel();
    return {
      copies: this.#stored.length,
      needed: this.#enough,
      failures: this.#failures,
      codes: this.#codes,
      settled: this.#asking.pending.size === 0,
    };
  }

  // POLICY

  ask(host: Contact): Promise<void> {
    return this.#ports.storeAt(host);
  }

  answered(host: Contact): boolean {
    this.#stored.push(host);
    // One more may be in another zone.
    return this.#stored.length >= this.#enough && !this.#isDurable();
  }

  failed({ host }: Contact, error: Error): boolean {
    this.#failures.push(`${host}: ${error.message}`);
    if (error instanceof ChordialError) this.#codes.add(error.code);
    return true;
  }

  isEnough(): boolean {
    return this.#stored.length >= this.need && this.#isDurable();
  }

  goOn(): void {
    if (this.#isDurable() && this.#graces === 0) this.#startGrace();
  }

  // INTERNAL

  #isDurable(): boolean {
    return this.#stored.length >= this.#enough && countZones(this.#stored) >= this.#enoughZones;
  }

  #impatient(): void {
    if (this.#asking.isOver || this.#isDurable()) return;
    // On a slow path everything takes long, and would through another host as well.
    if (this.#isSome((host) => this.#ports.isStalled(host, stalledMilliseconds))) this.#asking.hedge();
    this.#timer = this.#ports.clock.after(patienceMilliseconds, () => this.#impatient());
  }

  #startGrace(): void {
    this.#graces += 1;
    this.#timer?.cancel();
    this.#timer = this.#ports.clock.after(copyGraceMilliseconds, () => {
      const isMerelySlow = this.#isSome((host) => !this.#ports.isStalled(host, copyGraceMilliseconds));
      if (isMerelySlow && this.#graces < maxGraces) this.#startGrace();
      else this.#asking.end();
    });
  }

  #isSome(is: (host: Contact) => boolean): boolean {
    return [...this.#asking.pending].some(is);
  }
}
