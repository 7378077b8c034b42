/** Bounds what runs at the same time, tasks or the bytes that they hold. Admits in FIFO order, so that none is overtaken. */

interface Waiter {
  readonly amount: number;
  readonly enter: () => void;
}

export class Semaphore {
  #max: number;
  #taken = 0;
  /** Bounded by the callers: each holds its own bytes and limits what it submits. */
  readonly #waiting: Waiter[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  get max(): number {
    return this.#max;
  }

  /** What is held above a lowered limit stays until given back. */
  set max(max: number) {
    this.#max = max;
    this.#admit();
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves when the amount may be held. One above the whole limit is admitted when nothing else is held. */
  async take(amount = 1): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(amount)) this.#taken += amount;
    else await new Promise<void>((enter) => this.#waiting.push({ amount, enter }));
  }

  give(amount = 1): void {
    this.#taken -= amount;
    this.#admit();
  }

  /** Runs the task while it holds the amount. */
  async pass<Result>(task: () => Promise<Result>, amount = 1): Promise<Result> {
    if (this.#waiting.length === 0 && this.#fits(amount)) this.#taken += amount;
    else await new Promise<void>((enter) => this.#waiting.push({ amount, enter }));
    try {
      return await task();
    } finally {
      this.give(amount);
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.amount); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#taken += next.amount;
      next.enter();
    }
  }

  #fits(amount: number): boolean {
    return this.#taken === 0 || this.#taken + amount <= this.#max;
  }
}
