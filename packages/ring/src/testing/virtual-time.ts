/** Virtual time: events run in order of time and then of creation, so one seed gives one trace. */
import type { Clock, Milliseconds, Random, Timer } from '../host/ports.ts';
import { type Event, EventQueue } from './event-queue.ts';
import type { Process } from './process.ts';

/** Less would be lost in rounding, and who waits until a moment would wait for ever without time passing. */
const minDelay: Milliseconds = 0.001;

export class VirtualTime {
  #now: Milliseconds = 0;
  readonly #queue = new EventQueue();
  /** Events run so far. */
  steps = 0;
  /** How far the clocks on the walls have been put forward. */
  wallAhead: Milliseconds = 0;

  get now(): Milliseconds {
    return this.#now;
  }

  /** Milliseconds since 1970. */
  get wallTime(): Milliseconds {
    return 1_700_000_000_000 + Math.floor(this.#now) + this.wallAhead;
  }

  /** When the next event is due; null when there is none. */
  get nextAt(): Milliseconds | null {
    return this.#queue.size === 0 ? null : this.#queue.nextAt;
  }

  after(delay: Milliseconds, run: () => void): Timer {
    const lasting = delay > 0 ? Math.max(delay, minDelay) : 0;
    const event: Event = { run };
    this.#queue.push(this.#now + lasting, event);
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
      wallTime: () => this.wallTime,
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
    const at = this.#queue.nextAt;
    const event = this.#queue.pop();
    if (event === null) return false;
    this.#now = at;
    if (event.run !== null) {
      this.steps++;
      event.run();
    }
    return true;
  }

  runUntil(time: Milliseconds, afterEach?: () => void): void {
    while (this.#queue.nextAt <= time) {
      this.step();
      afterEach?.();
    }
    this.#now = Math.max(this.#now, time);
  }
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
