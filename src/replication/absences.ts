/**
 * How long ago hosts went: one that is merely away most often comes back within seconds, with its data, and then nothing
 * needs to be copied (spec/4, Repair).
 */
import type { HostId } from '../ring/pointer.ts';
import type { Clock, Milliseconds } from '../ring/ports.ts';
import type { RingView } from '../ring/view.ts';

export class Absences {
  readonly #view: Pick<RingView, 'hosts'>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #graceMilliseconds: Milliseconds;
  #present: ReadonlySet<HostId>;
  /** When each host that is away went; forgotten when the grace is over. */
  readonly #away = new Map<HostId, Milliseconds>();
  #startGraceEnds: Milliseconds = Number.NEGATIVE_INFINITY;

  constructor(view: Pick<RingView, 'hosts'>, clock: Pick<Clock, 'now'>, graceMilliseconds: Milliseconds) {
    this.#view = view;
    this.#clock = clock;
    this.#graceMilliseconds = graceMilliseconds;
    this.#present = this.#hostsNow();
  }

  /** This host came back with data: others that stopped with it may be on their way as well. */
  awaitOthers(): void {
    this.#startGraceEnds = this.#clock.now() + this.#graceMilliseconds;
  }

  /** To be called after every change of the ring. */
  look(): void {
    const present = this.#hostsNow();
    const now = this.#clock.now();
    for (const host of this.#present) if (!present.has(host)) this.#away.set(host, now);
    for (const host of present) this.#away.delete(host);
    this.#present = present;
  }

  /** Until when somebody may come back, or null. */
  graceEnds(): Milliseconds | null {
    const now = this.#clock.now();
    for (const [host, since] of this.#away) if (since + this.#graceMilliseconds <= now) this.#away.delete(host);
    const ends = [...this.#away.values()].map((since) => since + this.#graceMilliseconds);
    const latest = Math.max(this.#startGraceEnds, ...ends);
    return latest > now ? latest : null;
  }

  #hostsNow(): ReadonlySet<HostId> {
    return new Set(this.#view.hosts().map(({ host }) => host));
  }
}
