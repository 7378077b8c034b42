/** A queue per key, served round robin, so that a long one does not delay short ones. */
export class TurnQueue<Item> {
  /** In the order of their next turns; none is empty. */
  readonly #lines = new Map<unknown, Item[]>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(who: unknown, item: Item): void {
    const line = this.#lines.get(who);
    if (line === undefined) this.#lines.set(who, [item]);
    else line.push(item);
    this.#length += 1;
  }

  /** At most `most` items, one per queue in turn, of those accepted by `isMeant`. */
  take(most: number, isMeant: (who: unknown) => boolean = () => true): Item[] {
    const taken: Item[] = [];
    for (const [who, line] of this.#lines) {
      if (taken.length === most) break;
      const item = isMeant(who) ? line.shift() : undefined;
      if (item === undefined) continue;
      taken.push(item);
      // To the end, where this loop meets it again after all others.
      this.#lines.delete(who);
      if (line.length > 0) this.#lines.set(who, line);
    }
    this.#length -= taken.length;
    return taken;
  }
}
