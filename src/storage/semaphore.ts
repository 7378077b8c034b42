/** Runs a bounded number of tasks concurrently; the others wait in FIFO order. */
export class Semaphore {
  readonly #maximum: number;
  #inside = 0;
  /** Bounded by the callers: each holds its own bytes and limits what it submits. */
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
      // The slot passes directly to the next waiter, so that none is overtaken.
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside -= 1;
      else next();
    }
  }
}
