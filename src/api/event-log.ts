/** The last events with their numbers, and whoever listens: a reader that lost its connection misses none of them. */
import { randomBytes } from 'node:crypto';
import type { PeerEvent } from '../node/peer.ts';

export interface NumberedEvent {
  /** Unique over restarts of the peer. */
  readonly id: string;
  readonly event: PeerEvent;
}

/** A reader away for longer than so many events reads the state anew. */
const maximumKeptEvents = 512;

export class EventLog {
  readonly #run = randomBytes(4).toString('hex');
  readonly #kept: NumberedEvent[] = [];
  readonly #listeners = new Set<(event: NumberedEvent) => void>();
  readonly #closers = new Set<() => void>();
  #count = 0;

  add(event: PeerEvent): void {
    this.#count += 1;
    const numbered = { id: `${this.#run}-${this.#count}`, event };
    this.#kept.push(numbered);
    if (this.#kept.length > maximumKeptEvents) this.#kept.shift();
    for (const listener of this.#listeners) listener(numbered);
  }

  /** Whether a reader that has seen this event has missed nothing that is no longer kept. */
  has(id: string): boolean {
    return this.#kept.some((one) => one.id === id);
  }

  /** What came after the event with this id; everything kept when it is not known. */
  after(id: string): readonly NumberedEvent[] {
    return this.#kept.slice(this.#kept.findIndex((one) => one.id === id) + 1);
  }

  /** The last events, oldest first. */
  last(count: number): readonly NumberedEvent[] {
    return count === 0 ? [] : this.#kept.slice(-count);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Returns how to stop listening; `closed` is called when the log ends first. */
  listen(listener: (event: NumberedEvent) => void, closed: () => void): () => void {
    this.#listeners.add(listener);
    this.#closers.add(closed);
    return () => {
      this.#listeners.delete(listener);
      this.#closers.delete(closed);
    };
  }

  close(): void {
    for (const closed of [...this.#closers]) closed();
    this.#listeners.clear();
    this.#closers.clear();
  }
}
