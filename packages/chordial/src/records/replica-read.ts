/**
 * One request to the places of a record key, and beyond: two places at first, the next one when these disagree or fail,
 * two more when one is silent for 300 ms. When the places have nothing, all hosts are asked, some at a time. A single
 * silent host is not awaited unless no other host has anything.
 */

import type { Contact, HostId, Milliseconds, Timer } from '@chordial/ring';
import { TransportError } from '../network/transport.ts';
import { type AskPolicy, AskReplicas } from './ask-replicas.ts';
import type { RecordPorts } from './record-ports.ts';

/** How many places must agree. */
const placesAsked = 2;
/** A host silent for this long is hedged with the next. */
const silenceMilliseconds: Milliseconds = 300;
/** A single answer of a place that is not authoritative is not accepted before. */
const unsurePatienceMilliseconds: Milliseconds = 600;
/** Concurrent requests to hosts outside the places. */
const maxAskConcurrency = 16;

export interface Answer<Kept> {
  readonly entries: readonly Kept[];
  /** The host is not authoritative, so it cannot answer "absent". */
  readonly isUnknown: boolean;
}

export interface Answers<Kept> {
  readonly sets: readonly (readonly Kept[])[];
  readonly failures: number;
  /** Authoritative places, and those that are not yet. */
  readonly sure: number;
  readonly unsure: number;
}

export interface ReplicaQuestion<Kept> {
  ask(host: Contact): Promise<Answer<Kept>>;
  /** Equal for equal sets. */
  fingerprint(entries: readonly Kept[]): string;
}

export type AskingPorts = Pick<RecordPorts, 'clock' | 'view' | 'unresponsivePeers'>;

export class ReplicaRead<Kept> implements AskPolicy<Contact, Answer<Kept>> {
  readonly need: number;
  readonly #places: readonly Contact[];
  readonly #asking: AskReplicas<Contact, Answer<Kept>>;
  /** Number of hosts that can be asked. */
  readonly #hostCount: number;
  readonly #ports: AskingPorts;
  readonly #ask: (host: Contact) => Promise<Answer<Kept>>;
  readonly #fingerprint: (entries: readonly Kept[]) => string;
  readonly #began: Milliseconds;
  readonly #sets: (readonly Kept[])[] = [];
  #failures = 0;
  #sure = 0;
  #unsure = 0;
  /** Those asked that may still be prompt, each with its timer. */
  readonly #prompt = new Map<HostId, Timer>();
  #patience: Timer | null = null;

  /**
   * @param hosts the first `placeCount` are the places
   */
  constructor(
    hosts: readonly Contact[],
    placeCount: number,
    ports: AskingPorts,
    { ask, fingerprint }: ReplicaQuestion<Kept>,
  ) {
    const responsiveFirst = (some: readonly Contact[]) =>
      ports.unresponsivePeers.responsiveFirst(some, ({ host }) => host);
    this.#places = responsiveFirst(hosts.slice(0, placeCount));
    this.need = Math.min(placesAsked, this.#places.length);
    this.#asking = new AskReplicas([...this.#places, ...responsiveFirst(hosts.slice(placeCount))], this);
    this.#hostCount = hosts.length;
    this.#ports = ports;
    this.#ask = ask;
    this.#fingerprint = fingerprint;
    this.#began = ports.clock.now();
  }

  async run(): Promise<Answers<Kept>> {
    await this.#asking.run();
    this.#patience?.cancel();
    for (const timer of this.#prompt.values()) timer.cancel();
    return { sets: [...this.#sets], failures: this.#failures, sure: this.#sure, unsure: this.#unsure };
  }

  // POLICY

  asked(host: Contact): void {
    const { clock, unresponsivePeers } = this.#ports;
    const patience = unresponsivePeers.isSilent(host.host) ? 0 : silenceMilliseconds;
    this.#prompt.set(
      host.host,
      clock.after(patience, () => this.#fellSilent(host)),
    );
  }

  ask(host: Contact): Promise<Answer<Kept>> {
    return this.#ask(host);
  }

  answered(host: Contact, { entries, isUnknown }: Answer<Kept>): boolean {
    this.#unwatch(host);
    this.#sets.push(entries);
    if (!this.#places.includes(host)) return false;
    // Any other host is not authoritative for what does not belong to it.
    if (isUnknown) this.#unsure += 1;
    else this.#sure += 1;
    return this.#sets.length >= placesAsked && !this.isEnough() && this.#asking.askedCount < this.#places.length;
  }

  failed(host: Contact, error: Error): boolean {
    this.#unwatch(host);
    if (error instanceof TransportError && error.failure !== 'refused') this.#ports.view.suspect(host);
    if (this.#asking.isOver) return false;
    this.#failures += 1;
    return !this.isEnough();
  }

  /** Two answers are equal, and not empty. */
  isEnough(): boolean {
    const seen = this.#sets.filter((set) => set.length > 0).map((set) => this.#fingerprint(set));
    return new Set(seen).size < seen.length;
  }

  goOn(): void {
    if (this.#prompt.size > 0) return;
    if (this.#sets.some((set) => set.length > 0)) this.#endWhenSure();
    // Two places that agree on nothing may both be lying: the remaining places are asked as well, and all others.
    else if (this.#asking.askedCount < this.#hostCount) this.#asking.askNext(maxAskConcurrency);
  }

  // INTERNAL

  #fellSilent(host: Contact): void {
    this.#prompt.delete(host.host);
    this.#ports.view.suspect(host);
    this.#asking.hedge();
  }

  #unwatch({ host }: Contact): void {
    this.#prompt.get(host)?.cancel();
    this.#prompt.delete(host);
  }

  /** Those that could still differ are silent or failed. */
  #endWhenSure(): void {
    const left = this.#began + unsurePatienceMilliseconds - this.#ports.clock.now();
    if (this.#asking.pending.size === 0 || this.#sure > 0 || left <= 0) this.#asking.end();
    else this.#patience ??= this.#ports.clock.after(left, () => this.#asking.end());
  }
}
