/**
 * Keeps announcements in line with the index: new files are announced in batches, deleted ones withdrawn, thinned
 * batches replaced. Pending work follows from the index, so that a peer killed in between resumes it.
 */
import { ChordialError } from '../errors.ts';
import { maxBatchBytes } from '../records/share-batch.ts';
import type { ShareEntry } from '../records/share-entry.ts';
import { bytesOfEntries } from '../records/share-leaf.ts';
import type { AnnouncedFile, ShareAnnouncer } from '../records/shares.ts';
import type { FileOfBatch, SharedFile, SharedFileTable } from '../storage/shared-file-table.ts';
import { entriesOf, type PostingWords } from './share-entries.ts';

interface Indexing {
  /** Files are being hashed: more will follow soon. */
  readonly isIndexing: () => boolean;
  /** Everything known is announced. */
  readonly announced: () => void;
  /** It is retried. */
  readonly failed: (error: Error) => void;
}

/** Debounce time for changes. */
const gatherMilliseconds = 300;
/**
 * A batch costs about the same for five hundred files as for ten thousand, since its entries are spread over the whole
 * ring. So while files are being hashed they are announced in portions of this size, or when the first has waited this
 * long; a few are announced without waiting for the many blocks of another, but not repeatedly.
 */
const filesPerPortion = 20_000;
const portionMilliseconds = 15_000;
const fewFiles = 100;
const betweenFewMilliseconds = 3000;
const betweenLooksMilliseconds = 500;
/** Mere additions, such as a SHA-256, wait this long for others. */
const staleMilliseconds = 60_000;
const firstRetryMilliseconds = 2000;
const maxRetryMilliseconds = 60_000;
/** An announcement is one batch: a second one would take its memory while the first is sent, and may be almost empty. */
const filesPerAnnouncement = 10_000;
/** Read at a time: all rows of a batch would take tens of megabytes. */
const filesPerPage = 500;
const filesPerWithdrawal = 2000;

/** Files to be announced, with numbers above `after`. */
type NextFiles = (after: number, limit: number) => readonly SharedFile[];

export class ShareAnnouncing {
  readonly #table: SharedFileTable;
  readonly #announcer: ShareAnnouncer;
  readonly #words: PostingWords;
  readonly #indexing: Indexing;
  /** Batches whose files are being announced again, ended afterwards. */
  readonly #outdated = new Set<number>();
  readonly #closing = new AbortController();
  #undo: () => void = () => undefined;
  #timer: NodeJS.Timeout | null = null;
  #timerEnds = Number.POSITIVE_INFINITY;
  #working: Promise<void> | null = null;
  #isAwaited = false;
  #lastPortion = Number.NEGATIVE_INFINITY;
  /** Since when files wait to be announced. */
  #waitingSince: number | null = null;
  #retry = firstRetryMilliseconds;
  #isOpen = false;

  constructor(table: SharedFileTable, announcer: ShareAnnouncer, words: PostingWords, indexing: Indexing) {
    this.#table = table;
    this.#announcer = announcer;
    this.#words = words;
    this.#indexing = indexing;
  }

