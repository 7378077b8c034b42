/**
 * Keeps this host's claims up to date, and frees unclaimed blocks (spec/4, Who may delete): names are checked soon
 * after a put, when their publisher ended them, at start and every 6 h. It runs in small steps, so that no request
 * waits for it.
 */

import type { Clock, Milliseconds, Random, Timer } from '@chordial/ring';
import { forEachConcurrently } from '../flow/for-each.ts';
import type { PublisherEntry } from '../records/publisher-entry.ts';
import type { BlockStore } from '../storage/block-store.ts';
import type { Catalog } from '../storage/catalog.ts';
import type { ClaimTable, KnownPut } from '../storage/claim-table.ts';
import type { EndedName, PutNews, ToldPut } from './claim-messages.ts';
import { type Sign, uncommittedMilliseconds, verdictOn } from './claim-verdict.ts';
import type { SupersededPuts } from './superseded-puts.ts';

/** How often due work is looked for. */
const tickMilliseconds: Milliseconds = 5000;
/** The publisher of a put is asked this long after a block arrived, and again while it has not committed. */
const askEveryMilliseconds: Milliseconds = 10_000;
/** Of one publisher per request. */
const putsPerQuestion = 256;
/** Of one owner per turn. */
const putsPerTurn = 2048;
/** Names checked per turn, of puts charged to one owner. */
const namesPerOwner = 32;
const everythingEveryMilliseconds: Milliseconds = 6 * 3600 * 1000;
/** After a start the ring settles first; when all start at once, as after a power failure, this must not add load. */
const firstEverythingMilliseconds: Milliseconds = 60_000;
const jitter = 0.2;
/** A name reported as ended whose entry does not show it yet is checked again. */
const releasePauseMilliseconds: Milliseconds = 1500;
const maxReleaseAttempts = 12;
/** Names queued because their publishers ended them; the check every 6 h finds the rest. */
const maxReleased = 10_000;
/** Doubts do not make a name be checked more often than this. */
const doubtedEveryMilliseconds: Milliseconds = 60_000;
const nameConcurrency = 8;
const putsPerStep = 64;
const claimsPerStep = 128;
const blocksPerStep = 512;
const pauseBetweenSteps: Milliseconds = 20;

export interface ClaimUpkeepPorts {
  readonly claims: ClaimTable;
  readonly catalog: Pick<Catalog, 'write'>;
  readonly blocks: Pick<BlockStore, 'collect' | 'unclaimed'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Receives entries that end puts. */
  readonly ended: SupersededPuts;
  /** The publisher's statement on its puts, in order; null when it does not answer. Never rejects. */
  newsOf(publisher: string, puts: readonly EndedName[]): Promise<readonly PutNews[] | null>;
  wordOf(publisher: string, name: string): Promise<PublisherEntry>;
  /** Removes expired records; called on every tick. */
  expireRecords(now: Milliseconds): Promise<void>;
  /** Called when blocks were freed. */
  freed?(blocks: number): void;
  /** Receives failures; the work is retried on a later tick. */
  failed?(error: Error): void;
}

interface Released {
  readonly publisher: string;
  readonly name: string;
  sequence: number;
  attempts: number;
}

export class ClaimUpkeep {
  readonly #ports: ClaimUpkeepPorts;
  readonly #released = new Map<string, Released>();
  readonly #running = new Set<Promise<void>>();
  #tick: Timer | null = null;
  #releaseTimer: Timer | null = null;
  #ticking = false;
  #releasing = false;
  #everythingAt: Milliseconds;
  readonly #began: Milliseconds;
  #closed = false;

  constructor(ports: ClaimUpkeepPorts) {
    this.#ports = ports;
    this.#began = ports.clock.now();
    this.#everythingAt = ports.clock.now() + this.#spread(firstEverythingMilliseconds);
    this.#tick = ports.clock.after(this.#spread(tickMilliseconds), () => this.#due());
  }

