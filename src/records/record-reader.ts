/**
 * Reads what is known under a record key: from two of its places, from more when they disagree, fail or fall silent, and
 * from everybody before it is said to be absent. Every entry is verified here, whoever handed it over.
 */
import { ChordialError } from '../errors.ts';
import { ringIdOfHash } from '../ring/identifier.ts';
import type { Contact } from '../ring/pointer.ts';
import { type Answer, type Answers, Asking } from './asking.ts';
import type { CopyRule } from './durable-copies.ts';
import type { EncodedEntry, RecordKind } from './entry.ts';
import { isFromTheFuture, mergeEntries } from './merge.ts';
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
/** Places are looked up anew after a pause while hosts do not answer: the ring is being mended. */
const maximumRounds = 4;
/** The same while hosts are still being given their share. */
const maximumUnknownRounds = 12;
const pauseMilliseconds = 300;
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
    const { rule, placement, places } = this.#ports;
    let answers: Answers = { sets: [], failures: 0, sure: 0, unsure: 0 };
    for (let round = 1; round <= (answers.unsure > 0 ? maximumUnknownRounds : maximumRounds); round++) {
      const { hosts, isConfirmed } = await this.#hosts(ringIdOfHash(key, places.bits), round === 1);
      answers = await new Asking(hosts, rule.replicas, this.#ports, (host) => this.#ask(host, key, kinds)).run();
      const merged = mergeEntries(...answers.sets);
      if (merged.length > 0 || (isConfirmed && answers.failures === 0 && isSure(answers, rule))) return merged;
      placement.clear();
      await new Promise<void>((resolve) => this.#ports.clock.after(pauseMilliseconds, resolve));
    }
    if (answers.sets.length >= rule.replicas && isSure(answers, rule)) return [];
    throw new ChordialError(
      'no-live-source',
      `${answers.failures} peers that may know it did not answer, and ${answers.unsure} are still being given their share, so it cannot be said whether it is there. Try again in a moment.`,
    );
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

  /** At first those who probably have it; who owns it is waited for only when they do not. */
  async #hosts(
    key: ReturnType<typeof ringIdOfHash>,
    isFirst: boolean,
  ): Promise<{ readonly hosts: readonly Contact[]; readonly isConfirmed: boolean }> {
    const { view, placement, rule } = this.#ports;
    try {
      if (isFirst) return await placement.likely(key, rule.replicas);
      return { hosts: await placement.candidates(key, rule.replicas), isConfirmed: true };
    } catch (error) {
      // Without a known owner (the ring is being mended) everybody may have it.
      if (!(error instanceof ChordialError)) throw error;
      return { hosts: view.hosts(), isConfirmed: true };
    }
  }

  async #ask(host: Contact, key: RecordKey, kinds: readonly RecordKind[]): Promise<Answer> {
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

/**
 * Whether nothing means absent. What was acknowledged is on w of the r places, so any r − w + 1 that know of all their
 * share know of it; in a ring of fewer hosts all of them must.
 */
function isSure({ sure, unsure }: Answers, { replicas, writeQuorum }: CopyRule): boolean {
  return unsure === 0 || sure >= replicas - writeQuorum + 1;
}
