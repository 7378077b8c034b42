/**
 * Watches the folders of shares with one watcher per folder, which reports all of its files. (Node's recursive watch,
 * and libraries based on it, use one watcher per file.) Where the system allows no more watchers, the rescan finds
 * changes.
 */
import { type FSWatcher, watch } from 'node:fs';

const maxWatchers = 16_384;
/** Debounce time for changes in a folder. */
const gatherMilliseconds = 250;

export class FolderWatchers {
  readonly #changed: (key: string) => void;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #timers = new Map<string, NodeJS.Timeout>();

  /** @param changed called with the key of a folder in which something changed */
  constructor(changed: (key: string) => void) {
    this.#changed = changed;
  }

  /** Stays watched if it is already. */
  watch(key: string, folder: string): void {
    if (this.#watchers.has(key) || this.#watchers.size >= maxWatchers) return;
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#note(key));
      watcher.on('error', () => this.unwatch(key));
      this.#watchers.set(key, watcher);
    } catch {
      // Gone meanwhile, or the system has no watchers left: the rescan covers both.
    }
  }

  unwatch(key: string): void {
    this.#watchers.get(key)?.close();
    this.#watchers.delete(key);
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }

  /** Those with keys of this prefix. */
  unwatchAll(prefix: string): void {
    for (const key of [...this.#watchers.keys()]) if (key.startsWith(prefix)) this.unwatch(key);
  }

  close(): void {
    this.unwatchAll('');
  }

  #note(key: string): void {
    if (this.#timers.has(key)) return;
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      this.#changed(key);
    }, gatherMilliseconds);
    this.#timers.set(key, timer);
  }
}