  /** Called once this host is a member: leftovers of an earlier run are settled first. */
  begin(): void {
    const announcer = this.#announcer;
    this.#isOpen = true;
    this.#undo = announcer.onWorn((batches) => {
      for (const batch of batches) this.#outdated.add(batch);
      this.wake();
    });
    this.#working = this.#settleFormerLife()
      .catch((error: Error) => this.#indexing.failed(error))
      .finally(() => {
        this.#working = null;
        this.wake();
      });
  }

  /** The index has changed. */
  wake(): void {
    this.#in(gatherMilliseconds);
  }

  /** More is known of a file: not urgent. */
  wakeLater(): void {
    this.#in(staleMilliseconds);
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#undo();
    this.#closing.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#working;
  }

  #in(delay: number): void {
    if (!this.#isOpen) return;
    if (this.#working !== null) {
      this.#isAwaited = true;
      return;
    }
    const ends = performance.now() + delay;
    if (ends >= this.#timerEnds) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerEnds = ends;
    this.#timer = setTimeout(() => this.#work(), delay);
  }

  #work(): void {
    this.#timer = null;
    this.#timerEnds = Number.POSITIVE_INFINITY;
    this.#isAwaited = false;
    this.#working = this.#bringIntoLine()
      .then((isWaiting) => {
        this.#retry = firstRetryMilliseconds;
        return isWaiting ? betweenLooksMilliseconds : null;
      })
      .catch((error: Error) => {
        if (this.#isOpen) this.#indexing.failed(error);
        const delay = this.#retry;
        this.#retry = Math.min(maxRetryMilliseconds, this.#retry * 2);
        return delay;
      })
      .then((delay) => {
        this.#working = null;
        if (delay !== null) this.#in(delay);
        else if (this.#isAwaited) this.wake();
      });
  }

  /** Batches not in the index date from before a crash; files of lapsed batches are announced again. */
  async #settleFormerLife(): Promise<void> {
    const [table, announcer] = [this.#table, this.#announcer];
    const live = announcer.live();
    const known = table.batches();
    await table.forgetBatches([...known].filter((batch) => !live.has(batch)));
    await announcer.end([...live].filter((batch) => !known.has(batch)));
  }

  /** Whether new files wait until more are hashed. */
  async #bringIntoLine(): Promise<boolean> {
    const table = this.#table;
    const { announced, isIndexing } = this.#indexing;
    await this.#withdrawGone();
    await this.#withdrawMoved();
    // A batch reported from here on waits for the next run: its files are not part of this one.
    const outdated = [...this.#outdated];
    if (outdated.length > 0) await table.forgetBatches(outdated);
    const waiting = table.countUnannounced();
    if (waiting > 0 && isIndexing() && this.#isEarly(waiting)) return true;
    if (waiting > 0) this.#lastPortion = performance.now();
    this.#waitingSince = null;
    await this.#announce((after, limit) => table.unannounced(after, limit));
    await this.#announce((after, limit) => table.stale(after, limit));
    await this.#withdrawMoved();
    await this.#endOutdated(outdated);
    if (this.#outdated.size > 0) this.#isAwaited = true;
    await table.forgetEnded();
    announced();
    return false;
  }

  /** Whether more files are expected before a batch is worth its cost. */
  #isEarly(waiting: number): boolean {
    const now = performance.now();
    this.#waitingSince ??= now;
    if (waiting >= filesPerPortion || now - this.#waitingSince >= portionMilliseconds) return false;
    return waiting > fewFiles || now - this.#lastPortion < betweenFewMilliseconds;
  }

  async #announce(next: NextFiles): Promise<void> {
    const [table, announcer] = [this.#table, this.#announcer];
    while (this.#isOpen && next(0, 1).length > 0) {
      const files: FileOfBatch[] = [];
      const batches = await announcer.announce(this.#entriesOf(next, files), this.#closing.signal);
      await table.announced(files.map((file, index) => ({ ...file, batch: batches[index]! })));
    }
  }

  /** Entries of the files of one announcement, which are added to `files`. */
  async *#entriesOf(next: NextFiles, files: FileOfBatch[]): AsyncGenerator<readonly ShareEntry[], void, undefined> {
    const words = this.#words;
    let bytes = 0;
    while (files.length < filesPerAnnouncement) {
      const page = next(files.at(-1)?.file ?? 0, Math.min(filesPerPage, filesPerAnnouncement - files.length));
      if (page.length === 0) return;
      await words.prepare(page.map(({ name }) => name));
      for (const file of page) {
        const entries = entriesOf(file, words.wordsOf);
        bytes += bytesOfEntries(entries);
        if (bytes > maxBatchBytes) return;
        files.push({ file: file.file, hasSha256: file.sha256 !== null });
        yield entries;
      }
    }
  }

  async #withdrawGone(): Promise<void> {
    const table = this.#table;
    for (;;) {
      const files = table.gone(filesPerWithdrawal);
      if (files.length === 0 || !this.#isOpen) return;
      const numbers = files.flatMap(({ batch, earlier }) => [batch, earlier]);
      for (const batch of new Set(numbers)) {
        if (batch !== null)
          await this.#withdrawFrom(
            batch,
            files.filter((one) => one.batch === batch || one.earlier === batch),
          );
      }
      await table.remove(files.map(({ file }) => file));
    }
  }

  async #withdrawMoved(): Promise<void> {
    const table = this.#table;
    for (;;) {
      const files = table.moved(filesPerWithdrawal);
      if (files.length === 0 || !this.#isOpen) return;
      for (const batch of new Set(files.map(({ earlier }) => earlier!)))
        await this.#withdrawFrom(
          batch,
          files.filter(({ earlier }) => earlier === batch),
        );
      await table.settled(files.map(({ file }) => file));
    }
  }

  async #withdrawFrom(batch: number, files: readonly SharedFile[]): Promise<void> {
    const [table, announcer] = [this.#table, this.#announcer];
    if (!announcer.live().has(batch) || this.#outdated.has(batch)) return;
    if (table.ofBatch(batch, 0, 1).length === 0) return announcer.end([batch]);
    const withdrawn = files.flatMap((file): AnnouncedFile[] => {
      const entries = this.#entriesOnlyOf(file, batch);
      return entries.length === 0 ? [] : [{ entries, batch }];
    });
    try {
      if (withdrawn.length > 0) await announcer.withdraw(withdrawn);
    } catch (error) {
      if (!(error instanceof ChordialError) || error.code !== 'too-many-entries') throw error;
      // More than a header has room for: the rest is announced again.
      this.#outdated.add(batch);
    }
  }

  /** Without those that another file of the batch also has. */
  #entriesOnlyOf(file: SharedFile, batch: number): readonly ShareEntry[] {
    const [table, words] = [this.#table, this.#words];
    const others = table.ofRoot(file.root, 100).filter((one) => one.file !== file.file && one.batch === batch);
    if (others.some(({ name }) => name === file.name)) return [];
    const entries = entriesOf(file, words.everWordsOf);
    return others.length === 0 ? entries : entries.filter(({ kind }) => kind !== 'provider');
  }

  async #endOutdated(outdated: readonly number[]): Promise<void> {
    if (outdated.length === 0) return;
    await this.#announcer.end(outdated);
    for (const batch of outdated) this.#outdated.delete(batch);
  }
}
