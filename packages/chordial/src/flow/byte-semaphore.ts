/**
 * A limit on bytes held in memory for many hosts. Each has its own queue and the one that holds least is served first;
 * no host gets more than half, and part is reserved for those that hold nothing: a host that requests much and reads
 * slowly delays only itself. What is small goes before what is large of the same host, and finds room beside it.
 */

/** Of what is shared, the most that is small, and what a host gets for it beyond its half. */
const smallPart = 1 / 64;
const roomForSmallPart = 1 / 16;

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

  /** Null when the bytes may be held for this host now; else resolves when they may. */
  takeOrWait(host: string, bytes: number): Promise<void> | null {
    const holding = this.#holdings.get(host) ?? { bytes: 0, waiting: [] };
    this.#holdings.set(host, holding);
    const place = this.#placeOf(bytes, holding.waiting);
    if (place === 0 && this.#fits(holding, bytes)) {
      this.#grant(holding, bytes);
      return null;
    }
    return new Promise((start) => holding.waiting.splice(place, 0, { bytes, start }));
  }

  /** Resolves when the bytes may be held for this host. */
  async take(host: string, bytes: number): Promise<void> {
    await this.takeOrWait(host, bytes);
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

  /** Among those that wait. */
  #placeOf(bytes: number, waiting: readonly Waiter[]): number {
    const large = this.#isSmall(bytes) ? waiting.findIndex((waiter) => !this.#isSmall(waiter.bytes)) : -1;
    return large === -1 ? waiting.length : large;
  }

  #isSmall(bytes: number): boolean {
    return bytes <= this.#sharedBytes * smallPart;
  }

  #grant(holding: Holding, bytes: number): void {
    holding.bytes += bytes;
    this.#taken += bytes;
  }

  #fits(holding: Holding, bytes: number): boolean {
    if (this.#taken === 0) return true;
    if (holding.bytes === 0) return this.#taken + bytes <= this.#sharedBytes + this.#reservedBytes;
    const most = this.#sharedBytes * (1 / 2 + (this.#isSmall(bytes) ? roomForSmallPart : 0));
    return holding.bytes + bytes <= most && this.#taken + bytes <= this.#sharedBytes;
  }
}
