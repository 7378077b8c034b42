/**
 * Maintains the postings of this host's own puts: after a name was published, replaced or removed, its postings are
 * updated in the background. Pending work is stored before the name changes, so that a peer killed in between resumes
 * it.
 */

import type { Milliseconds, Timer } from '@chordial/ring';
import { cidIn, parseCid } from '../content/cid.ts';
import type { EncodedEntry, UnsignedEntry } from '../records/entry.ts';
import { signEntries } from '../records/entry.ts';
import type { NameEntry } from '../records/name-entry.ts';
import type { Names } from '../records/names.ts';
import type { FrequentWords, PostingPorts } from './frequent-words.ts';
import { postingsOf, postingTombstones } from './posting-entry.ts';

/** Stored work: previous contents of the name whose postings are to be removed. */
interface Due {
  readonly ended: readonly string[];
}

/** Entries to be stored for a name. */
interface Signed {
  readonly name: string;
  readonly due: Due;
  readonly entries: readonly EncodedEntry[];
}

const settingPrefix = 'postings-due:';
/** One batch at a time: with 64, postings of ten thousand concurrently put names were still pending long after. */
const nameConcurrency = 256;
/**
 * While names are being put, the next batch waits this long to fill up: names then share the cost of a batch, and the
 * puts themselves go first (measured: 4.3 ms of CPU time per name at three peers and the command instead of 4.8).
 */
const gatheringMilliseconds: Milliseconds = 500;
const retryMilliseconds: Milliseconds = 5000;

export class PutIndex {
  readonly #ports: PostingPorts;
  readonly #names: Pick<Names, 'own' | 'nextSequence'>;
  readonly #words: Pick<FrequentWords, 'wordsOf' | 'everWordsOf' | 'prepare'>;
  readonly #due = new Map<string, Due>();
  /** Names whose own entry is being changed: the table is about to change. */
  readonly #changing = new Map<string, number>();
  #isOpen = false;
  #working: Promise<void> | null = null;
  #retry: Timer | null = null;
  #endGathering: (() => void) | null = null;

  constructor(
    ports: PostingPorts,
    names: Pick<Names, 'own' | 'nextSequence'>,
    words: Pick<FrequentWords, 'wordsOf' | 'everWordsOf' | 'prepare'>,
  ) {
    this.#ports = ports;
    this.#names = names;
    this.#words = words;
    for (const { name, value } of ports.settings.settings(settingPrefix)) {
      this.#due.set(name.slice(settingPrefix.length), dueOf(value));
    }
  }

  /** Called once this host is a member: pending work starts. */
  begin(): void {
    this.#isOpen = true;
    this.#work();
  }

  /** Awaited before the own entry of a name changes; `before` is the current one. */
  async changing(name: string, before: NameEntry | null): Promise<void> {
    this.#changing.set(name, (this.#changing.get(name) ?? 0) + 1);
    const known = this.#due.get(name)?.ended ?? [];
    const ended = before === null ? known : [...new Set([...known, before.cid.toString()])];
    await this.#write(name, { ended });
  }

  /** Called after the change, or after a failed attempt. */
  changed(name: string): void {
    const open = (this.#changing.get(name) ?? 1) - 1;
    if (open > 0) this.#changing.set(name, open);
    else this.#changing.delete(name);
    this.#work();
  }

  /** Number of names with pending postings. */
  get due(): number {
    return this.#due.size;
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#retry?.cancel();
    this.#endGathering?.();
    await this.#working;
  }

  #work(): void {
    if (!this.#isOpen || this.#working !== null) return;
    this.#working = this.#run().finally(() => {
      this.#working = null;
      if ([...this.#due.keys()].some((name) => !this.#changing.has(name))) this.#again();
    });
  }

  #again(): void {
    this.#retry?.cancel();
    this.#retry = this.#ports.clock.after(retryMilliseconds, () => this.#work());
  }

  async #run(): Promise<void> {
    let hasFailed = false;
    while (this.#isOpen && !hasFailed) {
      const names = [...this.#due.keys()].filter((name) => !this.#changing.has(name)).slice(0, nameConcurrency);
      if (names.length === 0) return;
      hasFailed = !(await this.#isPrepared(names));
      if (hasFailed) return;
      const signed = this.#signed(names);
      const done = await Promise.all(signed.map((one) => this.#bringIntoLine(one)));
      hasFailed = signed.length < names.length || done.includes(false);
      if (!hasFailed && this.#changing.size > 0 && this.#due.size - this.#changing.size < nameConcurrency)
        await this.#gather();
    }
  }

  async #gather(): Promise<void> {
    if (!this.#isOpen) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#ports.clock.after(gatheringMilliseconds, resolve);
    this.#endGathering = () => {
      timer.cancel();
      resolve();
    };
    await promise;
    this.#endGathering = null;
  }

  async #isPrepared(names: readonly string[]): Promise<boolean> {
    try {
      await this.#words.prepare(names);
      return true;
    } catch {
      return false;
    }
  }

  async #bringIntoLine({ name, due, entries }: Signed): Promise<boolean> {
    try {
      if (entries.length > 0) await this.#ports.writer.store(entries);
      // The name may have changed again meanwhile: then it stays pending.
      if (this.#due.get(name) === due && !this.#changing.has(name)) await this.#write(name, null);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Signed together, since a signature and its checks cost more than everything else about a posting. A retry may thus
   * store other bytes of the same sequence, of which every host keeps the same.
   */
  #signed(names: readonly string[]): readonly Signed[] {
    const wanted = names.flatMap((name) => this.#wantedFor(name));
    const { signer, networkId } = this.#ports;
    const all = wanted.flatMap(({ unsigned }) => unsigned);
    const entries = signEntries(all, networkId, (bytes) => signer.sign(bytes));
    let taken = 0;
    return wanted.map(({ name, due, unsigned }) => {
      taken += unsigned.length;
      return { name, due, entries: entries.slice(taken - unsigned.length, taken) };
    });
  }

  /** None for an unreadable one, which is reported. */
  #wantedFor(name: string): { name: string; due: Due; unsigned: readonly UnsignedEntry[] }[] {
    const due = this.#due.get(name);
    if (due === undefined) return [];
    try {
      return [{ name, due, unsigned: this.#entriesFor(name, due) }];
    } catch {
      return [];
    }
  }

  #entriesFor(name: string, { ended }: Due): readonly UnsignedEntry[] {
    const { clock, signer } = this.#ports;
    const [names, words] = [this.#names, this.#words];
    const own = names.own(name);
    const now = clock.wallTime();
    const gone = ended.filter((cid) => cid !== own?.cid.toString());
    const sequence = own?.sequence ?? names.nextSequence(name);
    const tombstones = gone.flatMap((cid) =>
      postingTombstones({ name, cid: parseCid(cid), publisher: signer.host }, words.everWordsOf, sequence, now),
    );
    // The index holds nothing of a sealed file.
    const isIndexed = own !== null && (own.sealed ?? null) === null;
    return [...(isIndexed ? postingsOf(own, words.wordsOf) : []), ...tombstones];
  }

  async #write(name: string, due: Due | null): Promise<void> {
    if (due === null) this.#due.delete(name);
    else this.#due.set(name, due);
    await this.#ports.settings.setSetting(`${settingPrefix}${name}`, due ?? undefined);
  }
}

/** As stored; invalid contents are dropped, so that a damaged setting does not prevent a start. */
function dueOf(value: unknown): Due {
  const { ended } = (value ?? {}) as { readonly ended?: unknown };
  return { ended: Array.isArray(ended) ? ended.filter((one) => typeof one === 'string' && cidIn(one) !== null) : [] };
}
