/**
 * Reads what is known under a record key: from two of its places, from more when they disagree, fail or fall silent, and
 * from everybody before it is said to be absent. Every entry is verified here, whoever handed it over.
 */
import { ChordialError } from '../errors.ts';
import { TransportError } from '../network/transport.ts';
import { ringIdOfHash } from '../ring/identifier.ts';
import type { Contact, HostId } from '../ring/pointer.ts';
import type { Timer } from '../ring/ports.ts';
import type { CopyRule } from './durable-copies.ts';
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
/** The same while hosts are still being given their share. */
const maximumUnknownRounds = 12;
const pauseMilliseconds = 300;
/** Entries of one key read from one host: 64 pages of a popular name or word. */
const maximumPages = 64;
/** Pages of one host's listing: a million records. A host that never comes to an end is not listened to for ever. */
const maximumPagesListed = 8192;
/** Hosts outside the places asked at a time. */
const maximumAskedAtOnce = 16;

interface Answer {
  readonly entries: readonly EncodedEntry[];
  readonly isUnknown: boolean;
}

interface Answers {
  readonly sets: (readonly EncodedEntry[])[];
  failures: number;
  /** Places that know of all their share, and those that are still being given it. */
  sure: number;
  unsure: number;
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
    let answers: Answers = { sets: [], failures: 0, sure: 0, unsure: 0, heard: new Set() };
    for (let round = 1; round <= (answers.unsure > 0 ? maximumUnknownRounds : maximumRounds); round++) {
      const { hosts, isConfirmed } = await this.#hosts(ringIdOfHash(key, places.bits), round === 1);
      const nearest = hosts.slice(0, rule.replicas);
      answers = await new Asking(nearest, this.#ports, (host) => this.#ask(host, key, kinds)).run();
      if (answers.sets.every((set) => set.length === 0)) {
        const { heard } = answers;
        // Two places that agree on nothing may both lie: the remaining places are asked as well.
        const others = hosts.filter(({ host }) => !heard.has(host));
        await this.#askOthers(others, nearest, key, kinds, answers);
      }
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

  async #askOthers(
    hosts: readonly Contact[],
    places: readonly Contact[],
    key: RecordKey,
    kinds: readonly RecordKind[],
    answers: Answers,
  ): Promise<void> {
    for (let start = 0; start < hosts.length; start += maximumAskedAtOnce) {
      const some = hosts.slice(start, start + maximumAskedAtOnce);
      const settled = await Promise.allSettled(some.map((host) => this.#ask(host, key, kinds)));
      for (const [index, result] of settled.entries()) {
        if (result.status === 'rejected') answers.failures += 1;
        else note(answers, result.value, places.includes(some[index]!));
      }
      if (answers.sets.some((set) => set.length > 0)) return;
    }
  }
}

/** Asks places until two agree or none is left. */
class Asking {
  readonly #hosts: readonly Contact[];
  readonly #ports: RecordPorts;
  readonly #ask: (host: Contact) => Promise<Answer>;
  readonly #done = Promise.withResolvers<void>();
  readonly #answers: Answers = { sets: [], failures: 0, sure: 0, unsure: 0, heard: new Set() };
  #next = 0;
  #pending = 0;
  #silence: Timer | null = null;

  constructor(hosts: readonly Contact[], ports: RecordPorts, ask: (host: Contact) => Promise<Answer>) {
    this.#hosts = hosts;
    this.#ports = ports;
    this.#ask = ask;
  }

  async run(): Promise<Answers> {
    for (let count = 0; count < placesAsked; count++) this.#tryNext();
    this.#look();
    await this.#done.promise;
    this.#silence?.cancel();
    return { ...this.#answers, sets: [...this.#answers.sets], heard: new Set(this.#answers.heard) };
  }

  #tryNext(): void {
    const host = this.#hosts[this.#next++];
    if (host === undefined) return;
    this.#pending += 1;
    this.#silence?.cancel();
    this.#silence = this.#ports.clock.after(silenceMilliseconds, () => this.#tryNext());
    this.#ask(host).then(
      (answer) => {
        this.#pending -= 1;
        this.#answers.heard.add(host.host);
        note(this.#answers, answer, true);
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

function note(answers: Answers, { entries, isUnknown }: Answer, isPlace: boolean): void {
  answers.sets.push(entries);
  // Any other host is unsure of what does not belong to it.
  if (isPlace) answers[isUnknown ? 'unsure' : 'sure'] += 1;
}

/**
 * Whether nothing means absent. What was acknowledged is on w of the r places, so any r − w + 1 that know of all their
 * share know of it; in a ring of fewer hosts all of them must.
 */
function isSure({ sure, unsure }: Answers, { replicas, writeQuorum }: CopyRule): boolean {
  return unsure === 0 || sure >= replicas - writeQuorum + 1;
}

function fingerprint(entries: readonly EncodedEntry[]): string {
  return mergeEntries(entries)
    .map(({ entry }) => `${identityOf(entry)}@${entry.sequence}`)
    .join(' ');
}
