/**
 * Matches names against patterns of others in turns: at most half of this peer's time is spent on it, whatever and
 * however many ask.
 */
import type { Clock, Milliseconds } from '@chordial/ring';

/** Yields to other work after this time. */
const turnMilliseconds: Milliseconds = 10;
/** Per query; simple patterns take a microsecond per name. */
const maxMillisecondsPerQuery: Milliseconds = 1000;

export class MatchingTurns {
  readonly #clock: Clock;
  #before: Promise<unknown> = Promise.resolve();
  #owed: Milliseconds = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(): Matching {
    return new Matching((work) => this.#take(work), this.#clock);
  }

  /** Runs after earlier turns and their rest. */
  #take(work: Work): Promise<Milliseconds> {
    const turn = this.#before.then(work);
    this.#before = turn.then(
      (took) => this.#rest(took),
      () => undefined,
    );
    return turn;
  }

  /** Timers are coarse: short rests are accumulated. */
  async #rest(took: Milliseconds): Promise<void> {
    this.#owed += took;
    if (this.#owed < turnMilliseconds) return;
    const rest = this.#owed;
    this.#owed = 0;
    await new Promise<void>((resolve) => this.#clock.after(rest, resolve));
  }
}

/** Followed by the time taken. */
type Work = () => Milliseconds | Promise<Milliseconds>;

/** Time of one query. */
export class Matching {
  readonly #take: (work: Work) => Promise<Milliseconds>;
  readonly #clock: Clock;
  #took: Milliseconds = 0;

  constructor(take: (work: Work) => Promise<Milliseconds>, clock: Clock) {
    this.#take = take;
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
      this.#took += await this.#take(async () => {
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
      this.#took += await this.#take(() => {
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
}
