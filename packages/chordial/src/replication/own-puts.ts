/**
 * Puts of this host in progress, and what their holders are told. A put commits in this order: every block durable; if
 * it took long, holders asked whether they still keep it; its name durable; its holders notified. A holder that is not
 * notified asks, and releases a put that its publisher does not know, or whose publisher is silent. So holders learn of
 * a put that succeeded within moments, and an aborted one is known as committed to none.
 *
 * Holders of a put's blocks hear from its publisher every 10 s that it is in progress: they cannot ask a client, which
 * accepts no connections.
 *
 * A failed one counts as in progress for a while, since its blocks serve the next attempt.
 */

import type { Contact, HostId, Milliseconds, Timer } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { claimMessages, maxNamesPerRelease, type PutNews, type ToldPut } from './claim-messages.ts';
import type { DataPorts } from './data-ports.ts';

/** How long the blocks of a failed put serve the next attempt; after a start also those of earlier runs. */
const resumableMilliseconds: Milliseconds = 20_000;
/** A put that took longer may have been released by holders that were not notified. */
const unheardMilliseconds: Milliseconds = 20_000;
/** Interval of notifications while a put is in progress. */
const aliveEveryMilliseconds: Milliseconds = 10_000;
/** Notifications of many small puts are batched. */
const gatherMilliseconds: Milliseconds = 20;
const deadlineMilliseconds: Milliseconds = 3000;

/** This host's current entry of a name. */
type OwnEntry = (name: string) => { readonly sequence: number; readonly expiry: number | null } | null;

interface NameState {
  inProgress: number;
  /** When the last one failed. */
  failedAt: Milliseconds;
}

export class OwnPuts {
  readonly #ports: Pick<DataPorts, 'view' | 'transport' | 'clock'>;
  readonly #ownEntry: OwnEntry;
  readonly #tellOwn: (puts: readonly ToldPut[]) => readonly boolean[];
  readonly #names = new Map<string, NameState>();
  readonly #began: Milliseconds;
  readonly #news = new Map<HostId, { readonly contact: Contact; puts: ToldPut[] }>();
  readonly #sending = new Set<Promise<void>>();
  readonly #inProgress = new Set<OwnPut>();
  #alive: Timer | null = null;

  /** @param tellOwn takes a statement about what this host holds */
  constructor(
    ports: Pick<DataPorts, 'view' | 'transport' | 'clock'>,
    ownEntry: OwnEntry,
    tellOwn: (puts: readonly ToldPut[]) => readonly boolean[],
  ) {
    this.#ports = ports;
    this.#ownEntry = ownEntry;
    this.#tellOwn = tellOwn;
    this.#began = ports.clock.now();
  }

