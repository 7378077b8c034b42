/**
 * Reads what is known under a record key: from two of its places, from more when they disagree, fail or fall silent, and
 * from everybody before it is said to be absent. Every entry is verified here, whoever handed it over.
 */
import { ChordialError } from '../errors.ts';
import { TransportError } from '../network/transport.ts';
import { ringIdOfHash } from '../ring/identifier.ts';
import type { Contact, HostId } from '../ring/pointer.ts';
import type { Timer } from '../ring/ports.ts';
import type { EncodedEntry, RecordKind } from './entry.ts';
import { identityOf, isFromTheFuture, mergeEntries } from './merge.ts';
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

/** How many places must agree. */
const placesAsked = 2;
const deadlineMilliseconds = 1500;
/** A place silent for so long is doubled by the next. */
const silenceMilliseconds = 300;
/** Places are looked up anew after a pause while hosts do not answer: the ring is being mended. */
const maximumRounds = 4;
const pauseMilliseconds = 300;
/** Entries of one key read from one host: 64 pages of a popular name or word. */
const maximumPages = 64;
/** Pages of one host's listing: a million records. A host that never comes to an end is not listened to for ever. */
const maximumPagesListed = 8192;
/** Hosts outside the places asked at a time. */
const maximumAskedAtOnce = 16;

interface Answers {
  readonly sets: (readonly EncodedEntry[])[];
  failures: number;
  /** Who answered or failed. */
  readonly heard: Set<HostId>;
}

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
    let answers: Answers = { sets: [], failures: 0, heard: new Set() };
    for (let round = 1; round <= maximumRounds; round++) {
      const hosts = await this.#hosts(ringIdOfHash(key, places.bits));
      answers = await new Asking(hosts.slice(0, rule.replicas), this.#ports, (host) =>
        this.#ask(host, key, kinds),
      ).run();
      if (answers.sets.every((set) => set.length === 0)) {
        const { heard } = answers;
        // Two places that agree on nothing may both lie: the remaining places are asked as well.
        const others = hosts.filter(({ host }) => !heard.has(host));
        await this.#askOthers(others, key, kinds, answers);
      }
      const merged = mergeEntries(...answers.sets);
      if (merged.length > 0 || answers.failures === 0) return merged;
      placement.clear();
      if (round < maximumRounds)
        await new Promise<void>((resolve) => this.#ports.clock.after(pauseMilliseconds, resolve));
    }
    if (answers.sets.length >= rule.replicas) return [];
    throw new ChordialError(
      'no-live-source',
      `${answers.failures} peers that may know it did not answer, so it cannot be said whether it is there. Try again in a moment.`,
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

  async #hosts(key: ReturnType<typeof ringIdOfHash>): Promise<readonly Contact[]> {
    const { view, placement, rule } = this.#ports;
    try {
      return await placement.candidates(key, rule.replicas);
    } catch (error) {
      // Without a known owner (the ring is being mended) everybody may have it.
      if (!(error instanceof ChordialError)) throw error;
      return view.hosts();
    }
  }

  async #ask(host: Contact, key: RecordKey, kinds: readonly RecordKind[]): Promise<readonly EncodedEntry[]> {
    const entries: EncodedEntry[] = [];
    let after: string | null = null;
    for (let page = 0; page < maximumPages; page++) {
      const question = encodeQuestion({ keys: [key], kinds, after });
      const answer: unknown =
        host.host === this.#ports.view.self.host
          ? this.#holder.get(question)
          : await this.#ports.transport.request(host, recordMessages.get, question, { deadline: deadlineMilliseconds });
      const pages = decodePages(answer, 1);
      entries.push(...this.#genuine(host, pages.entries[0] ?? []));
      after = pages.more[0] ?? null;
      if (after === null) break;
    }
    return entries;
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

  async #askOthers(
    hosts: readonly Contact[],
    key: RecordKey,
    kinds: readonly RecordKind[],
    answers: Answers,
  ): Promise<void> {
    for (let start = 0; start < hosts.length; start += maximumAskedAtOnce) {
      const some = hosts.slice(start, start + maximumAskedAtOnce);
      const settled = await Promise.allSettled(some.map((host) => this.#ask(host, key, kinds)));
      for (const result of settled) {
        if (result.status === 'fulfilled') answers.sets.push(result.value);
        else answers.failures += 1;
      }
      if (answers.sets.some((set) => set.length > 0)) return;
    }
  }
}

/** Asks places until two agree or none is left. */
class Asking {
  readonly #hosts: readonly Contact[];
  readonly #ports: RecordPorts;
  readonly #ask: (host: Contact) => Promise<readonly EncodedEntry[]>;
  readonly #done = Promise.withResolvers<void>();
  readonly #answers: Answers = { sets: [], failures: 0, heard: new Set() };
  #next = 0;
  #pending = 0;
  #silence: Timer | null = null;

  constructor(hosts: readonly Contact[], ports: RecordPorts, ask: (host: Contact) => Promise<readonly EncodedEntry[]>) {
    this.#hosts = hosts;
    this.#ports = ports;
    this.#ask = ask;
  }

  async run(): Promise<Answers> {
    for (let count = 0; count < placesAsked; count++) this.#tryNext();
    this.#look();
    await this.#done.promise;
    this.#silence?.cancel();
    const { sets, failures, heard } = this.#answers;
    return { sets: [...sets], failures, heard: new Set(heard) };
  }

  #tryNext(): void {
    const host = this.#hosts[this.#next++];
    if (host === undefined) return;
    this.#pending += 1;
    this.#silence?.cancel();
    this.#silence = this.#ports.clock.after(silenceMilliseconds, () => this.#tryNext());
    this.#ask(host).then(
      (entries) => {
        this.#pending -= 1;
        this.#answers.heard.add(host.host);
        this.#answers.sets.push(entries);
        if (this.#answers.sets.length >= placesAsked && !this.#agree()) this.#tryNext();
        this.#look();
      },
      (error: Error) => {
        this.#pending -= 1;
        this.#answers.heard.add(host.host);
        this.#answers.failures += 1;
        if (error instanceof TransportError && error.failure !== 'refused') this.#ports.view.suspect(host);
        this.#tryNext();
        this.#look();
      },
    );
  }

  #look(): void {
    const enough = this.#answers.sets.length >= placesAsked && this.#agree();
    if (enough || (this.#pending === 0 && this.#next >= this.#hosts.length)) this.#done.resolve();
  }

  /** Some two answers are the same set: the latest one is what an earlier one said. */
  #agree(): boolean {
    const seen = this.#answers.sets.map(fingerprint);
    return new Set(seen).size < seen.length;
  }
}

function fingerprint(entries: readonly EncodedEntry[]): string {
  return mergeEntries(entries)
    .map(({ entry }) => `${identityOf(entry)}@${entry.sequence}`)
    .join(' ');
}