  /** Resolves when nothing is in progress. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#tick?.cancel();
    this.#releaseTimer?.cancel();
    await Promise.allSettled(this.#running);
  }

  /** The publisher says that it ended puts: they are checked as soon as possible. */
  release(publisher: string, names: readonly EndedName[]): void {
    for (const { name, sequence } of names) {
      if (this.#ports.claims.byName(publisher, name).length === 0) continue;
      const key = `${publisher} ${name}`;
      const known = this.#released.get(key);
      if (known === undefined && this.#released.size >= maxReleased) continue;
      const highest = Math.max(known?.sequence ?? 0, sequence);
      this.#released.set(key, { publisher, name, sequence: highest, attempts: 0 });
    }
    if (!this.#releasing && this.#releaseTimer === null) this.#run(this.#checkReleased());
  }

  /**
   * A publisher reports the state of its puts; entry i says whether put i is kept here: not one released before. It is
   * believed about its own puts, but cannot end one known to be committed.
   */
  told(publisher: string, puts: readonly ToldPut[]): readonly boolean[] {
    const news = puts.flatMap((told) => this.#known(publisher, told).map((put) => ({ put, news: told })));
    if (news.length > 0) this.#run(this.#letGo(news));
    return puts.map(({ name, sequence }) => !this.#ports.ended.gaveUp({ publisher, name, sequence }));
  }

  /** The claims of this block may have ended unnoticed: its names are checked soon, unless they just were. */
  doubt(key: string): void {
    const { claims, clock } = this.#ports;
    for (const { publisher, name, sequence } of claims.of(key)) {
      const put = claims.byName(publisher, name).find((known) => known.sequence === sequence);
      if (put === undefined || clock.wallTime() - Math.max(put.checked, put.added) < doubtedEveryMilliseconds) continue;
      if (put.confirmed !== null) this.release(publisher, [{ name, sequence }]);
      else this.#run(this.#askPublishers([put]));
    }
  }

  /** Performs everything due now. */
  async round(): Promise<void> {
    const { claims, clock } = this.#ports;
    const now = clock.wallTime();
    await this.#ports.expireRecords(now);
    for (const put of claims.lapsed(now, putsPerStep)) {
      this.#ports.ended.note(put.publisher, put.name, put.sequence + 1);
      await this.#drop(put);
    }
    await this.#askPublishers(claims.unconfirmed(now, askEveryMilliseconds, putsPerTurn));
    if (clock.now() < this.#everythingAt) return;
    this.#everythingAt = clock.now() + this.#spread(everythingEveryMilliseconds);
    await this.#checkEverything();
  }

  #due(): void {
    this.#tick = this.#ports.clock.after(this.#spread(tickMilliseconds), () => this.#due());
    if (this.#ticking) return;
    this.#ticking = true;
    this.#run(
      this.round().finally(() => {
        this.#ticking = false;
      }),
    );
  }

  async #checkEverything(): Promise<void> {
    const { claims, blocks, clock } = this.#ports;
    for (let after = 0; !this.#closed; ) {
      const puts = claims.walk(after, putsPerStep);
      const last = puts.at(-1);
      if (last === undefined) break;
      await this.#checkNames(puts);
      after = last.put;
      await this.#pause(pauseBetweenSteps);
    }
    const before = clock.wallTime() - uncommittedMilliseconds;
    for (let cursor: string | null = null; !this.#closed; ) {
      const page = await blocks.unclaimed(cursor, before, blocksPerStep);
      await this.#collect(page.items);
      cursor = page.cursor;
      if (cursor === null) break;
      await this.#pause(pauseBetweenSteps);
    }
  }

  /**
   * Each about its own puts. Names of those that are not in progress are checked, a few per owner at a time: a host
   * that passes on claims of made-up puts delays no one else's.
   */
  async #askPublishers(puts: readonly KnownPut[]): Promise<void> {
    const publishers = [...Map.groupBy(puts, ({ publisher }) => publisher)];
    const doubtful = await Promise.all(
      publishers.map(async ([publisher, all]) => {
        const news: { readonly put: KnownPut; readonly news: PutNews | null }[] = [];
        for (let start = 0; start < all.length; start += putsPerQuestion) {
          const some = all.slice(start, start + putsPerQuestion);
          const answer = await this.#ports.newsOf(publisher, some);
          if (this.#closed) return [];
          news.push(...some.map((put, index) => ({ put, news: answer?.[index] ?? null })));
          // A silent host is not asked again in this turn.
          if (answer === null) break;
        }
        return this.#heed(news);
      }),
    );
    const owners = Map.groupBy(doubtful.flat(), ({ put }) => put.owner);
    await Promise.all(
      [...owners.values()].map((all) => {
        const some = all.slice(0, namesPerOwner);
        const signs = new Map(some.map(({ put, news }) => [put.put, news === null ? 'silent' : 'over'] as const));
        return this.#checkNames(
          some.map(({ put }) => put),
          signs,
        );
      }),
    );
  }

  /** Records puts in progress and committed ones; returns the others. */
  async #heed<News extends PutNews | null>(
    told: readonly { readonly put: KnownPut; readonly news: News }[],
  ): Promise<readonly { readonly put: KnownPut; readonly news: News }[]> {
    const { claims, catalog, clock } = this.#ports;
    const now = clock.wallTime();
    const isOver = ({ put, news }: { readonly put: KnownPut; readonly news: News }): boolean =>
      news === null ||
      news.state === 'over' ||
      (news.state === 'in progress' && now - put.added >= uncommittedMilliseconds);
    const heard = told.filter((one) => !isOver(one));
    if (heard.length > 0)
      await catalog.write(() => {
        for (const { put, news } of heard) {
          if (news?.state === 'committed') claims.confirm(put, news.expiry, now);
          else claims.touch(put, now);
        }
      });
    return told.filter(isOver);
  }

  async #letGo(news: readonly { readonly put: KnownPut; readonly news: PutNews }[]): Promise<void> {
    for (const { put } of await this.#heed(news)) {
      if (put.confirmed !== null) continue;
      this.#ports.ended.giveUp(put);
      await this.#drop(put);
    }
  }

  #known(publisher: string, { name, sequence }: EndedName): KnownPut[] {
    return this.#ports.claims.byName(publisher, name).filter((put) => put.sequence === sequence);
  }

