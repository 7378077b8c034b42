/** The holder's side of records: verifies before it stores, and lists what it holds in pages. */

import { type Contact, ringIdOfHash } from '@chordial/ring';
import { partPrefix } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { Page } from '../storage/key-range.ts';
import type { RecordRow } from '../storage/record-table.ts';
import { bytesOfRecord } from '../storage/schema.ts';
import type { Registry } from '../wire/message.ts';
import {
  decodeEntry,
  type EncodedEntry,
  maxLinkMilliseconds,
  type RecordKind,
  tombstoneMilliseconds,
} from './entry.ts';
import { listingTurns } from './listing-turns.ts';
import { isFromTheFuture, maxClockSkewMilliseconds } from './merge.ts';
import { readNameEntry } from './name-entry.ts';
import { recordKeyOf } from './record-keys.ts';
import {
  type ListPage,
  type ListQuestion,
  maxEntriesPerMessage,
  type RecordPages,
  type RecordQuestion,
  recordMessages,
} from './record-messages.ts';
import type { RecordPorts } from './record-ports.ts';
import { likelyPlaces } from './zone-order.ts';

/** Entries per answer, over all keys: with 4 KiB each within one message. */
const maxEntriesPerAnswer = 192;
/** Of all kinds, at this host (spec/4, Bounds): 20 for each of half a million files. */
const maxEntriesPerPublisher = 10_000_000;

type RecordHolderPorts = Pick<
  RecordPorts,
  'table' | 'verifier' | 'places' | 'clock' | 'confirmed' | 'report' | 'storageShares' | 'view' | 'rule'
>;

export class RecordHolder {
  readonly #ports: RecordHolderPorts;

  readonly #maxPerPublisher: number;

  constructor(ports: RecordHolderPorts, maxPerPublisher = maxEntriesPerPublisher) {
    this.#ports = ports;
    this.#maxPerPublisher = maxPerPublisher;
  }

