/**
 * How long ago hosts left: one that is merely away usually returns within seconds with its data, and then nothing needs
 * to be copied (spec/4, Repair).
 *
 * A returning host sends messages before its members have their places again. Until then its neighbours, taking it for
 * present, would see its places at others and copy all that it holds. So it counts as away until it is a neighbour
 * again and the ring has been quiet for a while, at most for another grace period.
 */
import { type Clock, type HostId, hostsNextTo, type Milliseconds } from '@chordial/ring';
import type { RingView } from '../records/ring-view.ts';
import type { SyncTimes } from './sync-ports.ts';

/** Recent neighbours that are remembered; least recently seen ones are evicted first. */
const maxNeighbours = 4096;
/** After this time what only absent hosts know counts as gone. */
const missedMilliseconds: Milliseconds = 600_000;

export class Absences {
  readonly #view: Pick<RingView, 'hosts' | 'states'>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #times: Pick<SyncTimes, 'graceMilliseconds' | 'quietMilliseconds'>;
  /** Removed from the network: it does not return. */
  readonly #isRemoved: (host: HostId) => boolean;
  /** It is handing over what it holds, in order to leave. */
  readonly #isLeaving: (host: HostId) => boolean;
  #present: ReadonlySet<HostId>;
  /** Hosts adjacent to this one's members at the last look. Any other host has no place in its arcs. */
  #neighbours: ReadonlySet<HostId>;
  /**
   * The same and earlier ones, with when they were last seen, oldest first: lists may drop a host before it is known to
   * be gone.
   */
  readonly #neighboursOfLate = new Map<HostId, Milliseconds>();
  /** When each absent neighbour left; forgotten after the grace period. */
  readonly #away = new Map<HostId, Milliseconds>();
  /** The same of those that did not hand over before, for longer: what only they know exists all the same. */
  readonly #missed = new Map<HostId, Milliseconds>();
  /** When each one returned; forgotten once it has its places. */
  readonly #back = new Map<HostId, Milliseconds>();
  #startGraceEnds: Milliseconds = Number.NEGATIVE_INFINITY;
  #lastChange: Milliseconds;

  constructor(
    view: Pick<RingView, 'hosts' | 'states'>,
    clock: Pick<Clock, 'now'>,
    times: Pick<SyncTimes, 'graceMilliseconds' | 'quietMilliseconds'>,
    goes: { isRemoved(host: HostId): boolean; isLeaving(host: HostId): boolean },
  ) {
    this.#isRemoved = goes.isRemoved;
    this.#isLeaving = goes.isLeaving;
    this.#view = view;
    this.#clock = clock;
    this.#times = times;
    this.#lastChange = clock.now();
    this.#present = this.#hostsNow();
    this.#neighbours = this.#neighboursNow();
  }

  /** This host returned with data: others that stopped with it may be returning as well. */
  awaitOthers(): void {
    this.#startGraceEnds = this.#clock.now() + this.#times.graceMilliseconds;
  }

  /** Called after every change of the ring. */
  look(): void {
    this.#forgetOver();
    this.#rememberNeighbours();
    const present = this.#hostsNow();
    const now = this.#clock.now();
    for (const host of this.#present) {
      if (present.has(host) || !this.#neighboursOfLate.has(host) || this.#isRemoved(host)) continue;
      this.#away.set(host, now);
      this.#back.delete(host);
      if (!this.#isLeaving(host)) this.#missed.set(host, now);
    }
    for (const host of present) this.#missed.delete(host);
    for (const host of present) if (this.#away.delete(host)) this.#back.set(host, now);
    this.#present = present;
    this.#lastChange = now;
  }

  /** Until when a host may return or be about to take its places, or null. */
  graceEnds(): Milliseconds | null {
    this.#forgetOver();
    const ends = [...this.#away.values()].map((since) => since + this.#times.graceMilliseconds);
    for (const [host, since] of this.#back) ends.push(this.#placedAt(host, since));
    const latest = Math.max(this.#startGraceEnds, ...ends);
    return latest > this.#clock.now() ? latest : null;
  }

  /** Neighbours that went of late without handing over, and did not return: the last one to go comes last. */
  missed(): readonly HostId[] {
    const since = this.#clock.now() - missedMilliseconds;
    for (const [host, went] of this.#missed) if (went <= since || this.#isRemoved(host)) this.#missed.delete(host);
    return [...this.#missed.keys()];
  }

  /** This host has just returned and does not see yet who else is there: what seems rare may only not be visible yet. */
  isFindingOthers(): boolean {
    const now = this.#clock.now();
    return now < this.#startGraceEnds && now < this.#lastChange + this.#times.quietMilliseconds;
  }

  /** A late message of a stopped host makes it seem back: then it has no place here, and the whole grace period applies. */
  #placedAt(host: HostId, since: Milliseconds): Milliseconds {
    const { graceMilliseconds, quietMilliseconds } = this.#times;
    if (!this.#neighbours.has(host)) return since + graceMilliseconds;
    return Math.min(since + graceMilliseconds, this.#lastChange + quietMilliseconds);
  }

  #forgetOver(): void {
    const now = this.#clock.now();
    for (const [host, since] of this.#away) if (since + this.#times.graceMilliseconds <= now) this.#away.delete(host);
    for (const [host, since] of this.#back) if (this.#placedAt(host, since) <= now) this.#back.delete(host);
  }

  #rememberNeighbours(): void {
    const now = this.#clock.now();
    const before = this.#neighbours;
    this.#neighbours = this.#neighboursNow();
    for (const host of [...before, ...this.#neighbours]) {
      this.#neighboursOfLate.delete(host);
      this.#neighboursOfLate.set(host, now);
    }
    for (const [host, last] of this.#neighboursOfLate) {
      if (last + this.#times.graceMilliseconds >= now && this.#neighboursOfLate.size <= maxNeighbours) break;
      this.#neighboursOfLate.delete(host);
    }
  }

  #neighboursNow(): ReadonlySet<HostId> {
    return hostsNextTo(this.#view.states());
  }

  #hostsNow(): ReadonlySet<HostId> {
    return new Set(this.#view.hosts().map(({ host }) => host));
  }
}
