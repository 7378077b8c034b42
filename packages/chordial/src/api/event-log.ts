/** The latest events, numbered, and their listeners: a reader that reconnects misses none. */
import { randomBytes } from 'node:crypto';
import type { PeerEvent } from '../peer/peer.ts';

export interface NumberedEvent {
  /** Unique across restarts of the peer. */
  readonly id: string;
  readonly event: PeerEvent;
}

/** A reader that missed more events than this reloads the state. */
const maxKeptEvents = 512;

export interface EventPage {
  readonly events: readonly NumberedEvent[];
  /** The position after them. */
  readonly next: number;
  /** False when events between the requested position and these are no longer kept. */
  readonly isComplete: boolean;
}

export class EventLog {
  readonly #run = randomBytes(4).toString('hex');
  readonly #kept: NumberedEvent[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #closers = new Set<() => void>();
  /** Number of events ever added: the position of the next one. */
  #count = 0;

  add(event: PeerEvent): void {
    this.#count += 1;
    this.#kept.push({ id: `${this.#run}-${this.#count}`, event });
    if (this.#kept.length > maxKeptEvents) this.#kept.shift();
    for (const listener of this.#listeners) listener();
  }

  /** The position after the event with this id; null when unknown, or when what followed is no longer kept. */
  placeAfter(id: string): number | null {
    const place = this.#kept.findIndex((one) => one.id === id);
    return place < 0 ? null : this.#first + place + 1;
  }

  /** The position with so many events left. */
  placeOfLast(count: number): number {
    return Math.max(this.#first, this.#count - count);
  }

  /** At most so many events from a position on, oldest first. */
  from(place: number, most: number): EventPage {
    const begin = Math.max(place, this.#first);
    const events = this.#kept.slice(begin - this.#first, begin - this.#first + most);
    return { events, next: begin + events.length, isComplete: begin === place };
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Returns how to stop listening; `closed` is called when the log ends first. */
  listen(added: () => void, closed: () => void): () => void {
    this.#listeners.add(added);
    this.#closers.add(closed);
    return () => {
      this.#listeners.delete(added);
      this.#closers.delete(closed);
    };
  }

  close(): void {
    for (const closed of [...this.#closers]) closed();
    this.#listeners.clear();
    this.#closers.clear();
  }

  get #first(): number {
    return this.#count - this.#kept.length;
  }
}