  /**
   * The names of these puts, each once, in groups.
   * @param signs of their publishers, by put
   */
  async #checkNames(puts: readonly KnownPut[], signs?: ReadonlyMap<number, Sign>): Promise<void> {
    const names = [...new Map(puts.map((put) => [`${put.publisher} ${put.name}`, put])).values()];
    await forEachConcurrently(names, nameConcurrency, async ({ publisher, name }) => {
      if (!this.#closed) await this.#checkName(publisher, name, signs);
    });
  }

  /** Resolves with the publisher's statement. */
  async #checkName(
    publisher: string,
    name: string,
    signs: ReadonlyMap<number, Sign> = new Map(),
  ): Promise<PublisherEntry> {
    const { claims, catalog, clock, wordOf } = this.#ports;
    const word = await wordOf(publisher, name);
    if (this.#closed) return word;
    const now = clock.wallTime();
    const over: KnownPut[] = [];
    const upFor = clock.now() - this.#began;
    await catalog.write(() => {
      for (const put of claims.byName(publisher, name)) {
        const verdict = verdictOn(put, word, now, { sign: signs.get(put.put) ?? 'unasked', upFor });
        if (verdict === 'drop') over.push(put);
        else if (verdict === 'confirm' && word.kind === 'entry') claims.confirm(put, word.expiry, now);
        // Only a check that asked the publisher postpones the next one.
        else if (put.confirmed !== null || signs.has(put.put)) claims.markChecked(put, now);
      }
    });
    // An entry that has expired or is a tombstone ends its own put as well.
    const ended = word.kind !== 'entry' ? 0 : word.current ? word.sequence : word.sequence + 1;
    if (over.length > 0 && ended > 0) this.#ports.ended.note(publisher, name, ended);
    for (const put of over) {
      if (put.confirmed === null) this.#ports.ended.giveUp(put);
      await this.#drop(put);
    }
    return word;
  }

  async #checkReleased(): Promise<void> {
    this.#releasing = true;
    this.#releaseTimer = null;
    try {
      await forEachConcurrently([...this.#released], nameConcurrency, async ([key, released]) => {
        if (!this.#closed) await this.#checkOneReleased(key, released);
      });
    } finally {
      this.#releasing = false;
      if (this.#released.size > 0 && !this.#closed) {
        this.#releaseTimer = this.#ports.clock.after(releasePauseMilliseconds, () => this.#run(this.#checkReleased()));
      }
    }
  }

  async #checkOneReleased(key: string, released: Released): Promise<void> {
    released.attempts += 1;
    const word = await this.#checkName(released.publisher, released.name);
    const shows = word.kind === 'entry' && word.sequence >= released.sequence;
    // A later end was reported meanwhile: another entry is queued in its place.
    if (this.#released.get(key) !== released) return;
    if (shows || released.attempts >= maxReleaseAttempts) this.#released.delete(key);
  }

  /** Ends a put's claims in steps, and frees blocks that are no longer claimed. */
  async #drop(put: KnownPut): Promise<void> {
    const { claims, catalog } = this.#ports;
    while (!this.#closed) {
      const { unclaimed, more } = await catalog.write(() => claims.drop(put, claimsPerStep));
      await this.#collect(unclaimed);
      if (!more) return;
      await this.#pause(pauseBetweenSteps);
    }
  }

  async #collect(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const blocks = await this.#ports.blocks.collect(keys);
    if (blocks > 0) this.#ports.freed?.(blocks);
  }

  #run(work: Promise<void>): void {
    const watched: Promise<void> = work
      .catch((error: Error) => this.#ports.failed?.(error))
      .finally(() => this.#running.delete(watched));
    this.#running.add(watched);
  }

  #pause(time: Milliseconds): Promise<void> {
    return new Promise((resolve) => this.#ports.clock.after(time, resolve));
  }

  /** Hosts that started together do not check together. */
  #spread(time: Milliseconds): Milliseconds {
    return time * (1 - jitter * this.#ports.random.next());
  }
}
