/** A limit on bytes held in memory, granted in FIFO order. */

interface Waiter {
  readonly bytes: number;
  readonly start: () => void;
}

export class ByteBudget {
  #maxBytes: number;
  #taken = 0;
  readonly #waiting: Waiter[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Bytes held above a lowered limit stay until released. */
  set maxBytes(bytes: number) {
    this.#maxBytes = bytes;
    this.#startFitting();
  }

  get takenBytes(): number {
    return this.#taken;
  }

  /** Resolves when the bytes may be held. A request above the whole limit is granted when nothing else is held. */
  take(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#taken += bytes;
      return Promise.resolve();
    }
    return new Promise((start) => this.#waiting.push({ bytes, start }));
  }

  give(bytes: number): void {
    this.#taken -= bytes;
    this.#startFitting();
  }

  #startFitting(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#taken += next.bytes;
      next.start();
    }
  }

  #fits(bytes: number): boolean {
    return this.#taken === 0 || this.#taken + bytes <= this.#maxBytes;
  }
}
