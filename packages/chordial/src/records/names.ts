/** Names: publishing, removing and finding them. */

import type { Contact, HostId } from '@chordial/ring';
import { checkName, isPartName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { RecordRow } from '../storage/record-table.ts';
import { type EncodedEntry, storedEntries, type UnsignedEntry } from './entry.ts';
import { EntrySigner } from './entry-signer.ts';
import { isCurrent, maxClockSkewMilliseconds, mergeEntriesAt } from './merge.ts';
import {
  type NamedContent,
  type NameEntry,
  nameEntry,
  nameOf,
  nameSubject,
  nameTombstone,
  readableName,
} from './name-entry.ts';
import { recordKeyOf, recordKeyOfName } from './record-keys.ts';
import type { RecordPorts } from './record-ports.ts';
import type { RecordReader } from './record-reader.ts';
import type { RecordWriter } from './record-writer.ts';

/** Signs what this host publishes. */
export interface Signer {
  readonly host: HostId;
  sign(bytes: Uint8Array): Uint8Array;
}

/** Signs for one network. */
export interface Signing {
  readonly signer: Signer;
  readonly networkId: string;
}

/** Names of the whole network in one listing; more are found by search. */
const maxNamesGathered = 100_000;
/** Read for one listing, where some publishers have so many names that not all fit. */
const maxNamesRead = 4 * maxNamesGathered;
const maxHostsListed = 256;
const hostListConcurrency = 8;
const sealedListConcurrency = 64;

export class Names {
  readonly #ports: RecordPorts & Signing;
  readonly #writer: RecordWriter;
  readonly #reader: RecordReader;
  readonly #signer: EntrySigner;
  #lastSequence = 0;
  /** By row, which the table returns unchanged until it is written. */
  readonly #decoded = new WeakMap<RecordRow, EncodedEntry>();
  /** Entries of a name in flight. */
  readonly #storing = new Map<string, number>();

  constructor(ports: RecordPorts & Signing, writer: RecordWriter, reader: RecordReader) {
    this.#ports = ports;
    this.#writer = writer;
    this.#reader = reader;
    this.#signer = new EntrySigner(ports.networkId, (bytes) => ports.signer.sign(bytes));
  }

  /**
   * The sequence of a put that starts now: above all that this host has issued, so that of two puts the later one wins.
   * Those issued under a wrong clock, which others reject, are dropped.
   */
  nextSequence(name: string): number {
    return this.#sequenceAfter(this.#ownEntry(checkName(name))?.entry.sequence ?? 0);
  }

  #sequenceAfter(previous: number): number {
    const now = this.#ports.clock.wallTime();
    const given = [previous, this.#lastSequence].filter((one) => one < now + maxClockSkewMilliseconds);
    this.#lastSequence = Math.max(now, ...given.map((one) => one + 1));
    return this.#lastSequence;
  }

  /** Number of durable replicas of the name. Rejects with `too-few-copies`. */
  async publish(content: NamedContent, sequence: number, timeToLive: number | null): Promise<number> {
    const now = this.#ports.clock.wallTime();
    const expiry = timeToLive === null ? null : now + timeToLive;
    return this.#store(nameEntry(content, { publisher: this.#ports.signer.host, sequence, time: now, expiry }));
  }

  /**
   * Removes this host's own entry; resolves with it and the sequence of its tombstone. Rejects with `not-found`, or
   * with `not-publisher` when only others have the name.
   * @param only the sequence of the entry that ends: a put that has begun since stays
   */
  async end(name: string, only?: number): Promise<{ readonly ended: NameEntry; readonly sequence: number }> {
    const checked = checkName(name);
    const own = this.own(checked);
    const found = own === null ? await this.find(checked) : [];
    const ended = own ?? found.find(({ publisher }) => publisher === this.#ports.signer.host);
    if (ended === undefined) {
      const [other] = found;
      if (other === undefined)
        throw new ChordialError(
          'not-found',
          `No one has published ${JSON.stringify(checked)}. List what is there with "chordial ls --all".`,
        );
      throw new ChordialError(
        'not-publisher',
        `${JSON.stringify(checked)} was published by ${other.publisher}, not by this peer; only its publisher can remove it.`,
      );
    }
    // The own table may have been lost: what the network knows is removed all the same.
    const isOne = only !== undefined && only < this.#ports.clock.wallTime();
    const sequence = isOne ? only + 1 : Math.max(this.nextSequence(checked), this.#sequenceAfter(ended.sequence));
    await this.#store(nameTombstone(checked, this.#ports.signer.host, sequence, this.#ports.clock.wallTime()));
    return { ended, sequence };
  }

  /** Whether this host has ended a name after a put of it began that has this sequence: then what is put is seen by no one. */
  wasEndedSince(name: string, sequence: number): boolean {
    const own = this.#ownEntry(checkName(name))?.entry;
    // One from a clock that was ahead is no later: others reject it.
    const latest = this.#ports.clock.wallTime() + maxClockSkewMilliseconds;
    return own !== undefined && own.body === null && own.sequence > sequence && own.sequence < latest;
  }

  /** Whether an own entry is being stored: the local copy may still be rolled back. */
  isStoring(name: string): boolean {
    return this.#storing.has(name);
  }

  /** This host's own current entry, from its own table. */
  own(name: string): NameEntry | null {
    const encoded = this.#ownEntry(checkName(name));
    return encoded === null ? null : (this.#current([encoded])[0] ?? null);
  }

  /** Current entries of a name, in order of preference: own first, then newest, ties by publisher. */
  async find(name: string): Promise<readonly NameEntry[]> {
    const checked = checkName(name);
    const own = this.#ownEntry(checked);
    const entries = await this.#reader.read(recordKeyOfName(checked, this.#ports.places), ['name']);
    // Two names may share a key in a teaching ring.
    const now = this.#ports.clock.wallTime();
    const current = this.#current(mergeEntriesAt(now, entries, own === null ? [] : [own])).filter(
      (entry) => entry.name === checked,
    );
    return current.sort((a, b) => this.#rank(a, b, now));
  }

  /** This host's own current names after the cursor, sorted by name. */
  listOwn(cursor: string | null, limit: number): { names: readonly NameEntry[]; cursor: string | null } {
    const names: NameEntry[] = [];
    let next = cursor;
    do {
      const page = this.#ports.table.namesOf(this.#ports.signer.host, next, Math.max(1, limit - names.length));
      names.push(...this.#current(storedEntries(page.items)));
      next = page.cursor;
    } while (next !== null && names.length < limit);
    return { names, cursor: next };
  }

  /** Current names of all publishers, by asking every host for those that it holds; by name and publisher. */
  async gatherAll(): Promise<readonly NameEntry[]> {
    return this.#gather(hostListConcurrency, (host) => this.#reader.listAt(host, 'name'));
  }

  /** The same of sealed files only, which is less to ask. */
  async gatherSealed(): Promise<readonly NameEntry[]> {
    const named = await this.#gather(sealedListConcurrency, (host) => this.#reader.sealedAt(host));
    return named.filter(({ sealed }) => sealed);
  }

  async #gather(
    concurrency: number,
    pagesAt: (host: Contact) => AsyncIterable<readonly EncodedEntry[]>,
  ): Promise<readonly NameEntry[]> {
    let merged: readonly EncodedEntry[] = [];
    let read = 0;
    const hosts = this.#ports.view.hosts().slice(0, maxHostsListed);
    for (let start = 0; start < hosts.length && read < maxNamesRead; start += concurrency) {
      const some = hosts.slice(start, start + concurrency);
      const most = Math.ceil((maxNamesRead - read) / some.length);
      const lists = await Promise.all(some.map((host) => this.#listAt(host, pagesAt(host), most)));
      read += lists.reduce((sum, list) => sum + list.length, 0);
      merged = fairPart(mergeEntriesAt(this.#ports.clock.wallTime(), merged, ...lists), maxNamesGathered);
    }
    return this.#current(merged).filter(isListed).sort(byNameAndPublisher);
  }

  /** Names of a host that does not answer come from their other holders. */
  async #listAt(
    host: Contact,
    pages: AsyncIterable<readonly EncodedEntry[]>,
    most: number,
  ): Promise<readonly EncodedEntry[]> {
    const entries: EncodedEntry[] = [];
    try {
      for await (const page of pages) {
        entries.push(...page);
        if (entries.length >= most) break;
      }
    } catch (error) {
      this.#ports.report?.('no-answer', host, (error as Error).message);
    }
    return entries;
  }

  #current(entries: readonly EncodedEntry[]): NameEntry[] {
    const now = this.#ports.clock.wallTime();
    const refused = (error: Error) => this.#ports.report?.('refused-record', this.#ports.view.self, error.message);
    return entries
      .filter(({ entry }) => isCurrent(entry, now))
      .flatMap((encoded) => readableName(encoded, refused) ?? []);
  }

  #rank(a: NameEntry, b: NameEntry, now: number): number {
    const self = this.#ports.signer.host;
    if (a.publisher === self || b.publisher === self) return a.publisher === self ? -1 : 1;
    const [timeA, timeB] = [Math.min(a.time, now), Math.min(b.time, now)];
    if (timeA !== timeB) return timeB - timeA;
    return a.publisher < b.publisher ? -1 : 1;
  }

  #ownEntry(name: string): EncodedEntry | null {
    const { table, signer, places } = this.#ports;
    const key = recordKeyOfName(name, places);
    const row = table.find({ kind: 'name', publisher: signer.host, subject: nameSubject(name), key });
    if (row === null) return null;
    const encoded = this.#decoded.get(row) ?? storedEntries([row])[0];
    if (encoded !== undefined) this.#decoded.set(row, encoded);
    return encoded ?? null;
  }

  /** At its places, then here: the publisher lists its own names locally. A failed one is not listed. */
  async #store(unsigned: UnsignedEntry): Promise<number> {
    const { table, places, clock } = this.#ports;
    const encoded = await this.#signer.sign(unsigned);
    const { kind, publisher, subject, sequence, expiry } = encoded.entry;
    const row = {
      kind,
      publisher,
      subject,
      sequence,
      expiry,
      key: recordKeyOf(encoded.entry, places),
      bytes: encoded.bytes,
    };
    const before = table.find(row);
    const name = nameOf(encoded.entry);
    this.#storing.set(name, (this.#storing.get(name) ?? 0) + 1);
    const copies = await this.#writer
      .store([encoded])
      .catch(async (error: unknown) => {
        await this.#undo(row, before, name);
        throw error;
      })
      .finally(() => {
        const left = (this.#storing.get(name) ?? 1) - 1;
        if (left === 0) this.#storing.delete(name);
        else this.#storing.set(name, left);
      });
    // This host may be one of the places.
    if (table.find(row)?.sequence !== sequence) {
      await table.put([row], clock.wallTime() + maxClockSkewMilliseconds);
    }
    return copies;
  }

  /**
   * Rolls back the own copy of an entry that too few hosts accepted. If the name was new, it is also removed at hosts
   * that accepted it, as far as they are reached; otherwise the previous entry prevails.
   */
  async #undo(row: RecordRow, before: RecordRow | null, name: string): Promise<void> {
    const { table, clock, signer } = this.#ports;
    await table.removeExactly([row]);
    if (before !== null) await table.put([before]);
    const [earlier] = before === null ? [] : storedEntries([before]);
    const now = clock.wallTime();
    const stoodForSomething = earlier !== undefined && isCurrent(earlier.entry, now);
    // It would also remove another put of the name that is in flight.
    if (stoodForSomething || this.#storing.get(name) !== 1) return;
    const end = await this.#signer.sign(nameTombstone(name, signer.host, this.nextSequence(name), now));
    this.#writer.store([end]).catch((error: Error) => {
      this.#ports.report?.(
        'no-answer',
        this.#ports.view.self,
        `A put that failed could not be ended: ${error.message}`,
      );
    });
  }
}

/** Parts of folders that change are no files. */
function isListed({ name }: NameEntry): boolean {
  return !isPartName(name);
}

export function byNameAndPublisher(a: NameEntry, b: NameEntry): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  if (a.publisher !== b.publisher) return a.publisher < b.publisher ? -1 : 1;
  return a.sequence - b.sequence;
}

/** Round robin over publishers, as far as they have that many, so that none hides the others. */
export function fairPart(entries: readonly EncodedEntry[], most: number): readonly EncodedEntry[] {
  if (entries.length <= most) return entries;
  const byPublisher = [...Map.groupBy(entries, ({ entry }) => entry.publisher).values()];
  byPublisher.sort((a, b) => a.length - b.length);
  let left = most;
  return byPublisher.flatMap((some, place) => {
    const part = some.slice(0, Math.floor(left / (byPublisher.length - place)));
    left -= part.length;
    return part;
  });
}
