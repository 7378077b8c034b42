/**
 * Reads what is known under a record key: from two of its places, from more when they disagree, fail or fall silent, and
 * from everybody before it is said to be absent. Every entry is verified here, whoever handed it over.
 */
import type { Contact } from '../ring/pointer.ts';
import type { Answer } from './asking.ts';
import type { EncodedEntry, RecordKind } from './entry.ts';
import { identityOf, isFromTheFuture, mergeEntries } from './merge.ts';
import { readPlaces } from './place-reading.ts';
import type { RecordHolder } from './record-holder.ts';
import type { RecordKey } from './record-keys.ts';
import {
  decodeListAnswer,
  decodePages,
  encodeQuestion,
  maximumEntriesPerMessage,
  readableEntries,
  recordMessages,
} from './record-messages.ts';
import type { RecordPorts } from './record-ports.ts';

/** Whoever is silent for longer has failed; long before that others are asked. */
const deadlineMilliseconds = 1500;
/** Entries of one key read from one host: 64 pages of a popular name or word. */
const maximumPages = 64;
/** Pages of one host's listing: a million records. A host that never comes to an end is not listened to for ever. */
const maximumPagesListed = 8192;

export class RecordReader {
  readonly #ports: RecordPorts;
  readonly #holder: RecordHolder;

  constructor(ports: RecordPorts, holder: RecordHolder) {
    this.#ports = ports;
    this.#holder = holder;
  }

  /** The verified union, tombstones included; empty when it is absent. Rejects with `no-live-source` when nobody can tell. */
  async read(key: RecordKey, kinds: readonly RecordKind[]): Promise<readonly EncodedEntry[]> {
    return mergeEntries(...(await readPlaces(key, this.#ports, (host) => this.#ask(host, key, kinds), fingerprint)));
  }

  /** Everything of a kind that the host holds, page by page. */
  async *listAt(host: Contact, kind: RecordKind): AsyncGenerator<readonly EncodedEntry[], void, undefined> {
    let cursor: string | null = null;
    for (let pages = 0; pages < maximumPagesListed; pages++) {
      const body = { kind, cursor, limit: maximumEntriesPerMessage };
      const answer =
        host.host === this.#ports.view.self.host
          ? this.#holder.list(body)
          : await this.#ports.transport.request(host, recordMessages.list, body, { deadline: deadlineMilliseconds });
      const page = decodeListAnswer(answer);
      // A cursor that stands still would be asked with for ever.
      if (page.cursor !== null && page.cursor === cursor) return;
      yield this.#genuine(host, page.entries);
      if (page.cursor === null) return;
      cursor = page.cursor;
    }
  }

  async #ask(host: Contact, key: RecordKey, kinds: readonly RecordKind[]): Promise<Answer<EncodedEntry>> {
    const entries: EncodedEntry[] = [];
    let isUnknown = false;
    let after: string | null = null;
    for (let page = 0; page < maximumPages; page++) {
      const question = encodeQuestion({ keys: [key], kinds, after });
      const answer: unknown =
        host.host === this.#ports.view.self.host
          ? this.#holder.get(question)
          : await this.#ports.transport.request(host, recordMessages.get, question, { deadline: deadlineMilliseconds });
      const pages = decodePages(answer, 1);
      entries.push(...this.#genuine(host, pages.entries[0] ?? []));
      isUnknown ||= pages.unknown[0] === true;
      after = pages.more[0] ?? null;
      if (after === null) break;
    }
    return { entries, isUnknown };
  }

  #genuine(host: Contact, list: readonly Uint8Array[]): readonly EncodedEntry[] {
    const { verifier, clock, report } = this.#ports;
    const readable = readableEntries(list, (error) => report?.('refused-record', host, error.message));
    return readable.filter((encoded) => {
      const good = !isFromTheFuture(encoded.entry, clock.wallTime()) && verifier.isGenuine(encoded);
      if (!good) report?.('refused-record', host, `A record that names ${encoded.entry.publisher} is not genuine.`);
      return good;
    });
  }
}

function fingerprint(entries: readonly EncodedEntry[]): string {
  return mergeEntries(entries)
    .map(({ entry }) => `${identityOf(entry)}@${entry.sequence}`)
    .join(' ');
}
