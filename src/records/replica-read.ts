/**
 * One request to the places of a record key, and beyond: two places at first, the next one when these disagree or fail,
 * two more when one is silent for 300 ms. When the places have nothing, all hosts are asked, some at a time. A single
 * silent host is not awaited unless no other host has anything.
 */

import type { Contact, HostId, Milliseconds, Timer } from '@chordial/ring';
import { TransportError } from '../network/transport.ts';
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

export type AskingPorts = Pick<RecordPorts, 'clock' | 'view' | 'unresponsivePeers'>;

export class Asking<Kept> {
  readonly #places: readonly Contact[];
  /** In the order asked; places first. */
  readonly #hosts: readonly Contact[];
  readonly #ports: AskingPorts;
  readonly #ask: (host: Contact) => Promise<Answer<Kept>>;
  readonly #fingerprint: (entries: readonly Kept[]) => string;
  readonly #done = Promise.withResolvers<void>();
  readonly #began: Milliseconds;
  readonly #sets: (readonly Kept[])[] = [];
  #failures = 0;
  #sure = 0;
  #unsure = 0;
  #next = 0;
  /** Asked and unanswered: those that may still be prompt, each with its timer, and silent ones. */
  readonly #prompt = new Map<HostId, Timer>();
  #silent = 0;
  #patience: Timer | null = null;
  #isOver = false;

  /**
   * @param hosts the first `placeCount` are the places
   * @param fingerprint equal for equal sets
   */
  constructor(
    hosts: readonly Contact[],
    placeCount: number,
    ports: AskingPorts,
    ask: (host: Contact) => Promise<Answer<Kept>>,
    fingerprint: (entries: readonly Kept[]) => string,
  ) {
    const responsiveFirst = (some: readonly Contact[]) =>
      ports.unresponsivePeers.responsiveFirst(some, ({ host }) => host);
    this.#places = responsiveFirst(hosts.slice(0, placeCount));
    this.#hosts = [...this.#places, ...responsiveFirst(hosts.slice(placeCount))];
    this.#ports = ports;
    this.#ask = ask;
    this.#fingerprint = fingerprint;
    this.#began = ports.clock.now();
  }

  async run(): Promise<Answers<Kept>> {
    for (let count = 0; count < placesAsked && this.#next < this.#places.length; count++) this.#tryNext();
    this.#look();
    await this.#done.promise;
    this.#patience?.cancel();
    for (const timer of this.#prompt.values()) timer.cancel();
    return { sets: [...this.#sets], failures: this.#failures, sure: this.#sure, unsure: this.#unsure };
  }

  #tryNext(): void {
    const host = this.#hosts[this.#next++];
    if (host === undefined) return;
    const { clock, unresponsivePeers } = this.#ports;
    const patience = unresponsivePeers.isSilent(host.host) ? 0 : silenceMilliseconds;
    this.#prompt.set(
      host.host,
      clock.after(patience, () => this.#fellSilent(host)),
    );
    this.#ask(host).then(
      (answer) => this.#heard(host, answer),
      (error: Error) => this.#failed(host, error),
    );
  }

  #fellSilent(host: Contact): void {
    this.#prompt.delete(host.host);
    this.#silent += 1;
    this.#ports.view.suspect(host);
    if (!this.#isAgreed()) this.#tryNext();
    this.#look();
  }

  #heard(host: Contact, { entries, isUnknown }: Answer<Kept>): void {
    this.#answered(host);
    if (this.#isOver) return;
    this.#sets.push(entries);
    if (this.#places.includes(host)) {
      // Any other host is not authoritative for what does not belong to it.
      if (isUnknown) this.#unsure += 1;
      else this.#sure += 1;
      if (this.#sets.length >= placesAsked && !this.#isAgreed() && this.#next < this.#places.length) this.#tryNext();
    }
    this.#look();
  }

  #failed(host: Contact, error: Error): void {
    this.#answered(host);
    if (error instanceof TransportError && error.failure !== 'refused') this.#ports.view.suspect(host);
    if (this.#isOver) return;
    this.#failures += 1;
    if (!this.#isAgreed()) this.#tryNext();
    this.#look();
  }

  #answered(host: Contact): void {
    const timer = this.#prompt.get(host.host);
    if (timer === undefined) this.#silent -= 1;
    timer?.cancel();
    this.#prompt.delete(host.host);
  }

  #look(): void {
    if (this.#isOver) return;
    if (this.#isAgreed()) this.#end();
    else if (this.#prompt.size > 0) return;
    else if (this.#isFound()) this.#endWhenSure();
    else if (this.#next < this.#hosts.length) this.#askOthers();
    else if (this.#silent === 0) this.#end();
  }

  /** Those that could still differ are silent or failed. */
  #endWhenSure(): void {
    const left = this.#began + unsurePatienceMilliseconds - this.#ports.clock.now();
    if (this.#silent === 0 || this.#sure > 0 || left <= 0) this.#end();
    else this.#patience ??= this.#ports.clock.after(left, () => this.#end());
  }

  /** Two places that agree on nothing may both be lying: the remaining places are asked as well, and all others. */
  #askOthers(): void {
    const end = Math.min(this.#next + maxAskConcurrency, this.#hosts.length);
    while (this.#next < end) this.#tryNext();
  }

  #end(): void {
    this.#isOver = true;
    this.#done.resolve();
  }

  #isFound(): boolean {
    return this.#sets.some((set) => set.length > 0);
  }

  /** Two answers are equal, and not empty. */
  #isAgreed(): boolean {
    const seen = this.#sets.filter((set) => set.length > 0).map((set) => this.#fingerprint(set));
    return new Set(seen).size < seen.length;
  }
}
