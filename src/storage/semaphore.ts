/** Lets a bounded number of tasks run at once; the others wait in the order they came. */
export class Semaphore {
  readonly #maximum: number;
  #inside = 0;
  /** As long as the callers have tasks: each holds its own bytes, and bounds how many it hands in. */
  readonly #waiting: (() => void)[] = [];

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  async pass<T>(task: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#maximum) await new Promise<void>((enter) => this.#waiting.push(enter));
    else this.#inside += 1;
    try {
      return await task();
    } finally {
      // The place goes straight to the next, so that no one slips in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside -= 1;
      else next();
    }
  }
}