  begin(name: string, sequence: number): OwnPut {
    const state = this.#names.get(name) ?? { inProgress: 0, failedAt: Number.NEGATIVE_INFINITY };
    state.inProgress += 1;
    this.#names.set(name, state);
    const put = new OwnPut({ name, sequence }, this.#ports.clock.now(), this);
    this.#inProgress.add(put);
    this.#alive ??= this.#ports.clock.after(aliveEveryMilliseconds, () => this.#tellAlive());
    return put;
  }

  /** Whether holders may have blocks of an earlier attempt at this name. */
  isResumable(name: string): boolean {
    const { clock } = this.#ports;
    const state = this.#names.get(name);
    return state !== undefined && (state.inProgress > 0 || clock.now() - state.failedAt < resumableMilliseconds);
  }

  /** The state of a put of this host. */
  newsOf({ name, sequence }: Pick<ToldPut, 'name' | 'sequence'>): PutNews {
    const entry = this.#ownEntry(name);
    if (entry?.sequence === sequence) return { state: 'committed', expiry: entry.expiry };
    const hasJustBegun = this.#ports.clock.now() - this.#began < resumableMilliseconds;
    return { state: hasJustBegun || this.isResumable(name) ? 'in progress' : 'over', expiry: null };
  }

  /** Resolves with the hosts that released the put; hosts that do not answer are not included. */
  async lostAt(put: ToldPut, hosts: Iterable<Contact>): Promise<readonly Contact[]> {
    const lost: Contact[] = [];
    await Promise.all(
      [...hosts].map(async (contact) => {
        const [kept] = await this.#tell(contact, [put]).catch(() => [true]);
        if (kept === false) lost.push(contact);
      }),
    );
    return lost;
  }

  /** Soon, to each host; a host that is not reached asks. */
  tell(put: ToldPut, hosts: Iterable<Contact>): void {
    for (const contact of hosts) {
      const waiting = this.#news.get(contact.host);
      if (waiting !== undefined) {
        waiting.puts.push(put);
        continue;
      }
      this.#news.set(contact.host, { contact, puts: [put] });
      this.#ports.clock.after(gatherMilliseconds, () => this.#send(contact.host));
    }
  }

  ended(put: OwnPut, name: string, isCommitted: boolean): void {
    this.#inProgress.delete(put);
    const state = this.#names.get(name);
    if (state === undefined) return;
    state.inProgress -= 1;
    if (!isCommitted) state.failedAt = this.#ports.clock.now();
    if (state.inProgress > 0) return;
    if (isCommitted) this.#names.delete(name);
    else this.#ports.clock.after(resumableMilliseconds, () => this.#forget(name));
  }

  /** Ends what could be resumed of a name: holders may release it at once. */
  giveUp(name: string): void {
    const state = this.#names.get(name);
    if (state !== undefined && state.inProgress === 0) this.#names.delete(name);
  }

  /** Stops notifying; resolves when nothing is in flight. */
  async close(): Promise<void> {
    this.#alive?.cancel();
    this.#inProgress.clear();
    await Promise.all(this.#sending);
  }

  #tellAlive(): void {
    this.#alive = null;
    if (this.#inProgress.size === 0) return;
    this.#alive = this.#ports.clock.after(aliveEveryMilliseconds, () => this.#tellAlive());
    for (const put of this.#inProgress) put.goesOn();
  }

  #forget(name: string): void {
    const state = this.#names.get(name);
    const isOver = state?.inProgress === 0 && this.#ports.clock.now() - state.failedAt >= resumableMilliseconds;
    if (isOver) this.#names.delete(name);
  }

  #send(host: HostId): void {
    const waiting = this.#news.get(host);
    this.#news.delete(host);
    if (waiting === undefined) return;
    for (let start = 0; start < waiting.puts.length; start += maxNamesPerRelease) {
      const sent: Promise<void> = this.#tell(waiting.contact, waiting.puts.slice(start, start + maxNamesPerRelease))
        // A holder that missed it asks.
        .then(
          () => undefined,
          () => undefined,
        )
        .finally(() => this.#sending.delete(sent));
      this.#sending.add(sent);
    }
  }

  async #tell(contact: Contact, puts: readonly ToldPut[]): Promise<readonly boolean[]> {
    const { view, transport } = this.#ports;
    if (contact.host === view.self.host) return this.#tellOwn(puts);
    const options = { deadline: deadlineMilliseconds };
    return (await claimMessages.told.ask(transport, contact, { puts }, options)).kept;
  }
}

/** One put from start to end. */
export class OwnPut {
  /** Hosts that acknowledged a block of it. */
  readonly hosts = new Map<HostId, Contact>();
  readonly #name: string;
  readonly #sequence: number;
  readonly #began: Milliseconds;
  readonly #puts: OwnPuts;

  constructor({ name, sequence }: Pick<ToldPut, 'name' | 'sequence'>, began: Milliseconds, puts: OwnPuts) {
    this.#name = name;
    this.#sequence = sequence;
    this.#began = began;
    this.#puts = puts;
  }

  /**
   * Before its name is published, and once more when that took long: throws `too-few-copies` when so many hosts have
   * released it that fewer than `needed` replicas are certain.
   */
  async check(now: Milliseconds, copies: number, needed: number): Promise<void> {
    if (now - this.#began < unheardMilliseconds) return;
    const put = { name: this.#name, sequence: this.#sequence, state: 'in progress', expiry: null } as const;
    const lost = await this.#puts.lostAt(put, this.hosts.values());
    if (lost.length === 0 || copies - lost.length >= needed) return;
    throw new ChordialError(
      'too-few-copies',
      `This peer was not heard for a while, and ${lost.length} hosts have let go what was put of ${JSON.stringify(this.#name)}; nothing was published. Put it again.`,
    );
  }

  goesOn(): void {
    this.#tell('in progress', null);
  }

  committed(expiry: number | null): void {
    this.#puts.ended(this, this.#name, true);
    this.#tell('committed', expiry);
  }

  /** @param isHopeless an immediate retry would not help: blocks already sent are released now */
  failed(isHopeless: boolean): void {
    this.#puts.ended(this, this.#name, false);
    if (!isHopeless) return;
    this.#puts.giveUp(this.#name);
    this.#tell('over', null);
  }

  #tell(state: ToldPut['state'], expiry: number | null): void {
    this.#puts.tell({ name: this.#name, sequence: this.#sequence, state, expiry }, this.hosts.values());
  }
}
