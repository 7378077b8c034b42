const maxMoves = 1024;

/** A map that forgets what was used longest ago once it holds `maxEntries`. */
export class BoundedCache<Key, Value> {
  readonly maxEntries: number;
  readonly #entries = new Map<Key, Value>();
  /**
   * Goes on from the last eviction: a new iterator steps over all that was deleted since the Map last rebuilt its table.
   * Dropped after so many moves without an eviction, since it keeps every table from where it stands.
   */
  #oldest: MapIterator<Key> | null = null;
  #moves = 0;

  constructor(maxEntries: number) {
    this.maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    // A Map keeps the order of insertion, so inserting again makes it the youngest. Not needed while there is room.
    if (this.#entries.size >= this.maxEntries) this.#move(key, value);
    return value;
  }

  values(): Iterable<Value> {
    return this.#entries.values();
  }

  /** Whether it was there. */
  delete(key: Key): boolean {
    return this.#entries.delete(key);
  }

  set(key: Key, value: Value): void {
    this.#move(key, value);
    if (this.#entries.size <= this.maxEntries) return;
    this.#oldest ??= this.#entries.keys();
    this.#moves = 0;
    const oldest = this.#oldest.next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }

  #move(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    this.#moves += 1;
    if (this.#moves > maxMoves) this.#oldest = null;
  }
}
