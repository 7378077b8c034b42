/**
 * Events by time, then by order of creation: a heap with four children a node, in plain arrays of numbers. Large
 * simulations spend much of their time here, waiting for memory; a shallow heap of numbers touches little of it.
 */
import type { Milliseconds } from '../host/ports.ts';

export interface Event {
  /** null: cancelled. */
  run: (() => void) | null;
}

const children = 4;

export class EventQueue {
  readonly #at: number[] = [];
  readonly #order: number[] = [];
  readonly #events: Event[] = [];
  #created = 0;

  /** When the next event is due; Infinity when there is none. */
  get nextAt(): Milliseconds {
    return this.#at[0] ?? Number.POSITIVE_INFINITY;
  }

  get size(): number {
    return this.#events.length;
  }

  push(at: Milliseconds, event: Event): void {
    const order = this.#created++;
    let hole = this.#events.length;
    this.#at.push(at);
    this.#order.push(order);
    this.#events.push(event);
    while (hole > 0) {
      const parent = ((hole - 1) / children) | 0;
      if (this.#at[parent]! <= at) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#fill(hole, at, order, event);
  }

  pop(): Event | null {
    const [first] = this.#events;
    if (first === undefined) return null;
    const at = this.#at.pop()!;
    const order = this.#order.pop()!;
    const event = this.#events.pop()!;
    const size = this.#events.length;
    if (size === 0) return first;
    let hole = 0;
    for (;;) {
      const child = this.#firstOf(hole * children + 1, size);
      if (child < 0 || !this.#isBefore(child, at, order)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#fill(hole, at, order, event);
    return first;
  }

  /** The earliest of the children that begin at `from`; -1 when there is none. */
  #firstOf(from: number, size: number): number {
    if (from >= size) return -1;
    let best = from;
    const end = Math.min(from + children, size);
    for (let child = from + 1; child < end; child++) {
      if (this.#isBefore(child, this.#at[best]!, this.#order[best]!)) best = child;
    }
    return best;
  }

  #isBefore(place: number, at: Milliseconds, order: number): boolean {
    const other = this.#at[place]!;
    return other < at || (other === at && this.#order[place]! < order);
  }

  #move(from: number, to: number): void {
    this.#at[to] = this.#at[from]!;
    this.#order[to] = this.#order[from]!;
    this.#events[to] = this.#events[from]!;
  }

  #fill(place: number, at: Milliseconds, order: number, event: Event): void {
    this.#at[place] = at;
    this.#order[place] = order;
    this.#events[place] = event;
  }
}
