/**
 * When a member stabilizes next: soon after a change, ever later while all is quiet. A round that took long shows that
 * somebody has too much to do, and asking more often would only add to it: so many times as long is rested.
 *
 * Quiet rounds of all members of a host fall on one grid: what they ask one host is then one message, and one wakeup.
 */
import type { MemberHost } from './member-host.ts';
import type { Milliseconds, Timer } from './ports.ts';

const restPerRound = 5;

export class StabilizePace {
  readonly #ports: MemberHost;
  readonly #due: () => void;
  #interval: Milliseconds;
  #timer: Timer | null = null;

  constructor(ports: MemberHost, due: () => void) {
    this.#ports = ports;
    this.#due = due;
    this.#interval = ports.timers.stabilizeMinimum;
  }

  /** The first round of a member. */
  begin(): void {
    this.#schedule(this.#interval);
  }

  /** In the middle of a life in which nothing has changed for long. */
  beginSettled(): void {
    this.#interval = this.#ports.timers.stabilizeMaximum;
    this.#schedule(this.#interval * this.#ports.random.next());
  }

  /** After a round that took so long. */
  next(quiet: boolean, took: Milliseconds): void {
    const { stabilizeMinimum, stabilizeMaximum, stabilizeBackoff } = this.#ports.timers;
    this.#interval = quiet ? Math.min(this.#interval * stabilizeBackoff, stabilizeMaximum) : stabilizeMinimum;
    this.#schedule(Math.min(Math.max(this.#interval, restPerRound * took), stabilizeMaximum));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #schedule(interval: Milliseconds): void {
    this.stop();
    const { clock, random, timers } = this.#ports;
    const jitter = 1 + timers.stabilizeJitter * (2 * random.next() - 1);
    const grid = timers.stabilizeGrid;
    const delay = grid === 0 || interval < grid ? interval * jitter : this.#untilGrid(interval, grid);
    this.#timer = clock.after(delay, () => {
      this.#timer = null;
      this.#due();
    });
  }

  #untilGrid(interval: Milliseconds, grid: Milliseconds): Milliseconds {
    const passed = this.#ports.clock.now() - this.#ports.gridStart;
    return Math.max(1, Math.round((passed + interval) / grid) * grid - passed);
  }
}
