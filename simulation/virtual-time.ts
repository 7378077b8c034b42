/** Virtual time: a heap of events, run in order of time and then of creation, so one seed gives one trace. */
import type { Clock, Milliseconds, Random, Timer } from '../src/ring/ports.ts';
import type { Process } from './process.ts';

interface Event {
  readonly at: Milliseconds;
  readonly order: number;
  run: (() => void) | null;
}

/** Less would be lost in rounding, and who waits until a moment would wait for ever without time passing. */
const leastDelay: Milliseconds = 0.001;

export class VirtualTime {
  #now: Milliseconds = 0;
  #order = 0;
  #heap: Event[] = [];
  /** Events run so far. */
  steps = 0;

  get now(): Milliseconds {
    return this.#now;
  }

  /** When the next event is due; null when there is none. */
  get nextAt(): Milliseconds | null {
    return this.#heap[0]?.at ?? null;
  }

  after(delay: Milliseconds, run: () => void): Timer {
    const lasting = delay > 0 ? Math.max(delay, leastDelay) : 0;
    const event: Event = { at: this.#now + lasting, order: this.#order++, run };
    this.#push(event);
    return {
      cancel: () => {
        event.run = null;
      },
    };
  }

  /** A clock as one process sees it: it goes on while the process is frozen, and no timer fires once it has ended. */
  clock(process: Process): Clock {
    return {
      now: () => this.#now,
      wallTime: () => 1_700_000_000_000 + Math.floor(this.#now),
      after: (delay, run) => {
        let cancelled = false;
        const timer = this.after(delay, () => {
          process.run(() => {
            if (!cancelled) run();
          });
        });
        return {
          cancel: () => {
            cancelled = true;
            timer.cancel();
          },
        };
      },
    };
  }

  /** Runs the next event; false when there is none. */
  step(): boolean {
    const event = this.#pop();
    if (event === null) return false;
    this.#now = event.at;
    if (event.run !== null) {
      this.steps++;
      event.run();
    }
    return true;
  }

  runUntil(time: Milliseconds, afterEach?: () => void): void {
    while (this.#heap.length > 0 && this.#heap[0]!.at <= time) {
      this.step();
      afterEach?.();
    }
    this.#now = Math.max(this.#now, time);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let child = heap.push(event) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!before(heap[child]!, heap[parent]!)) break;
      [heap[child], heap[parent]] = [heap[parent]!, heap[child]!];
      child = parent;
    }
  }

  #pop(): Event | null {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined) return null;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      let parent = 0;
      for (;;) {
        let child = 2 * parent + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
        if (!before(heap[child]!, heap[parent]!)) break;
        [heap[child], heap[parent]] = [heap[parent]!, heap[child]!];
        parent = child;
      }
    }
    return first;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** A small, fast, seeded generator (mulberry32); the same seed gives the same sequence everywhere. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = state;
      mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    },
  };
}
