/** A queue per key, served round robin, so that a long one does not delay short ones. With one key it is a plain queue. */
export class RoundRobin<Item> {
  /** In the order of their next turns; none is empty. */
  readonly #lines = new Map<unknown, Item[]>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Queues that are not empty. */
  get keys(): number {
    return this.#lines.size;
  }

  lengthOf(key: unknown): number {
    return this.#lines.get(key)?.length ?? 0;
  }

  push(key: unknown, item: Item): void {
    const line = this.#lines.get(key);
    if (line === undefined) this.#lines.set(key, [item]);
    else line.push(item);
    this.#length += 1;
  }

  /** The item of the next turn, which stays. */
  peek(): Item | undefined {
    for (const [item] of this.#lines.values()) return item;
    return undefined;
  }

  /** At most `max` items, one per queue in turn, of those accepted by `isMeant`. */
  take(max: number, isMeant: (key: unknown) => boolean = () => true): Item[] {
    const taken: Item[] = [];
    for (const [key, line] of this.#lines) {
      if (taken.length === max) break;
      const item = isMeant(key) ? line.shift() : undefined;
      if (item === undefined) continue;
      taken.push(item);
      // To the end, where this loop meets it again after all others.
      this.#lines.delete(key);
      if (line.length > 0) this.#lines.set(key, line);
    }
    this.#length -= taken.length;
    return taken;
  }
}
