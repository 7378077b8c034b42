/**
 * Announces this host's shared files: their entries are published in batches, which are renewed while this host runs. A
 * batch is stored locally before it is sent and removed only after it is ended, so that leftovers of a crash are
 * renewed or ended after the restart.
 *
 * A header is changed in one synchronous step; of two in flight the newer one prevails wherever they arrive.
 */

import type { Milliseconds, Timer } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import type { OwnBatch, OwnBatchTable } from '../storage/own-batch-table.ts';
import {
  type BatchHeader,
  headerLifetimeMilliseconds,
  maxWithdrawnTags,
  signHeader,
  tagOf,
  tagsIn,
  type UnsignedHeader,
  withdrawnOf,
} from './batch-header.ts';
import type { ShareBatch } from './leaf-cutter.ts';
import { maxClockSkewMilliseconds } from './merge.ts';
import type { Signing } from './names.ts';
import { type PlacedHeader, type Spread, spreadHeaders } from './publish-headers.ts';
import { giveBack, MessageBuffers, spreadBatch } from './replicate-leaves.ts';
import { batchesOf } from './share-batch.ts';
import { shareEntryKey } from './share-entry.ts';
import { cellCount, cellOf } from './share-leaf.ts';
import type { SharePorts } from './share-places.ts';
import type { AnnouncedFile, EntriesOfFiles, ShareAnnouncer } from './shares.ts';

export interface AnnouncerTimes {
  /** spec/4: a batch lives for 60 min and is renewed every 20 min. */
  readonly renewMilliseconds: Milliseconds;
  /** After a renewal that some host did not accept. */
  readonly retryMilliseconds: Milliseconds;
}

export const defaultAnnouncerTimes: AnnouncerTimes = { renewMilliseconds: 1_200_000, retryMilliseconds: 60_000 };

/** Attempts to deliver a header to hosts which did not accept it. */
const maxRounds = 4;
const pauseMilliseconds: Milliseconds = 500;
/** In flight while the next one is made: the last messages of one must not delay the next. */
const batchesInFlight = 2;
/** 8 MiB. */
const messagesInFlight = 8;
/** More batches cost more messages and leaves: the smaller ones are then merged. */
const maxLiveBatches = 64;
const batchesKeptWhenWorn = 32;
/** A thinned batch carries its withdrawn tags in every header. */
const wornTags = maxWithdrawnTags / 4;

interface LiveBatch {
  readonly header: BatchHeader;
  readonly cells: readonly number[] | null;
  /** Not all of its leaves are durable yet. */
  readonly isInFlight: boolean;
}

export class BatchAnnouncer implements ShareAnnouncer {
  readonly #ports: SharePorts & Signing;
  readonly #own: OwnBatchTable;
  readonly #times: AnnouncerTimes;
  readonly #failed: (error: Error) => void;
  /** Batches of this host by number, including ended ones that not all holders have heard of. */
  readonly #batches = new Map<number, LiveBatch>();
  readonly #listeners = new Set<(batches: readonly number[]) => void>();
  readonly #toldWorn = new Set<number>();
  readonly #closing = new AbortController();
  #lastNumber = 0;
  #announcing: Promise<unknown> = Promise.resolve();
  #timer: Timer | null = null;
  #renewing: Promise<void> = Promise.resolve();

  /** @param failed receives failed renewals; they are retried */
  constructor(ports: SharePorts & Signing, own: OwnBatchTable, times: AnnouncerTimes, failed: (error: Error) => void) {
    this.#ports = ports;
    this.#own = own;
    this.#times = times;
    this.#failed = failed;
    for (const { number, header, cells } of own.all()) {
      this.#lastNumber = Math.max(this.#lastNumber, number);
      const kept = readable(() => ports.headers.readKept(header));
      if (kept !== null) this.#batches.set(number, { header: kept, cells, isInFlight: false });
    }
  }

