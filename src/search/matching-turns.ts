/**
 * Matching names against the patterns of others, in turns: at most half of this peer's time goes into it, whatever they ask
 * for and however many ask.
 */
import type { Clock, Milliseconds } from '../ring/ports.ts';

/** After so long others are served. */
const turnMilliseconds: Milliseconds = 10;
/** For one query; simple patterns take a microsecond per name. */
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

  /** Runs when those before it are done and have rested. */
  #take(work: Work): Promise<Milliseconds> {
    const turn = this.#before.then(work);
    this.#before = turn.then(
      (took) => this.#rest(took),
      () => undefined,
    );
    return turn;
  }

  /** Timers are no finer than this is coarse: what little turns took is made up for together. */
  async #rest(took: Milliseconds): Promise<void> {
    this.#owed += took;
    if (this.#owed < turnMilliseconds) return;
    const rest = this.#owed;
    this.#owed = 0;
    await new Promise<void>((resolve) => this.#clock.after(rest, resolve));
  }
}

/** With what it took. */
type Work = () => Milliseconds | Promise<Milliseconds>;

/** That of one query. */
export class Matching {
  readonly #take: (work: Work) => Promise<Milliseconds>;
  readonly #clock: Clock;
  #took: Milliseconds = 0;

  constructor(take: (work: Work) => Promise<Milliseconds>, clock: Clock) {
    this.#take = take;
    this.#clock = clock;
  }

  /** It has had all its time. */
  get isOver(): boolean {
    return this.#took >= maxMillisecondsPerQuery;
  }

  /** What it has had so far. */
  get took(): Milliseconds {
    return this.#took;
  }

  /**
   * The same where another thread finds out, a few at a time.
   * @param match resolves with the places of those that match and the time that it took
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

  /** Those that match, up to where the time was over. */
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
