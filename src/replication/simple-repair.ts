/**
 * Repair, in its plain first form: each host goes through all that it holds, in key order, asks the other places of each
 * item whether they have it, and pushes what is missing. It runs a while after the neighbours changed, and every minute.
 * Nothing is ever dropped here; range reconciliation will replace the asking (spec/4, Repair).
 *
 * Of several holders the first in place order pushes, so that a lost copy is made once.
 */
import type { Milliseconds, Timer } from '../ring/ports.ts';
import { BlockRepair } from './block-repair.ts';
import { RecordRepair } from './record-repair.ts';
import type { RepairPorts } from './repair-ports.ts';

const intervalMilliseconds = 60_000;
/** Where neighbours change all the time they are never quiet: then a round begins all the same. */
const maximumSettlings = 5;
/** After a round that failed. */
const retryMilliseconds = 5000;
/** The share of the interval that chance decides, so that hosts do not all begin at once. */
const jitter = 0.25;

export class SimpleRepair {
  readonly #ports: RepairPorts;
  readonly #blocks: BlockRepair;
  readonly #records: RecordRepair;
  readonly #stopListening: () => void;
  readonly #stopping = new AbortController();
  #timer: Timer | null = null;
  /** When the round after a change begins at the latest; null when nothing has changed since the last one. */
  #dueBy: Milliseconds | null = null;
  #running: Promise<void> | null = null;

  constructor(ports: RepairPorts) {
    this.#ports = ports;
    this.#blocks = new BlockRepair(ports);
    this.#records = new RecordRepair(ports);
    this.#stopListening = ports.view.onChange(() => this.#settle());
    this.#schedule(this.#interval());
  }

  /** Resolves when no round runs any more; the one under way is broken off. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.#stopListening();
    this.#timer?.cancel();
    await this.#running;
  }

  /** One round over everything held here. Resolves with the copies made. */
  async round(): Promise<{ blocks: number; records: number }> {
    const { signal } = this.#stopping;
    // Without records nobody finds the blocks, and they are small: they go first.
    const records = await this.#records.round(signal);
    const blocks = await this.#blocks.round(signal);
    if (records + blocks > 0) this.#ports.repaired?.(blocks, records);
    return { blocks, records };
  }

  /** Once the neighbours have been quiet for a while, or have not been for too long. */
  #settle(): void {
    const { clock, settleMilliseconds } = this.#ports;
    const now = clock.now();
    this.#dueBy ??= now + maximumSettlings * settleMilliseconds;
    this.#schedule(Math.max(0, Math.min(settleMilliseconds, this.#dueBy - now)));
  }

  #schedule(delay: Milliseconds): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer?.cancel();
    this.#timer = this.#ports.clock.after(delay, () => this.#begin());
  }

  #begin(): void {
    // A change during a round is met by the next one.
    if (this.#running !== null) {
      this.#schedule(this.#ports.settleMilliseconds);
      return;
    }
    this.#dueBy = null;
    this.#schedule(this.#interval());
    this.#running = this.round().then(
      () => {
        this.#running = null;
      },
      (error: Error) => {
        this.#running = null;
        // Most often the ring was just changing and an owner could not be found: not a reason to wait a minute.
        this.#schedule(retryMilliseconds);
        this.#ports.report?.(
          'no-answer',
          this.#ports.view.self,
          `A round of repair failed and is run again: ${error.message}`,
        );
      },
    );
  }

  #interval(): Milliseconds {
    return intervalMilliseconds * (1 - jitter * this.#ports.random.next());
  }
}
