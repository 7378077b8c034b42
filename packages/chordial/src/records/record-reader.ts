/**
 * Reads a record key: from two of its places, from more when they disagree, fail or fall silent, and from all hosts
 * before it counts as absent. Every entry is verified here, whatever its source.
 */

import type { Contact } from '@chordial/ring';
import { TransportError } from '../network/transport.ts';
import type { EncodedEntry, RecordKind } from './entry.ts';
import { identityOf, mergeEntries, mergeEntriesAt } from './merge.ts';
import { readPlaces } from './place-reading.ts';
import type { RecordHolder } from './record-holder.ts';
import type { RecordKey } from './record-keys.ts';
import {
  type ListPage,
  maxEntriesPerMessage,
  type RecordPages,
  readableEntries,
  recordMessages,
} from './record-messages.ts';
import type { RecordPorts } from './record-ports.ts';
import type { Answer } from './replica-read.ts';

/** A host that is silent for longer has failed; others are asked long before. */
const deadlineMilliseconds = 1500;
/** Entries of one key read from one host: 64 pages of a popular name or word. */
const maxPages = 64;
/** Pages of one host's listing: a million records. Bounds a host that never ends its list. */
const maxPagesListed = 8192;
/** Invalid entries in one host's listing: a damaged disk has a few, a liar any number. */
const maxBadListed = 128;

/** Of one host: 8192 names of sealed files. */
const maxPagesSealed = 64;
/** Copies of what a slow host holds are elsewhere. */
const sealedMilliseconds = 1500;

export class RecordReader {
  readonly #ports: RecordPorts;
  readonly #holder: RecordHolder;

  constructor(ports: RecordPorts, holder: RecordHolder) {
    this.#ports = ports;
    this.#holder = holder;
  }

  /**
   * The verified union, tombstones included; empty when absent. Rejects with `no-live-source` when that cannot be decided.
   * @param maxHosts asked when the places have nothing; all unless given
   */
  async read(key: RecordKey, kinds: readonly RecordKind[], maxHosts?: number): Promise<readonly EncodedEntry[]> {
    const limited = maxHosts === undefined ? {} : { maxHosts };
    const ask = (host: Contact) => this.#ask(host, key, kinds);
    const sets = await readPlaces(key, this.#ports, { ask, fingerprint, ...limited });
    return mergeEntriesAt(this.#ports.clock.wallTime(), ...sets);
  }

  /** Everything of a kind held by the host, page by page; one unreadable record does not affect the others. */
  listAt(host: Contact, kind: RecordKind): AsyncGenerator<readonly EncodedEntry[], void, undefined> {
    const isHere = host.host === this.#ports.view.self.host;
    return this.#pagesAt(host, maxPagesListed, async (cursor) => {
      const question = { kind, cursor, limit: maxEntriesPerMessage };
      if (isHere) return this.#holder.list(question);
      return recordMessages.list.ask(this.#ports.transport, host, question, { deadline: deadlineMilliseconds });
    });
  }

  /** The same for names of sealed files, as far as the host is quick. */
  sealedAt(host: Contact): AsyncGenerator<readonly EncodedEntry[], void, undefined> {
    const isHere = host.host === this.#ports.view.self.host;
    return this.#pagesAt(host, maxPagesSealed, async (cursor) => {
      const question = { cursor, limit: maxEntriesPerMessage };
      if (isHere) return this.#holder.sealed(question);
      return recordMessages.sealed.ask(this.#ports.transport, host, question, { deadline: sealedMilliseconds });
    });
  }

  async *#pagesAt(
    host: Contact,
    maxPages: number,
    ask: (cursor: string | null) => Promise<ListPage>,
  ): AsyncGenerator<readonly EncodedEntry[], void, undefined> {
    let cursor: string | null = null;
    let bad = 0;
    for (let pages = 0; pages < maxPages; pages++) {
      const page: ListPage = await ask(cursor);
      const some = page.entries.map((bytes) => this.#genuine(host, [bytes]));
      bad += some.filter(({ isForged }) => isForged).length;
      // A cursor that does not advance would be repeated for ever.
      if (page.cursor !== null && page.cursor === cursor) return;
      yield some.flatMap(({ entries }) => entries);
      if (page.cursor === null || bad > maxBadListed) return;
      cursor = page.cursor;
    }
  }

  async #ask(host: Contact, key: RecordKey, kinds: readonly RecordKind[]): Promise<Answer<EncodedEntry>> {
    const entries: EncodedEntry[] = [];
    let isUnknown = false;
    let after: string | null = null;
    const isHere = host.host === this.#ports.view.self.host;
    for (let asked = 0; asked < maxPages; asked++) {
      const question = { keys: [key], kinds, after };
      const pages: RecordPages = isHere
        ? this.#holder.get(question)
        : await recordMessages.get.ask(this.#ports.transport, host, question, { deadline: deadlineMilliseconds });
      const page = this.#genuine(host, pages.entries[0] ?? []);
      entries.push(...page.entries);
      // It could continue as long as it likes, and entries that it leaves out may exist all the same.
      if (page.isForged && !isHere)
        throw new TransportError('refused', `${host.host} hands out records with invalid signatures.`);
      isUnknown ||= pages.unknown[0] === true;
      after = pages.more[0] ?? null;
      if (after === null) break;
    }
    return { entries, isUnknown };
  }

  /** Up to the first with a bad signature: an honest host stores none, so the rest is not read. */
  #genuine(host: Contact, list: readonly Uint8Array[]): { entries: readonly EncodedEntry[]; isForged: boolean } {
    const { verifier, report } = this.#ports;
    const entries: EncodedEntry[] = [];
    for (const bytes of list) {
      const [encoded] = readableEntries([bytes], (error) => report?.('refused-record', host, error.message));
      if (encoded === undefined) return { entries, isForged: true };
      if (!verifier.isGenuine(encoded)) {
        report?.('refused-record', host, `A record that names ${encoded.entry.publisher} is not genuine.`);
        return { entries, isForged: true };
      }
      entries.push(encoded);
    }
    return { entries, isForged: false };
  }
}

function fingerprint(entries: readonly EncodedEntry[]): string {
  return mergeEntries(entries)
    .map(({ entry }) => `${identityOf(entry)}@${entry.sequence}`)
    .join(' ');
}
