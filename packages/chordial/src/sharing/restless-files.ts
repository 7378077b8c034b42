/**
 * Files that are being written wait here until they are quiet. One that changed again after or during hashing must be
 * quiet for longer each time, and longer the larger it is; while it keeps changing it is hashed at most once in ten
 * minutes.
 */

import { lstatSync } from 'node:fs';
import { BoundedCache } from '../network/bounded-cache.ts';
import { type FoundFile, stampOf } from './look-through.ts';

/** A file changed more recently than this may still be changing. */
const quietMilliseconds = 600;
const longestQuietMilliseconds = 60_000;
/** A file without a quiet moment for this long counts as changing, even if it was never hashed. */
const restlessMilliseconds = 5000;
export const longestPauseMilliseconds = 600_000;
/** Hashed in about the time that a small file must be quiet. */
const bytesPerQuiet = 32 * 1024 * 1024;
const maxRemembered = 65_536;

interface History {
  /** How often it had changed when it was due to be hashed again. */
  readonly times: number;
  /** Start or end of its last hashing. */
  readonly hashed: number;
}

interface Waiting {
  file: FoundFile;
  readonly timer: NodeJS.Timeout;
  /** Since when it has not been quiet, milliseconds since 1970. */
  readonly since: number;
  /** It had changed again when it was due. */
  readonly hasHistory: boolean;
}

export class RestlessFiles {
  readonly #now: () => number;
  readonly #deferred: (file: FoundFile, delay: number) => void;
  readonly #quiet: (file: FoundFile) => void;
  /** By path. */
  readonly #histories = new BoundedCache<string, History>(maxRemembered);
  readonly #waiting = new Map<string, Waiting>();

  /**
   * @param now milliseconds since 1970
   * @param deferred it must be quiet for so many milliseconds
   * @param quiet it may be hashed or checked again; its present state
   */
  constructor(now: () => number, deferred: (file: FoundFile, delay: number) => void, quiet: (file: FoundFile) => void) {
    this.#now = now;
    this.#deferred = deferred;
    this.#quiet = quiet;
  }

  /** Hashed then, and changed since. */
  changedAgain({ path }: FoundFile, hashed: number): void {
    const before = this.#histories.get(path);
    if (before !== undefined && before.hashed >= hashed) return;
    this.#histories.delete(path);
    const now = this.#now();
    // Long ago, or according to a clock that was set back.
    if (hashed + longestPauseMilliseconds <= now || hashed > now) return;
    this.#histories.set(path, { times: (before?.times ?? 0) + 1, hashed });
  }

  /** Whether it waits here from now on; otherwise it may be hashed at once. */
  isLater(file: FoundFile): boolean {
    return this.#isLater(file, this.#waiting.get(file.path)?.since);
  }

  #isLater(file: FoundFile, since = this.#now()): boolean {
    const { path } = file;
    clearTimeout(this.#waiting.get(path)?.timer);
    this.#waiting.delete(path);
    const delay = this.#delayOf(file);
    if (delay <= 0) return false;
    const timer = setTimeout(() => this.lookAgain(file), delay);
    this.#waiting.set(path, { file, timer, since, hasHistory: this.#histories.get(path) !== undefined });
    this.#deferred(file, delay);
    return true;
  }

  /** Files that wait for the first time. */
  pending(folder: number): number {
    return this.#of(folder, false).length;
  }

  changing(folder: number): readonly FoundFile[] {
    return this.#of(folder, true);
  }

  get isAnySoon(): boolean {
    for (const one of this.#waiting.values()) if (!this.#isChanging(one)) return true;
    return false;
  }

  drop(folder: number): void {
    for (const [path, { file, timer }] of this.#waiting) {
      if (file.folder !== folder) continue;
      clearTimeout(timer);
      this.#waiting.delete(path);
    }
  }

  close(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  #of(folder: number, isChanging: boolean): readonly FoundFile[] {
    const files: FoundFile[] = [];
    for (const one of this.#waiting.values())
      if (this.#isChanging(one) === isChanging && one.file.folder === folder) files.push(one.file);
    return files;
  }

  #isChanging({ hasHistory, since }: Waiting): boolean {
    return hasHistory || this.#now() - since >= restlessMilliseconds;
  }

  #delayOf({ path, size, changed }: FoundFile): number {
    const now = this.#now();
    // A clock was set back, here or where the file is: do not wait for it.
    if (changed > now) return 0;
    const history = this.#histories.get(path);
    if (history === undefined) return changed + quietMilliseconds - now;
    const pause = quietMilliseconds * 2 ** Math.min(history.times, 20) * (1 + size / bytesPerQuiet);
    const quiet = changed + Math.min(pause, longestQuietMilliseconds);
    const whenQuiet = Math.max(quiet, history.hashed + Math.min(pause, longestPauseMilliseconds));
    const whileChanging = Math.max(changed + quietMilliseconds, history.hashed + longestPauseMilliseconds);
    return Math.min(whenQuiet, whileChanging) - now;
  }

  /** Its current status; hashing opens it through its share. */
  lookAgain(file: FoundFile): void {
    const since = this.#waiting.get(file.path)?.since;
    this.#waiting.delete(file.path);
    try {
      const status = lstatSync(file.path, { bigint: true });
      const changed = Number(status.ctimeNs / 1_000_000n);
      const now = { ...file, size: Number(status.size), stamp: stampOf(status), changed };
      if (!this.#isLater(now, since)) this.#quiet(now);
    } catch {
      // Gone or unreachable: the next scan of its share tells.
    }
  }
}
