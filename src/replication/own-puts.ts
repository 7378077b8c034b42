/**
 * The puts of this host that go on, and what holders are told of them. A put commits in this order: every block durable; where it took long, holders asked whether they still keep it; its name durable; its
 * holders told. A holder that is not told asks, and lets a put go that its publisher knows nothing of, or whose publisher is
 * silent. So a put whose end was seen by its user is known to its holders moments later, and one that was cut off to none.
 *
 * Those that hold blocks of a put hear from its publisher every 10 s that it goes on: they cannot ask a client, which no one
 * reaches.
 *
 * One that failed counts as going on for a while, since its blocks serve the next attempt.
 */

import type { Clock, Contact, HostId, Milliseconds, Timer } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import type { Transport } from '../network/transport.ts';
import type { RingView } from '../records/ring-view.ts';
import {
  claimMessages,
  decodeKept,
  encodeTold,
  maxNamesPerRelease,
  type PutNews,
  type ToldPut,
} from './claim-messages.ts';

/** What a put that failed has sent serves the next attempt so long; after a start those of before it. */
const resumableMilliseconds: Milliseconds = 20_000;
/** A put that took longer may have been let go by holders that did not hear of it. */
const unheardMilliseconds: Milliseconds = 20_000;
/** While a put goes on its holders are told so. */
const aliveEveryMilliseconds: Milliseconds = 10_000;
/** What is told of many small puts goes together. */
const gatherMilliseconds: Milliseconds = 20;
const deadlineMilliseconds: Milliseconds = 3000;

export interface OwnPutsPorts {
  readonly view: RingView;
  readonly transport: Transport;
  readonly clock: Clock;
  /** This host's own entry of a name, as long as it has not ended. */
  ownEntry(name: string): { readonly sequence: number; readonly expiry: number | null } | null;
  /** What this host holds itself. */
  tellOwn(puts: readonly ToldPut[]): readonly boolean[];
}

interface NameState {
  underWay: number;
  /** When the last one failed. */
  failedAt: Milliseconds;
}

export class OwnPuts {
  readonly #ports: OwnPutsPorts;
  readonly #names = new Map<string, NameState>();
  readonly #began: Milliseconds;
  readonly #news = new Map<HostId, { readonly contact: Contact; puts: ToldPut[] }>();
  readonly #sending = new Set<Promise<void>>();
  readonly #underWay = new Set<OwnPut>();
  #alive: Timer | null = null;

  constructor(ports: OwnPutsPorts) {
    this.#ports = ports;
    this.#began = ports.clock.now();
  }

  begin(name: string, sequence: number): OwnPut {
    const state = this.#names.get(name) ?? { underWay: 0, failedAt: Number.NEGATIVE_INFINITY };
    state.underWay += 1;
    this.#names.set(name, state);
    const put = new OwnPut({ name, sequence }, this.#ports.clock.now(), this);
    this.#underWay.add(put);
    this.#alive ??= this.#ports.clock.after(aliveEveryMilliseconds, () => this.#tellAlive());
    return put;
  }

  /** Whether blocks of an earlier attempt at this name may lie at their holders. */
  isResumable(name: string): boolean {
    const { clock } = this.#ports;
    const state = this.#names.get(name);
    return state !== undefined && (state.underWay > 0 || clock.now() - state.failedAt < resumableMilliseconds);
  }

  /** What became of a put of this host. */
  newsOf({ name, sequence }: Pick<ToldPut, 'name' | 'sequence'>): PutNews {
    const entry = this.#ports.ownEntry(name);
    if (entry?.sequence === sequence) return { state: 'committed', expiry: entry.expiry };
    const hasJustBegun = this.#ports.clock.now() - this.#began < resumableMilliseconds;
    return { state: hasJustBegun || this.isResumable(name) ? 'under way' : 'over', expiry: null };
  }

  /** Resolves with the hosts that let the put go; those that do not answer are not among them. */
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

  /** Soon, to each host; who is not reached asks. */
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
    this.#underWay.delete(put);
    const state = this.#names.get(name);
    if (state === undefined) return;
    state.underWay -= 1;
    if (!isCommitted) state.failedAt = this.#ports.clock.now();
    if (state.underWay > 0) return;
    if (isCommitted) this.#names.delete(name);
    else this.#ports.clock.after(resumableMilliseconds, () => this.#forget(name));
  }

  /** Ends what can be resumed of a name: holders may let it go at once. */
  giveUp(name: string): void {
    const state = this.#names.get(name);
    if (state !== undefined && state.underWay === 0) this.#names.delete(name);
  }

  /** Tells nothing more; resolves when nothing is on its way to anybody. */
  async close(): Promise<void> {
    this.#alive?.cancel();
    this.#underWay.clear();
    await Promise.all(this.#sending);
  }

  #tellAlive(): void {
    this.#alive = null;
    if (this.#underWay.size === 0) return;
    this.#alive = this.#ports.clock.after(aliveEveryMilliseconds, () => this.#tellAlive());
    for (const put of this.#underWay) put.goesOn();
  }

  #forget(name: string): void {
    const state = this.#names.get(name);
    const isOver = state?.underWay === 0 && this.#ports.clock.now() - state.failedAt >= resumableMilliseconds;
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
    const { view, transport, tellOwn } = this.#ports;
    if (contact.host === view.self.host) return tellOwn(puts);
    const options = { deadline: deadlineMilliseconds };
    return decodeKept(await transport.request(contact, claimMessages.told, encodeTold(puts), options), puts.length);
  }
}

/** One put from its beginning to its end. */
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
   * Before its name is published, and once more when that took long: throws `too-few-copies` when so many hosts have let it
   * go that fewer than `needed` of the copies are sure.
   */
  async check(now: Milliseconds, copies: number, needed: number): Promise<void> {
    if (now - this.#began < unheardMilliseconds) return;
    const put = { name: this.#name, sequence: this.#sequence, state: 'under way', expiry: null } as const;
    const lost = await this.#puts.lostAt(put, this.hosts.values());
    if (lost.length === 0 || copies - lost.length >= needed) return;
    throw new ChordialError(
      'too-few-copies',
      `This peer was not heard for a while, and ${lost.length} hosts have let go what was put of ${JSON.stringify(this.#name)}; nothing was published. Put it again.`,
    );
  }

  goesOn(): void {
    this.#tell('under way', null);
  }

  committed(expiry: number | null): void {
    this.#puts.ended(this, this.#name, true);
    this.#tell('committed', expiry);
  }

  /** @param isHopeless trying again at once would not help: what was sent is let go now */
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
