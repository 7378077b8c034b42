/**
 * Expensive work for others, such as pages of listings, proofs and matching, done in turns: one piece at a time, with a
 * queue per asker, in at most half of this peer's time. A piece costs milliseconds; done on demand, the hundreds that
 * one asker may request at once would delay every heartbeat and read.
 */
import type { Clock, Milliseconds } from '@chordial/ring';
import { RoundRobin } from './round-robin.ts';

export interface HalfTimeOptions {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** Yields to everything else after this time. */
  readonly turnMilliseconds: Milliseconds;
  /** Without these the callers bound what waits. */
  readonly bounds?: {
    readonly maxWaitingPerAsker: number;
    readonly maxWaitingAskers: number;
    readonly refusal: () => Error;
  };
}

/** One piece of work; never throws or rejects. Its cost, or null: the time until it ended. */
type Piece = () => Milliseconds | null | Promise<Milliseconds | null>;

export class HalfTime {
  readonly #options: HalfTimeOptions;
  readonly #waiting = new RoundRobin<Piece>();
  /** Or resting. */
  #isAtWork = false;
  /** Timers are coarse: short rests are accumulated. */
  #owed: Milliseconds = 0;

  constructor(options: HalfTimeOptions) {
    this.#options = options;
  }

  /**
   * What `work` returns or throws in its turn. Rejects with the refusal when the queue is full.
   * @param costOf rested for in place of the time that it took here; then what fails costs nothing
   */
  take<Result>(
    asker: unknown,
    work: () => Result | Promise<Result>,
    costOf?: (result: Result) => Milliseconds,
  ): Promise<Result> {
    const { bounds } = this.#options;
    if (bounds !== undefined && this.#isFull(asker, bounds)) return Promise.reject(bounds.refusal());
    const done = Promise.withResolvers<Result>();
    const succeed = (result: Result): Milliseconds | null => {
      done.resolve(result);
      return costOf?.(result) ?? null;
    };
    const fail = (error: unknown): Milliseconds | null => {
      done.reject(error);
      return costOf === undefined ? null : 0;
    };
    this.#waiting.push(asker, () => {
      try {
        const result = work();
        return result instanceof Promise ? result.then(succeed, fail) : succeed(result);
      } catch (error) {
        return fail(error);
      }
    });
    if (!this.#isAtWork) this.#work();
    return done.promise;
  }

  #isFull(asker: unknown, { maxWaitingPerAsker, maxWaitingAskers }: NonNullable<HalfTimeOptions['bounds']>): boolean {
    const waiting = this.#waiting.lengthOf(asker);
    return waiting >= maxWaitingPerAsker || (waiting === 0 && this.#waiting.keys >= maxWaitingAskers);
  }

  #work(): void {
    const { clock } = this.#options;
    this.#isAtWork = true;
    while (!this.#isRestDue()) {
      const [piece] = this.#waiting.take(1);
      if (piece === undefined) {
        this.#isAtWork = false;
        return;
      }
      const began = clock.now();
      const cost = piece();
      if (cost instanceof Promise) {
        void cost.then((later) => {
          this.#owed += later ?? clock.now() - began;
          this.#work();
        });
        return;
      }
      this.#owed += cost ?? clock.now() - began;
    }
  }

  /** Nothing is done while it rests; then it continues by itself. */
  #isRestDue(): boolean {
    const rest = this.#owed;
    if (rest < this.#options.turnMilliseconds) return false;
    this.#owed = 0;
    this.#options.clock.after(rest, () => this.#work());
    return true;
  }
}
