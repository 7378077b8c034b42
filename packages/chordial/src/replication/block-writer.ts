/** The blocks of one put in flight: bounded in memory, ended by the first failure. */
import type { Block } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import type { Semaphore } from '../flow/semaphore.ts';

/** Minimum accounted per block: a few hundred small ones in flight fill every batch, and more would only cost memory. */
const minBytesHeld = 32 * 1024;

/** The blocks of one put. */
export class BlockWriter {
  readonly #budget: Semaphore;
  readonly #store: (block: Block) => Promise<number>;
  readonly #signal: AbortSignal | undefined;
  readonly #pending = new Set<Promise<void>>();
  #failure: Error | null = null;
  #copies = Number.POSITIVE_INFINITY;

  constructor(budget: Semaphore, store: (block: Block) => Promise<number>, signal?: AbortSignal) {
    this.#budget = budget;
    this.#store = store;
    this.#signal = signal;
  }

  /** Resolves when the next block may come. Rejects with the first failure of any earlier block. */
  async write(block: Block): Promise<void> {
    this.#check();
    const held = Math.max(block.bytes.length, minBytesHeld);
    await this.#budget.take(held);
    const stored = this.#store(block)
      .then(
        (copies) => {
          this.#copies = Math.min(this.#copies, copies);
        },
        (error: Error) => {
          this.#failure ??= error;
        },
      )
      .finally(() => {
        this.#budget.give(held);
        this.#pending.delete(stored);
      });
    this.#pending.add(stored);
  }

  /** Resolves with the minimum number of replicas over all blocks, once all are durable. */
  async finish(): Promise<number> {
    await this.settle();
    this.#check();
    return this.#copies;
  }

  /** Resolves when nothing is in flight, whatever the outcome. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
  }

  #check(): void {
    if (this.#signal?.aborted)
      throw new ChordialError('interrupted', 'The put was interrupted. Start it again to resume.');
    if (this.#failure !== null) throw this.#failure;
  }
}