  answerIn<Payload>(registry: Registry<Contact, Payload>): Registry<Contact, Payload> {
    const turns = listingTurns(this.#ports.clock);
    return registry
      .on(recordMessages.put, async ({ entries }, from) => ({ results: await this.put(from, entries) }))
      .on(recordMessages.get, (question) => this.get(question))
      .on(recordMessages.list, (question, from) => turns.take(from.host, async () => this.list(question)))
      .on(recordMessages.sealed, (question, from) => turns.take(from.host, async () => this.sealed(question)));
  }

  /** `records.put` */
  async put(from: Contact, entries: readonly Uint8Array[]): Promise<readonly string[]> {
    const read = entries.map((bytes) => () => {
      const row = this.#checkedRow(decodeEntry(bytes));
      this.#checkPlace(row);
      return row;
    });
    return this.#keepRows(from, read);
  }

  /** `records.get` */
  get({ keys, kinds, after }: RecordQuestion): RecordPages {
    let room = maxEntriesPerAnswer;
    const pages = keys.map((key) => {
      const page = this.#page(key, kinds, after, Math.max(1, Math.min(room, maxEntriesPerMessage)));
      room -= page.entries.length;
      return page;
    });
    return {
      entries: pages.map(({ entries }) => entries),
      more: pages.map(({ more }) => more),
      unknown: keys.map((key) => !this.#ports.confirmed.isSureOf(key)),
    };
  }

  /** `records.sealed` */
  sealed({ cursor, limit }: Pick<ListQuestion, 'cursor' | 'limit'>): ListPage {
    return this.#told(this.#ports.table.sealedNames(cursor, limit), 'name');
  }

  /** `records.list` */
  list({ kind, cursor, limit }: ListQuestion): ListPage {
    const page = this.#ports.table.range('all', cursor, limit);
    // A folder that changes has a part for each of its files.
    const items = kind === 'name' ? page.items.filter(({ subject }) => !isPart(subject)) : page.items;
    return this.#told({ ...page, items }, kind);
  }

  #told(page: Page<RecordRow>, kind: RecordKind): ListPage {
    // Entries that ended or expired long ago are kept but not listed: hosts that missed them are no longer trusted.
    const told = this.#ports.clock.wallTime() - tombstoneMilliseconds;
    const rows = page.items.filter((row) => row.kind === kind && (row.expiry === null || row.expiry > told));
    return { entries: rows.map(({ bytes }) => bytes), cursor: page.cursor };
  }

  /**
   * Stores records that this host requested, whatever its places: a newer record replaces the one held here. Durable
   * when it resolves; entry i of the answer is the result of entry i: `stored`, `known` or an error code.
   */
  keep(from: Contact, list: readonly Uint8Array[]): Promise<readonly string[]> {
    return this.#keepRows(
      from,
      list.map((bytes) => () => this.#checkedRow(decodeEntry(bytes))),
    );
  }

  /** The same for entries just signed by this host, without verification. */
  keepOwn(self: Contact, entries: readonly EncodedEntry[]): Promise<readonly string[]> {
    return this.#keepRows(
      self,
      entries.map((encoded) => () => this.#rowOf(encoded)),
    );
  }

  async #keepRows(from: Contact, read: readonly (() => RecordRow)[]): Promise<readonly string[]> {
    const results: string[] = read.map(() => 'bad-content');
    const rows: { row: RecordRow; index: number }[] = [];
    const counts = new Map<string, number>();
    for (const [index, readRow] of read.entries()) {
      try {
        const row = readRow();
        this.#checkRoom(row, counts);
        rows.push({ row, index });
      } catch (error) {
        if (!(error instanceof ChordialError)) throw error;
        results[index] = error.code;
        this.#ports.report?.('refused-record', from, error.message);
      }
    }
    const kept =
      rows.length === 0
        ? []
        : await this.#ports.table.put(
            rows.map(({ row }) => row),
            this.#ports.clock.wallTime() + maxClockSkewMilliseconds,
          );
    for (const [position, { index }] of rows.entries()) results[index] = kept[position] ? 'stored' : 'known';
    return results;
  }

  /**
   * Checked before the write, so concurrent ones may exceed the limit by a message or two.
   * @param counts of each publisher after the write
   */
  #checkRoom(row: RecordRow, counts: Map<string, number>): void {
    const { table } = this.#ports;
    const { publisher } = row;
    const count = counts.get(publisher) ?? table.countOf(publisher);
    if (count >= this.#maxPerPublisher && table.find(row) === null) {
      throw new ChordialError(
        'publisher-full',
        `There are ${this.#maxPerPublisher} records of ${publisher} here, as many as are kept for one publisher. Remove some of its files first.`,
      );
    }
    counts.set(publisher, count + 1);
    try {
      this.#ports.storageShares?.checkRows(publisher, bytesOfRecord(row));
    } catch (error) {
      // A replacement needs only the difference.
      const before = table.find(row)?.bytes.length;
      if (before === undefined) throw error;
      if (row.bytes.length > before) this.#ports.storageShares?.checkRows(publisher, row.bytes.length - before);
    }
  }

  #checkedRow(encoded: EncodedEntry): RecordRow {
    const row = this.#rowOf(encoded);
    const { publisher } = row;
    if (row.kind === 'name' && encoded.entry.body !== null) readNameEntry(encoded);
    if (row.kind === 'link') checkLifetime(row);
    if (isFromTheFuture(encoded.entry, this.#ports.clock.wallTime())) {
      throw new ChordialError(
        'wrong-clock',
        `A record of ${publisher} is more than 10 minutes ahead of this clock. Set the clocks right.`,
      );
    }
    if (!this.#ports.verifier.isGenuine(encoded)) {
      throw new ChordialError(
        'bad-content',
        `A record that names ${publisher} as its publisher was not signed by it. It was refused.`,
      );
    }
    return row;
  }

  /**
   * Accepts a pushed record only at its r replicas and the r hosts after them, the writer's fallbacks. The view may
   * contain forged hosts, so a key in a confirmed range is always accepted. Throws `wrong-place`.
   */
  #checkPlace({ key, publisher }: RecordRow): void {
    const { confirmed, places, rule, view } = this.#ports;
    if (confirmed.covers(key)) return;
    const [at, most] = [ringIdOfHash(key, places.bits), 2 * rule.replicas];
    const isSelf = ({ host }: Contact): boolean => host === view.self.host;
    if (view.nearby(at, most).some(isSelf) || likelyPlaces(view, at, most).some(isSelf)) return;
    throw new ChordialError(
      'wrong-place',
      `A record of ${publisher} belongs to other hosts than ${view.self.host}. It was refused; they are asked next.`,
    );
  }

  #rowOf({ entry, bytes }: EncodedEntry): RecordRow {
    const { kind, publisher, subject, sequence, expiry } = entry;
    return { kind, publisher, subject, key: recordKeyOf(entry, this.#ports.places), sequence, expiry, bytes };
  }

  /** The kinds of a key in order; the cursor tells in which one the next page begins. */
  #page(
    key: string,
    kinds: readonly RecordKind[],
    after: string | null,
    limit: number,
  ): { entries: Uint8Array[]; more: string | null } {
    const [startKind, startCursor] = after === null ? [kinds[0], null] : splitCursor(after);
    const entries: Uint8Array[] = [];
    for (const kind of kinds.slice(Math.max(0, kinds.indexOf(startKind as RecordKind)))) {
      if (entries.length >= limit) return { entries, more: `${kind}/` };
      const page = this.#ports.table.get(key, kind, kind === startKind ? startCursor : null, limit - entries.length);
      entries.push(...page.items.map(({ bytes }) => bytes));
      if (page.cursor !== null) return { entries, more: `${kind}/${page.cursor}` };
    }
    return { entries, more: null };
  }
}

/** Only the expiry of links frees them. */
function checkLifetime({ publisher, sequence, expiry }: RecordRow): void {
  if (expiry !== null && expiry <= sequence + maxLinkMilliseconds) return;
  throw new ChordialError('bad-content', `A link of ${publisher} does not expire within 366 days. It was refused.`);
}

function splitCursor(after: string): [string, string | null] {
  const slash = after.indexOf('/');
  return [after.slice(0, slash), after.slice(slash + 1) === '' ? null : after.slice(slash + 1)];
}

const partSubject = new TextEncoder().encode(partPrefix);

function isPart(subject: Uint8Array): boolean {
  return Buffer.compare(subject.subarray(0, partSubject.length), partSubject) === 0;
}
