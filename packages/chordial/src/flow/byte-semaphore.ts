/**
 * A limit on bytes held in memory for many hosts. Each has its own queue and the one that holds least is served first;
 * no host gets more than half, and part is reserved for those that hold nothing: a host that requests much and reads
 * slowly delays only itself.
 */
interface Waiter {
  readonly bytes: number;
  readonly start: () => void;
}

/** Bytes held and waiters; dropped when both are empty. */
interface Holding {
  bytes: number;
  readonly waiting: Waiter[];
}

export class ByteSemaphore {
  readonly #sharedBytes: number;
  readonly #reservedBytes: number;
  readonly #holdings = new Map<string, Holding>();
  #taken = 0;

  /** The sum of both is never exceeded, except by a single larger request. */
  constructor(sharedBytes: number, reservedBytes: number) {
    this.#sharedBytes = sharedBytes;
    this.#reservedBytes = reservedBytes;
  }

  get takenBytes(): number {
    return this.#taken;
  }

  /** Resolves when the bytes may be held for this host. */
  take(host: string, bytes: number): Promise<void> {
    const holding = this.#holdings.get(host) ?? { bytes: 0, waiting: [] };
    this.#holdings.set(host, holding);
    if (holding.waiting.length === 0 && this.#fits(holding, bytes)) {
      this.#grant(holding, bytes);
      return Promise.resolve();
    }
    return new Promise((start) => holding.waiting.push({ bytes, start }));
  }

  give(host: string, bytes: number): void {
    const holding = this.#holdings.get(host);
    if (holding === undefined) throw new Error(`${host} holds nothing that could be given back.`);
    holding.bytes -= bytes;
    this.#taken -= bytes;
    if (holding.bytes === 0 && holding.waiting.length === 0) this.#holdings.delete(host);
    for (let next = this.#poorest(); next !== null; next = this.#poorest()) {
      const waiter = next.waiting.shift()!;
      this.#grant(next, waiter.bytes);
      waiter.start();
    }
  }

  /** Of those whose first request fits. */
  #poorest(): Holding | null {
    let poorest: Holding | null = null;
    for (const holding of this.#holdings.values()) {
      const [first] = holding.waiting;
      if (first === undefined || !this.#fits(holding, first.bytes)) continue;
      if (poorest === null || holding.bytes < poorest.bytes) poorest = holding;
    }
    return poorest;
  }

  #grant(holding: Holding, bytes: number): void {
    holding.bytes += bytes;
    this.#taken += bytes;
  }

  #fits(holding: Holding, bytes: number): boolean {
    if (this.#taken === 0) return true;
    if (holding.bytes === 0) return this.#taken + bytes <= this.#sharedBytes + this.#reservedBytes;
    return holding.bytes + bytes <= this.#sharedBytes / 2 && this.#taken + bytes <= this.#sharedBytes;
  }
}