  /** Called once this host is a member: earlier batches are renewed, and from then on all of them every 20 min. */
  begin(): void {
    if (this.#timer === null) this.#schedule(0);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#timer?.cancel();
    await Promise.allSettled([this.#announcing, this.#renewing]);
  }

  live(): ReadonlySet<number> {
    const now = this.#ports.clock.wallTime();
    const live = [...this.#batches].filter(
      ([number, { header, isInFlight }]) => !isInFlight && isCurrent(header, now) && !this.#isAhead(number),
    );
    return new Set(live.map(([number]) => number));
  }

  async announce(files: EntriesOfFiles, signal?: AbortSignal): Promise<readonly number[]> {
    // Sequential: two at once would only share processor and network.
    const before = this.#announcing;
    const announcing = before.catch(() => undefined).then(() => this.#announce(files, this.#signal(signal)));
    this.#announcing = announcing.catch(() => undefined);
    return announcing;
  }

  async withdraw(files: readonly AnnouncedFile[]): Promise<void> {
    const byBatch = new Map<number, AnnouncedFile[]>();
    for (const file of files) byBatch.set(file.batch, [...(byBatch.get(file.batch) ?? []), file]);
    const placed: PlacedHeader[] = [];
    for (const [number, some] of byBatch) {
      const batch = this.#batches.get(number);
      if (batch === undefined || batch.header.ended) continue;
      const entries = some.flatMap((file) => file.entries);
      const tags = new Set([...tagsIn(batch.header), ...entries.map(tagOf)]);
      if (tags.size > maxWithdrawnTags) throw wornOut(number);
      const header = this.#change(number, batch, { withdrawn: withdrawnOf(tags) });
      const cells = new Set(entries.map((entry) => cellOf(shareEntryKey(entry, this.#ports.places))));
      placed.push({ number, header: header.bytes, cells: [...cells] });
    }
    if (placed.length === 0) return;
    await this.#writeDown(placed.map(({ number }) => number));
    this.#lookForWear();
    await this.#tellAll(placed);
  }

  async end(batches: readonly number[]): Promise<void> {
    const known = batches.filter((number) => this.#batches.get(number)?.header.ended === false);
    for (const number of known)
      this.#change(number, this.#batches.get(number)!, { ended: true, withdrawn: new Uint8Array() });
    if (known.length === 0) return;
    await this.#writeDown(known);
    await this.#tellAll(this.#placed(known));
    await this.#forget(known);
  }

  onWorn(listener: (batches: readonly number[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // ANNOUNCING

  async #announce(files: EntriesOfFiles, signal: AbortSignal): Promise<readonly number[]> {
    const numbers: number[] = [];
    const made: number[] = [];
    const sending: Promise<unknown>[] = [];
    const buffers = new MessageBuffers(messagesInFlight);
    const spare: Buffer[] = [];
    try {
      const pause = () => this.#pause(0);
      // While batches are in flight the next is made.
      for await (const { batch, files: count } of batchesOf(files, this.#ports.places, pause, spare)) {
        if (sending.length === batchesInFlight) await sending.shift();
        const number = await this.#open(batch);
        made.push(number);
        for (let file = 0; file < count; file++) numbers.push(number);
        const { header } = this.#batches.get(number)!;
        const signed = { batch, header: header.bytes };
        const spread = spreadBatch(signed, this.#ports, buffers, signal).then(() => spare.push(batch.memory));
        spread.catch(() => undefined);
        sending.push(spread);
      }
      // Sending takes longest, and the memory in which entries were gathered is not needed for it.
      giveBack(spare.splice(0));
      await Promise.all(sending);
      giveBack(spare);
      buffers.giveBack();
    } catch (error) {
      await Promise.allSettled(sending);
      this.#undo(made);
      throw error;
    }
    for (const number of made) this.#batches.set(number, { ...this.#batches.get(number)!, isInFlight: false });
    this.#lookForWear();
    return numbers;
  }

  async #open({ root, entries, leaves, cells }: ShareBatch): Promise<number> {
    const { clock, signer } = this.#ports;
    // Batches made under a wrong clock are dropped: other hosts reject them.
    const now = clock.wallTime();
    const number = this.#isAhead(this.#lastNumber) ? now : Math.max(this.#lastNumber + 1, now);
    this.#lastNumber = number;
    const header = this.#sign({
      ...this.#asOf(number, number),
      publisher: signer.host,
      number,
      root,
      leaves: leaves.length,
      entries,
      ended: false,
      withdrawn: new Uint8Array(),
    });
    const distinct = [...new Set(cells)];
    const kept = distinct.length > cellCount / 2 ? null : distinct;
    this.#batches.set(number, { header, cells: kept, isInFlight: true });
    await this.#writeDown([number]);
    return number;
  }

  /** Batches that were sent in part: a host that has leaves of them learns of their end now, or they are not renewed. */
  #undo(numbers: readonly number[]): void {
    if (numbers.length === 0 || this.#closing.signal.aborted) return;
    this.end(numbers).catch((error: Error) => this.#failed(error));
  }

  // HEADERS

  #asOf(number: number, atLeast: number): Pick<UnsignedHeader, 'addresses' | 'version' | 'expiry'> {
    const { view, clock } = this.#ports;
    const now = clock.wallTime();
    // A version is never below the number: a batch created under a wrong clock stays in the future, and peers reject
    // it.
    const version = Math.max(number, this.#isAhead(atLeast) ? now : Math.max(atLeast, now));
    return { addresses: view.self.addresses, version, expiry: version + headerLifetimeMilliseconds };
  }

  /** Made under a wrong clock that was corrected since; others refuse it. */
  #isAhead(time: Milliseconds): boolean {
    return time > this.#ports.clock.wallTime() + maxClockSkewMilliseconds;
  }

  #change(number: number, batch: LiveBatch, changes: Partial<UnsignedHeader>): BatchHeader {
    const header = this.#sign({ ...batch.header, ...this.#asOf(number, batch.header.version + 1), ...changes });
    this.#batches.set(number, { ...batch, header });
    return header;
  }

  #sign(unsigned: UnsignedHeader): BatchHeader {
    const { networkId, signer } = this.#ports;
    return signHeader(unsigned, networkId, (bytes) => signer.sign(bytes));
  }

  #placed(numbers: readonly number[]): readonly PlacedHeader[] {
    return numbers.flatMap((number) => {
      const batch = this.#batches.get(number);
      return batch === undefined ? [] : [{ number, header: batch.header.bytes, cells: batch.cells }];
    });
  }

  /** Rejects with `too-few-copies` unless all but r − w hosts have accepted the headers. */
  async #tellAll(placed: readonly PlacedHeader[]): Promise<void> {
    const { rule, placement } = this.#ports;
    for (let round = 1; ; round++) {
      const { failed } = await spreadHeaders(placed, this.#ports, this.#closing.signal);
      if (failed.size === 0 || (round === maxRounds && failed.size <= rule.replicas - rule.writeQuorum)) return;
      if (round === maxRounds) throw untold(failed.size);
      placement.clear();
      await this.#pause(pauseMilliseconds);
    }
  }

  // RENEWAL

  #schedule(delay: Milliseconds): void {
    if (this.#closing.signal.aborted) return;
    this.#timer?.cancel();
    this.#timer = this.#ports.clock.after(delay, () => {
      const { renewMilliseconds, retryMilliseconds } = this.#times;
      this.#renewing = this.#renew().then(
        (isComplete) => this.#schedule(isComplete ? renewMilliseconds : retryMilliseconds),
        (error: Error) => {
          this.#failed(error);
          this.#schedule(retryMilliseconds);
        },
      );
    });
  }

  /** Resolves with whether all holders have heard everything. */
  async #renew(): Promise<boolean> {
    const now = this.#ports.clock.wallTime();
    const settled = [...this.#batches].filter(([, { isInFlight }]) => !isInFlight);
    const lapsed = settled
      .filter(([number, { header }]) => header.expiry <= now || this.#isAhead(number))
      .map(([number]) => number);
    await this.#forget(lapsed);
    const current = settled.filter(([number]) => !lapsed.includes(number));
    for (const [number, batch] of current) if (!batch.header.ended) this.#change(number, batch, {});
    const numbers = current.map(([number]) => number);
    await this.#writeDown(numbers);
    const spread = await spreadHeaders(this.#placed(numbers), this.#ports, this.#closing.signal);
    const isComplete = spread.failed.size === 0;
    const ended = numbers.filter((number) => this.#batches.get(number)?.header.ended === true);
    if (isComplete) await this.#forget(ended);
    this.#tellWorn([...lapsed, ...(isComplete ? this.#thin(numbers, spread) : [])]);
    return isComplete;
  }

  /** Batches with fewer than w replicas of leaves: more hosts failed than repair could keep up with. */
  #thin(numbers: readonly number[], { leaves }: Spread): readonly number[] {
    const copies = Math.min(this.#ports.rule.writeQuorum, this.#ports.view.hosts().length);
    return numbers.filter((number) => {
      const header = this.#batches.get(number)?.header;
      return header !== undefined && !header.ended && (leaves.get(number) ?? 0) < header.leaves * copies;
    });
  }

  // THINNING

  #lookForWear(): void {
    const live = [...this.#batches].filter(([, { header, isInFlight }]) => !isInFlight && !header.ended);
    const thinned = live.filter(([, { header }]) => tagsIn(header).size >= wornTags).map(([number]) => number);
    const small =
      live.length <= maxLiveBatches
        ? []
        : live.sort(([, a], [, b]) => b.header.entries - a.header.entries).slice(batchesKeptWhenWorn);
    this.#tellWorn([...new Set([...thinned, ...small.map(([number]) => number)])]);
  }

  #tellWorn(batches: readonly number[]): void {
    const news = batches.filter((number) => !this.#toldWorn.has(number));
    if (news.length === 0 || this.#listeners.size === 0) return;
    for (const number of news) this.#toldWorn.add(number);
    for (const listener of this.#listeners) listener(news);
  }

  // STATE

  async #writeDown(numbers: readonly number[]): Promise<void> {
    const rows = numbers.flatMap((number): OwnBatch[] => {
      const batch = this.#batches.get(number);
      return batch === undefined ? [] : [{ number, header: batch.header.bytes, cells: batch.cells }];
    });
    if (rows.length > 0) await this.#own.put(rows);
  }

  async #forget(numbers: readonly number[]): Promise<void> {
    for (const number of numbers) this.#batches.delete(number);
    for (const number of numbers) this.#toldWorn.delete(number);
    if (numbers.length > 0) await this.#own.remove(numbers);
  }

  #pause(delay: Milliseconds): Promise<void> {
    return new Promise((resolve) => this.#ports.clock.after(delay, resolve));
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }
}

function isCurrent({ ended, expiry }: BatchHeader, now: number): boolean {
  return !ended && expiry > now;
}

function wornOut(number: number): ChordialError {
  return new ChordialError(
    'too-many-entries',
    `Batch ${number} has lost more than ${maxWithdrawnTags} of its files; announce those that are left again and end it.`,
  );
}

function untold(hosts: number): ChordialError {
  return new ChordialError(
    'too-few-copies',
    `${hosts} hosts did not hear of a change of what is shared. They will with the next renewal, at most 20 min from now.`,
  );
}

/** Null for a corrupt header: the files of that batch are announced again. */
function readable(read: () => BatchHeader): BatchHeader | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof ChordialError) return null;
    throw error;
  }
}
