/**
 * Matches names against patterns of others in turns: at most half of this peer's time is spent on it, whatever and
 * however many ask.
 */
import type { Clock, Milliseconds } from '@chordial/ring';
import { HalfTime } from '../flow/half-time.ts';

/** Yields to other work after this time. */
const turnMilliseconds: Milliseconds = 10;
/** Per query; simple patterns take a microsecond per name. */
const maxMillisecondsPerQuery: Milliseconds = 1000;

/** Of all queries together. Their number is bounded by the broadcasts being searched. */
export function matchingTurns(clock: Clock): HalfTime {
  return new HalfTime({ clock, turnMilliseconds });
}

/** Time of one query. */
export class Matching {
  readonly #turns: HalfTime;
  readonly #clock: Clock;
  #took: Milliseconds = 0;

  constructor(turns: HalfTime, clock: Clock) {
    this.#turns = turns;
    this.#clock = clock;
  }

  /** Its time is used up. */
  get isOver(): boolean {
    return this.#took >= maxMillisecondsPerQuery;
  }

  /** Time used so far. */
  get took(): Milliseconds {
    return this.#took;
  }

  /**
   * The same for matching on another thread, a few names at a time.
   * @param match resolves with the indices of matching names and the time taken
   */
  async filterElsewhere<One>(
    all: readonly One[],
    atOnce: number,
    match: (
      some: readonly One[],
    ) => Promise<{ readonly places: readonly number[]; readonly milliseconds: Milliseconds }>,
  ): Promise<readonly One[]> {
    const found: One[] = [];
    for (let from = 0; from < all.length && !this.isOver; from += atOnce) {
      const some = all.slice(from, from + atOnce);
      await this.#take(async () => {
        const { places, milliseconds } = await match(some);
        found.push(...places.flatMap((place) => some[place] ?? []));
        return milliseconds;
      });
    }
    return found;
  }

  /** The matching names, up to the time limit. */
  async filter<One>(all: readonly One[], matches: (one: One) => boolean): Promise<readonly One[]> {
    const found: One[] = [];
    let next = 0;
    while (next < all.length && !this.isOver) {
      await this.#take(() => {
        const began = this.#clock.now();
        do {
          const one = all[next++]!;
          if (matches(one)) found.push(one);
        } while (next < all.length && this.#clock.now() < began + turnMilliseconds);
        return this.#clock.now() - began;
      });
    }
    return found;
  }

  /** @param work followed by the time taken */
  async #take(work: () => Milliseconds | Promise<Milliseconds>): Promise<void> {
    this.#took += await this.#turns.take(this, work, (took) => took);
  }
}
